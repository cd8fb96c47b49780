package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// problemDocument is the document that scripts get (contract 5.3).
type problemDocument struct {
	Type, Title, Detail, Challenge, Login string
	Status                                int
}

const (
	problemLogin  = "https://sallyport.invalid/login-required"
	problemFactor = "https://sallyport.invalid/second-factor-required"
)

// wantsProblem fails the test unless the answer is a problem document of this type, with the answer's status.
func wantsProblem(t testing.TB, a site.Answer, kind string) problemDocument {
	t.Helper()
	var document problemDocument
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%d with content type %q, want a problem document: %.300s", a.StatusCode, got, a.Text)
		return document
	}
	if err := json.Unmarshal([]byte(a.Text), &document); err != nil {
		t.Errorf("problem document: %v in %.300s", err, a.Text)
	}
	if document.Type != kind || document.Status != a.StatusCode || document.Title == "" || strings.Contains(a.Text, "<") {
		t.Errorf("problem document: %+v with status %d, want type %s", document, a.StatusCode, kind)
	}
	return document
}

// wantsOwn fails the test unless the answer has this status and the headers of contract 5.4, and shows nothing
// internal.
func wantsOwn(t testing.TB, a site.Answer, status int) site.Answer {
	t.Helper()
	what := a.Request.Method + " " + a.Request.URL.Opaque
	if a.StatusCode != status {
		t.Errorf("%s: %d to %q, want %d: %.500s", what, a.StatusCode, a.Location(), status, a.Text)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s (%d): %s: %q, want %q", what, a.StatusCode, name, got, want)
		}
	}
	policy := a.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("%s (%d): the policy has no %s: %q", what, a.StatusCode, directive, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("%s: loose policy %q", what, policy)
	}
	for _, word := range []string{"goroutine ", "panic", ".go:", "gateway.", "dial tcp"} {
		if strings.Contains(a.Text, word) {
			t.Errorf("%s (%d) shows %q", what, a.StatusCode, word)
		}
	}
	return a
}

// ownToken returns the CSRF token on one of the gateway's own pages.
func ownToken(t testing.TB, c *site.Client, page string) string {
	t.Helper()
	return site.Find(t, site.OwnToken, c.Get("/second-factor"+page).Text)
}

const formType = "application/x-www-form-urlencoded"

// ownPosts are the addresses that change something, with the page that has the token, by the state that they are for.
var ownPosts = map[string][]struct{ page, path string }{
	"pending":  {{"/challenge", "/challenge"}, {"/recovery", "/recovery"}, {"/challenge", "/logout"}},
	"verified": {{"/reset", "/setup"}, {"/reset", "/setup/confirm"}, {"/reset", "/reset"}, {"/disable", "/disable"}, {"/recovery-codes", "/recovery-codes"}, {"/", "/logout"}},
}

// TestInputs_CrossSite: a signed-in user visits the attacker's page, which posts to the gateway in his name: to disable
// the factor, enrol the attacker's, use up codes, or sign out. Without the token of this very session each request gets
// 403. So does a request with the token if the browser says that another site sent it. Nothing changes, and no code is
// used up.
func TestInputs_CrossSite(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	verified, authenticator := l.verified(t, "alice", demo.AlicePassword)
	pending := l.challenged(t, "alice", demo.AlicePassword)
	other, _ := l.verified(t, "bob", demo.BobPassword)
	foreign := ownToken(t, other, "/")
	code := authenticator.Code(t)
	forged := []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{"Origin": {"http://" + l.Address + ".evil.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://" + l.Address}},
		{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}},
	}
	for state, posts := range ownPosts {
		c := map[string]*site.Client{"pending": pending, "verified": verified}[state]
		for _, post := range posts {
			token, path := ownToken(t, c, post.page), "/second-factor"+post.path
			good := url.Values{"csrf_token": {token}, "code": {code}}
			for _, header := range forged {
				header = header.Clone()
				header.Set("Content-Type", formType)
				wantsOwn(t, c.Do("POST", path, header, good.Encode()), http.StatusForbidden)
				header.Set("Content-Type", "application/json")
				wantsOwn(t, c.Do("POST", path, header, `{"code":"`+code+`"}`), http.StatusForbidden)
			}
			for _, bad := range []url.Values{
				{"code": {code}},
				{"csrf_token": {""}, "code": {code}},
				{"csrf_token": {foreign}, "code": {code}},
				{"csrf_token": {token + "x"}, "code": {code}},
				{"csrf_token": {strings.ToLower(token)}, "code": {code}},
				{"CSRF_TOKEN": {token}, "code": {code}},
			} {
				wantsOwn(t, c.Post(path, bad), http.StatusForbidden)
			}
			wantsOwn(t, c.Do("POST", path+"?csrf_token="+token+"&code="+code, nil, ""), http.StatusForbidden)
			wantsOwn(t, c.Do("POST", path, http.Header{"Content-Type": {"text/plain"}}, good.Encode()), http.StatusBadRequest)
			// A request that changes something cannot be made as a GET.
			for _, method := range []string{"GET", "HEAD"} {
				if got := c.Do(method, path+"?csrf_token="+token+"&code="+code, nil, ""); got.StatusCode == http.StatusSeeOther && post.path == "/logout" {
					t.Errorf("%s %s acts", method, path)
				}
			}
			if got := c.Status(); !strings.Contains(got, `"`+state+`"`) || !strings.Contains(got, `"enrolled":true`) {
				t.Fatalf("%s: %s became %s", path, state, got)
			}
		}
	}
	stranger := l.Client(t)
	wantsOwn(t, stranger.Do("POST", "/second-factor/logout", http.Header{"Sec-Fetch-Site": {"cross-site"}}, ""), http.StatusForbidden)
	// The control: the same code, sent by the gateway's own page.
	pending.Do("POST", "/second-factor/challenge", http.Header{"Content-Type": {formType}, "Sec-Fetch-Site": {"same-origin"}, "Origin": {l.URL}},
		url.Values{"csrf_token": {ownToken(t, pending, "/challenge")}, "code": {code}}.Encode()).Wants(t, http.StatusSeeOther, "/")
}

// TestInputs_Malformed: a form that could be read in two ways, or not at all, gets 400, and one that is too large gets
// 413. None of them is an attempt: after all of them the right code is still judged.
func TestInputs_Malformed(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	c, authenticator := l.pending(t, "alice", demo.AlicePassword)
	code := authenticator.Code(t)
	token := ownToken(t, c, "/challenge")
	form := "csrf_token=" + token + "&code="
	for _, bad := range []struct {
		kind, body string
		status     int
	}{
		{formType, form + code + "&code=000000", 400},
		{formType, form + code + "&csrf_token=" + token, 400},
		{formType, form + code + "&%63ode=000000", 400},
		{formType, form + "%zz", 400},
		{formType, form + code + "%", 400},
		{formType, form + code + ";code=1", 400},
		{formType + "; charset=utf-16", form + code, 400},
		{formType + "; charset=iso-8859-1", form + code, 400},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n" + code + "\r\n--x--\r\n", 400},
		{"text/html", form + code, 400},
		{"nonsense;;;", form + code, 400},
		{"", form + code, 400},
		{"application/json", `{"code":`, 400},
		{"application/json", `{"code":"` + code + `"} {}`, 400},
		{"application/json", `["` + code + `"]`, 400},
		{"application/json", `{"code":` + code[:5] + `1}`, 400},
		{"application/json", `{"code":"000000","code":"` + code + `"}`, 400},
		{"application/json", `{"code":"000000","CODE":"` + code + `"}`, 400},
		{"application/json", `{"code":["` + code + `"]}`, 400},
		{"application/json", "{\"code\":\"\xff\"}", 400},
		{"application/json; charset=utf-16", `{"code":"` + code + `"}`, 400},
		{"application/xml", `<code>` + code + `</code>`, 400},
		{formType, form + code + "&x=" + strings.Repeat("x", 5000), 413},
		{"application/json", `{"code":"` + strings.Repeat("1", 5000) + `"}`, 413},
	} {
		for _, page := range []string{"/challenge", "/recovery"} {
			header := http.Header{"Content-Type": {bad.kind}}
			if bad.kind == "" {
				header = nil
			}
			if got := wantsOwn(t, c.Do("POST", "/second-factor"+page, header, bad.body), bad.status); got.StatusCode != bad.status {
				t.Errorf("%s: %q", bad.kind, bad.body)
			}
		}
	}
	two := http.Header{"Content-Type": {formType, "application/json"}}
	wantsOwn(t, c.Do("POST", "/second-factor/challenge", two, form+code), http.StatusBadRequest)
	// An empty code is no attempt either.
	for range 6 {
		wantsOwn(t, c.Own("/challenge", "/challenge", url.Values{"code": {" "}}), http.StatusUnprocessableEntity)
	}
	// The control.
	c.Do("POST", "/second-factor/challenge", http.Header{"Content-Type": {formType + "; charset=UTF-8"}}, form+code).Wants(t, http.StatusSeeOther, "/")
}

// TestInputs_Methods: an address that does not take a method answers 405 and says which methods it takes. Any other
// address answers 404, however it is spelled. Nothing of these requests reaches the app.
func TestInputs_Methods(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	verified, _ := l.verified(t, "alice", demo.AlicePassword)
	pending := l.challenged(t, "alice", demo.AlicePassword)
	l.app.ForgetReceived()
	allowed := map[string]string{
		"/": "GET, HEAD", "/challenge": "GET, HEAD, POST", "/recovery": "GET, HEAD, POST", "/setup": "GET, HEAD, POST", "/setup/confirm": "POST",
		"/reset": "GET, HEAD, POST", "/disable": "GET, HEAD, POST", "/recovery-codes": "GET, HEAD, POST", "/status": "GET, HEAD", "/resume": "GET, HEAD", "/logout": "POST",
	}
	for _, c := range []*site.Client{verified, pending, l.Client(t)} {
		for path, want := range allowed {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "post"} {
				if strings.Contains(", "+want+",", ", "+method+",") {
					continue
				}
				got := wantsOwn(t, c.Do(method, "/second-factor"+path, nil, ""), http.StatusMethodNotAllowed)
				if got.Header.Get("Allow") != want {
					t.Errorf("%s %s: Allow %q, want %q", method, path, got.Header.Get("Allow"), want)
				}
			}
		}
		for _, path := range []string{"/nowhere", "/challenge/", "/challenge/x", "/status.json", "/setup/", "/%63hallenge", "/./challenge", "/x/../challenge"} {
			got := c.Get("/second-factor" + path)
			if got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d to %q", path, got.StatusCode, got.Location())
			}
			wantsOwn(t, got, got.StatusCode)
		}
		if got := c.Do("TRACE", "/files", nil, ""); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") == "" {
			t.Errorf("TRACE: %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
		}
	}
	if received := l.app.Received(); len(received) != 0 {
		t.Errorf("%s %s reached the app", received[0].Method, received[0].URI)
	}
}

// TestInputs_OwnPages: each of the gateway's own pages has the headers of contract 5.4 in each state, and a user for
// whom it is not meant is led on.
func TestInputs_OwnPages(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	verified, authenticator := l.verified(t, "alice", demo.AlicePassword)
	pending := l.challenged(t, "alice", demo.AlicePassword)
	for _, path := range []string{"/", "/reset", "/disable", "/recovery-codes", "/status"} {
		wantsOwn(t, verified.Get("/second-factor"+path), http.StatusOK)
		wantsOwn(t, verified.Do("HEAD", "/second-factor"+path, nil, ""), http.StatusOK)
	}
	for _, path := range []string{"/challenge", "/recovery", "/status"} {
		wantsOwn(t, pending.Get("/second-factor"+path), http.StatusOK)
	}
	for _, path := range []string{"/", "/setup", "/reset", "/disable", "/recovery-codes", "/resume"} {
		pending.Get("/second-factor"+path).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		l.Client(t).Get("/second-factor"+path).Wants(t, http.StatusSeeOther, "/login")
	}
	for _, path := range []string{"/challenge", "/recovery"} {
		verified.Get("/second-factor"+path).Wants(t, http.StatusSeeOther, "/second-factor/")
		l.Client(t).Get("/second-factor"+path).Wants(t, http.StatusSeeOther, "/login")
	}
	wantsOwn(t, verified.Get("/second-factor/resume"), http.StatusNotFound)
	wantsOwn(t, pending.Own("/challenge", "/challenge", url.Values{"code": {"no"}}), http.StatusUnprocessableEntity)
	wantsOwn(t, pending.Own("/recovery", "/recovery", url.Values{"code": {"no"}}), http.StatusUnprocessableEntity)
	wantsOwn(t, verified.Own("/reset", "/reset", url.Values{"code": {"no"}}), http.StatusUnprocessableEntity)
	wantsOwn(t, verified.Own("/disable", "/disable", url.Values{"code": {"no"}}), http.StatusUnprocessableEntity)
	wantsOwn(t, verified.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {"no"}}), http.StatusUnprocessableEntity)
	throttled := wantsOwn(t, verified.Own("/disable", "/disable", url.Values{"code": {authenticator.Code(t)}}), http.StatusTooManyRequests)
	wantsThrottled(t, throttled)
	wantsThrottled(t, wantsOwn(t, pending.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(t)}}), http.StatusTooManyRequests))

	// /status, by state.
	for _, c := range []struct {
		client *site.Client
		want   string
	}{
		{l.Client(t), `{"state":"anonymous","user":"","enrolled":false,"methods":[]}`},
		{pending, `{"state":"pending","user":"alice","enrolled":true,"methods":["totp","recovery"]}`},
		{verified, `{"state":"verified","user":"alice","enrolled":true,"methods":["totp","recovery"]}`},
	} {
		got := wantsOwn(t, c.client.Get("/second-factor/status"), http.StatusOK)
		if strings.TrimSpace(got.Text) != c.want || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("status %s as %s, want %s", got.Text, got.Header.Get("Content-Type"), c.want)
		}
	}
}

// TestInputs_Scripts: a script that signs in gets problem documents, and never a page instead of an answer: 401, 422,
// 429, 204. Then it gets the app's answer to its login, once, and nobody else gets that answer.
func TestInputs_Scripts(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	owner.SignOut()
	asScript := http.Header{"Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"}}
	c := l.Client(t)
	stranger := wantsOwn(t, c.Do("GET", "/api/entries", asScript.Clone(), ""), http.StatusUnauthorized)
	if document := wantsProblem(t, stranger, problemLogin); document.Login != "/login" {
		t.Errorf("login: %q", document.Login)
	}
	signInJSON := func(c *site.Client) site.Answer {
		return c.PostJSON("/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`)
	}
	answer := wantsOwn(t, signInJSON(c), http.StatusUnauthorized)
	if document := wantsProblem(t, answer, problemFactor); document.Challenge != "/second-factor/challenge" || document.Title != "Second factor required" {
		t.Errorf("challenge: %+v", document)
	}
	for _, header := range []http.Header{
		asScript,
		{"Accept": {"image/avif,*/*"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}},
		{"Accept": {"*/*"}},
		{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"cors"}},
	} {
		wantsProblem(t, wantsOwn(t, c.Do("GET", "/files", header.Clone(), ""), http.StatusUnauthorized), problemFactor)
	}
	wantsProblem(t, wantsOwn(t, c.Do("GET", "/second-factor/resume", asScript.Clone(), ""), http.StatusUnauthorized), problemFactor)
	wantsProblem(t, wantsOwn(t, c.PostJSON("/second-factor/challenge", `{"code":"nonsense"}`), http.StatusUnprocessableEntity), "about:blank")
	wantsProblem(t, wantsOwn(t, c.PostJSON("/second-factor/challenge", `{}`), http.StatusUnprocessableEntity), "about:blank")
	wantsProblem(t, wantsOwn(t, c.PostJSON("/second-factor/recovery", `{"code":"nonsense"}`), http.StatusUnprocessableEntity), "about:blank")
	wantsProblem(t, wantsOwn(t, c.PostJSON("/second-factor/challenge", `{`), http.StatusBadRequest), "about:blank")

	before := c.Token()
	passed := wantsOwn(t, c.PostJSON("/second-factor/challenge", `{"code":"`+authenticator.Code(t)+`"}`), http.StatusNoContent)
	if passed.Text != "" || c.Token() == before {
		t.Errorf("204 with %q; token changed: %v", passed.Text, c.Token() != before)
	}
	thief := l.Client(t)
	thief.SetCookie("sallyport", before)
	wantsProblem(t, thief.Do("GET", "/second-factor/resume", asScript.Clone(), ""), problemLogin)
	resumed := wantsOwn(t, c.Do("GET", "/second-factor/resume", asScript.Clone(), ""), http.StatusOK)
	if !strings.Contains(resumed.Text, `"login":"alice"`) || resumed.Header.Get("Content-Type") != "application/json" || len(resumed.Header["Set-Cookie"]) != 0 {
		t.Errorf("resumed: %s as %s with %q", resumed.Text, resumed.Header.Get("Content-Type"), resumed.Header["Set-Cookie"])
	}
	wantsProblem(t, wantsOwn(t, c.Do("GET", "/second-factor/resume", asScript.Clone(), ""), http.StatusNotFound), "about:blank")
	c.Do("GET", "/api/entries", asScript.Clone(), "").Wants(t, http.StatusOK, "")
	wantsProblem(t, wantsOwn(t, c.PostJSON("/second-factor/challenge", `{"code":"1"}`), http.StatusConflict), "about:blank")
	wantsOwn(t, c.PostJSON("/second-factor/logout", ""), http.StatusNoContent)

	// Requests in parallel also get the withheld answer once.
	signInJSON(c)
	c.PostJSON("/second-factor/challenge", `{"code":"`+authenticator.Code(t)+`"}`).Wants(t, http.StatusNoContent, "")
	answers := atOnce(t, 10, func(int) (site.Answer, error) { return c.Try("GET", "/second-factor/resume", asScript.Clone(), "") })
	if counts := statuses(answers); counts[http.StatusOK] != 1 || counts[http.StatusNotFound] != 9 {
		t.Errorf("ten at once: %v", counts)
	}
	c.PostJSON("/second-factor/logout", "")

	signInJSON(c)
	for range 5 {
		wantsOwn(t, c.PostJSON("/second-factor/challenge", `{"code":"nonsense"}`), http.StatusUnprocessableEntity)
	}
	throttled := wantsOwn(t, c.PostJSON("/second-factor/challenge", `{"code":"`+authenticator.Code(t)+`"}`), http.StatusTooManyRequests)
	wantsProblem(t, throttled, "about:blank")
	wantsThrottled(t, throttled)
}

// TestInputs_AppDown: while the app is down, pages and logins get 502, for scripts too. Nothing is lost, and no login
// is accepted. When the app is back, sessions go on.
func TestInputs_AppDown(t *testing.T) {
	t.Parallel()
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 100}})
	t.Cleanup(app.Close)
	serve := func(address string) (string, func()) {
		t.Helper()
		var listener net.Listener
		var err error
		within(t, 10*time.Second, "a listener at "+address, func() bool {
			listener, err = net.Listen("tcp", address) //nolint:noctx // loopback
			return err == nil
		})
		server := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
		done := make(chan struct{})
		go func() {
			_ = server.Serve(listener)
			close(done)
		}()
		stop := func() {
			_ = server.Close()
			<-done
		}
		t.Cleanup(stop)
		return listener.Addr().String(), stop
	}
	address, stop := serve("127.0.0.1:0")
	l := &ledger{Site: site.Start(t, address, ledgerBlock, site.Options{}), app: app}
	verified, authenticator := l.verified(t, "alice", demo.AlicePassword)
	pending := l.challenged(t, "alice", demo.AlicePassword)
	bob := l.Client(t)
	csrf := site.Find(t, csrfField, bob.Get("/login").Text)
	stop()

	login := url.Values{"username": {"bob"}, "password": {demo.BobPassword}, "csrf": {csrf}}
	for what, got := range map[string]site.Answer{
		"page": verified.Get("/files"), "login page": bob.Get("/login"), "login": bob.Post("/login", login), "login in mid-session": verified.Post("/login", login),
		"script": bob.PostJSON("/api/login", `{"user":{"name":"bob","password":"`+demo.BobPassword+`"}}`),
	} {
		if got.StatusCode != http.StatusBadGateway || strings.Contains(got.Text, "goroutine") || strings.Contains(got.Text, address) {
			t.Errorf("%s while the app is down: %d %.300s", what, got.StatusCode, got.Text)
		}
	}
	if got := bob.Status(); !strings.Contains(got, `"anonymous"`) {
		t.Errorf("a login that the app never saw: %s", got)
	}
	// What needs no app works without it.
	pending.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	wantsOwn(t, verified.Get("/second-factor/"), http.StatusOK)

	serve(address)
	within(t, 20*time.Second, "the app is back", func() bool { return verified.Get("/files").StatusCode == http.StatusOK })
	pending.Get("/files").Wants(t, http.StatusOK, "")
	// Nobody saw the answer to that login, so the form's session was not kept.
	if got := bob.Post("/login", login).Wants(t, http.StatusForbidden, ""); !strings.Contains(got.Text, "The form has expired") {
		t.Errorf("the form: %.300s", got.Text)
	}
	signIn(t, bob, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/")
}

// evilAddresses are return addresses that browsers take for another site, or that break a header.
var evilAddresses = []string{
	"//evil.example/", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "\t//evil.example", "https://evil.example/", "http:evil.example",
	"https:/evil.example", "javascript:alert(1)", "data:text/html,x", "//LEDGER@evil.example/", "https://LEDGER@evil.example/", "https://LEDGER.evil.example/",
	"/..//evil.example", "/.//evil.example", "//%65vil.example", "/x/..//evil.example", " //evil.example", "?//evil.example", "//evil.example:80", "/%2f%2fevil.example",
}

// leadsOut resolves a Location as browsers do and reports whether it leads to another site.
func leadsOut(location string) bool {
	location = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(location))
	return !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//")
}

// TestInputs_ReturnAddress: the attacker gets somebody to sign in by a link with the attacker's return address, either
// as the page first asked for, or through an app that redirects wherever it is told. After the second factor people
// trust what they see, so the page must be this site's.
func TestInputs_ReturnAddress(t *testing.T) {
	t.Parallel()
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	redirecting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		where := r.Header.Get("X-Where")
		if r.Method != http.MethodPost || where == "" {
			app.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, r)
		for name, values := range recorder.Header() {
			w.Header()[name] = values
		}
		where, err := url.PathUnescape(where)
		if err != nil {
			t.Error(err)
		}
		w.Header()["Location"] = []string{where}
		w.WriteHeader(recorder.Code)
	})
	l := &ledger{Site: site.Start(t, site.Serve(t, redirecting), ledgerBlock+"\n\t\tpass_header X-Where\n", site.Options{}), app: app}
	owner := l.Client(t)
	signIn(t, owner, "alice", demo.AlicePassword)
	authenticator, codes := owner.Enrol(skew)
	owner.SignOut()
	spare := append([]string{}, codes...)
	prove := func(c *site.Client) site.Answer {
		t.Helper()
		code := spare[0]
		spare = spare[1:]
		return c.Own("/recovery", "/recovery", url.Values{"code": {code}}).Wants(t, http.StatusSeeOther, "")
	}
	// One browser makes new recovery codes when they run out.
	refill := func() {
		t.Helper()
		if len(spare) > 0 {
			return
		}
		c := l.challenged(t, "alice", demo.AlicePassword)
		c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
		c.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "")
		spare = site.RecoveryCodes(t, c.Get("/second-factor/recovery-codes").Text)
	}
	for _, evil := range evilAddresses {
		evil = strings.ReplaceAll(evil, "LEDGER", l.Address)
		refill()
		c := l.Client(t)
		form := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, c.Get("/login").Text)}}
		header := http.Header{"Content-Type": {formType}, "X-Where": {url.PathEscape(evil)}}
		c.Do("POST", "/login", header, form.Encode()).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		if got := prove(c).Location(); leadsOut(got) {
			t.Errorf("the app's %q leads to %q", evil, got)
		}
		if !strings.HasPrefix(evil, "/") || strings.ContainsAny(evil, "\t\\") {
			continue
		}
		refill()
		c = l.Client(t)
		c.Get(evil)
		signIn(t, c, "alice", demo.AlicePassword)
		if got := prove(c).Location(); leadsOut(got) {
			t.Errorf("%q, asked for first, leads to %q", evil, got)
		}
	}
	// The controls: the browser goes where the app sends it, or else to the page first asked for.
	refill()
	c := l.Client(t)
	form := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, c.Get("/login").Text)}}
	c.Do("POST", "/login", http.Header{"Content-Type": {formType}, "X-Where": {url.PathEscape(fmt.Sprintf("http://%s/files?a=b", l.Address))}}, form.Encode())
	if got := prove(c).Location(); got != "/files?a=b" {
		t.Errorf("the app's own address leads to %q", got)
	}
	refill()
	c = l.Client(t)
	c.Get("/files?x=y")
	form.Set("csrf", site.Find(t, csrfField, c.Get("/login").Text))
	c.Do("POST", "/login", http.Header{"Content-Type": {formType}, "X-Where": {"%2F%2Fevil.example"}}, form.Encode())
	if got := prove(c).Location(); got != "/files?x=y" {
		t.Errorf("the page first asked for is forgotten: %q", got)
	}
}
