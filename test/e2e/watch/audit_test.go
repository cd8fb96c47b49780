package watch

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// auditTo returns the example of docs/audit.md that writes the audit log to a file, with path as the file.
func auditTo(t *testing.T, path string) string {
	t.Helper()
	block := example(t, "docs/audit.md", "\tlog audit {", "\n}\n```")
	return strings.ReplaceAll(block, "/var/log/sallyport/audit.log", path)
}

// TestAuditFile: with the example of docs/audit.md the audit log goes to a file, and no longer to the default log. Each
// line has all fields, and a session has the same mark from its sign-in to its sign-out, although its token changes.
func TestAuditFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	g := start(t, "", site.Options{Global: auditTo(t, path)})
	c, phone, codes := g.member(t, "127.0.0.1")
	c.SignOut()
	already := len(lines(t, read(path)))

	signIn(t, c, "alice", "wrong")
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	guess(t, c).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(phone).Wants(t, http.StatusSeeOther, "/")
	c.Own("/disable", "/disable", url.Values{"code": {codes[0]}})
	c.SignOut()
	c.Post("/login", url.Values{"username": {"alice", "bob"}, "password": {"x"}})

	all := lines(t, read(path))
	var events, marks []string
	for _, l := range all[already:] {
		events = append(events, l.text("event"))
		for _, field := range []string{"event", "app", "user", "actor", "method", "outcome", "reason", "client", "session", "request"} {
			if _, there := l[field].(string); !there {
				t.Errorf("no %s: %v", field, l)
			}
		}
		if l.text("logger") != "second_factor.audit" || l.text("client") != "127.0.0.1" || l.text("app") != "ledger" || l.text("request") == "" {
			t.Error(l)
		}
		if _, err := time.Parse(time.RFC3339, l.text("ts")); err != nil {
			t.Error(l, err)
		}
		if named := l.text("user") != ""; named == slices.Contains([]string{"login_failed", "login_refused"}, l.text("event")) {
			t.Errorf("named: %t: %v", named, l)
		}
		if l.text("user") == "alice" {
			marks = append(marks, l.text("session"))
		}
	}
	want := []string{
		"login_failed", "login_accepted", "challenge_failed", "challenge_passed", "recovery_code_used", "challenge_passed",
		"factors_disabled", "signed_out", "login_refused",
	}
	if !slices.Equal(events, want) {
		t.Errorf("got %q\nwant %q", events, want)
	}
	if slices.Sort(marks); marks[0] == "" || len(slices.Compact(marks)) != 1 {
		t.Errorf("the session is called %q", marks)
	}
	g.Stop() // so that its log is complete
	if strings.Contains(g.Log(), `"logger":"second_factor.audit"`) {
		t.Errorf("the default log has it too:\n%s", g.Log())
	}
}

// TestAuditByDefault: without any configuration, the default log has each event once.
func TestAuditByDefault(t *testing.T) {
	t.Parallel()
	g := start(t, "", site.Options{})
	signIn(t, g.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	g.Stop()
	for _, what := range []string{`"event":"login_accepted"`, `"msg":"login accepted by the app"`, `"logger":"second_factor.audit"`} {
		if count := strings.Count(g.Log(), what); count != 1 {
			t.Errorf("the default log has %s %d times:\n%s", what, count, g.Log())
		}
	}
}

// TestAuditSocket: with the example of docs/audit.md the audit log goes to a socket, even if the collector starts after
// the gateway.
func TestAuditSocket(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var mutex sync.Mutex
	var received strings.Builder
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for scanner := bufio.NewScanner(conn); scanner.Scan(); {
					mutex.Lock()
					received.WriteString(scanner.Text() + "\n")
					mutex.Unlock()
				}
			}()
		}
	}()
	block := example(t, "docs/audit.md", "\tlog audit_collector {", "\n}\n```")
	g := start(t, "", site.Options{Global: strings.ReplaceAll(block, "127.0.0.1:5170", listener.Addr().String())})
	signIn(t, g.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	within(t, 10*time.Second, "the line at the collector", func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		for _, l := range lines(t, received.String()) {
			if l.text("event") == "login_accepted" && l.text("user") == "alice" {
				return true
			}
		}
		return false
	})
}

// TestAuditExamples: the complete blocks in docs/audit.md are valid configurations.
func TestAuditExamples(t *testing.T) {
	t.Parallel()
	text := read(inCheckout(t, "docs/audit.md"))
	checked := 0
	for part := range strings.SplitSeq(text, "```caddyfile\n") {
		block, _, ended := strings.Cut(part, "```")
		if !ended || !strings.HasPrefix(block, "{\n") || strings.Contains(block, " exec ") { // not in the binary
			continue
		}
		adapts(t, block)
		checked++
	}
	if checked < 2 {
		t.Errorf("%d examples", checked)
	}
}
