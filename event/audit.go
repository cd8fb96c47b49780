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

// NewAudit makes a Sink that writes each event to a logger, as one line. The line begins with the fields that every
// event has, even if they are empty, so that programs can rely on them. The fields of the event's kind follow. How fast
// Emit is depends on the logger.
func NewAudit(logger *slog.Logger) Sink { return audit{logger} }

// Emit implements Sink.
func (a audit) Emit(ctx context.Context, event Event) {
	line := lineOf(event)
	if !a.logger.Enabled(ctx, line.level) {
		return
	}
	a.logger.LogAttrs(ctx, line.level, line.message, event.attributes(line)...)
}

// attributes returns the fields of an event's line.
func (e Event) attributes(line line) []slog.Attr {
	attributes := e.common()
	for _, name := range line.fields {
		if attribute, ok := e.field(name); ok {
			attributes = append(attributes, attribute)
		}
	}
	return attributes
}

// common returns the fields that every event has, in their order.
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

// told returns the user's name as it may be written: never that of a login that was not accepted, even if User is set
// (P9).
func (e Event) told() string {
	if e.Name == LoginFailed || e.Name == LoginRefused {
		return ""
	}
	return e.User
}

// why returns the reason; for a store that is not available, its error.
func (e Event) why() string {
	if e.Name == StoreUnavailable && e.Reason == "" {
		return e.Detail
	}
	return e.Reason
}

// Fields returns the fields of an event's line by their names, for sinks that pass the event on. A time is text, in UTC
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
