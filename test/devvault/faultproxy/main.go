// Command faultproxy puts devvault's fault layer in front of a Vault that runs elsewhere. It contains nothing of Vault,
// so it builds in a second.
//
//	faultproxy -upstream http://127.0.0.1:8200 [-upstream-ca file] [-listen address] [-control address]
//	           [-tls] [-folder folder]
//
// Requests that control Vault itself (seal, unseal, health) are answered with 501 at its control address. Otherwise it
// is used as devvault is: it prints one line of JSON and ends when its standard input closes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"sallyport.example/sallyport/test/devvault/fault"
	"sallyport.example/sallyport/test/devvault/front"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "faultproxy:", err)
		}
		stop()
		os.Exit(1)
	}
}

// run serves until the context ends or the input closes.
func run(ctx context.Context, arguments []string, input io.Reader, output, errorOutput io.Writer) error {
	flags := flag.NewFlagSet("faultproxy", flag.ContinueOnError)
	flags.SetOutput(errorOutput)
	upstream := flags.String("upstream", "", "`address` of the Vault behind it, with its scheme")
	upstreamCA := flags.String("upstream-ca", "", "PEM `file` of the authority of its certificate; default: the system's")
	address := flags.String("listen", "127.0.0.1:0", "loopback `address` for clients")
	controlAddress := flags.String("control", "127.0.0.1:0", "loopback `address` for faults and counts")
	secure := flags.Bool("tls", false, "serve TLS, with a certificate of an own authority")
	folder := flags.String("folder", "", "`folder` of that authority; default: a temporary one")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	target, err := url.Parse(*upstream)
	if err != nil || target.Host == "" || flags.NArg() > 0 {
		return fmt.Errorf("-upstream %q is no address with a scheme, or there are further arguments", *upstream)
	}
	ctx, cancel := front.UntilClosed(ctx, input)
	defer cancel()
	problems := log.New(errorOutput, "faultproxy: ", log.LstdFlags)

	var authority *front.Authority
	if *secure {
		opened, forget, err := front.OpenAuthorityIn(*folder)
		if err != nil {
			return err
		}
		defer forget()
		authority = opened
	}
	proxy, err := newProxy(target, *upstreamCA, problems)
	if err != nil {
		return err
	}
	layer := fault.NewLayer(proxy)
	listener, err := front.Listen(*address, authority.TLS(), problems)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	control, err := front.Listen(*controlAddress, nil, problems)
	if err != nil {
		return fmt.Errorf("control address: %w", err)
	}
	defer func() { _ = control.Close() }()
	listener.Serve(layer)
	control.Serve(front.Control(&front.Node{Listener: listener, Layer: layer}, nil, authority))
	ready := front.Ready{Address: listener.URL(), Control: control.URL(), CACert: authority.File(), Direct: []string{target.String()}}
	if err := ready.Announce(output); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
