package event_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
)

// names are the names of all events.
var names = []event.Name{
	event.LoginAccepted, event.LoginFailed, event.LoginRefused, event.ChallengePassed, event.ChallengeFailed, event.Throttled, event.Stopped,
	event.FactorAdded, event.FactorRemoved, event.FactorReset, event.FactorsDisabled, event.RecoveryCodesMade, event.RecoveryCodeUsed,
	event.BrowserTrusted, event.BrowserForgotten, event.SignedOut, event.SessionEnded, event.IdentityChanged, event.StoreUnavailable,
	event.StoreRecovered, event.AddressChanged, event.PasswordExposed,
}

// common are the fields that each line has.
var common = []string{"event", "app", "user", "actor", "method", "outcome", "reason", "client", "session", "request"}

// written returns the lines that a log has of an event, without the time and the named fields.
func written(e event.Event, but ...string) []string {
	var text bytes.Buffer
	leave := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || slices.Contains(but, a.Key)) {
			return slog.Attr{}
		}
		return a
	}
	event.NewAudit(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: leave}))).Emit(context.Background(), e)
	return strings.Split(strings.TrimSpace(text.String()), "\n")
}

// TestLines: the messages stay the same, because people on call search for them.
func TestLines(t *testing.T) {
	left, until := 9, time.Date(2026, 11, 3, 12, 0, 30, 0, time.UTC)
	for _, test := range []struct {
		event event.Event
		want  string
	}{
		{event.Event{Name: event.LoginAccepted, State: "pending"}, `level=INFO msg="login accepted by the app" state=pending`},
		{event.Event{Name: event.LoginFailed}, `level=INFO msg="login failed"`},
		{
			event.Event{Name: event.LoginRefused, Reason: event.ReasonRequest, Status: 400, Detail: "two names"},
			`level=INFO msg="login refused" status=400 why="two names"`,
		},
		{
			event.Event{Name: event.LoginRefused, Reason: event.ReasonUnclear, Setting: "hold", Detail: "no cookie"},
			`level=ERROR msg="login refused: its answer cannot be judged" setting=hold error="no cookie"`,
		},
		{event.Event{Name: event.ChallengePassed, Method: "totp"}, `level=INFO msg="session verified"`},
		{
			event.Event{Name: event.ChallengePassed, Method: event.MethodTrusted},
			`level=INFO msg="session verified"`,
		},
		{event.Event{Name: event.ChallengePassed, Method: "totp", Reason: event.ReasonChange}, `level=INFO msg="fresh code given"`},
		{event.Event{Name: event.ChallengeFailed}, `level=INFO msg="code refused" throttled=false`},
		{event.Event{Name: event.ChallengeFailed, Reason: event.ReasonStopped}, `level=INFO msg="code refused" throttled=true`},
		{
			event.Event{Name: event.ChallengeFailed, Reason: event.ReasonNotTrusted},
			`level=WARN msg="the browser was trusted and is not any more, shows a secret that was used before, or has not the key"`,
		},
		{
			event.Event{Name: event.Throttled, Until: until},
			`level=INFO msg="too many wrong codes: none is judged for a while" until=2026-11-03T12:00:30.000Z`,
		},
		{event.Event{Name: event.Stopped}, `level=WARN msg="too many wrong codes: none is judged until an operator acts"`},
		{event.Event{Name: event.FactorAdded}, `level=INFO msg="second factor changed" change=added`},
		{event.Event{Name: event.FactorRemoved}, `level=INFO msg="second factor changed" change=removed`},
		{event.Event{Name: event.FactorReset}, `level=INFO msg="second factor changed" change=reset`},
		{event.Event{Name: event.FactorsDisabled}, `level=INFO msg="second factor changed" change=disabled`},
		{event.Event{Name: event.RecoveryCodesMade}, `level=INFO msg="second factor changed" change=recovery_codes`},
		{event.Event{Name: event.RecoveryCodeUsed, Left: &left}, `level=INFO msg="recovery code used" left=9`},
		{event.Event{Name: event.RecoveryCodeUsed}, `level=INFO msg="recovery code used"`},
		{event.Event{Name: event.BrowserTrusted}, `level=INFO msg="browser trusted"`},
		{event.Event{Name: event.BrowserForgotten, All: true}, `level=INFO msg="trusted browsers forgotten" all=true`},
		{
			event.Event{Name: event.BrowserForgotten, Reason: event.ReasonMisused},
			`level=WARN msg="the browser was trusted and is not any more, shows a secret that was used before, or has not the key"`,
		},
		{event.Event{Name: event.SignedOut}, `level=INFO msg="signed out"`},
		{event.Event{Name: event.SignedOut, Reason: event.ReasonApp}, `level=INFO msg="signed out by the app"`},
		{event.Event{Name: event.SessionEnded}, `level=INFO msg="session ended by its user"`},
		{event.Event{Name: event.SessionEnded, All: true}, `level=INFO msg="other sessions ended"`},
		{event.Event{Name: event.SessionEnded, Reason: event.ReasonApp}, `level=INFO msg="the app ended its session; so does the gateway"`},
		{
			event.Event{Name: event.SessionEnded, Reason: event.ReasonCookie, Setting: "rotates", Cookies: []string{"sid"}},
			`level=WARN msg="a held cookie changed outside a login; the session was ended" setting=rotates cookies=[sid]`,
		},
		{
			event.Event{Name: event.SessionEnded, Reason: event.ReasonOverflow, Setting: "pass", Detail: "full"},
			`level=WARN msg="the app sets more cookies than a session can hold; nothing of them is used" setting=pass error=full`,
		},
		{
			event.Event{Name: event.SessionEnded, Reason: event.ReasonTwoUsers, Setting: "identity"},
			`level=WARN msg="the app's session is of two users at once; it was ended" setting=identity`,
		},
		{
			event.Event{Name: event.SessionEnded, Reason: event.ReasonUnseen, Setting: "identity"},
			`level=WARN msg="the app's answer was not seen, and it cannot be asked who is signed in; the session was ended" setting=identity`,
		},
		{event.Event{Name: event.IdentityChanged, Was: "bob"}, `level=WARN msg="the app's session belongs to somebody else now" was=bob`},
		{event.Event{Name: event.StoreUnavailable, Setting: "secrets", Detail: "away"}, `level=WARN msg="a store is not available" setting=secrets error=away`},
		{event.Event{Name: event.StoreRecovered, Setting: "secrets"}, `level=INFO msg="the store is available again" setting=secrets`},
	} {
		test.event.App, test.event.User, test.event.Client = "wiki", "alice", "192.0.2.1"
		if got := strings.Join(written(test.event, common...), "\n"); got != test.want {
			t.Errorf("%s %s:\n%s\nwant:\n%s", test.event.Name, test.event.Reason, got, test.want)
		}
	}
}

// TestEveryNameHasALine: every event has a message of its own, an outcome and an actor.
func TestEveryNameHasALine(t *testing.T) {
	for _, name := range names {
		lines := written(event.Event{Name: name, App: "wiki"})
		if len(lines) != 1 || strings.Contains(lines[0], "msg="+string(name)) || !strings.Contains(lines[0], "app=wiki") {
			t.Errorf("%s: %q", name, lines)
		}
		if name.Outcome() == "" || name.Actor() == "" {
			t.Errorf("%s: outcome %q, actor %q", name, name.Outcome(), name.Actor())
		}
	}
}

// TestQuietLog: a line that the log does not take is not built.
func TestQuietLog(t *testing.T) {
	var text bytes.Buffer
	sink := event.NewAudit(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn})))
	sink.Emit(t.Context(), event.Event{Name: event.LoginAccepted})
	if text.Len() > 0 {
		t.Error(text.String())
	}
	if sink.Emit(t.Context(), event.Event{Name: event.Stopped}); text.Len() == 0 {
		t.Error("no warning")
	}
}

type counter struct {
	heard []event.Name
	order *[]string
	name  string
}

func (c *counter) Emit(_ context.Context, e event.Event) {
	c.heard = append(c.heard, e.Name)
	*c.order = append(*c.order, c.name)
}

// TestSinks: each sink gets each event, in order. An empty list of sinks is allowed.
func TestSinks(t *testing.T) {
	var order []string
	first, second := &counter{name: "first", order: &order}, &counter{name: "second", order: &order}
	event.Sinks{first, second}.Emit(t.Context(), event.Event{Name: event.SignedOut})
	event.Sinks(nil).Emit(t.Context(), event.Event{Name: event.SignedOut})
	if len(first.heard) != 1 || len(second.heard) != 1 || strings.Join(order, " ") != "first second" {
		t.Errorf("%v, %v, %v", first.heard, second.heard, order)
	}
}
