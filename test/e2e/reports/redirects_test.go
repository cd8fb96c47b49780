package reports

import (
	"net/http"
	"net/http/httptest"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestRedirectsAfterLogin: a login redirects to another site, as identity providers do, by one redirect of the app or
// by several, with scripts in the browser and without. Browsers check each redirect against the form-action policy of
// the gateway's page. The code was used up, and the browser stayed where it was.
func TestRedirectsAfterLogin(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, "Arrived", r.URL.RawQuery) }))
	t.Cleanup(other.Close)
	for name, test := range map[string]struct {
		policy    string
		hops      bool
		noScripts bool
	}{
		"at once": {}, "by several": {hops: true}, "without scripts": {noScripts: true},
		// The policy that helmet sets on every answer of a Node app: the next hop does not get the form's address.
		"by several, and nobody says from where": {hops: true, policy: "no-referrer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp("/oauth/authorize?client=1")
			forward := func(path, to string) {
				a.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
					if test.policy != "" {
						w.Header().Set("Referrer-Policy", test.policy)
					}
					http.Redirect(w, r, to, http.StatusFound)
				})
			}
			away := other.URL + "/callback?code=a&state=b"
			if test.hops {
				forward("/oauth/authorize", "/oauth/consent")
				forward("/oauth/consent", away)
			} else {
				forward("/oauth/authorize", away)
			}
			p := protect(t, a, "", site.Options{})
			b := driver.New(t, driver.Options{NoScripts: test.noScripts})
			p.signIn(b, "alice")
			p.prove(t, b, !test.noScripts)
			b.WaitPath("/callback?code=a&state=b")
			if got := b.Text("h1"); got != "Arrived" {
				t.Errorf("the browser shows %q at %s", got, b.Location())
			}
			b.Goto(p.URL + "/second-factor/")
			if got := b.Path(); got != "/second-factor/" {
				t.Errorf("not verified: %s", got)
			}
		})
	}
}
