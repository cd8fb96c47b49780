package desk_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/desk"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// bench is a desk before stores in memory. The operator is whom a header names, as a test's sign-in.
type bench struct {
	t      *testing.T
	store  *factor.MemoryStore
	server *httptest.Server
	app    operator.App
	log    *strings.Builder
}

type quiet struct{}

func (quiet) Emit(context.Context, event.Event) {}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, store: factor.NewMemoryStore(), log: new(strings.Builder)}
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	shared := session.NewShared(memory)
	b.app = operator.App{
		Name:     "wiki",
		Factors:  factor.NewService(b.store, factor.Config{App: "wiki", Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)}}),
		Sessions: shared.Manager(session.Config{App: "wiki"}), Events: quiet{}, Throttle: factor.DefaultThrottle(),
	}
	d, err := desk.New(desk.Config{
		Base: "/desk", Apps: []string{"wiki", "ledger"}, Pages: pages.New(pages.Options{}),
		Operators: &operator.Service{Lister: b.store, Find: func(name string) (operator.App, bool) {
			app := b.app
			app.Name = name
			return app, slices.Contains([]string{"wiki", "ledger"}, name)
		}},
		Operator: func(r *http.Request) string { return r.Header.Get("Operator") },
		Client:   func(*http.Request) string { return "192.0.2.7" }, Secure: func(*http.Request) bool { return false },
		Keys:   func(ctx context.Context) ([][]byte, error) { return shared.Keys(ctx, "test") },
		Logger: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = d.ServeHTTP(w, r, func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})
	}))
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) put(record factor.Record) {
	b.t.Helper()
	if _, err := b.store.Put(b.t.Context(), factor.Key{App: "wiki", User: record.User}, record, 0); err != nil {
		b.t.Fatal(err)
	}
}

// person is somebody's browser.
type person struct {
	b    *bench
	name string
	http.Client
}

func (b *bench) person(name string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &person{b: b, name: name, Client: http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *person) do(method, path string, form url.Values, header ...string) (status int, body, location string) {
	p.b.t.Helper()
	request, err := http.NewRequestWithContext(p.b.t.Context(), method, p.b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.b.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Operator", p.name)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := p.Do(request)
	if err != nil {
		p.b.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return response.StatusCode, string(content), response.Header.Get("Location")
}

func (p *person) get(path string) (status int, body string) {
	status, body, _ = p.do(http.MethodGet, path, nil)
	return status, body
}

var (
	tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)
	codeText   = regexp.MustCompile(`<code id="code"[^>]*>([0-9-]+)</code>`)
)

func of(app, name string) string { return url.Values{"app": {app}, "name": {name}}.Encode() }

// token is that of the form of an act.
func (p *person) token(act, name string) string {
	p.b.t.Helper()
	status, body := p.get("/desk/" + act + "?" + of("wiki", name))
	found := tokenField.FindStringSubmatch(body)
	if status != http.StatusOK || found == nil {
		p.b.t.Fatalf("%s: %d %.400s", act, status, body)
	}
	return found[1]
}

func (p *person) act(act, name, reason string) (status int, body, location string) {
	p.b.t.Helper()
	return p.do(http.MethodPost, "/desk/"+act, url.Values{"app": {"wiki"}, "name": {name}, "reason": {reason}, "csrf_token": {p.token(act, name)}})
}

// TestHelp: an operator finds a user, sees how she stands, resets her, and sees the code once.
func TestHelp(t *testing.T) {
	b := newBench(t)
	b.put(storetest.NewReady("alice", 1))
	b.put(storetest.NewReady("albert", 2))
	b.put(storetest.NewWaiting("bob"))
	grace := b.person("grace")
	if status, body := grace.get("/desk/?" + of("wiki", "al")); status != http.StatusOK ||
		!strings.Contains(body, `href="/desk/user?app=wiki&amp;name=alice"`) || !strings.Contains(body, "albert") || strings.Contains(body, "bob") {
		t.Errorf("search: %d %s", status, body)
	}
	if _, body := grace.get("/desk/?" + of("wiki", "alice")); strings.Count(body, "name=alice") != 1 {
		t.Error("the whole name: not once")
	}
	status, body := grace.get("/desk/user?" + of("wiki", "alice"))
	for _, part := range []string{`id="state" data-state="enrolled"`, `data-factor="enrolment-1"`, `data-event="failure"`} {
		if status != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("user: %d lacks %s", status, part)
		}
	}
	status, body, _ = grace.act("reset", "alice", " ")
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
		t.Errorf("without a reason: %d", status)
	}
	status, body, location := grace.act("reset", "alice", "lost phone")
	if status != http.StatusSeeOther || location != "/desk/user?app=wiki&name=alice" || codeText.MatchString(body+location) {
		t.Fatalf("reset: %d %s", status, location)
	}
	if status, body, _ := grace.do(http.MethodHead, location, nil); status != http.StatusOK || body != "" {
		t.Error("a look at the headers")
	}
	if _, body, _ := grace.do(http.MethodGet, location, nil, "Sec-Purpose", "prefetch"); codeText.MatchString(body) {
		t.Error("shown to nobody, ahead")
	}
	jar := grace.Jar.Cookies(mustParse(t, b.server.URL))
	_, body = grace.get(location)
	code := codeText.FindStringSubmatch(body)
	if code == nil || !factor.IsOperatorCode(code[1]) || !strings.Contains(body, `role="status"`) || !strings.Contains(body, `data-state="waiting"`) {
		t.Fatalf("the code is not shown: %.3000s", body)
	}
	if _, body := grace.get(location); codeText.MatchString(body) {
		t.Error("the code is shown a second time")
	}
	for _, cookie := range jar {
		cookie.Path = "/"
	}
	grace.Jar.SetCookies(mustParse(t, b.server.URL), jar)
	if _, body := grace.get(location); codeText.MatchString(body) {
		t.Error("the code is shown a second time, to who kept the cookie")
	}
	if _, err := b.app.Factors.Help().Claim(t.Context(), "alice", code[1]); err != nil {
		t.Errorf("the code: %v", err)
	}
	for act, said := range map[string]string{"unlock": "unlocked", "sign-out": "sessions have ended", "code": "A code was made"} {
		status, _, location := grace.act(act, "alice", "asked by telephone")
		if _, body := grace.get(location); status != http.StatusSeeOther || !strings.Contains(body, said) || codeText.MatchString(body) != (act == "code") {
			t.Errorf("%s: %d %.300s", act, status, body)
		}
	}
	if strings.Contains(b.log.String(), code[1]) {
		t.Error("the code is in the log")
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address + "/desk/")
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestP1_DeskIsForOperators: nobody who is no operator sees or does anything, also with an operator's forms and
// cookies.
func TestP1_DeskIsForOperators(t *testing.T) {
	b := newBench(t)
	b.put(storetest.NewReady("alice", 1))
	grace := b.person("grace")
	if status, _ := grace.get("/desk/"); status != http.StatusOK {
		t.Fatalf("the control: %d", status)
	}
	token := grace.token("reset", "alice")
	grace.name = ""
	for _, path := range []string{"/desk/", "/desk/user?" + of("wiki", "alice"), "/desk/reset?" + of("wiki", "alice"), "/elsewhere", "/desk"} {
		if status, body := grace.get(path); status != http.StatusForbidden || strings.Contains(body, "alice") {
			t.Errorf("%s: %d", path, status)
		}
	}
	form := url.Values{"app": {"wiki"}, "name": {"alice"}, "reason": {"x"}, "csrf_token": {token}}
	if status, _, _ := grace.do(http.MethodPost, "/desk/reset", form); status != http.StatusForbidden {
		t.Errorf("reset by nobody: %d", status)
	}
	grace.name = "mallory"
	if status, _, _ := grace.do(http.MethodPost, "/desk/reset", form); status != http.StatusForbidden {
		t.Errorf("another operator in the same browser: %d", status)
	}
	for name, change := range map[string]func(p *person, form url.Values) []string{
		"without a token":      func(_ *person, form url.Values) []string { form.Del("csrf_token"); return nil },
		"with a wrong token":   func(_ *person, form url.Values) []string { form.Set("csrf_token", "x"); return nil },
		"with two names":       func(_ *person, form url.Values) []string { form.Add("name", "bob"); return nil },
		"without the cookie":   func(p *person, _ url.Values) []string { p.Jar, _ = cookiejar.New(nil); return nil },
		"from another site":    func(*person, url.Values) []string { return []string{"Sec-Fetch-Site", "cross-site"} },
		"from another origin":  func(*person, url.Values) []string { return []string{"Origin", "https://evil.example"} },
		"as JSON":              func(*person, url.Values) []string { return []string{"Content-Type", "application/json"} },
		"far too large a form": func(_ *person, form url.Values) []string { form.Set("reason", strings.Repeat("x", 9<<10)); return nil },
	} {
		p := b.person("grace")
		form := url.Values{"app": {"wiki"}, "name": {"alice"}, "reason": {"x"}, "csrf_token": {p.token("reset", "alice")}}
		header := change(p, form)
		if status, _, _ := p.do(http.MethodPost, "/desk/reset", form, header...); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, err := b.app.Factors.Status(t.Context(), "alice"); err != nil || !status.Enrolled {
		t.Fatalf("she was reset: %+v, %v", status, err)
	}
	again := b.person("grace")
	if status, _, _ := again.act("reset", "alice", "x"); status != http.StatusSeeOther {
		t.Errorf("the control: %d", status)
	}
}

// TestBounds: only the desk's apps, only users that there are, and only the desk's addresses.
func TestBounds(t *testing.T) {
	b := newBench(t)
	b.put(storetest.NewReady("alice", 1))
	grace := b.person("grace")
	token := grace.token("code", "alice")
	for path, want := range map[string]int{
		"/desk/user?" + of("git", "alice"): 404, "/desk/user?" + of("wiki", "nobody"): 404, "/desk/?" + of("git", "a"): 404,
		"/desk/code?" + of("wiki", "nobody"): 404, "/desk/user": 404, "/desk/other": http.StatusTeapot, "/": http.StatusTeapot, "/desk": http.StatusTeapot,
		"/desk/?" + of("wiki", "zzz"): 200,
	} {
		if status, _ := grace.get(path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	for _, to := range []url.Values{{"app": {"git"}, "name": {"alice"}}, {"app": {"wiki"}, "name": {"nobody"}}} {
		to.Set("csrf_token", token)
		to.Set("reason", "x")
		if status, _, _ := grace.do(http.MethodPost, "/desk/code", to); status != http.StatusNotFound {
			t.Errorf("%v: %d", to, status)
		}
	}
	for path, method := range map[string]string{"/desk/": "POST", "/desk/user": "POST", "/desk/reset": "PUT"} {
		if status, _, _ := grace.do(method, path, url.Values{}); status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d", method, path, status)
		}
	}
}

// TestNames: hostile names are their own users, and shown as text.
func TestNames(t *testing.T) {
	b := newBench(t)
	var names []string
	for i, name := range storetest.Names() {
		if name != "" {
			b.put(storetest.NewReady(name, byte(i)))
			names = append(names, name)
		}
	}
	grace := b.person("grace")
	for _, name := range names {
		status, body, location := grace.act("reset", name, "lost")
		if status != http.StatusSeeOther {
			t.Errorf("%q: %d %.200s", name, status, body)
			continue
		}
		if _, body := grace.get(location); !codeText.MatchString(body) || strings.Contains(body, "<b>example") {
			t.Errorf("%q: not the user's own page", name)
		}
		record, _, err := b.store.Get(t.Context(), factor.Key{App: "wiki", User: name})
		if err != nil || record.Waiting == nil {
			t.Errorf("%q was not reset: %v", name, err)
		}
		if err := b.app.Factors.Help().Open(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestP6_DeskWithoutStores: a store that is away is said, with 503, and recovers.
func TestP6_DeskWithoutStores(t *testing.T) {
	b := newBench(t)
	b.put(storetest.NewReady("alice", 1))
	grace := b.person("grace")
	form := url.Values{"app": {"wiki"}, "name": {"alice"}, "reason": {"x"}, "csrf_token": {grace.token("reset", "alice")}}
	b.store.Fail(context.DeadlineExceeded)
	for _, path := range []string{"/desk/?" + of("wiki", "al"), "/desk/user?" + of("wiki", "alice"), "/desk/unlock?" + of("wiki", "alice")} {
		if status, _ := grace.get(path); status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, _ := grace.do(http.MethodPost, "/desk/reset", form); status != http.StatusServiceUnavailable {
		t.Errorf("reset: %d", status)
	}
	b.store.Fail(nil)
	if status, body := grace.get("/desk/user?" + of("wiki", "alice")); status != http.StatusOK || codeText.MatchString(body) {
		t.Errorf("afterwards: %d", status)
	}
}

// TestLanguages: the desk speaks what the operator's browser asks for.
func TestLanguages(t *testing.T) {
	b := newBench(t)
	b.put(storetest.NewReady("alice", 1))
	for language, word := range map[string]string{"de": "Zweiten Faktor zurücksetzen", "ar": "إعادة تعيين العامل الثاني", "ja": "二要素認証をリセット"} {
		_, body, _ := b.person("grace").do(http.MethodGet, "/desk/user?"+of("wiki", "alice"), nil, "Accept-Language", language)
		if !strings.Contains(body, word) {
			t.Errorf("%s: no %s", language, word)
		}
	}
}

// TestTenThousandUsers: there is a first page.
func TestTenThousandUsers(t *testing.T) {
	b := newBench(t)
	for i := range 10_000 {
		b.put(storetest.NewWaiting("user-" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + time.Duration(i).String()))
	}
	began := time.Now()
	if status, body := b.person("grace").get("/desk/?" + of("wiki", "user-")); status != http.StatusOK || strings.Count(body, "<li>") < 50 {
		t.Errorf("%d", status)
	}
	t.Logf("the first page took %s", time.Since(began))
}
