package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// answering is an app that signs alice in with or without a cookie, as the login's field `how` says.
func answering(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	right := r.PostForm.Get("p") == "pw-"+r.PostForm.Get("u")
	cookie, _ := r.Cookie("sid")
	switch {
	case r.URL.Path == "/me" && cookie != nil:
		fmt.Fprintf(w, `{"name":%q}`, strings.TrimPrefix(cookie.Value, "of-"))
		return
	case r.URL.Path == "/me":
		fmt.Fprint(w, `{}`)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><form>")
		return
	}
	w.Header().Set("X-Hint", "none")
	switch how := r.PostForm.Get("how"); {
	case how == "page":
		w.Header().Set("Content-Type", "text/html")
		if right {
			w.Header().Set("Token", "secret-token")
			w.Header().Set("X-Auth-Token", "secret-token")
			w.Header().Set("Refresh", "0; url=/app?token=secret-token")
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<!doctype html>the page<form><input name=u><input type=password name=p>")
	case how == "errand":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html>what anybody may read in the house<form><input name=u><input type=password name=p>")
	case how == "formless":
		w.Header().Set("Content-Type", "text/html")
		status, _ := strconv.Atoi(r.PostForm.Get("status"))
		w.WriteHeader(status)
		fmt.Fprint(w, "<!doctype html>the page")
	case how == "none":
		w.WriteHeader(http.StatusNoContent)
	case how == "back":
		w.Header().Set("Location", "/login?error=1")
		w.WriteHeader(http.StatusFound)
	case how == "to" && right:
		w.Header().Set("Location", "/app#token=secret-token")
		w.WriteHeader(http.StatusFound)
	case how == "called html" && right:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `{"token":"secret-token"}`)
	case how == "json" && right:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"token":"secret-token"}`)
	case how == "json":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"error":"wrong"}`)
	case right:
		w.Header().Set("Set-Cookie", "sid=of-"+r.PostForm.Get("u")+"; Path=/; HttpOnly")
	}
}

func newAnswering(t *testing.T, change func(*login.Block)) *browser {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		block := login.Block{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}
		change(&block)
		c.Logins = login.Set{Blocks: []login.Block{block}, Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}}}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		answering(w, r)
		return nil
	})
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	b := s.browser()
	b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	return s.browser()
}

// control returns the app's own answer.
func control(form string) string {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form))
	r.Header.Set("Content-Type", asForm)
	answering(w, r)
	return w.Body.String() + fmt.Sprint(w.Header())
}

// TestP2_TokenOfALoginWithoutACookie: an app gives browsers a cookie and programs a token, at the same address. As far
// as the app could be asked, nobody was signed in by the answer with the token, and so the token was handed on: in the
// body, under a type that old apps use for everything, in a header, or behind the `#` of a redirect.
func TestP2_TokenOfALoginWithoutACookie(t *testing.T) {
	b := newAnswering(t, func(b *login.Block) { b.Failure = [][]login.Rule{{{Kind: login.JSON, Name: "/error", AnyValue: true}}} })
	for _, how := range []string{"json", "called html", "page", "to"} {
		form := "u=alice&p=pw-alice&how=" + strings.ReplaceAll(how, " ", "+")
		if app := control(form); !strings.Contains(app, "secret-token") {
			t.Fatalf("%s: the control: %s", how, app)
		}
		got := b.do("POST", "/login", asForm, form)
		if text := got.body + fmt.Sprint(got.Header); strings.Contains(text, "secret-token") {
			t.Errorf("%s: %d %s", how, got.StatusCode, text)
		}
	}
}

// TestP2_WhatAWrongPasswordMayShow: shown are a page of any status that has the login's form, an answer without a body,
// one that failure names, and a redirect back to the login page. Any other answer is refused, and the log says what to
// do about it.
func TestP2_WhatAWrongPasswordMayShow(t *testing.T) {
	named := func(b *login.Block) { b.Failure = [][]login.Rule{{{Kind: login.JSON, Name: "/error", AnyValue: true}}} }
	for _, test := range []struct {
		how    string
		change func(*login.Block)
		status int
		body   string
	}{
		{"page", named, http.StatusForbidden, "<!doctype html>the page<form><input name=u><input type=password name=p>"},
		{"none", named, http.StatusNoContent, ""},
		{"back", named, http.StatusFound, ""},
		{"json", named, http.StatusOK, `{"error":"wrong"}`},
		{"json", func(*login.Block) {}, http.StatusBadGateway, ""},
	} {
		b := newAnswering(t, test.change)
		got := b.do("POST", "/login", asForm, "u=alice&p=guess&how="+test.how)
		if got.StatusCode != test.status || test.body != "" && got.body != test.body {
			t.Errorf("%s: %d %s", test.how, got.StatusCode, got.body)
		}
		if test.status < 500 && got.Header.Get("X-Hint") == "" {
			t.Errorf("%s: a harmless header is missing", test.how)
		}
		if test.status == http.StatusBadGateway && !strings.Contains(b.s.logged.String(), "setting=failure") {
			t.Errorf("the log does not name the setting: %s", b.s.logged)
		}
	}
}

// TestP1_PageWithoutTheForm: the app knows nobody after the login, and its answer is a page without the login's form.
// It may be an account's page whose session somebody has ended meanwhile, so it is not shown. The controls: pages that
// limit attempts or ask for credentials, and the page with the form (TestP2_WhatAWrongPasswordMayShow).
func TestP1_PageWithoutTheForm(t *testing.T) {
	b := newAnswering(t, func(*login.Block) {})
	for status, shown := range map[int]bool{200: false, 400: false, 403: false, 404: false, 406: false, 500: false, 401: true, 423: true, 429: true} {
		got := b.do("POST", "/login", asForm, fmt.Sprint("u=alice&p=guess&how=formless&status=", status))
		if strings.Contains(got.body, "the page") != shown || !shown && got.Header.Get("Location") != "/login" {
			t.Errorf("%d: %d %s", status, got.StatusCode, got.body)
		}
	}
}

// TestP1_ErrandOfAFailedLogin: at an address that does other things too, a login with any name and any password asked
// at the same time for what the stranger wanted to see, in an app that shows it to everybody inside.
func TestP1_ErrandOfAFailedLogin(t *testing.T) {
	const form = "u=x&p=x&how=errand"
	if app := control(form); !strings.Contains(app, "anybody may read") {
		t.Fatal("the control")
	}
	for what, change := range map[string]func(*login.Block){
		"when": func(b *login.Block) { b.When = []login.Condition{{Kind: login.Form, Name: "u", Value: "*"}} },
		"path": func(b *login.Block) { b.Paths = match.NewGlobs("/log*") },
	} {
		b := newAnswering(t, change)
		got := b.do("POST", "/login", asForm, form)
		if strings.Contains(got.body, "anybody") || got.Header.Get("Location") != "/login" {
			t.Errorf("%s: %d %s", what, got.StatusCode, got.body)
		}
		if what == "when" {
			plain := newAnswering(t, func(*login.Block) {})
			for target, shown := range map[string]bool{
				"/login": true, "/login?next=/x": true, "/login?redirect_to=%2Fx&lang=de": true, "/login?page=secret": false, "/login?next=/x&id=1": false, "/login?a=%zz": false,
			} {
				if got := plain.do("POST", target, asForm, form); strings.Contains(got.body, "anybody") != shown {
					t.Errorf("%s: %d %s", target, got.StatusCode, got.body)
				}
			}
		}
		described := newAnswering(t, func(b *login.Block) {
			change(b)
			b.Fields = []string{"p", "how"}
		})
		if got := described.do("POST", "/login", asForm, form); !strings.Contains(got.body, "anybody") {
			t.Errorf("%s, described: %d %s", what, got.StatusCode, got.body)
		}
		if got := described.do("POST", "/login", asForm, form+"&id=secret"); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s, with an errand: %d", what, got.StatusCode)
		}
	}
}

// TestP8_AnotherSitesSignOut: another site's page loads the address at which the app signs users out. The app refuses,
// because a token is missing, with a status that does not show it. The gateway's session had ended all the same.
func TestP8_AnotherSitesSignOut(t *testing.T) {
	b := newAnswering(t, func(*login.Block) {})
	b.do("POST", "/login", asForm, "u=bob&p=pw-bob").wants(t, http.StatusOK, "")
	from := func(site string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.s.server.URL+"/logout", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"} {
			r.Header.Set(name, value)
		}
		response, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", site, response.StatusCode)
		}
	}
	from("cross-site")
	b.wantsState("verified", "bob")
	// The user's own request ends the session, whatever the app makes of it.
	from("same-origin")
	b.wantsState("anonymous", "")
}
