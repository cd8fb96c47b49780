package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
)

// at returns the same browser at another site of this host.
func (b *browser) at(s *site) *browser { return &browser{s: s, client: b.client} }

// named returns the names of the gateway's cookies that the browser has.
func (b *browser) named(t *testing.T) (names []string) {
	t.Helper()
	address, err := url.Parse(b.s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(address) {
		if strings.HasPrefix(cookie.Name, "sallyport") && !strings.HasSuffix(cookie.Name, "-next") {
			names = append(names, cookie.Name)
		}
	}
	return names
}

// TestPorts: cookies know no ports. A look at another gateway of this host, at its login page or by a sign-in, signed
// the user out of the first one, and the other way round.
func TestPorts(t *testing.T) {
	first, second := newSite(t, demo.Knobs{}, nil), newSite(t, demo.Knobs{}, nil)
	b := first.browser()
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	if names := b.named(t); len(names) != 1 || names[0] != "sallyport" {
		t.Fatalf("cookies %q", names)
	}
	other := b.at(second)
	other.get("/login")
	if got := b.get("/"); got.StatusCode != http.StatusOK {
		t.Fatalf("a look at the other's login page: %d", got.StatusCode)
	}
	other.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	if got := b.get("/"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "alice") {
		t.Errorf("a sign-in at the other: %d", got.StatusCode)
	}
	if got := other.get("/"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "bob") {
		t.Errorf("at the other: %d", got.StatusCode)
	}
	if names := b.named(t); len(names) != 2 {
		t.Errorf("cookies %q", names)
	}
	b.own("/", "/logout", nil).wants(t, http.StatusSeeOther, "/login")
	if got := other.get("/"); got.StatusCode != http.StatusOK {
		t.Errorf("the other, after a sign-out here: %d", got.StatusCode)
	}
	if names := b.named(t); len(names) != 1 {
		t.Errorf("after the sign-out: cookies %q", names)
	}
	other.own("/", "/logout", nil).wants(t, http.StatusSeeOther, "/login")
	if names := b.named(t); len(names) != 0 {
		t.Errorf("after both: cookies %q", names)
	}
}

// TestPortsOwn: a token of this port is used up when its session is over, and is not taken for another port's. A token
// without a port, of the version before, still counts.
func TestPortsOwn(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	s.clock.Advance(48 * 3600e9)
	b.get("/").wants(t, http.StatusSeeOther, "/login")
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	if names := b.named(t); len(names) != 1 || names[0] != "sallyport" {
		t.Errorf("cookies %q", names)
	}
	address, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(address) {
		if cookie.Name == "sallyport" {
			token, port, said := strings.Cut(cookie.Value, ".")
			if !said || port != address.Port() {
				t.Errorf("the token is for port %q", port)
			}
			before := s.browser()
			before.client.Jar.SetCookies(address, []*http.Cookie{{Name: "sallyport", Value: token, Path: "/"}})
			if got := before.get("/"); got.StatusCode != http.StatusOK {
				t.Errorf("a token without a port: %d", got.StatusCode)
			}
		}
	}
}

// TestPortsPlanted: an attacker who can set cookies of this host, from another port, plants a second cookie of the name
// with the port. It gets nobody into a session, and no app sees one of these cookies.
func TestPortsPlanted(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) { c.Pass = match.NewGlobs("sallyport*", "SALLYPORT*", "other") })
	address, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	var token string
	for _, cookie := range b.client.Jar.Cookies(address) {
		if cookie.Name == "sallyport" {
			token, _, _ = strings.Cut(cookie.Value, ".")
		}
	}
	name := "sallyport-" + address.Port()
	ask := func(cookie string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Cookie": {cookie}, "Accept": {"text/html"}}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for cookie, want := range map[string]int{
		name + "=" + token: 200, "sallyport=" + token: 200, name + "=x; sallyport=" + token: 303,
		name + "=" + token + "; " + name + "=x": 303, name + "=x; " + name + "=y; sallyport=" + token: 303, "sallyport-1=" + token: 303,
	} {
		if got := ask(cookie); got != want {
			t.Errorf("%s: %d, want %d", strings.ReplaceAll(cookie, token, "TOKEN"), got, want)
		}
	}
	seen := ""
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/" {
			seen = strings.Join(r.Header["Cookie"], "; ")
		}
		s.app.ServeHTTP(w, r)
		return nil
	})
	ask("sallyport=" + token + "; sallyport-8443=secret; SALLYPORT-1=secret; other=1; sallyport-x=1")
	if strings.Contains(seen, "secret") || !strings.Contains(seen, "other=1") || !strings.Contains(seen, "sallyport-x=1") {
		t.Errorf("the app sees %q", strings.ReplaceAll(seen, token, "TOKEN"))
	}
}

// bare returns a session's token without its port.
func bare(value string) string {
	token, _, _ := strings.Cut(value, ".")
	return token
}
