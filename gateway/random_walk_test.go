package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	totpkind "sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// walkApp is an app with two accounts, whose sessions say whose they are. It does everything that the gateway has to
// notice.
type walkApp struct {
	mu     sync.Mutex
	owner  map[string]string // session → account
	number int
	// slow is where requests wait for one another, for a while.
	slow chan struct{}
}

func (a *walkApp) issue(w http.ResponseWriter, account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	value := fmt.Sprintf("HELD-%d", a.number)
	a.owner[value] = account
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: value, Path: "/", HttpOnly: true})
}

func (a *walkApp) who(r *http.Request) (account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cookie, err := r.Cookie("sid"); err == nil {
		account = a.owner[cookie.Value]
	}
	return account
}

func (a *walkApp) serve(w http.ResponseWriter, r *http.Request) error {
	account := a.who(r)
	switch r.URL.Path {
	case "/login":
		if user := r.PostFormValue("user"); r.PostFormValue("password") == "of "+user {
			a.issue(w, user)
			http.Redirect(w, r, "/page", http.StatusSeeOther)
			return nil
		}
		http.Error(w, "wrong", http.StatusForbidden)
		return nil
	case "/me":
		w.Header().Set("Content-Type", "application/json")
		_, err := fmt.Fprintf(w, `{"name":%q}`, account)
		return err
	case "/rotate":
		a.issue(w, account)
	case "/become":
		a.issue(w, r.URL.Query().Get("user"))
		account = r.URL.Query().Get("user")
	case "/slow":
		select {
		case a.slow <- struct{}{}:
		case <-a.slow:
		case <-time.After(50 * time.Millisecond):
		}
	case "/leave":
		a.mu.Lock()
		if cookie, err := r.Cookie("sid"); err == nil {
			delete(a.owner, cookie.Value)
		}
		a.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "sid", Path: "/", MaxAge: -1})
	}
	_, err := io.WriteString(w, "SECRET OF "+account)
	return err
}

// walk is many clients that share one browser, and so its session and token.
type walk struct {
	t       *testing.T
	gateway *Gateway
	app     *walkApp
	keys    map[string]string
	offset  atomic.Int64
	// alone is held for writing by a challenge that no other challenge is to run beside.
	alone sync.RWMutex

	mu sync.Mutex
	// token is what the browser has now, and history is what it ever had.
	token   string
	history []string
	// born says for which user a passed challenge handed out a token. dead are tokens that are known to have ended.
	born map[string]string
	dead map[string]bool
	// passed counts how often each code was accepted.
	passed map[string]int
	counts map[string]int
}

func (w *walk) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

// ask sends one request with a token, and judges what comes back.
func (w *walk) ask(method, path, token string, form url.Values) *httptest.ResponseRecorder {
	w.mu.Lock()
	wasDead := w.dead[token]
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:1"
	r = r.WithContext(context.WithValue(ctx, http.LocalAddrContextKey, browserRequest().Context().Value(http.LocalAddrContextKey)))
	r.Header = http.Header{"Accept": {"application/json"}}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if code := form.Get("code"); code != "" {
		body, _ := json.Marshal(map[string]string{"code": code})
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Cookie", "sallyport="+token)
	}
	answer := httptest.NewRecorder()
	func() {
		defer func() {
			// An answer that had begun when its session ended breaks off.
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the very value is the convention
				panic(p)
			}
		}()
		if err := w.gateway.ServeHTTP(answer, r, w.app.serve); err != nil {
			answer.Code = http.StatusBadGateway
		}
	}()
	text := answer.Body.String()

	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(text, "HELD-") || strings.Contains(fmt.Sprint(answer.Header()), "HELD-") {
		w.t.Errorf("P2: %s %s: a held cookie goes out: %v %s", method, path, answer.Header(), text)
	}
	if _, owner, secret := strings.Cut(text, "SECRET OF "); secret && owner != "" {
		w.counts["secret"]++
		if w.born[token] != owner {
			w.t.Errorf("P1, P5: %s %s shows what is %s's to a token that was verified for %q", method, path, owner, w.born[token])
		}
		if wasDead {
			w.t.Errorf("P8: %s %s shows what is %s's to a token that had ended", method, path, owner)
		}
	}
	return answer
}

// adopt makes the browser take the token of an answer, and returns it.
func (w *walk) adopt(answer *httptest.ResponseRecorder) string {
	for _, cookie := range answer.Result().Cookies() {
		if cookie.Name == "sallyport" {
			w.token = cookie.Value
			w.history = append(w.history, cookie.Value)
			return cookie.Value
		}
	}
	return ""
}

// step does one thing at random.
func (w *walk) step(random *rand.Rand) {
	w.mu.Lock()
	token := w.token
	if n := len(w.history); n > 0 && random.IntN(8) == 0 {
		token = w.history[random.IntN(n)]
	}
	w.mu.Unlock()
	user := []string{"alice", "bob"}[random.IntN(2)]
	other := map[string]string{"alice": "bob", "bob": "alice"}[user]
	switch random.IntN(14) {
	case 0, 1:
		answer := w.ask(http.MethodPost, "/login", token, url.Values{"user": {user}, "password": {"of " + user}})
		w.mu.Lock()
		if w.adopt(answer) != "" && token != "" {
			w.dead[token] = true
		}
		w.mu.Unlock()
	case 2:
		w.ask(http.MethodPost, "/login", token, url.Values{"user": {user}, "password": {"of " + other}})
	case 3, 4, 5:
		var status struct{ State, User string }
		_ = json.Unmarshal(w.ask(http.MethodGet, "/second-factor/status", token, nil).Body.Bytes(), &status)
		if status.State != "pending" {
			return
		}
		// Half of the challenges run beside no other one: among many at once, most codes are older than one that has
		// passed, and the walk would get nowhere.
		if random.IntN(2) == 0 {
			w.alone.Lock()
			defer w.alone.Unlock()
		} else {
			w.alone.RLock()
			defer w.alone.RUnlock()
		}
		w.offset.Add(int64(30 * time.Second))
		code, err := totp.GenerateCode(w.keys[status.User], w.now())
		if err != nil {
			w.t.Error(err)
			return
		}
		answer := w.ask(http.MethodPost, "/second-factor/challenge", token, url.Values{"code": {code}})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.counts[fmt.Sprint("challenge ", answer.Code)]++
		if answer.Code == http.StatusNoContent {
			w.passed[status.User+code]++
			w.dead[token] = true
			// It is verified for the user for whom the session was pending when the code was judged. Each user is asked
			// for by her own key, so it can only be this one.
			if fresh := w.adopt(answer); fresh != "" {
				w.born[fresh] = status.User
			}
		}
	case 6:
		if random.IntN(4) > 0 {
			return
		}
		answer := w.ask(http.MethodPost, "/second-factor/challenge", token, url.Values{"code": {"000000"}})
		if answer.Code == http.StatusNoContent {
			w.t.Error("P7: a wrong code passes")
		}
	case 7:
		if random.IntN(3) > 0 {
			return
		}
		answer := w.ask(http.MethodGet, "/leave", token, nil)
		w.mu.Lock()
		w.dead[token] = w.dead[token] || answer.Code == http.StatusOK
		w.mu.Unlock()
	case 8:
		w.ask(http.MethodGet, "/rotate", token, nil)
	case 9:
		answer := w.ask(http.MethodGet, "/become?user="+user, token, nil)
		w.mu.Lock()
		w.adopt(answer)
		w.mu.Unlock()
	case 10:
		w.ask(http.MethodGet, "/slow", token, nil)
	case 11:
		// The clock is set: back by half a minute at most, or forward.
		w.offset.Add(int64(time.Duration(random.IntN(90)-30) * time.Second))
	default:
		w.ask(http.MethodGet, "/page", token, nil)
	}
}

// TestP5_RandomWalk: sixty-four clients do everything that can be done with one session, at the same time and in no
// order: sign in as one user or the other, pass challenges, sign out, have cookies changed and the account switched
// behind the gateway's back, be slow, use old tokens, set the clock. Whatever happens, nothing of an account's goes to
// a token that was not verified for it or that had ended, no held cookie goes out, and no code counts twice.
func TestP5_RandomWalk(t *testing.T) {
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	w := &walk{
		t: t, app: &walkApp{owner: make(map[string]string), slow: make(chan struct{})}, keys: make(map[string]string),
		born: make(map[string]string), dead: make(map[string]bool), passed: make(map[string]int), counts: make(map[string]int),
	}
	factors := factor.NewService(factor.NewMemoryStore(), factor.Config{
		App: "walk", Now: w.now, Kinds: []factor.Kind{totpkind.New("", totpkind.Parameters{Skew: 10}), recovery.New(1000)},
		Throttle: factor.Throttle{Free: 90, Delay: time.Second, MaxDelay: time.Second, Stop: 100},
	})
	var err error
	w.gateway, err = New(Config{
		App: "walk", LoginPage: "/login", Logout: match.NewGlobs("/leave"), Now: w.now, Factors: factors, Pages: pages.New(pages.Options{}),
		Logins: login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "user"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		},
		Sessions: session.NewShared(memory).Manager(session.Config{App: "walk", Now: w.now, Idle: 100 * time.Hour, Lifetime: 200 * time.Hour, Pending: time.Hour}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"alice", "bob"} {
		proposal, err := factors.Begin(t.Context(), user, factor.MethodTOTP)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := factors.Show(proposal)
		if err != nil {
			t.Fatal(err)
		}
		w.keys[user] = offer.Key
		code, err := totp.GenerateCode(w.keys[user], w.now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := factors.Confirm(t.Context(), user, proposal, factor.Answer{Text: code}); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	// How far a round gets depends on the scheduler: on a busy machine the walk takes several.
	ledNowhere := func() bool { return w.counts["secret"] < 50 || len(w.born) < 10 }
	for round := range uint64(10) {
		if round > 0 && !ledNowhere() {
			break
		}
		var group sync.WaitGroup
		for client := range uint64(64) {
			group.Go(func() {
				random := rand.New(rand.NewPCG(seed+round, client))
				for range 60 {
					w.step(random)
				}
			})
		}
		group.Wait()
	}
	for code, times := range w.passed {
		if times > 1 {
			t.Errorf("P7: %s counted %d times", code, times)
		}
	}
	t.Logf("%v, %d tokens, %d of them verified", w.counts, len(w.history), len(w.born))
	if ledNowhere() {
		t.Errorf("the walk led nowhere: %v, %d verified", w.counts, len(w.born))
	}
}
