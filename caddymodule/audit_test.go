package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/notify"
)

// auditRow is an event as docs/audit.md explains it: what the event means, and an example.
type auditRow struct {
	meaning string
	example event.Event
}

// documentedEvents are all events, in the order in which a reader meets them.
func documentedEvents() []auditRow {
	left := 9
	until := time.Date(2026, 11, 30, 8, 15, 30, 0, time.UTC)
	return []auditRow{
		{"The app accepted a password. `state` is what the session is good for: `pending` and `enrolling` owe a factor, `verified` owes none.", event.Event{Name: event.LoginAccepted, State: "pending"}},
		{"The app did not accept a login. The name that was typed is not told: it may be a password in the wrong field.", event.Event{Name: event.LoginFailed}},
		{"A login that the app never saw, since the request is ambiguous, malformed or too large (`reason` `request`), or whose answer cannot be judged (`unclear`, with `setting` and `error`).", event.Event{Name: event.LoginRefused, Reason: event.ReasonRequest, Status: 400, Detail: "the user name stands more than once"}},
		{"The factor was proved, and the session is verified; with `reason` `change`, a code that confirms a change of factors. `method` is also `trusted` (a trusted browser stood for it) and `none` (no factor was owed after all).", event.Event{Name: event.ChallengePassed, Method: "totp"}},
		{"A code that opened nothing: `failed`, it was wrong; `refused`, it was not judged (`reason` `throttled`, `stopped`), or the browser is not trusted any more (`not_trusted`). `set_up`: it was to confirm a new factor.", event.Event{Name: event.ChallengeFailed, Method: "totp"}},
		{"After wrong codes, none is judged before `until`.", event.Event{Name: event.Throttled, Method: "totp", Until: until}},
		{"After very many wrong codes, none is judged until an operator acts.", event.Event{Name: event.Stopped, Method: "totp"}},
		{"A factor was set up.", event.Event{Name: event.FactorAdded, Method: "totp"}},
		{"One of several factors was removed.", event.Event{Name: event.FactorRemoved, Method: "totp"}},
		{"A factor took another's place.", event.Event{Name: event.FactorReset, Method: "totp"}},
		{"The user has no second factor any more.", event.Event{Name: event.FactorsDisabled, Method: "none"}},
		{"New recovery codes took the place of the old ones.", event.Event{Name: event.RecoveryCodesMade, Method: "totp"}},
		{"A recovery code was right, and is used up. `left` are left.", event.Event{Name: event.RecoveryCodeUsed, Method: "recovery", Left: &left}},
		{"A browser signs in without a code from now on.", event.Event{Name: event.BrowserTrusted, Method: "totp"}},
		{"A browser is trusted no longer; with `all`, none is. `reason` `misused`: the gateway did it, for somebody may hold a copy of the browser's secret.", event.Event{Name: event.BrowserForgotten, Method: "trusted"}},
		{"The user signed out; `reason` `app`: by the app's own door.", event.Event{Name: event.SignedOut}},
		{
			"A session ended in another way. Without a reason, its user ended it from another session (`all`: all others). `app`: the app ended it. `cookie`, `overflow`, `two_users`, `unseen`: the gateway did, and `setting` says what to look at.",
			event.Event{Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonApp},
		},
		{"The app says that a verified session is another user's now; `was` is the user before.", event.Event{Name: event.IdentityChanged, Was: "bob"}},
		{"The password was right, in a browser in which the user was never seen, and no factor was proved while there was time. `client` and `session` are that sign-in's.", event.Event{Name: event.PasswordExposed}},
		{"The app names another e-mail address of the user than at the sign-in before. Neither is said.", event.Event{Name: event.AddressChanged}},
		{"An operator ended a wait, or a stop, after wrong codes. `reason` is the operator's.", event.Event{Name: event.Unlocked, Actor: "operator:carol", Reason: "locked out by her old telephone"}},
		{"An operator took all of a user's factors away.", event.Event{Name: event.OperatorReset, Actor: "operator:carol", Reason: "lost her telephone"}},
		{"An operator made a code for a user: an enrolment code, or one in place of a lost factor.", event.Event{Name: event.OperatorCode, Actor: "operator:carol", Reason: "new here"}},
		{"A store could not be asked, told once by each gateway until it recovers. `setting` is which (`secrets`, `sessions`, `storage`), `reason` why.", event.Event{Name: event.StoreUnavailable, Setting: "secrets", Detail: "vault is sealed"}},
		{"That store does again what it could not do.", event.Event{Name: event.StoreRecovered, Setting: "secrets"}},
	}
}

// complete returns the example with all fields that the gateway fills in.
func (d auditRow) complete() event.Event {
	e := d.example
	e.App, e.Client, e.Request = "wiki", "192.0.2.7", "7f0c1f7c-9d1b-4c86-8a3e-2f6f0c3b7a11"
	if e.Name != event.LoginFailed && e.Name != event.LoginRefused {
		e.Session = "q0ZbX1m7Ff2kYh3T"
		if e.Name != event.StoreUnavailable && e.Name != event.StoreRecovered {
			e.User = "alice"
		}
	}
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	return e
}

// lineOf is an event's line as Caddy's `format json` writes it.
func lineOf(t *testing.T, e event.Event) string {
	t.Helper()
	var written bytes.Buffer
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = func(_ time.Time, enc zapcore.PrimitiveArrayEncoder) { enc.AppendString("2026-11-30T08:15:00Z") }
	if !e.Until.IsZero() {
		encoding.EncodeTime = func(at time.Time, enc zapcore.PrimitiveArrayEncoder) {
			if !at.Equal(e.Until) {
				at = e.Until.Add(-30 * time.Second)
			}
			enc.AppendString(at.Format(time.RFC3339))
		}
	}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(encoding), zapcore.AddSync(&written), zapcore.DebugLevel)
	handler := zapslog.NewHandler(core, zapslog.WithName(event.AuditLogger), zapslog.AddStacktraceAt(slog.Level(127)))
	event.NewAudit(slog.New(handler)).Emit(t.Context(), e)
	return strings.TrimSpace(written.String())
}

// commonFields are those that every line has.
var commonFields = []string{"event", "app", "user", "actor", "method", "outcome", "reason", "client", "session", "request"}

// TestAuditDocs compares docs/audit.md with what the audit log writes; `go test ./caddymodule -run TestAuditDocs
// -update` writes its table.
func TestAuditDocs(t *testing.T) {
	var table, lines strings.Builder
	table.WriteString("| event | what happened | `actor` | `outcome` | further fields |\n|---|---|---|---|---|\n")
	var told []string
	for _, d := range documentedEvents() {
		e := d.complete()
		line := lineOf(t, e)
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, name := range commonFields {
			if _, ok := fields[name].(string); !ok {
				t.Errorf("%s has no %s: %s", e.Name, name, line)
			}
			delete(fields, name)
		}
		var further []string
		for name := range fields {
			if !slices.Contains([]string{"level", "ts", "logger", "msg"}, name) {
				further = append(further, "`"+name+"`")
			}
		}
		slices.Sort(further)
		fmt.Fprintf(&table, "| `%s` | %s | `%s` | `%s` | %s |\n", e.Name, d.meaning, e.Actor, e.Outcome, strings.Join(further, ", "))
		lines.WriteString(line + "\n")
		told = append(told, string(e.Name))
	}
	for _, name := range namesOfEvents(t) {
		if !slices.Contains(told, name) {
			t.Errorf("docs/audit.md does not mention %s", name)
		}
	}
	var notices []string
	for _, name := range told {
		if notify.Tells(event.Name(name)) {
			notices = append(notices, "`"+name+"`")
		}
	}
	keepPart(t, "../docs/audit.md", "notices", strings.Join(notices, ", ")+".\n")
	keepPart(t, "../docs/audit.md", "events", table.String()+"\n```json\n"+lines.String()+"```\n")
}

// namesOfEvents are the names that package event has.
func namesOfEvents(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../event/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		kind, _ := spec.Type.(*ast.Ident)
		if value, ok := spec.Values[0].(*ast.BasicLit); ok && kind != nil && kind.Name == "Name" {
			names = append(names, strings.Trim(value.Value, `"`))
		}
		return true
	})
	if len(names) < 20 {
		t.Fatalf("package event has the names %q", names)
	}
	return names
}

// keepPart compares a part of a document, between two comments, with what it should be, or writes it with -update.
func keepPart(t *testing.T, path, name, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := fmt.Sprintf("<!-- %s: written by %s -->\n", name, t.Name()), fmt.Sprintf("<!-- end of %s -->\n", name)
	before, rest, found := strings.Cut(string(text), begin)
	part, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no part between %q and %q", path, begin, end)
	}
	if part == want {
		return
	}
	if !*update {
		t.Fatalf("%s differs from what the code does; `go test ./caddymodule -run %s -update` writes it anew. It should have:\n%s", path, t.Name(), want)
	}
	if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAuditLoggerIsNoModule: its name is for logs only; no configuration can load it.
func TestAuditLoggerIsNoModule(t *testing.T) {
	if _, err := caddy.GetModule(event.AuditLogger); err == nil {
		t.Error("the logger can be loaded as a module")
	}
	if got := (auditLogger{}).CaddyModule().ID; string(got) != "second_factor.audit" {
		t.Errorf("the logger is %s", got)
	}
}
