package custody

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// sideEntry is a second address at which the office signs people in, below a public path, in addition to the usual
// ones.
func sideEntry(v *visit) bool {
	if v.r.URL.Path != "/static/enter" {
		return false
	}
	if name, right := v.checked(); right {
		v.signIn(name)
	}
	v.page()
	return true
}

// TestP4_TheQuestionCarriesWhatTheLoginDid: apps bind their sessions to headers. The attacker signs in with a header to
// which the app then binds her session. A question without it was answered "nobody", so the login counted as failed and
// left her the app's session. So each header that goes with a login also goes with the question, at the login's address
// and at another one below a public path. A header that does not go with the question does not go with the login
// either.
func TestP4_TheQuestionCarriesWhatTheLoginDid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		passes bool // pass_header names it
	}{
		{"Client-Ip", true},
		{"Client-Ip", false},
		{"X-Forwarded-For", false},
		{"X-Real-Ip", true},
		{"X-Device", true},
		{"User-Agent", false},
		{"Accept-Language", false},
		{"Dnt", false},
		{"Sec-Ch-Ua-Platform", false},
		{"X-Csrf-Token", false},
	} {
		name, block := test.header, common+"\t\tpublic POST /static/enter?*\n"+form+asks
		if test.passes {
			name, block = name+", passed", block+"\t\tpass_header "+test.header+"\n"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, block, site.Options{}, sideEntry, test.header)
			factor := h.enrol(t, "alice")
			for _, path := range []string{"/login", "/static/enter"} {
				for _, begun := range []bool{false, true} {
					said := formHeader(test.header, "192.0.2.6")
					direct := h.direct(t)
					direct.Do("POST", path, said, credentials("alice"))
					if got := direct.Get("/account"); strings.Contains(got.Text, secretOf("alice")) {
						t.Fatal("the app does not bind its sessions: the test shows nothing")
					}
					direct.Header = http.Header{test.header: {"192.0.2.6"}}
					h.control(t, path, direct)

					c := h.Client(t)
					if begun {
						c.Get("/login")
					}
					got := c.Do("POST", path, said, credentials("alice"))
					wantsNothingIn(t, path, got)
					if !asksFactor(got) {
						t.Errorf("%s: %d to %q, want the challenge", path, got.StatusCode, got.Location())
					}
					wantsState(t, c, "pending", "alice")
					h.wantsNothing(t, path, c)
					c.Header = http.Header{test.header: {"192.0.2.6"}}
					h.wantsNothing(t, path+" with the header", c)
				}
			}
			// A user who has the factor goes on with the header that she came with.
			c := h.Client(t)
			c.Header = http.Header{test.header: {"192.0.2.7"}}
			h.honest(t, c, factor)
		})
	}
}

// honest signs alice in with her factor in an existing browser, and reads her page.
func (h *house) honest(t *testing.T, c *site.Client, factor *site.Authenticator) {
	t.Helper()
	c.Get("/login")
	if got := logIn(c, "alice"); !asksFactor(got) {
		t.Fatalf("the honest login: %d to %q", got.StatusCode, got.Location())
	}
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	if got := c.Get("/account").Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, secretOf("alice")) {
		t.Fatalf("the honest page: %s", got.Text)
	}
	h.taken()
}

// front is a proxy that, as far as the gateway sees, ends TLS in front of it: it says from where a request comes, and
// over what. The tests' browsers speak http, so it removes from the gateway's cookies what would keep them from http.
func front(t *testing.T, gateway string) *site.Site {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: gateway})
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-For", "203.0.113.7")
			r.Out.Header.Set("X-Forwarded-Proto", "https")
			r.Out.Header.Set("X-Forwarded-Host", r.In.Host)
			r.Out.Header.Set("Cookie", strings.ReplaceAll(r.In.Header.Get("Cookie"), "sallyport", "__Host-sallyport"))
		},
		ModifyResponse: func(a *http.Response) error {
			for i, line := range a.Header["Set-Cookie"] {
				if !strings.Contains(line, "Secure") {
					t.Errorf("behind TLS, a cookie that is not Secure: %s", line)
				}
				a.Header["Set-Cookie"][i] = strings.NewReplacer("__Host-", "", "; Secure", "").Replace(line)
			}
			return nil
		},
	}
	address := site.Serve(t, site.Proxying(proxy))
	return &site.Site{Address: address, URL: "http://" + address}
}

// TestP4_TheQuestionBehindAFront: a proxy ends TLS in front. An app that binds its sessions to the client's address, or
// answers https only, recognises the gateway's question as the user who signed in: honest users get in, and the
// attacker gets no further than the challenge.
func TestP4_TheQuestionBehindAFront(t *testing.T) {
	t.Parallel()
	bound := []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host"}
	h := open(t, common+form+asks, site.Options{Global: "servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}"}, func(v *visit) bool {
		if v.r.Header.Get("X-Forwarded-Proto") != "https" {
			http.Redirect(v.w, v.r, "https://"+v.r.Host+v.r.RequestURI, http.StatusMovedPermanently)
			return true
		}
		return false
	}, bound...)
	inFront := *h
	inFront.Site = front(t, h.Site.Address)
	factor := inFront.enrol(t, "alice")

	direct := h.direct(t)
	direct.Header = http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}}
	direct.Get("/login")
	logIn(direct, "alice")
	h.control(t, "the app with a front's word", direct)

	c := inFront.Client(t)
	c.Get("/login")
	h.taken()
	got := c.Do("POST", "/login?next=/login", formHeader(), credentials("alice"))
	log := h.taken()
	wantsNothingIn(t, "behind a front", got)
	if !asksFactor(got) || len(log) < 2 || log[0].question() {
		t.Fatalf("%d to %q after %d requests", got.StatusCode, got.Location(), len(log))
	}
	for _, name := range bound {
		for _, entry := range log[1:] {
			if !slices.Equal(entry.header[name], log[0].header[name]) {
				t.Errorf("%s of the login is %q, of %s %q", name, log[0].header[name], entry.uri, entry.header[name])
			}
		}
	}
	wantsState(t, c, "pending", "alice")
	inFront.wantsNothing(t, "behind a front", c)
	inFront.honest(t, inFront.Client(t), factor)

	// A client that is not a front is not believed: if it says https, its request still counts as http.
	c = h.Client(t)
	c.Header = http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	h.wantsNothing(t, "past the front", c)
}
