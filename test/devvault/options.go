//go:build !race

package main

import (
	"flag"
	"fmt"
	"io"

	"sallyport.example/sallyport/test/devvault/server"
)

// options are the options of the command line.
type options struct {
	listen, standbyListen, control string
	storage                        server.Storage
	tls, standby, stay, initialise bool
	log                            string
}

// parseOptions reads the command line. Errors are for the person who typed it.
func parseOptions(arguments []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("devvault", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` for clients")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "loopback `address` for faults, counts, seal and unseal")
	storage := flags.String("storage", server.Memory, "memory, file:<folder> or raft:<folder>")
	flags.BoolVar(&o.tls, "tls", false, "serve TLS, with a certificate of an own authority")
	flags.BoolVar(&o.standby, "standby", false, "run a second node that stands by the first")
	flags.StringVar(&o.standbyListen, "standby-listen", "127.0.0.1:0", "loopback `address` of the standby for clients")
	flags.BoolVar(&o.initialise, "init", true, "initialise a new Vault and unseal it; otherwise leave it as it is")
	flags.BoolVar(&o.stay, "stay", false, "for people: print export lines, and stay until interrupted")
	flags.StringVar(&o.log, "log", "warn", "`level` of Vault's log on standard error: trace, debug, info, warn, error")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	var err error
	o.storage, err = server.ParseStorage(*storage)
	return o, err
}
