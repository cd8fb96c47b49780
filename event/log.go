package event

import "log/slog"

// line is the log line of an event, for people on call.
type line struct {
	level   slog.Level
	message string
	// fields are the fields that only some events have, in this order. Those of all events are written in any case.
	fields []string
}

func info(message string, fields ...string) line { return line{slog.LevelInfo, message, fields} }

func warn(message string, fields ...string) line { return line{slog.LevelWarn, message, fields} }

func failure(message string, fields ...string) line { return line{slog.LevelError, message, fields} }

// field returns a field that only some events have.
func (e Event) field(name string) (attribute slog.Attr, ok bool) {
	switch name {
	case "was":
		return slog.String(name, e.Was), true
	case "state":
		return slog.String(name, e.State), true
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

// lineOf returns the line of an event. Operators search for the messages and fields, so these must not change.
func lineOf(e Event) line {
	switch e.Name {
	case LoginAccepted:
		return info("login accepted by the app", "state")
	case LoginFailed:
		return info("login failed")
	case LoginRefused:
		if e.Reason == ReasonUnclear {
			return failure("login refused: its answer cannot be judged", "setting", "error")
		}
		return info("login refused", "status", "why")
	case ChallengePassed:
		if e.Reason == ReasonChange {
			return info("fresh code given")
		}
		return info("session verified")
	case ChallengeFailed:
		if e.Reason == ReasonNotTrusted {
			return warn(notTrusted)
		}
		return info("code refused", "throttled")
	case Throttled:
		return info("too many wrong codes: none is judged for a while", "until")
	case Stopped:
		return warn("too many wrong codes: none is judged until an operator acts")
	case FactorAdded, FactorRemoved, FactorReset, FactorsDisabled, RecoveryCodesMade:
		return info("second factor changed", "change")
	case RecoveryCodeUsed:
		return info("recovery code used", "left")
	case BrowserTrusted:
		return info("browser trusted")
	case BrowserForgotten:
		if e.Reason == ReasonMisused {
			return warn(notTrusted)
		}
		return info("trusted browsers forgotten", "all")
	case OperatorReset:
		return warn("second factor reset by an operator")
	case OperatorCode:
		return warn("code made by an operator")
	case Unlocked:
		return warn("wrong codes forgotten by an operator")
	case SignedOut:
		if e.Actor.IsOperator() {
			return warn("signed out by an operator")
		}
		if e.Reason == ReasonApp {
			return info("signed out by the app")
		}
		return info("signed out")
	case SessionEnded:
		return lineOfEnd(e)
	case PasswordExposed:
		return warn("the password was right and no factor was proved: somebody may know it")
	case AddressChanged:
		return info("the user's e-mail address changed")
	case IdentityChanged:
		return warn("the app's session belongs to somebody else now", "was")
	case StoreUnavailable:
		return warn("a store is not available", "setting", "error")
	case StoreRecovered:
		return info("the store is available again", "setting")
	}
	return info(string(e.Name))
}

func lineOfEnd(e Event) line {
	switch e.Reason {
	case ReasonApp:
		return info("the app ended its session; so does the gateway")
	case ReasonCookie:
		return warn("a held cookie changed outside a login; the session was ended", "setting", "cookies")
	case ReasonOverflow:
		return warn("the app sets more cookies than a session can hold; nothing of them is used", "setting", "error")
	case ReasonTwoUsers:
		return warn("the app's session is of two users at once; it was ended", "setting")
	case ReasonUnseen:
		return warn("the app's answer was not seen, and it cannot be asked who is signed in; the session was ended",
			"setting")
	}
	if e.All {
		return info("other sessions ended")
	}
	return info("session ended by its user")
}
