package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is a client with a cookie jar that follows no redirects.
type browser struct {
	*testing.T
	*http.Client
	app  *App
	base string
}

// open starts an app and a browser in front of it.
func open(t *testing.T, options Options) *browser {
	t.Helper()
	if options.Now == nil {
		at := time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)
		options.Now = func() time.Time { return at }
	}
	if options.EventInterval == 0 {
		options.EventInterval = time.Millisecond
	}
	app := New(options)
	server := httptest.NewServer(app)
	t.Cleanup(func() {
		app.Close()
		server.Close()
	})
	return (&browser{T: t, app: app, base: server.URL}).another()
}

// another returns a second browser of the same app.
func (b *browser) another() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b.Cleanup(client.CloseIdleConnections)
	return &browser{T: b.T, Client: client, app: b.app, base: b.base}
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	body string
}

func (b *browser) send(method, path, body string, header ...string) answer {
	b.Helper()
	request, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header[header[i]] = append(request.Header[header[i]], header[i+1])
	}
	response, err := b.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{response, string(text)}
}

func (b *browser) get(path string, header ...string) answer {
	b.Helper()
	return b.send(http.MethodGet, path, "", header...)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.Helper()
	return b.send(http.MethodPost, path, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (b *browser) postJSON(path, body string, header ...string) answer {
	b.Helper()
	return b.send(http.MethodPost, path, body, append(header, "Content-Type", "application/json")...)
}

var tokenField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// token reads the form token of a page.
func (b *browser) token(path string) string {
	b.Helper()
	page := b.get(path)
	found := tokenField.FindStringSubmatch(page.body)
	if found == nil {
		b.Fatalf("no form token on %s: %d %s", path, page.StatusCode, page.body)
	}
	return found[1]
}

// signIn goes through the form.
func (b *browser) signIn(username, password, next string) answer {
	b.Helper()
	return b.post("/login", url.Values{
		"csrf": {b.token("/login")}, "username": {username}, "password": {password}, "next": {next},
	})
}

// asAlice signs in, and stops the test if that fails.
func (b *browser) asAlice() {
	b.Helper()
	if got := b.signIn("alice", AlicePassword, "/"); got.StatusCode != http.StatusSeeOther {
		b.Fatalf("signing in: %d %s", got.StatusCode, got.body)
	}
}

// me returns the account that /api/me names, or the status if it names none.
func (b *browser) me(header ...string) string {
	b.Helper()
	got := b.get("/api/me", header...)
	if got.StatusCode != http.StatusOK {
		return got.Status
	}
	var who map[string]string
	if err := json.Unmarshal([]byte(got.body), &who); err != nil || len(who) != 1 {
		b.Fatalf("/api/me says %q (%v)", got.body, err)
	}
	return who["login"]
}

// cookie returns the value of the browser's cookie.
func (b *browser) cookie(name string) string {
	base, err := url.Parse(b.base)
	if err != nil {
		b.Fatal(err)
	}
	for _, cookie := range b.Jar.Cookies(base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

const unauthorized = "401 Unauthorized"

func TestStrangersGetNothing(t *testing.T) {
	b := open(t, Options{})
	for _, test := range []struct {
		method, path, location string
		status                 int
	}{
		{"GET", "/", "/login", 303},
		{"GET", "/files", "/login?next=%2Ffiles", 303},
		{"GET", "/files/a.txt?x=1", "/login?next=%2Ffiles%2Fa.txt%3Fx%3D1", 303},
		{"POST", "/entries", "/login", 303},
		{"POST", "/files", "/login", 303},
		{"GET", "/static/private/statement.txt", "/login?next=%2Fstatic%2Fprivate%2Fstatement.txt", 303},
		{"GET", "/api/me", "", 401},
		{"GET", "/api/entries", "", 401},
		{"POST", "/api/entries", "", 401},
		{"GET", "/ws", "", 401},
		{"GET", "/events", "", 401},
		{"GET", "/echo", "", 401},
		{"PUT", "/sink", "", 401},
		{"GET", "/source?bytes=1", "", 401},
		{"GET", "/nothing", "", 404},
		{"DELETE", "/login", "", 405},
	} {
		got := b.send(test.method, test.path, "")
		if got.StatusCode != test.status || got.Header.Get("Location") != test.location {
			t.Errorf("%s %s: %d to %q, want %d to %q", test.method, test.path, got.StatusCode, got.Header.Get("Location"), test.status, test.location)
		}
		if got.Header.Get("X-Ledger-User") != "" {
			t.Errorf("%s %s names a user", test.method, test.path)
		}
	}
}

func TestPublicPlaces(t *testing.T) {
	b := open(t, Options{})
	for path, kind := range map[string]string{
		"/login":            "text/html; charset=utf-8",
		"/static/style.css": "text/css; charset=utf-8",
		"/static/script.js": "text/javascript; charset=utf-8",
		"/static/icon.svg":  "image/svg+xml",
		"/favicon.ico":      "image/svg+xml",
	} {
		got := b.get(path)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != kind || got.body == "" {
			t.Errorf("%s: %d %q", path, got.StatusCode, got.Header.Get("Content-Type"))
		}
	}
	if got := b.get("/static/"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the folder is listed: %d", got.StatusCode)
	}
}

func TestSignedInPlaces(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	for path, part := range map[string]string{
		"/":                             `<strong id="whoami">alice</strong>`,
		"/files":                        "Nothing yet.",
		"/static/private/statement.txt": "Statement of account",
		"/api/entries":                  `"balance":"792.55"`,
	} {
		got := b.get(path)
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, part) || got.Header.Get("X-Ledger-User") != "alice" {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	for name, options := range map[string]Options{
		"same login":      {Users: []User{{Login: "a"}, {Login: " A "}}},
		"email as login":  {Users: []User{{Login: "a@b"}, {Login: "c", Email: "A@b"}}},
		"reset of nobody": {ResetTokens: map[string]string{"t": "nobody"}},
		"long password":   {Users: []User{{Login: "a", Password: strings.Repeat("x", 73)}}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			New(options)
		})
	}
}
