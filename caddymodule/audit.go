package caddymodule

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"

	"sallyport.example/sallyport/event"
)

// auditLogger stands for a module where Caddy wants one to know which logs take a logger's lines.
type auditLogger struct{}

// CaddyModule names the logger. No configuration can load this.
func (auditLogger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: event.AuditLogger, New: func() caddy.Module { return new(auditLogger) }}
}

// auditLog is the logger of security events, for `include` and `exclude` in the configuration's logs.
//
// Each event is one line there, which has both the words for people and the fields for programs, and no line anywhere
// else. So whoever configures nothing has each event once, in the default log; and whoever sends this logger elsewhere
// decides by `exclude`, as with Caddy's access logs, whether the default log has it too.
func auditLog(ctx caddy.Context) *slog.Logger {
	const never = slog.Level(127) // no stack belongs to an event, at no level
	return slog.New(zapslog.NewHandler(ctx.Logger(auditLogger{}).Core(), zapslog.WithName(event.AuditLogger), zapslog.AddStacktraceAt(never)))
}
