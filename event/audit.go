package event

import (
	"context"
	"log/slog"
	"time"
)

// AuditLogger is the name of the logger that a program should give to NewAudit.
const AuditLogger = "second_factor.audit"

// audit is the Sink that writes a line for each event.
type audit struct{ logger *slog.Logger }

// NewAudit makes a Sink that writes each event to a logger, as one line. It begins with the fields that every event
// has, empty where there is nothing to say, so that programs can rely on them; those of its kind follow. How fast that
// is depends on the logger: Caddy's writes to where its configuration says.
func NewAudit(logger *slog.Logger) Sink { return audit{logger} }

// Emit implements Sink.
func (a audit) Emit(ctx context.Context, event Event) {
	line := lineOf(event)
	if !a.logger.Enabled(ctx, line.level) {
		return
	}
	a.logger.LogAttrs(ctx, line.level, line.message, event.attributes(line)...)
}

// attributes are the fields of an event's line.
func (e Event) attributes(line line) []slog.Attr {
	attributes := e.common()
	for _, name := range line.fields {
		if attribute, ok := e.field(name); ok {
			attributes = append(attributes, attribute)
		}
	}
	return attributes
}

// common are the fields that every event has, in this order.
func (e Event) common() []slog.Attr {
	return append(make([]slog.Attr, 0, 14),
		slog.String("event", string(e.Name)),
		slog.String("app", e.App),
		slog.String("user", e.told()),
		slog.String("actor", string(e.Actor)),
		slog.String("method", e.Method),
		slog.String("outcome", string(e.Outcome)),
		slog.String("reason", e.why()),
		slog.String("client", e.Client),
		slog.String("session", e.Session),
		slog.String("request", e.Request),
	)
}

// told is the user's name as it may be told: none of a login that was not accepted, whoever might fill it in (P9).
func (e Event) told() string {
	if e.Name == LoginFailed || e.Name == LoginRefused {
		return ""
	}
	return e.User
}

// why is the reason: of a store that is away, what it said.
func (e Event) why() string {
	if e.Name == StoreUnavailable && e.Reason == "" {
		return e.Detail
	}
	return e.Reason
}

// Fields are what the line of an event says, by their names, for who passes the event on. A time is text, in UTC
// (RFC 3339).
func (e Event) Fields() map[string]any {
	attributes := e.attributes(lineOf(e))
	fields := make(map[string]any, len(attributes))
	for _, attribute := range attributes {
		if attribute.Value.Kind() == slog.KindTime {
			fields[attribute.Key] = attribute.Value.Time().UTC().Format(time.RFC3339)
			continue
		}
		fields[attribute.Key] = attribute.Value.Any()
	}
	return fields
}
