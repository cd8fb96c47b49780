package caddymodule

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// Version is the version of a release. The linker sets it:
// -ldflags '-X sallyport.example/sallyport/caddymodule.Version=v1.2.3'. Default: what Go knows of the build.
var Version string

// rootLong begins the help of the program.
const rootLong = `Sallyport asks for a second factor in front of a web app that already has a password login. The app is not changed: its own
login works as it does, and Sallyport keeps the app's session until a code is given.

    sallyport demo                           the whole thing on this machine, with a small app
    sallyport preset list                    the apps that are known already
    sallyport learn http://127.0.0.1:8000    a block for an app of your own
    sallyport validate --config Caddyfile    is the configuration right?
    sallyport run --config Caddyfile         serve
    sallyport explain 'GET https://...'      what becomes of a request, and why

Sallyport is the web server Caddy with this module built in. It is configured by a Caddyfile, and has all of Caddy's commands but
those that would put another binary in its place. https://caddyserver.com/docs/ explains Caddy's own.`

// modulePath is the path of the Go module.
const modulePath = "sallyport.example/sallyport"

// replacers are Caddy's commands that replace the binary by one without this module.
var replacers = []string{"upgrade", "add-package", "remove-package"}

// settleRoot gives the program's root command Sallyport's version, and removes the replacers.
func settleRoot(root *cobra.Command) {
	for _, inner := range root.Commands() {
		if slices.Contains(replacers, inner.Name()) || inner.Name() == "version" {
			root.RemoveCommand(inner)
		}
	}
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "The version of Sallyport, and of Caddy", Args: cobra.NoArgs,
		RunE: func(made *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(made.OutOrStdout(), versionText())
			return err
		},
	})
	root.Version = versionText()
	root.Example = "" // the text above has them
	root.Args, root.RunE = unknownAtRoot, func(made *cobra.Command, _ []string) error { return made.Help() }
}

// unknownAtRoot refuses words that are no commands, and suggests one.
func unknownAtRoot(root *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	var known []string
	for _, inner := range root.Commands() {
		if inner.IsAvailableCommand() {
			known = append(known, inner.Name())
		}
	}
	if near := nearest(arguments[0], known); near != "" {
		return fmt.Errorf("unknown command '%s': did you mean '%s'?", arguments[0], near)
	}
	return fmt.Errorf("unknown command '%s': 'sallyport help' lists those that there are", arguments[0])
}

// versionText is the output of the version command: Sallyport's version, and Caddy's on a line of its own.
func versionText() string {
	_, server := caddy.Version()
	return "Sallyport " + ownVersion() + "\nCaddy " + server
}

// ownVersion is Version, or else what Go recorded in the build: the module's version, or the commit.
func ownVersion() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	of := info.Main
	for _, dependency := range info.Deps {
		if dependency.Path == modulePath {
			of = *dependency
		}
	}
	if of.Path == modulePath && of.Version != "" && of.Version != "(devel)" {
		return of.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && info.Main.Path == modulePath {
			return "(devel) " + setting.Value
		}
	}
	return "(devel)"
}
