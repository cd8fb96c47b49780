package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/test/site"
)

// atOnce sends n requests at the same moment and returns the answers, in order.
func atOnce(t testing.TB, n int, send func(i int) (site.Answer, error)) []site.Answer {
	t.Helper()
	answers, failures := make([]site.Answer, n), make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers[i], failures[i] = send(i)
		})
	}
	close(start)
	all.Wait()
	for i, err := range failures {
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	return answers
}

// statuses counts answers by their status.
func statuses(answers []site.Answer) map[int]int {
	counts := map[int]int{}
	for _, a := range answers {
		counts[a.StatusCode]++
	}
	return counts
}

// tryCode sends a code as a script does; goroutines may call it.
func tryCode(c *site.Client, page, code string) (site.Answer, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}
	return c.Try(http.MethodPost, "/second-factor"+page, header, fmt.Sprintf(`{"code":%q}`, code))
}

// challenged makes a browser with a pending session of an enrolled user.
func (l *ledger) challenged(t testing.TB, name, password string) *site.Client {
	t.Helper()
	c := l.Client(t)
	signIn(t, c, name, password).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	return c
}

// wantsThrottled fails the test unless the answer is 429 and says when to come back.
func wantsThrottled(t testing.TB, a site.Answer) {
	t.Helper()
	a.Wants(t, http.StatusTooManyRequests, "")
	if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 3600 {
		t.Errorf("429 with Retry-After %q", a.Header.Get("Retry-After"))
	}
}

// TestP7_OneCodeTwice: the attacker has the password, and has read a code over a shoulder, or in a proxy, just after it
// was used. He types it again, in each spelling of the same digits, and also an older code that was never used. No code
// counts twice. A code that was not used counts, typed with a space.
func TestP7_OneCodeTwice(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	victim, authenticator := l.pending(t, "alice", demo.AlicePassword)
	older := authenticator.Code(t)
	seen := authenticator.Code(t)
	victim.Own("/challenge", "/challenge", url.Values{"code": {seen}}).Wants(t, http.StatusSeeOther, "/")

	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, seen)
	arabic := strings.Map(func(r rune) rune { return r - '0' + '٠' }, seen)
	spellings := []string{
		seen, seen[:3] + " " + seen[3:], " " + seen + "\r\n", seen[:3] + "\u00a0" + seen[3:], seen[:3] + "-" + seen[3:],
		seen[:3] + "\u2009" + seen[3:], wide, arabic, seen[:3] + "\u200b" + seen[3:], "0" + seen, seen + "\x00", older,
	}
	thief := l.challenged(t, "alice", demo.AlicePassword)
	for i, spelling := range spellings {
		if i > 0 && i%4 == 0 {
			// A right code resets the count of wrong ones, so that each spelling is judged.
			fresh := authenticator.Code(t)
			thief.Own("/challenge", "/challenge", url.Values{"code": {fresh[:3] + " " + fresh[3:]}}).Wants(t, http.StatusSeeOther, "/")
			thief = l.challenged(t, "alice", demo.AlicePassword)
		}
		thief.Own("/challenge", "/challenge", url.Values{"code": {spelling}}).Wants(t, http.StatusUnprocessableEntity, "")
		thief.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	}
}

// TestP7_OneCodeManySessions: with the password the attacker opens as many sessions as may wait for a factor. In all of
// them he sends one code that he got hold of, at the same moment, so that each is judged before any is recorded as
// used. One gets in.
func TestP7_OneCodeManySessions(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	owner.SignOut()
	clients := make([]*site.Client, session.MaxWaiting)
	for i := range clients {
		clients[i] = l.challenged(t, "alice", demo.AlicePassword)
	}
	code := authenticator.Code(t)
	answers := atOnce(t, len(clients), func(i int) (site.Answer, error) { return tryCode(clients[i], "/challenge", code) })
	if counts := statuses(answers); counts[http.StatusNoContent] != 1 || counts[http.StatusUnprocessableEntity] > 5 ||
		counts[http.StatusNoContent]+counts[http.StatusUnprocessableEntity]+counts[http.StatusTooManyRequests] != len(answers) {
		t.Errorf("one code in many sessions: %v", counts)
	}
	wantsOneVerified(t, clients)
}

func wantsOneVerified(t *testing.T, clients []*site.Client) {
	t.Helper()
	verified := 0
	for _, c := range clients {
		if strings.Contains(c.Status(), `"verified"`) {
			verified++
			c.Get("/files").Wants(t, http.StatusOK, "")
		} else {
			c.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
	}
	if verified != 1 {
		t.Errorf("%d sessions are verified", verified)
	}
}

// TestP7_OneRecoveryCodeManySessions is the same with a recovery code from a stolen printout. One session gets in. That
// code is used up, and the other nine are not.
func TestP7_OneRecoveryCodeManySessions(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	owner := l.Client(t)
	signIn(t, owner, "alice", demo.AlicePassword)
	authenticator, codes := owner.Enrol(skew)
	owner.SignOut()
	clients := make([]*site.Client, session.MaxWaiting)
	for i := range clients {
		clients[i] = l.challenged(t, "alice", demo.AlicePassword)
	}
	answers := atOnce(t, len(clients), func(i int) (site.Answer, error) {
		spelled := codes[0]
		if i%2 == 1 {
			spelled = strings.ToUpper(strings.ReplaceAll(spelled, "-", " "))
		}
		return tryCode(clients[i], "/recovery", spelled)
	})
	counts := statuses(answers)
	if counts[http.StatusNoContent] != 1 || counts[http.StatusUnprocessableEntity] > 5 ||
		counts[http.StatusNoContent]+counts[http.StatusUnprocessableEntity]+counts[http.StatusTooManyRequests] != len(answers) {
		t.Errorf("one recovery code in many sessions: %v", counts)
	}
	wantsOneVerified(t, clients)
	for _, c := range clients {
		if strings.Contains(c.Status(), `"verified"`) {
			if page := c.Get("/second-factor/"); !strings.Contains(page.Text, "9") {
				t.Errorf("not nine codes left: %.1500s", page.Text)
			}
		}
	}
	_ = authenticator
}

// TestP7_Burst: the attacker guesses. He sends three hundred codes at the same moment over fifteen sessions, hoping
// that all are judged before the first is counted. Five are judged. The others are refused unjudged and told when to
// come back, and so is the right code then.
func TestP7_Burst(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	owner.SignOut()
	clients := make([]*site.Client, session.MaxWaiting-1)
	for i := range clients {
		clients[i] = l.challenged(t, "alice", demo.AlicePassword)
	}
	bob, bobs := l.pending(t, "bob", demo.BobPassword)
	wrong := otherThan(t, authenticator.Key, skew)
	answers := atOnce(t, 300, func(i int) (site.Answer, error) {
		page := "/challenge"
		if i%3 == 2 {
			page = "/recovery"
		}
		return tryCode(clients[i%len(clients)], page, wrong)
	})
	counts := statuses(answers)
	if counts[http.StatusUnprocessableEntity] != 5 || counts[http.StatusTooManyRequests] != 295 {
		t.Errorf("300 wrong codes: %v", counts)
	}
	for _, a := range answers {
		if a.StatusCode == http.StatusTooManyRequests {
			wantsThrottled(t, a)
			wantsProblem(t, a, "about:blank")
		}
	}
	for _, c := range []*site.Client{clients[0], l.challenged(t, "alice", demo.AlicePassword)} {
		right := authenticator.Code(t)
		wantsThrottled(t, c.Own("/challenge", "/challenge", url.Values{"code": {right}}))
		again, err := tryCode(c, "/challenge", right)
		if err != nil {
			t.Fatal(err)
		}
		wantsThrottled(t, again)
		c.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	}
	// Nobody else is locked out.
	bob.Pass(bobs).Wants(t, http.StatusSeeOther, "/")
}

// TestP7_FreshLogins: the attacker guesses slowly, each code in a browser without cookies and after a new login, in
// each way that takes a code: the challenge, a recovery code, the confirmation of a change in a stolen verified
// session. All of them add up, and after five even the right code is refused.
func TestP7_FreshLogins(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	wrong := otherThan(t, authenticator.Key, skew)
	guess := func(page, code string) {
		t.Helper()
		c := l.challenged(t, "alice", demo.AlicePassword)
		c.Own(page, page, url.Values{"code": {code}}).Wants(t, http.StatusUnprocessableEntity, "")
	}
	// The control: a right code in between resets the count, and four wrong ones do not block.
	for range 4 {
		guess("/challenge", wrong)
	}
	l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator).Wants(t, http.StatusSeeOther, "/")

	guess("/challenge", wrong)
	guess("/recovery", "aaaa-bbbb-cccc-dddd")
	owner.Own("/disable", "/disable", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
	guess("/challenge", "not even digits")
	owner.Own("/reset", "/reset", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
	wantsThrottled(t, l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator))
	wantsThrottled(t, owner.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {authenticator.Code(t)}}))
	owner.Get("/files").Wants(t, http.StatusOK, "")
}

// TestP7_HangingUp: the attacker hangs up as soon as his code is sent, hoping that a cancelled attempt is not counted.
// He would notice a right one by looking whether the session is verified. Five attempts are counted all the same.
func TestP7_HangingUp(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	thief, authenticator := l.pending(t, "alice", demo.AlicePassword)
	wrong := otherThan(t, authenticator.Key, skew)
	body := `{"code":"` + wrong + `"}`
	request := fmt.Sprintf("POST /second-factor/challenge HTTP/1.1\r\nHost: %s\r\nCookie: sallyport=%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		l.Address, thief.Token(), len(body), body)
	for i := range 5 {
		conn, err := net.Dial("tcp", l.Address) //nolint:noctx // loopback
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		// One after the other: an attempt whose client hangs up while another one has its turn is neither judged nor
		// counted.
		within(t, 20*time.Second, "the refusal in the log", func() bool { return strings.Count(l.Log(), "code refused") > i })
	}
	wantsThrottled(t, thief.Pass(authenticator))
}

// within polls until a condition holds.
func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
}

// TestP7_TwoEnrolments: the attacker knows the password of a user who is about to enrol, opens a session of his own,
// and confirms a seed of his own at the same moment. One of the two counts, and not both. The other seed is worth
// nothing, and the other session ends, so that the loser notices.
func TestP7_TwoEnrolments(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	for round := range 8 {
		var clients [2]*site.Client
		var authenticators [2]*site.Authenticator
		var forms [2]string
		for i := range clients {
			c := l.Client(t)
			signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
			c.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
			page := c.Get("/second-factor/setup").Text
			clients[i], authenticators[i] = c, site.NewAuthenticator(site.Find(t, site.Secret, page), skew)
			forms[i] = url.Values{"code": {authenticators[i].Code(t)}, "csrf_token": {site.Find(t, site.OwnToken, page)}}.Encode()
		}
		answers := atOnce(t, 2, func(i int) (site.Answer, error) {
			return clients[i].Try(http.MethodPost, "/second-factor/setup/confirm", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, forms[i])
		})
		winner := -1
		for i, a := range answers {
			if a.StatusCode == http.StatusSeeOther && a.Location() == "/second-factor/recovery-codes" {
				if winner >= 0 {
					t.Fatalf("round %d: both enrolments were confirmed", round)
				}
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody won: %d to %q, %d to %q", round, answers[0].StatusCode, answers[0].Location(), answers[1].StatusCode, answers[1].Location())
		}
		loser := 1 - winner
		if got := clients[loser].Status(); strings.Contains(got, `"verified"`) {
			t.Errorf("round %d: the loser's session goes on: %s", round, got)
		}
		c := l.challenged(t, "alice", demo.AlicePassword)
		c.Pass(authenticators[loser]).Wants(t, http.StatusUnprocessableEntity, "")
		c.Pass(authenticators[winner]).Wants(t, http.StatusSeeOther, "/")
		c.Own("/disable", "/disable", url.Values{"code": {authenticators[winner].Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	}
}

// TestP7_KilledBetweenSteps: the attacker makes the gateway crash, or waits for a power failure, and tries again what
// was refused before. What was answered has been written: the enrolment exists, what was used stays used, and wrong
// codes stay counted.
func TestP7_KilledBetweenSteps(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	powerFails := func() {
		t.Helper()
		l.Kill()
		l.Run()
	}
	owner := l.Client(t)
	signIn(t, owner, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	authenticator, codes := owner.Enrol(skew)
	token := owner.Token()
	powerFails()

	owner.SetCookie("sallyport", token)
	owner.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	c := l.challenged(t, "alice", demo.AlicePassword)
	used := authenticator.Code(t)
	c.Own("/challenge", "/challenge", url.Values{"code": {used}}).Wants(t, http.StatusSeeOther, "/")
	powerFails()

	c = l.challenged(t, "alice", demo.AlicePassword)
	c.Own("/challenge", "/challenge", url.Values{"code": {used}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "/")
	powerFails()

	c = l.challenged(t, "alice", demo.AlicePassword)
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")

	wrong := otherThan(t, authenticator.Key, skew)
	for _, times := range []int{2, 3} {
		c = l.challenged(t, "alice", demo.AlicePassword)
		for range times {
			c.Own("/challenge", "/challenge", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
		}
		powerFails()
	}
	wantsThrottled(t, l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator))
}
