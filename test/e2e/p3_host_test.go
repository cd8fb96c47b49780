package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP3_PoisonedRedirects: an attacker makes a victim's request carry another Host, or X-Forwarded-Host past a
// careless front. An app that builds addresses from it then leads the victim, session and all, to the attacker's site.
// The gateway itself writes only paths, and the app is told of the client's request what Caddy saw.
func TestP3_PoisonedRedirects(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// As Django and Rails build addresses.
			host := r.Host
			if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
				host = forwarded
			}
			app.ServeHTTP(absolute{w, "http://" + host}, r)
		})
	})
	s.Write(strings.Replace(s.Caddyfile(), s.URL+" {", "http://:"+s.Address[strings.LastIndex(s.Address, ":")+1:]+" {", 1))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	poisons := [][]string{
		{"Host: evil.example"},
		{"Host: evil.example:80", "X-Forwarded-Proto: https"},
		{"Host: " + s.Address, "X-Forwarded-Host: evil.example"},
		{"Host: " + s.Address, "X_Forwarded_Host: evil.example"},
		{"Host: " + s.Address, "Forwarded: host=evil.example;proto=https"},
		{"Host: " + s.Address, "X-Forwarded-Server: evil.example", "X-Forwarded-Port: 666"},
		{"Host: " + s.Address, "X-Original-Host: evil.example"},
		{"Host: " + s.Address, "X-Host: evil.example"},
		{"Host: " + s.Address, "X-Forwarded-Host: evil.example", "Connection: X-Forwarded-Host"},
		{"Host: " + s.Address, "X-Forwarded-Prefix: //evil.example"},
	}
	for _, poison := range poisons {
		what := strings.Join(poison, ", ")
		ask := func(who besieger, method, path, body string, lines ...string) shot {
			t.Helper()
			lines = append(append(append(s.cookieLine(who), lines...), poison...), "Accept: text/html")
			if body != "" {
				return s.fireRaw(t, method+" "+path+" HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n", body, lines...)
			}
			return s.fireRaw(t, method+" "+path+" HTTP/1.1\r\n", "", lines...)
		}
		own := func(got shot) {
			t.Helper()
			if location := got.header("Location"); location != "" && (location[0] != '/' || strings.HasPrefix(location, "//")) {
				t.Errorf("%s: the gateway leads to %s", what, location)
			}
			if strings.Contains(got.text, "evil.example") {
				t.Errorf("%s:\n%s", what, got.text)
			}
		}
		for _, who := range s.outside {
			for _, path := range []string{"/files", "/second-factor/", "/second-factor/challenge", "/second-factor/setup", "/second-factor/status", "/second-factor/nowhere"} {
				own(ask(who, "GET", path, ""))
			}
		}
		for _, path := range []string{"/second-factor/", "/second-factor/challenge", "/second-factor/disable"} {
			own(ask(s.alice, "GET", path, ""))
		}
		// A login from its page to its end: the address to which the app had sent the browser is remembered as a path.
		page := ask(besieger{}, "GET", "/login", "")
		visitor := withToken("visitor", page, besieger{})
		answer := ask(visitor, "POST", "/login", loginForm(site.Find(t, csrfField, page.text), "alice", demo.AlicePassword))
		if answer.status != http.StatusSeeOther || answer.header("Location") != "/second-factor/challenge" {
			t.Errorf("%s: the login got %d to %q", what, answer.status, answer.header("Location"))
		}
		own(answer)
		for _, received := range answer.received {
			host := strings.TrimPrefix(poison[0], "Host: ")
			if got := received.Header["X-Forwarded-Host"]; len(got) != 1 || got[0] != host || received.Host != host {
				t.Errorf("%s: the app was told %q, %q", what, received.Host, got)
			}
			if got := received.Header["X-Forwarded-Proto"]; len(got) != 1 || got[0] != "http" {
				t.Errorf("%s: the app was told %q", what, got)
			}
			if hasFolded(received.Header, "x_forwarded") || hasFolded(received.Header, "x-original") {
				t.Errorf("%s: %+v", what, received.Header)
			}
		}
	}
	// To the end, with a poisoned Host.
	authenticator := s.freshCarol(t)
	page := s.fireRaw(t, "GET /login?next=/files HTTP/1.1\r\nHost: evil.example\r\n", "")
	visitor := withToken("visitor", page, besieger{})
	form := url.Values{"username": {"carol"}, "password": {"carol-password"}, "csrf": {site.Find(t, csrfField, page.text)}, "next": {"/files"}}.Encode()
	post := func(who besieger, path, form string) shot {
		return s.fireRaw(t, "POST "+path+" HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "+strconv.Itoa(len(form))+"\r\n", form,
			append(s.cookieLine(who), "Accept: text/html")...)
	}
	answer := post(visitor, "/login", form)
	pending := withToken("pending", answer, visitor)
	challenge := s.fireRaw(t, "GET /second-factor/challenge HTTP/1.1\r\nHost: evil.example\r\n", "", append(s.cookieLine(pending), "Accept: text/html")...)
	passed := post(pending, "/second-factor/challenge", url.Values{"csrf_token": {site.Find(t, site.OwnToken, challenge.text)}, "code": {authenticator.Code(t)}}.Encode())
	if passed.status != http.StatusSeeOther || passed.header("Location") != "/files" {
		t.Errorf("after the factor: %d to %q", passed.status, passed.header("Location"))
	}
	if got := s.fire(t, s.alice, "GET", "/files"); len(got.received) != 1 || got.received[0].Login != "alice" {
		t.Errorf("alice, under the right name: %d", got.status)
	}
	// Held cookies belong to the host that set them, and so does the session.
	repelled(t, "alice, at another host", s.fireRaw(t, "GET /files HTTP/1.1\r\nHost: evil.example\r\n", "", s.cookieLine(s.alice)...))
	if got := s.fireRaw(t, "GET /static/style.css HTTP/1.1\r\nHost: evil.example\r\n", "", s.cookieLine(s.alice)...); len(got.received) != 1 || got.received[0].Login != "" {
		t.Errorf("alice's cookies went to another host: %+v", got.received)
	}
}

// absolute turns paths in Location into whole addresses.
type absolute struct {
	http.ResponseWriter
	base string
}

func (w absolute) WriteHeader(status int) {
	if location := w.Header().Get("Location"); strings.HasPrefix(location, "/") {
		w.Header().Set("Location", w.base+location)
	}
	w.ResponseWriter.WriteHeader(status)
}
