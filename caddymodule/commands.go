package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// command is one of Sallyport's commands: a group of other commands, or one that runs. It may be registered under
// several names, so the cobra command is made anew for each.
type command struct {
	name, usage, short, long string
	// set adds flags and sets the function that runs.
	set func(*cobra.Command)
	// inner are the commands of a group.
	inner []command
}

// ownCommands returns the commands. In any Caddy that has this module they are below `second-factor`.
func ownCommands() []command {
	return []command{userCommands(), vaultCommands(), secretsCommands(), presetCommands(), explainCommand(), learnCommand(), codeCommand()}
}

// rootName is the only command that Sallyport adds to a Caddy.
const rootName = "second-factor"

// shownAtRoot are the commands that the root's help shows too; CommandsAtRoot sets them.
var shownAtRoot = make(map[string]bool)

// settles says that settleRoot is to be called, and atRoot is a command that was added to the root. Caddy gives no
// access to the root, but a command that was added to it does.
var (
	settles bool
	atRoot  *cobra.Command
)

func init() {
	command{
		name: rootName, short: "Commands of the second factor: user, vault, secrets, preset, explain, learn, code",
		long: "The commands of Sallyport, which asks for a second factor in front of web apps.", inner: ownCommands(),
	}.register(false)
	for _, alias := range aliases() {
		alias.register(true)
	}
}

// aliases are the former names of commands at the root of any Caddy. They are kept because scripts may use them.
func aliases() []command {
	vault, secrets := vaultCommands().inner, secretsCommands()
	named := func(name string, c command) command { c.name = name; return c }
	return []command{
		named("vault-check", vault[0]), named("vault-policy", vault[1]), named("vault-rotate-session-key", vault[2]),
		named("move-secrets", secrets.inner[1]), secrets, presetCommands(),
	}
}

// CommandsAtRoot adds all commands to the root of the program too, so that `sallyport vault check` is the same as
// `sallyport second-factor vault check`, and gives the root Sallyport's name, help and version. A program that has no
// other purpose calls it before Caddy's Main.
func CommandsAtRoot() {
	caddy.CustomBinaryName, caddy.CustomLongDescription = "sallyport", rootLong
	settles = true
	for _, c := range ownCommands() {
		shownAtRoot[c.name] = true
		if !slices.ContainsFunc(aliases(), func(alias command) bool { return alias.name == c.name }) {
			c.register(false)
		}
	}
}

// register adds a command to the root. A hidden command works, but no help shows it.
func (c command) register(hidden bool) {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: c.name, Usage: c.use(), Short: c.short, Long: c.long,
		CobraFunc: func(made *cobra.Command) {
			made.Hidden = hidden && !shownAtRoot[c.name]
			c.fill(made)
			if c.name == rootName {
				atRoot = made
			} else if settles && atRoot != nil && atRoot.HasParent() {
				settleRoot(atRoot.Root())
				settles = false
			}
		},
	})
}

// use returns what follows the command's name in the help.
func (c command) use() string {
	if c.inner != nil {
		return "<command>"
	}
	return c.usage
}

// cobra makes the cobra command.
func (c command) cobra() *cobra.Command {
	made := &cobra.Command{Use: strings.TrimSpace(c.name + " " + c.use()), Short: c.short, Long: c.long}
	c.fill(made)
	return made
}

func (c command) fill(made *cobra.Command) {
	made.SilenceUsage = true
	if c.inner == nil {
		c.set(made)
		return
	}
	var names []string
	for _, inner := range c.inner {
		made.AddCommand(inner.cobra())
		names = append(names, inner.name)
	}
	made.Args = func(made *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return nil
		}
		return fmt.Errorf("%s: %w", made.CommandPath(), unknown("command", arguments[0], names))
	}
	made.RunE = func(made *cobra.Command, _ []string) error { return made.Help() }
}
