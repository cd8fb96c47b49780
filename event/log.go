package event

import (
	"context"
	"log/slog"
)

// log is the Sink that writes a line for people on call.
type log struct{ logger *slog.Logger }

// NewLog makes a Sink that writes each event to a logger. How fast that is depends on the logger: Caddy's writes to
// where its configuration says.
func NewLog(logger *slog.Logger) Sink { return log{logger} }

// line is a line of the log.
type line struct {
	level   slog.Level
	message string
	// fields are the names of what it tells, in this order.
	fields []string
}

func info(message string, fields ...string) line { return line{slog.LevelInfo, message, fields} }

func warn(message string, fields ...string) line { return line{slog.LevelWarn, message, fields} }

func failure(message string, fields ...string) line { return line{slog.LevelError, message, fields} }

// Emit implements Sink.
func (l log) Emit(ctx context.Context, event Event) {
	if event.Name == ChallengePassed && event.Method == MethodTrusted {
		l.write(ctx, event, info("no code is asked for: the browser is trusted", "app", "user", "client"))
	}
	l.write(ctx, event, lineOf(event))
}

func (l log) write(ctx context.Context, event Event, line line) {
	if !l.logger.Enabled(ctx, line.level) {
		return
	}
	attributes := make([]slog.Attr, 0, len(line.fields))
	for _, name := range line.fields {
		if attribute, ok := event.field(name); ok {
			attributes = append(attributes, attribute)
		}
	}
	l.logger.LogAttrs(ctx, line.level, line.message, attributes...)
}

// field is what an event says under a name in the log.
func (e Event) field(name string) (attribute slog.Attr, ok bool) {
	switch name {
	case "app":
		return slog.String(name, e.App), true
	case "user", "is":
		return slog.String(name, e.User), true
	case "was":
		return slog.String(name, e.Was), true
	case "actor":
		return slog.String(name, string(e.Actor)), true
	case "reason":
		return slog.String(name, e.Reason), true
	case "client":
		return slog.String(name, e.Client), true
	case "state":
		return slog.String(name, e.State), true
	case "method":
		return slog.String(name, e.Method), true
	case "change":
		return slog.String(name, e.Name.Change()), true
	case "setting":
		return slog.String(name, e.Setting), true
	case "why", "error":
		return slog.String(name, e.Detail), true
	case "status":
		return slog.Int(name, e.Status), true
	case "throttled":
		return slog.Bool(name, e.Reason == ReasonThrottled || e.Reason == ReasonStopped), true
	case "all":
		return slog.Bool(name, e.All), true
	case "until":
		return slog.Time(name, e.Until), true
	case "cookies":
		return slog.Any(name, e.Cookies), true
	case "left":
		if e.Left == nil {
			return slog.Attr{}, false
		}
		return slog.Int(name, *e.Left), true
	}
	return slog.Attr{}, false
}

// notTrusted is the message about a browser that was trusted.
const notTrusted = "the browser was trusted and is not any more, shows a secret that was used before, " +
	"or has not the key"

// lineOf is the line of an event. Operators look for the words and the fields: they stay as they are.
func lineOf(e Event) line {
	switch e.Name {
	case LoginAccepted:
		return info("login accepted by the app", "app", "user", "state", "client")
	case LoginFailed:
		return info("login failed", "app", "client")
	case LoginRefused:
		if e.Reason == ReasonUnclear {
			return failure("login refused: its answer cannot be judged", "setting", "app", "error")
		}
		return info("login refused", "app", "status", "why", "client")
	case ChallengePassed:
		if e.Reason == ReasonChange {
			return info("fresh code given", "app", "user", "method")
		}
		return info("session verified", "app", "user", "method", "client")
	case ChallengeFailed:
		if e.Reason == ReasonNotTrusted {
			return warn(notTrusted, "app", "user", "client")
		}
		return info("code refused", "app", "user", "throttled", "client")
	case Throttled:
		return info("too many wrong codes: none is judged for a while", "app", "user", "until", "client")
	case Stopped:
		return warn("too many wrong codes: none is judged until an operator acts", "app", "user", "client")
	case FactorAdded, FactorRemoved, FactorReset, FactorsDisabled, RecoveryCodesMade:
		return info("second factor changed", "app", "user", "change", "client")
	case RecoveryCodeUsed:
		return info("recovery code used", "app", "user", "left")
	case BrowserTrusted:
		return info("browser trusted", "app", "user", "client")
	case BrowserForgotten:
		if e.Reason == ReasonMisused {
			return warn(notTrusted, "app", "user", "client")
		}
		return info("trusted browsers forgotten", "app", "user", "all")
	case OperatorReset:
		return warn("second factor reset by an operator", "app", "user", "actor", "reason", "client")
	case OperatorCode:
		return warn("code made by an operator", "app", "user", "actor", "reason", "client")
	case Unlocked:
		return warn("wrong codes forgotten by an operator", "app", "user", "actor", "reason", "client")
	case SignedOut:
		if e.Actor.IsOperator() {
			return warn("signed out by an operator", "app", "user", "actor", "reason", "client")
		}
		if e.Reason == ReasonApp {
			return info("signed out by the app", "app", "user")
		}
		return info("signed out", "app", "user")
	case SessionEnded:
		return lineOfEnd(e)
	case IdentityChanged:
		return warn("the app's session belongs to somebody else now", "app", "was", "is", "client")
	case StoreUnavailable:
		return warn("a store is not available", "setting", "app", "error")
	case StoreRecovered:
		return info("the store is available again", "setting", "app")
	}
	return info(string(e.Name), "app", "user", "client")
}

func lineOfEnd(e Event) line {
	switch e.Reason {
	case ReasonApp:
		return info("the app ended its session; so does the gateway", "app", "user")
	case ReasonCookie:
		return warn("a held cookie changed outside a login; the session was ended", "setting", "app", "user", "cookies")
	case ReasonOverflow:
		return warn("the app sets more cookies than a session can hold; nothing of them is used", "setting", "app", "error")
	case ReasonTwoUsers:
		return warn("the app's session is of two users at once; it was ended", "setting", "app", "client")
	case ReasonUnseen:
		return warn("the app's answer was not seen, and it cannot be asked who is signed in; the session was ended",
			"setting", "app", "user")
	}
	if e.All {
		return info("other sessions ended", "app", "user", "client")
	}
	return info("session ended by its user", "app", "user", "client")
}
