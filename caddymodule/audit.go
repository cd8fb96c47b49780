package caddymodule

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"

	"sallyport.example/sallyport/event"
)

// auditLogger is a module only because Caddy needs one to find out which logs take a logger's lines.
type auditLogger struct{}

// CaddyModule names the logger. No configuration can load this.
func (auditLogger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: event.AuditLogger, New: func() caddy.Module { return new(auditLogger) }}
}

// auditLog is the logger of security events, for `include` and `exclude` in the configuration's logs.
//
// Each event is one line of this logger, with both the message for people and the fields for programs, and is logged
// nowhere else. So without any configuration each event is once in the default log. An operator who sends this logger
// to another log decides by `exclude` whether the default log has it too, as with Caddy's access logs.
func auditLog(ctx caddy.Context) *slog.Logger {
	const never = slog.Level(127) // an event has no stack trace, at any level
	return slog.New(zapslog.NewHandler(ctx.Logger(auditLogger{}).Core(), zapslog.WithName(event.AuditLogger), zapslog.AddStacktraceAt(never)))
}
