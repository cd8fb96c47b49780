package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// cookieApp is an app that signs everybody in, and at /odd does with its cookie what the test wants.
func cookieApp(odd func(w http.ResponseWriter, r *http.Request)) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case r.URL.Path == "/login" && r.Method == http.MethodPost:
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "HELD", Path: "/"})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case r.URL.Path == "/odd":
			odd(w, r)
		}
		return nil
	}
}

// TestEventsOfSessionsThatEnd: an app that cannot be asked does what nobody can explain, and the session ends.
func TestEventsOfSessionsThatEnd(t *testing.T) {
	for name, test := range map[string]struct {
		odd  func(w http.ResponseWriter, r *http.Request)
		want string
	}{
		"changed cookie": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: "OTHER", Path: "/"})
			},
			"session_ended bob gateway done cookies=sid reason=cookie setting=identity or rotates",
		},
		"too many cookies": {
			func(w http.ResponseWriter, _ *http.Request) {
				for i := range 300 {
					http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("more", i), Value: strings.Repeat("x", 1000), Path: "/"})
				}
			},
			"session_ended bob gateway done reason=overflow setting=pass",
		},
		"no answer": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"session_ended bob gateway done reason=unseen setting=identity",
		},
		"expired cookie": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "sid", MaxAge: -1, Path: "/"})
			},
			"session_ended bob gateway done reason=app",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, h := listening(t, func(c *Config) {
				c.Logins.Identities, c.Logins.Typed, c.Hold = nil, true, match.NewGlobs("sid", "more*")
				c.Logins.Blocks = c.Logins.Blocks[:1]
				c.Logins.Blocks[0].Fields = []string{"username", "password"}
				c.Logins.Blocks[0].Success = [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}}
			})
			s.serve(cookieApp(test.odd))
			b := s.browser()
			b.post("/login", url.Values{"username": {"bob"}, "password": {"x"}}).wants(t, http.StatusSeeOther, "/")
			h.wants(t, "login_accepted bob user accepted state=verified")
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/odd", strings.NewReader("x=y"))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if response, err := b.client.Do(request); err == nil {
				_ = response.Body.Close()
			}
			b.get("/second-factor/status") // by then the earlier request is over
			h.wants(t, test.want)
		})
	}
}

// TestEndIsToldOnce: many requests of one session find at the same time that the app has ended its session.
func TestEndIsToldOnce(t *testing.T) {
	s, h := listening(t, nil)
	var gate sync.WaitGroup
	const many = 8
	gate.Add(many)
	b := s.browser()
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/api/entries" {
			gate.Done()
			gate.Wait()
			http.SetCookie(w, &http.Cookie{Name: demo.SessionCookie, MaxAge: -1, Path: "/"})
			return nil
		}
		s.app.ServeHTTP(w, r)
		return nil
	})
	s.gateway.site.Config.Renews = true // otherwise they would take turns
	b.signIn("bob", demo.BobPassword)
	h.wants(t, "login_accepted bob user accepted state=verified")
	var requests sync.WaitGroup
	for range many {
		requests.Go(func() { b.get("/api/entries") })
	}
	requests.Wait()
	h.wants(t, "session_ended bob gateway done reason=app")
}
