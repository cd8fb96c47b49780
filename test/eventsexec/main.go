// Command eventsexec is a Caddy with Sallyport and with a handler of Caddy's events that runs a command, as an operator
// would build it. docs/audit.md shows the handler, whose words are those of github.com/mholt/caddy-events-exec.
package main

import (
	"context"
	"os/exec"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "sallyport.example/sallyport/caddymodule"
)

func init() { caddy.RegisterModule(new(Run)) }

func main() { caddycmd.Main() }

// Run runs a command on an event. Placeholders in its arguments are replaced.
type Run struct {
	Command string   `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Run) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.exec", New: func() caddy.Module { return new(Run) }}
}

// UnmarshalCaddyfile reads `exec <command> <argument>...`.
func (r *Run) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.NextArg() {
		return d.ArgErr()
	}
	r.Command, r.Args = d.Val(), d.RemainingArgs()
	return nil
}

// Handle implements caddyevents.Handler.
func (r *Run) Handle(ctx context.Context, _ caddy.Event) error {
	replacer, _ := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	arguments := make([]string, len(r.Args))
	for i, argument := range r.Args {
		arguments[i] = replacer.ReplaceAll(argument, "")
	}
	return exec.CommandContext(ctx, r.Command, arguments...).Run()
}

var (
	_ caddyevents.Handler   = (*Run)(nil)
	_ caddyfile.Unmarshaler = (*Run)(nil)
)
