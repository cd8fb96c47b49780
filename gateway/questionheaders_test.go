package gateway

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP4_WhatTheQuestionCarries: whatever the client asked for, the question asks for a fresh and whole answer, in a
// form and a coding that the gateway can read.
func TestP4_WhatTheQuestionCarries(t *testing.T) {
	app, asked := new(raisingApp), []http.Header(nil)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" {
			asked = append(asked, r.Header.Clone())
		}
		app.ServeHTTP(w, r)
		return nil
	})
	header := http.Header{
		"Content-Type": {asForm}, "Accept": {"application/xml"}, "Accept-Encoding": {"x-odd"}, "Cache-Control": {"max-age=600, only-if-cached"}, "Range": {"bytes=0-3"},
		"If-None-Match": {"*"}, "X-Requested-With": {"x"}, "Purpose": {"prefetch"}, "Pragma": {"x"}, "Te": {"trailers"}, "Expect": {""},
	}
	got := s.browser().send("POST", "/login", "u=carol&p=pw-carol", header)
	if got.StatusCode != http.StatusOK || len(asked) < 2 {
		t.Fatalf("%d, %d questions", got.StatusCode, len(asked))
	}
	for _, h := range asked {
		if !strings.HasPrefix(h.Get("Accept"), "application/json") || h.Get("Cache-Control") != "no-cache" ||
			h.Get("Accept-Encoding") != "identity" && h["Accept-Encoding"] != nil {
			t.Errorf("it asks with %v", h)
		}
		for _, name := range []string{"Range", "If-None-Match", "Content-Type", "X-Requested-With", "Purpose", "Pragma", "Te"} {
			if h[name] != nil {
				t.Errorf("it asks with %s: %q", name, h[name])
			}
		}
	}
}

// TestP4_AnswerThatCannotBeRead: the app says who is signed in, in a coding that the gateway does not know. That does
// not mean "nobody". It was taken for that, so alice's page was shown and her session stayed a stranger's.
func TestP4_AnswerThatCannotBeRead(t *testing.T) {
	for _, coding := range []string{"", "odd", "gzip"} { // the body is not in this coding
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) {
			c.Logins.Identities = []login.Identity{{Path: "/me", Kind: login.Body, Pattern: regexp.MustCompile(`"name":"(\w+)"`)}}
			c.Public = []gate.Opening{{Paths: match.NewGlobs("/other"), Methods: []string{"POST"}}}
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/me" && sid(r) != "" && coding != "" {
				w.Header().Set("Content-Encoding", coding)
			}
			app.ServeHTTP(w, r)
			return nil
		})
		b := s.browser()
		got := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		door := s.browser()
		door.get("/login")
		opened := door.do("POST", "/other", asForm, "u=carol&p=pw-carol")
		if coding == "" {
			got.wants(t, http.StatusOK, "")
			opened.wants(t, http.StatusOK, "")
			continue
		}
		if strings.Contains(opened.body, "carol") {
			t.Errorf("%s: behind a public door: %d %s", coding, opened.StatusCode, opened.body)
		}
		if got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "carol") {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		b.wantsState("anonymous", "")
	}
}

// TestP4_GuestsAreAskedAboutWithNothing: the operator lets clients send a key that the app takes for a user. The
// question what the app calls strangers goes without it. Otherwise the user of the client that came first with a key
// would count as nobody, and be kept out, for an hour.
func TestP4_GuestsAreAskedAboutWithNothing(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.PassHeaders = custody.NewPassHeaders("X-App-Key")
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
	})
	came := ""
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		who := strings.TrimPrefix(sid(r), "of-")
		if key := r.Header.Get("X-App-Key"); key != "" {
			came, who = r.URL.Path, key
		}
		switch {
		case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
			w.Header().Set("Set-Cookie", "sid=of-"+r.FormValue("u")+"; HttpOnly; Path=/")
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/me":
			fmt.Fprintf(w, `{"name":%q}`, who)
		}
		return nil
	})
	s.browser().send("POST", "/login", "u=mallory&p=guess", http.Header{"Content-Type": {asForm}, "X-App-Key": {"carol"}})
	if came == "" {
		t.Fatal("the control: the key does not arrive")
	}
	b := s.browser()
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	b.wantsState("verified", "carol")
}

// TestP4_BasicTrialThatCannotBeJudged: the answer by which a password is tried cannot be read, breaks off, is too
// large, or sets more than custody holds. None of these makes a password right.
func TestP4_BasicTrialThatCannotBeJudged(t *testing.T) {
	for what, answer := range map[string]func(http.ResponseWriter){
		"": nil,
		"in no coding": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "odd")
			fmt.Fprint(w, "welcome")
		},
		"broken off": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"too large":  func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, login.AnswerLimit+1)) },
		"sets too much": func(w http.ResponseWriter) {
			w.Header().Set("Set-Cookie", "big="+strings.Repeat("x", custody.MaxSize)+"; HttpOnly; Path=/")
		},
	} {
		app := new(basicApp)
		s := newBasic(t, app, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.Header.Get("Authorization") != "" && answer != nil {
				answer(w)
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		b := s.browser()
		got := b.send("GET", "/x", "", with(basic("alice", "pw-a")))
		if what == "" {
			got.wants(t, http.StatusOK, "")
			continue
		}
		if got.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d", what, got.StatusCode)
		}
		b.wantsState("anonymous", "")
	}
}

// TestCredentialsThatDoNotFit: settings for passwords and tokens that contradict each other are errors, both for the
// gateway and for its caller.
func TestCredentialsThatDoNotFit(t *testing.T) {
	form := login.Block{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}
	token := form
	token.Tokens = []login.TokenSource{{Kind: login.Body}}
	standing := login.Block{Paths: match.NewGlobs("*"), Username: login.Source{Kind: login.Basic}}
	asks := []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}}
	for what, test := range map[string]struct {
		config Config
		fits   bool
	}{
		"a form":                     {Config{Logins: login.Set{Blocks: []login.Block{form}, Identities: asks}, PassHeaders: custody.NewPassHeaders("Authorization")}, true},
		"a token":                    {Config{Logins: login.Set{Blocks: []login.Block{token}, Identities: asks}, TokenHeader: "X-Own", TokenScheme: "Own", Refresh: match.NewGlobs("/r")}, true},
		"basic":                      {Config{Logins: login.Set{Blocks: []login.Block{standing}}, PassHeaders: custody.NewPassHeaders("X-Other")}, true},
		"basic, and it passes":       {Config{Logins: login.Set{Blocks: []login.Block{standing}}, PassHeaders: custody.NewPassHeaders("authorization")}, false},
		"a header that is none":      {Config{Logins: login.Set{Blocks: []login.Block{form}}, PassHeaders: custody.NewPassHeaders("X Odd")}, false},
		"refresh of nothing":         {Config{Logins: login.Set{Blocks: []login.Block{form}, Identities: asks}, Refresh: match.NewGlobs("/r")}, false},
		"a header of nothing":        {Config{Logins: login.Set{Blocks: []login.Block{form}}, TokenHeader: "X-Own"}, false},
		"refresh that nobody judges": {Config{Logins: login.Set{Blocks: []login.Block{token}, Typed: true}, Refresh: match.NewGlobs("/r")}, false},
		"a token's odd header":       {Config{Logins: login.Set{Blocks: []login.Block{token}, Identities: asks}, TokenHeader: "X_Own"}, false},
		"a token's odd scheme":       {Config{Logins: login.Set{Blocks: []login.Block{token}, Identities: asks}, TokenHeader: "X-Own", TokenScheme: "a b"}, false},
		"a token in Host":            {Config{Logins: login.Set{Blocks: []login.Block{token}, Identities: asks}, TokenHeader: "Host"}, false},
		"a token, and it passes":     {Config{Logins: login.Set{Blocks: []login.Block{token}, Identities: asks}, PassHeaders: custody.NewPassHeaders("AUTHORIZATION")}, false},
	} {
		if err := test.config.CheckCredentials(); (err == nil) != test.fits {
			t.Errorf("%s: %v", what, err)
		}
	}
}
