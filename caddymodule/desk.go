package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"sallyport.example/sallyport/desk"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/pages"
)

func init() {
	caddy.RegisterModule(new(Desk))
	httpcaddyfile.RegisterHandlerDirective("second_factor_desk", parseDesk)
	// After every handler that may set the operator's name, including second_factor, which is right after forward_auth.
	httpcaddyfile.RegisterDirectiveOrder("second_factor_desk", httpcaddyfile.Before, "request_header")
}

// Desk is the help desk: pages on which operators find users of some apps, see how they stand, and reset, unlock or
// sign them out, or make a code for them. An earlier handler signs the operators in; a request without an operator
// gets 403.
//
//	second_factor_desk {
//		apps     <name>...
//		operator <placeholder>
//		base     <path>
//	}
type Desk struct {
	// The names of the apps whose users may be helped. Required.
	Apps []string `json:"apps,omitempty"`
	// The placeholder that has the operator's name, such as `{http.auth.user.id}`. Required.
	Operator string `json:"operator,omitempty"`
	// The path below which the pages live. Default: `/`
	Base string `json:"base,omitempty"`

	desk *desk.Desk
}

// CaddyModule returns the Caddy module information.
func (*Desk) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.second_factor_desk", New: func() caddy.Module { return new(Desk) }}
}

// Provision makes the desk. It opens nothing. An app need not have a site in this configuration.
func (d *Desk) Provision(ctx caddy.Context) error {
	loaded, err := ctx.App(appID)
	if err != nil {
		return fmt.Errorf("second_factor_desk: %w", err)
	}
	app, logger := loaded.(*App), ctx.Slogger()
	if err := checkTransport(ctx, logger); err != nil {
		return err
	}
	who, err := deskOperator(d.Operator)
	if err != nil {
		return fmt.Errorf("second_factor_desk: operator: %w", err)
	}
	strays := make(helpable)
	for _, name := range d.Apps {
		if name == "" {
			return errors.New("second_factor_desk: apps: a name is empty")
		}
		if strays[name], err = app.strayApp(name, event.NewAudit(auditLog(ctx))); err != nil {
			return fmt.Errorf("second_factor_desk: apps: %w", err)
		}
	}
	config := desk.Config{
		Base: d.Base, Apps: d.Apps, Operator: who, Client: func(r *http.Request) string { return withoutPort(clientAddress(r)) },
		Secure: secure, Pages: pages.New(pages.Options{}), Logger: logger,
		Operators: app.operators(func(name string) (operator.App, bool) {
			if !slices.Contains(d.Apps, name) {
				return operator.App{}, false
			}
			if here, ok := app.sites.find(name); ok {
				return here, true
			}
			stray, ok := strays[name]
			return stray, ok
		}),
		Keys: func(ctx context.Context) ([][]byte, error) {
			return app.sessions.Shared().Keys(ctx, "sallyport help desk")
		},
	}
	if d.desk, err = desk.New(config); err != nil {
		return fmt.Errorf("second_factor_desk: %w", err)
	}
	return nil
}

func withoutPort(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// ServeHTTP shows the desk's pages.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return d.desk.ServeHTTP(w, r, next.ServeHTTP)
}

func parseDesk(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	d := new(Desk)
	if err := d.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return d, nil
}

// UnmarshalCaddyfile reads the block.
func (d *Desk) UnmarshalCaddyfile(dispenser *caddyfile.Dispenser) error {
	dispenser.Next()
	here := place{token: dispenser.Token()}
	if dispenser.NextArg() {
		return here.wrap(named("second_factor_desk", errCount))
	}
	said, err := deskWords().read(dispenser, d)
	if err != nil {
		return err
	}
	for _, word := range []string{"apps", "operator"} {
		if len(said[word]) == 0 {
			return here.wrap(fmt.Errorf("second_factor_desk: '%s' is missing", word))
		}
	}
	return nil
}

// deskWords are the words of `second_factor_desk`.
func deskWords() table[Desk] {
	return table[Desk]{
		{name: "apps", form: "<name>...", read: func(d *caddyfile.Dispenser, block *Desk, _ places) error {
			if block.Apps = d.RemainingArgs(); len(block.Apps) == 0 {
				return errCount
			}
			return noBlock(d)
		}},
		row("operator", "<placeholder>", text(func(value string) error {
			_, err := deskOperator(value)
			return err
		}), func(d *Desk) *string { return &d.Operator }, nil),
		row("base", "<path>", text(func(value string) error {
			if !strings.HasPrefix(value, "/") || strings.ContainsAny(value, "?#*{}") {
				return fmt.Errorf("'%s': want a path, such as /desk", value)
			}
			return nil
		}), func(d *Desk) *string { return &d.Base }, nil),
	}
}

var (
	_ caddy.Provisioner           = (*Desk)(nil)
	_ caddyhttp.MiddlewareHandler = (*Desk)(nil)
	_ caddyfile.Unmarshaler       = (*Desk)(nil)
)
