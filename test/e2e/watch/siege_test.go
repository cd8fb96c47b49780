package watch

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestAuditUnderSiege: an attacker guesses passwords and codes of one account, from several addresses, as fast as the
// gateway answers. Each attempt that was answered is one complete line of the audit log, and is counted.
func TestAuditUnderSiege(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	g := start(t, "", site.Options{Global: auditTo(t, path)})
	_, _, _ = g.member(t, honest)
	const guessers, guesses = 8, 60
	var all sync.WaitGroup
	var passwords, codes atomic.Int32
	for i := range guessers {
		c := g.ClientFrom(t, "127.0.2."+string(rune('1'+i)))
		signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		guess := func() (site.Answer, error) {
			return c.Try("POST", "/second-factor/challenge", http.Header{"Content-Type": {"application/json"}}, `{"code":"`+wrongCode+`"}`)
		}
		stranger := g.ClientFrom(t, "127.0.2."+string(rune('1'+i)))
		csrf := site.Find(t, csrfField, stranger.Get("/login").Text)
		all.Go(func() {
			for range guesses {
				if answer, err := guess(); err != nil {
					t.Error(err)
				} else if answer.StatusCode == http.StatusUnprocessableEntity || answer.StatusCode == http.StatusTooManyRequests {
					codes.Add(1)
				}
				form := url.Values{"username": {"alice"}, "password": {"wrong"}, "csrf": {csrf}}.Encode()
				answer, err := stranger.Try("POST", "/login", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form)
				if err != nil {
					t.Error(err)
				} else if answer.StatusCode < http.StatusInternalServerError && answer.StatusCode != http.StatusTooManyRequests {
					passwords.Add(1) // the app's page again, or a redirect to it
				}
			}
		})
	}
	all.Wait()
	told := map[string]int{}
	for _, l := range lines(t, read(path)) {
		told[l.text("event")]++
	}
	if told["login_failed"] != int(passwords.Load()) || told["challenge_failed"] != int(codes.Load()) || codes.Load() < guessers*guesses/2 || passwords.Load() < guessers*guesses/2 {
		t.Errorf("%d passwords and %d codes were answered, the log has %v", passwords.Load(), codes.Load(), told)
	}
	metrics := g.adminMetrics(t)
	if got := value(t, metrics, `sallyport_logins_total{app="ledger",outcome="failed"}`); got != float64(told["login_failed"]) {
		t.Errorf("%v failed logins are counted, and the log has %d", got, told["login_failed"])
	}
	var counted float64
	for _, outcome := range []string{"failed", "throttled"} {
		counted += value(t, metrics, `sallyport_challenges_total{app="ledger",method="totp",outcome="`+outcome+`"}`)
	}
	if counted != float64(told["challenge_failed"]) {
		t.Errorf("%v wrong codes are counted, and the log has %d:\n%s", counted, told["challenge_failed"], strings.TrimSpace(metrics))
	}
}
