package gateway

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/demo"
)

// homely makes a site whose app leads every login to the same page.
func homely(t *testing.T, leads func(r *http.Request) string) *site {
	t.Helper()
	s := newSite(t, demo.Knobs{}, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case r.URL.Path == "/login" && r.Method == http.MethodPost:
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: r.FormValue("username"), Path: "/", HttpOnly: true})
			w.Header().Set("Location", leads(r))
			w.WriteHeader(http.StatusFound)
		case r.URL.Path == "/api/me":
			id := sid(r)
			if id == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return nil
			}
			w.Header().Set("Content-Type", "application/json")
			_, err := io.WriteString(w, `{"login":"`+id+`"}`)
			return err
		default:
			w.Header().Set("Content-Type", "text/html")
			_, err := io.WriteString(w, "<p>"+r.RequestURI)
			return err
		}
		return nil
	})
	return s
}

// TestDeepLink: a stranger asks for a page deep in the app. The app has not seen that request, and leads the login to
// its home, as always. She gets the page that she asked for, with a factor and without. If the app leads anywhere else,
// it has a reason.
func TestDeepLink(t *testing.T) {
	leads := "/app"
	s := homely(t, func(r *http.Request) string {
		if r.FormValue("username") == "mallory" {
			return "/terms"
		}
		return leads
	})
	enter := func(b *browser, asked, name string) answer {
		t.Helper()
		if asked != "" {
			b.get(asked).wants(t, http.StatusSeeOther, "/login")
		}
		b.get("/login")
		return b.post("/login", url.Values{"username": {name}, "password": {"x"}})
	}
	alice := s.browser()
	enter(alice, "", "alice").wants(t, http.StatusFound, "/app")
	key := alice.enrol()
	alice.own("/", "/logout", nil)
	prove := func(asked string) answer {
		t.Helper()
		b := s.browser()
		enter(b, asked, "alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		s.clock.Advance(30e9)
		return b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}})
	}
	prove("").wants(t, http.StatusSeeOther, "/app")
	prove("/app/report?id=7").wants(t, http.StatusSeeOther, "/app/report?id=7")
	prove("/app?id=7").wants(t, http.StatusSeeOther, "/app?id=7")
	enter(s.browser(), "/app/report?id=7", "bob").wants(t, http.StatusFound, "/app/report?id=7")
	// Other pages that the app leads to.
	enter(s.browser(), "/app/report?id=7", "mallory").wants(t, http.StatusFound, "/terms")
	enter(s.browser(), "", "mallory").wants(t, http.StatusFound, "/terms")

	// A home that is no folder is known because logins have led to it before.
	for _, leads = range []string{"/dashboard?tab=1", "/"} {
		prove("/files/1").wants(t, http.StatusSeeOther, leads)
		prove("").wants(t, http.StatusSeeOther, leads)
		prove("/").wants(t, http.StatusSeeOther, leads)
		prove("/files/1").wants(t, http.StatusSeeOther, "/files/1")
		prove("").wants(t, http.StatusSeeOther, leads)
	}
	leads = "/application"
	prove("/app/x").wants(t, http.StatusSeeOther, "/application")
}

// TestDeepLinkToStartPage: nearly all apps lead a login to "/". The first stranger who asks for a page deep in such an
// app gets to it, with a factor and without. If logins are known to lead elsewhere, the app has a reason to
// lead to the start page.
func TestDeepLinkToStartPage(t *testing.T) {
	leads := "/"
	s := homely(t, func(r *http.Request) string {
		if r.FormValue("username") == "mallory" {
			return "/terms"
		}
		return leads
	})
	enter := func(asked, name string) answer {
		t.Helper()
		b := s.browser()
		if asked != "" {
			b.get(asked).wants(t, http.StatusSeeOther, "/login")
		}
		return b.post("/login", url.Values{"username": {name}, "password": {"x"}})
	}
	enter("/app/report?id=7", "bob").wants(t, http.StatusFound, "/app/report?id=7")
	enter("/app/report?id=7", "mallory").wants(t, http.StatusFound, "/terms")

	alice := s.browser()
	alice.post("/login", url.Values{"username": {"alice"}, "password": {"x"}}).wants(t, http.StatusFound, "/")
	key := alice.enrol()
	// Also again and again: what was asked for is no home of the app's.
	for range usualTimes + 1 {
		b := s.browser()
		b.get("/app/report?id=7").wants(t, http.StatusSeeOther, "/login")
		b.post("/login", url.Values{"username": {"alice"}, "password": {"x"}}).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		s.clock.Advance(30e9)
		b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/app/report?id=7")
	}
	enter("/app/other", "bob").wants(t, http.StatusFound, "/app/other")
	enter("", "bob").wants(t, http.StatusFound, "/")
	enter("/", "bob").wants(t, http.StatusFound, "/")

	// From here on the app has another home.
	leads = "/dashboard"
	for range usualTimes {
		enter("", "bob").wants(t, http.StatusFound, "/dashboard")
	}
	enter("/app/other", "bob").wants(t, http.StatusFound, "/app/other")

	t.Run("elsewhere", func(t *testing.T) {
		leads := "/dashboard"
		s := homely(t, func(*http.Request) string { return leads })
		enter := func(asked string) answer {
			t.Helper()
			b := s.browser()
			b.get(asked).wants(t, http.StatusSeeOther, "/login")
			return b.post("/login", url.Values{"username": {"bob"}, "password": {"x"}})
		}
		for range usualTimes {
			enter("/files").wants(t, http.StatusFound, "/dashboard")
		}
		enter("/files").wants(t, http.StatusFound, "/files")
		leads = "/"
		for range usualTimes {
			enter("/files").wants(t, http.StatusFound, "/")
		}
		enter("/files").wants(t, http.StatusFound, "/files")
	})
}

// usualTimes is how often a login leads somewhere until that is one of the app's homes.
const usualTimes = 3

// TestDeepLinkOfOthers: another site's page makes a browser ask for a page in a frame, or for a picture. Nobody wants
// to see that after her login. A link that she follows she does.
func TestDeepLinkOfOthers(t *testing.T) {
	s := homely(t, func(*http.Request) string { return "/app" })
	for dest, want := range map[string]string{"document": "/app/x", "iframe": "/app", "embed": "/app"} {
		b := s.browser()
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/app/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Accept": {"text/html"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {dest}}
		response, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		b.post("/login", url.Values{"username": {"bob"}, "password": {"x"}}).wants(t, http.StatusFound, want)
	}
}
