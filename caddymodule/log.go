package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"

	"sallyport.example/sallyport/event"
)

// forwardLog writes to Caddy's log as configured at that moment. Objects that outlive a configuration use it, because
// they must not keep that configuration's logger.
var forwardLog = slog.New(forwarder{name: appID})

// forwardAudit is forwardLog for security events that come from a command, and not from a site of a running
// configuration.
var forwardAudit = slog.New(forwarder{name: event.AuditLogger})

type forwarder struct {
	name string
	wrap []func(slog.Handler) slog.Handler
}

func (f forwarder) present() slog.Handler {
	var handler slog.Handler = zapslog.NewHandler(caddy.Log().Core(), zapslog.WithName(f.name))
	for _, wrap := range f.wrap {
		handler = wrap(handler)
	}
	return handler
}

// Enabled implements slog.Handler.
func (f forwarder) Enabled(ctx context.Context, level slog.Level) bool {
	return f.present().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (f forwarder) Handle(ctx context.Context, record slog.Record) error {
	return f.present().Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (f forwarder) WithAttrs(attributes []slog.Attr) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attributes) })
}

// WithGroup implements slog.Handler.
func (f forwarder) WithGroup(name string) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f forwarder) with(wrap func(slog.Handler) slog.Handler) forwarder {
	return forwarder{name: f.name, wrap: append(f.wrap[:len(f.wrap):len(f.wrap)], wrap)}
}
