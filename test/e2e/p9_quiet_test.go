package e2e

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// walkOfSecrets is a walk that records each secret and each answer that it gets.
type walkOfSecrets struct {
	t testing.TB
	l *ledger
	c *site.Client
	// secrets are keyed by their values; the text says what each is.
	secrets map[string]string
	answers []site.Answer
}

// secret records one secret.
func (w *walkOfSecrets) secret(what, value string) {
	w.t.Helper()
	if len(value) < 6 {
		w.t.Fatalf("%s is no secret: %q", what, value)
	}
	w.secrets[value] = what
}

func (w *walkOfSecrets) note(a site.Answer) site.Answer {
	if token := w.c.Token(); token != "" {
		w.secrets[token] = "session token"
	}
	for _, found := range site.OwnToken.FindAllStringSubmatch(a.Text, -1) {
		w.secrets[found[1]] = "csrf token"
	}
	w.answers = append(w.answers, a)
	return a
}

// key records a seed in all the forms that it may have in a log.
func (w *walkOfSecrets) key(page string) *site.Authenticator {
	w.t.Helper()
	authenticator := site.NewAuthenticator(site.Find(w.t, site.Secret, page), skew)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(authenticator.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, form := range []string{
		authenticator.Key, strings.ToLower(authenticator.Key), authenticator.Key[:12], site.Find(w.t, site.Secret, page), hex.EncodeToString(seed), strings.ToUpper(hex.EncodeToString(seed)),
		base64.RawStdEncoding.EncodeToString(seed), base64.RawURLEncoding.EncodeToString(seed), string(seed),
	} {
		w.secret("seed", form)
	}
	return authenticator
}

func (w *walkOfSecrets) get(path string) site.Answer { return w.note(w.c.Get(path)) }

// own posts a form of one of the gateway's own pages.
func (w *walkOfSecrets) own(from, to, code string) site.Answer {
	w.t.Helper()
	page := w.get("/second-factor" + from)
	form := url.Values{"csrf_token": {site.Find(w.t, site.OwnToken, page.Text)}}
	if code != "" {
		w.secret("code", code)
		form.Set("code", code)
	}
	return w.note(w.c.Post("/second-factor"+to, form))
}

func (w *walkOfSecrets) signIn(name, password string) site.Answer {
	w.t.Helper()
	w.secret("password", password)
	page := w.get("/login")
	csrf := site.Find(w.t, csrfField, page.Text)
	w.secret("the app's form token", csrf)
	return w.note(w.c.Post("/login", url.Values{"username": {name}, "password": {password}, "csrf": {csrf}}))
}

// within reports whether a text contains a secret. A code is six digits, which also occur in longer numbers and as
// colours.
func (w *walkOfSecrets) within(text, value string) bool {
	if len(value) == 6 {
		return regexp.MustCompile(`(^|[^0-9A-Za-z.#])` + value + `($|[^0-9A-Za-z])`).MatchString(text)
	}
	return strings.Contains(text, value)
}

// clean fails the test if a text contains a secret of a kind that is not named.
func (w *walkOfSecrets) clean(where, text string, but ...string) {
	w.t.Helper()
	for value, what := range w.secrets {
		excepted := false
		for _, kind := range but {
			excepted = excepted || kind == what
		}
		if !excepted && w.within(text, value) {
			at := strings.Index(text, value)
			w.t.Errorf("%s has a %s: %q", where, what, text[max(0, at-200):min(len(text), at+len(value)+100)])
		}
	}
}

// TestP9_WalkIsQuiet: the attacker reads the log, which goes to a collector that half the company can search, the admin
// interface, a backup of the gateway's files, the addresses in a proxy's log, and screenshots of error pages. The whole
// walk, with its mistakes, with the log at DEBUG and an access log, leaves no password, code, seed, recovery code,
// token or held cookie in any of them.
func TestP9_WalkIsQuiet(t *testing.T) {
	t.Parallel()
	walkQuietly(t, site.Options{}, nil)
}

// walkQuietly does the whole walk and searches everything that it left. known are further secrets.
func walkQuietly(t *testing.T, options site.Options, known map[string]string) {
	t.Helper()
	options.Block = "log"
	l := newLedger(t, demo.Knobs{Record: 5000}, "", options)
	w := &walkOfSecrets{t: t, l: l, c: l.Client(t), secrets: map[string]string{}}
	for value, what := range known {
		w.secret(what, value)
	}

	w.get("/files").Wants(t, http.StatusSeeOther, "/login")
	w.signIn("alice", "a-wrong-password-of-alice").Wants(t, http.StatusOK, "")
	// A password is typed into the wrong field. The app shows it again, to the same browser.
	w.secret("password in the wrong field", "typed-into-the-wrong-field")
	w.signIn("typed-into-the-wrong-field", "nothing-much")
	w.signIn("alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/files")
	w.own("/", "/setup", "").Wants(t, http.StatusSeeOther, "/second-factor/setup")
	first := w.key(w.get("/second-factor/setup").Text)
	w.own("/setup", "/setup/confirm", otherThan(t, first.Key, skew)).Wants(t, http.StatusUnprocessableEntity, "")
	w.own("/setup", "/setup/confirm", first.Code(t)).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	codes := site.RecoveryCodes(t, w.get("/second-factor/recovery-codes").Text)
	for _, code := range codes {
		w.secret("recovery code", code)
		w.secret("recovery code", strings.ReplaceAll(code, "-", ""))
	}
	w.get("/files").Wants(t, http.StatusOK, "")
	w.own("/", "/logout", "").Wants(t, http.StatusSeeOther, "/login")

	w.signIn("alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	w.own("/challenge", "/challenge", otherThan(t, first.Key, skew)).Wants(t, http.StatusUnprocessableEntity, "")
	w.own("/challenge", "/challenge", "not-a-code-at-all").Wants(t, http.StatusUnprocessableEntity, "")
	w.own("/recovery", "/recovery", "wrong-reco-very-code").Wants(t, http.StatusUnprocessableEntity, "")
	w.note(w.c.Post("/second-factor/challenge", url.Values{"code": {first.Code(t)}})).Wants(t, http.StatusForbidden, "")
	w.note(w.c.PostJSON("/second-factor/challenge", `{"code":"broken-json-with-code`)).Wants(t, http.StatusBadRequest, "")
	w.secret("code", "broken-json-with-code")
	w.own("/challenge", "/challenge", first.Code(t)).Wants(t, http.StatusSeeOther, "/")
	w.own("/", "/logout", "")
	w.signIn("alice", demo.AlicePassword)
	w.own("/recovery", "/recovery", codes[0]).Wants(t, http.StatusSeeOther, "/")

	w.own("/reset", "/reset", codes[1]).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	second := w.key(w.get("/second-factor/setup").Text)
	w.own("/setup", "/setup/confirm", second.Code(t)).Wants(t, http.StatusSeeOther, "/second-factor/")
	w.own("/recovery-codes", "/recovery-codes", second.Code(t)).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	for _, code := range site.RecoveryCodes(t, w.get("/second-factor/recovery-codes").Text) {
		w.secret("recovery code", code)
	}
	w.get("/second-factor/status")
	w.get("/second-factor/nowhere").Wants(t, http.StatusNotFound, "")
	w.own("/", "/logout", "")

	// The same as a script does it.
	answer := w.note(w.c.PostJSON("/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`)).Wants(t, http.StatusUnauthorized, "")
	wantsProblem(t, answer, "https://sallyport.invalid/second-factor-required")
	code := second.Code(t)
	w.secret("code", code)
	w.note(w.c.PostJSON("/second-factor/challenge", `{"code":"`+code+`"}`)).Wants(t, http.StatusNoContent, "")
	w.note(w.c.PostJSON("/second-factor/challenge", `{"code":"`+code+`"}`)).Wants(t, http.StatusConflict, "")
	w.get("/second-factor/resume").Wants(t, http.StatusOK, "")
	w.own("/disable", "/disable", second.Code(t)).Wants(t, http.StatusSeeOther, "/second-factor/")
	config := w.admin("/config/")
	// The admin interface's other pages are read while sessions are alive.
	others := w.admin("/debug/vars") + w.admin("/debug/pprof/goroutine?debug=2") + w.admin("/debug/pprof/cmdline") + w.admin("/metrics") + w.admin("/reverse_proxy/upstreams")
	w.get("/logout")

	held := 0
	for _, received := range l.app.Received() {
		request := http.Request{Header: received.Header}
		for _, cookie := range request.Cookies() {
			if cookie.Name == demo.SessionCookie {
				w.secret("held cookie", cookie.Value)
				held++
			}
		}
	}
	if held == 0 || len(w.secrets) < 60 {
		t.Fatalf("the walk met %d held cookies and %d secrets", held, len(w.secrets))
	}
	l.Stop()

	// The control: what should be in the log is there, and is found.
	for _, word := range []string{"session verified", "code refused", "second factor changed", "handled request", "upstream roundtrip", "(X11; Linux x86_64) Test"} {
		if !w.within(l.Log(), word) {
			t.Errorf("the log has no %q; is it at DEBUG?", word)
		}
	}
	w.clean("the log", l.Log())
	if !strings.Contains(config, "second_factor") {
		t.Errorf("no configuration: %.300s", config)
	}
	w.clean("the configuration", config)
	w.clean("the admin interface", others)
	for _, a := range w.answers {
		where := a.Request.Method + " " + a.Request.URL.String()
		w.clean("the address of "+where, a.Request.URL.String())
		w.clean("the Location of "+where, a.Location())
		w.clean("the page of "+where, a.Text, "csrf token", "the app's form token", "seed", "recovery code", "code", "password in the wrong field")
		if a.StatusCode >= 400 {
			but := []string{"csrf token"}
			if strings.HasSuffix(where, "/setup/confirm") {
				but = append(but, "seed", "code")
			}
			w.clean("the error page of "+where, a.Text, but...)
		}
		for name, values := range a.Header {
			if name != "Set-Cookie" {
				w.clean("header "+name+" of "+where, strings.Join(values, "\n"))
			}
		}
	}
	w.files()
}

// admin asks the admin interface, over its socket.
func (w *walkOfSecrets) admin(path string) string {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(w.l.Folder, "admin.sock"))
	}}}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// files searches everything that the gateway stores.
func (w *walkOfSecrets) files() {
	w.t.Helper()
	seen := 0
	err := filepath.WalkDir(w.l.Folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		w.clean("the file "+path, string(text))
		if filepath.Base(path) == "secrets.db" && strings.Contains(string(text), "alice") {
			w.t.Errorf("%s has a name", path)
		}
		return nil
	})
	if err != nil || seen < 2 {
		w.t.Errorf("%d files were looked at: %v", seen, err)
	}
}
