package portal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/internal/testclock"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// house is the portal of one site, with the real pages, with stores in memory, and with nothing behind it, since no
// request may get further than the portal.
type house struct {
	t       *testing.T
	pages   *Site
	site    *signin.Site
	clock   *testclock.Clock
	factors *factor.Service
	events  []event.Event
}

// Emit implements event.Sink.
func (h *house) Emit(_ context.Context, e event.Event) { h.events = append(h.events, e) }

func newHouse(t *testing.T, change func(*exchange.Config)) *house {
	t.Helper()
	h := &house{t: t, pages: NewSite(), clock: testclock.New(time.Now().Truncate(time.Second))}
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	h.factors = factor.NewService(factor.NewMemoryStore(), factor.Config{
		App: "ledger", Now: h.clock.Now, Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)},
	})
	config := exchange.Config{
		App: "ledger", LoginPage: "/login", Now: h.clock.Now, Events: h,
		Logins: login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}}},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
		Sessions: session.NewShared(memory).Manager(session.Config{App: "ledger", Now: h.clock.Now}),
		Factors:  h.factors, Pages: pages.New(pages.Options{}),
	}
	if change != nil {
		change(&config)
	}
	site, err := exchange.NewSite(config)
	if err != nil {
		t.Fatal(err)
	}
	h.site = signin.NewSite(upstream.NewSite(site, nil))
	return h
}

// above stands for the rooms above: no stream has anything to follow, and every site has a login page.
type above struct{ released bool }

func (*above) RefuseStranger() error     { return nil }
func (*above) Methods() []string         { return nil }
func (*above) Follow(_, _ string)        {}
func (a *above) Release()                { a.released = true }
func (*above) Untold()                   {}
func (*above) Begun() bool               { return false }
func (*above) Carrier() underway.Carrier { return nil }

// visitor is a browser at the portal.
type visitor struct {
	h     *house
	token string
}

// visitor makes a visitor with a session in this state, alice's unless nobody is signed in.
func (h *house) visitor(state gate.State) *visitor {
	h.t.Helper()
	data := session.Data{Host: "example.com", State: state, Created: h.clock.Now(), Since: h.clock.Now(), Seen: h.clock.Now()}
	if state != gate.Anonymous {
		data.Identity = "alice"
	}
	data.Next = "/wanted"
	token, err := storetest.Create(h.t.Context(), h.site.Config.Sessions, data)
	if err != nil {
		h.t.Fatal(err)
	}
	return &visitor{h, token}
}

// session returns the visitor's session as it is in the store; nil if it has ended.
func (v *visitor) session() *session.Data {
	v.h.t.Helper()
	data, err := v.h.site.Config.Sessions.Load(v.h.t.Context(), v.token)
	if err != nil {
		v.h.t.Fatal(err)
	}
	return data
}

// wantsState fails the test unless the session is in this state.
func (v *visitor) wantsState(want gate.State) {
	v.h.t.Helper()
	if data := v.session(); data == nil || data.State != want {
		v.h.t.Fatalf("the session is %+v, want %s", data, want)
	}
}

// send serves one request and keeps the token that comes back.
func (v *visitor) send(r *http.Request) *httptest.ResponseRecorder {
	v.h.t.Helper()
	name := v.h.site.CookieName(r)
	if v.token != "" {
		r.Header.Set("Cookie", name+"="+v.token)
	}
	w := httptest.NewRecorder()
	x := new(signin.Exchange)
	x.Begin(v.h.site, w, r, func(http.ResponseWriter, *http.Request) error {
		v.h.t.Errorf("%s %s went to the app", r.Method, r.URL)
		return nil
	})
	x.Above = new(above)
	if err := x.LoadSession(); err != nil {
		v.h.t.Fatal(err)
	}
	x.Now, x.Path, x.Target, x.Place = v.h.clock.Now(), match.ParsePath(r.URL), r.RequestURI, gate.Own
	if err := Serve(v.h.pages, x); err != nil {
		v.h.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == name {
			v.token, _, _ = strings.Cut(cookie.Value, ".") // without the port behind it
		}
	}
	return w
}

func (v *visitor) get(path string) *httptest.ResponseRecorder {
	v.h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/second-factor"+path, nil)
	r.Header.Set("Accept", "text/html")
	return v.send(r)
}

// formOf makes a POST as a browser sends it from one of our pages.
func formOf(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/second-factor"+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	return r
}

// post sends a form with the session's token.
func (v *visitor) post(path string, values url.Values) *httptest.ResponseRecorder {
	v.h.t.Helper()
	if values == nil {
		values = url.Values{}
	}
	if data := v.session(); data != nil {
		values.Set("csrf_token", data.Form)
	}
	return v.send(formOf(path, values))
}

var (
	secretKey    = regexp.MustCompile(`<code id="secret"[^>]*>([^<]+)</code>`)
	recoveryCode = regexp.MustCompile(`<code>([a-z0-9]+(?:-[a-z0-9]+)+)</code>`)
)

// code returns the present code of a key.
func (h *house) code(key string) string {
	h.t.Helper()
	code, err := otp.GenerateCode(strings.ReplaceAll(key, " ", ""), h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

// enrol sets alice's factor up, and returns its key and the recovery codes. It moves the clock on, so that the code
// that it used is no longer the present one.
func (h *house) enrol() (key string, codes []string) {
	h.t.Helper()
	proposal, err := h.factors.Begin(h.t.Context(), "alice", factor.MethodTOTP)
	if err != nil {
		h.t.Fatal(err)
	}
	offer, err := h.factors.Show(proposal)
	if err != nil {
		h.t.Fatal(err)
	}
	confirmed, err := h.factors.Confirm(h.t.Context(), "alice", proposal, factor.Answer{Kind: factor.MethodTOTP, Text: h.code(offer.Key)})
	codes = confirmed.Codes
	if err != nil {
		h.t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	return offer.Key, codes
}

// enrolled reports whether alice has a factor.
func (h *house) enrolled() bool {
	h.t.Helper()
	status, err := h.factors.Status(h.t.Context(), "alice")
	if err != nil {
		h.t.Fatal(err)
	}
	return status.Enrolled
}

// told reports whether an event of this name was emitted.
func (h *house) told(name event.Name) bool {
	return slices.ContainsFunc(h.events, func(e event.Event) bool { return e.Name == name })
}

// wants fails the test unless the answer has this status and Location.
func wants(t *testing.T, w *httptest.ResponseRecorder, status int, location string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Location") != location {
		t.Fatalf("got %d to %q, want %d to %q\n%.1500s", w.Code, w.Header().Get("Location"), status, location, w.Body)
	}
}

// find returns the first match on a page, and fails the test if there is none.
func find(t *testing.T, pattern *regexp.Regexp, w *httptest.ResponseRecorder) string {
	t.Helper()
	found := pattern.FindStringSubmatch(w.Body.String())
	if found == nil {
		t.Fatalf("no %v in %.2000s", pattern, w.Body)
	}
	return found[1]
}
