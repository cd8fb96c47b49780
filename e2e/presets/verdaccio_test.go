//go:build allapps

package presets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport/e2e/apps"
	"sallyport/e2e/site"
)

var asScript = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}

// issued is the token that an answer carries.
func issued(t testing.TB, answer site.Answer) string {
	t.Helper()
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(answer.Text), &body); err != nil || body.Token == "" || answer.StatusCode != http.StatusOK {
		t.Fatalf("no token: %d %s", answer.StatusCode, answer.Text)
	}
	return body.Token
}

// TestVerdaccio is the suite for an app whose web interface signs in by script and has a bearer token and no cookie.
func TestVerdaccio(t *testing.T) {
	t.Parallel()
	const words, tide = "harbour", "The tide comes in at seven."
	app := apps.StartVerdaccio(t)
	s := site.Start(t, app.Address, "app verdaccio\n\t\tpreset verdaccio", site.Options{})
	signIn := func(c *site.Client, name, password string) site.Answer {
		t.Helper()
		return c.Do("POST", "/-/verdaccio/sec/login", asScript, fmt.Sprintf(`{"username":%q,"password":%q}`, name, password))
	}
	token := func(answer site.Answer) string {
		t.Helper()
		return issued(t, answer)
	}
	with := func(token string) http.Header {
		header := asScript.Clone()
		header.Set("Authorization", "Bearer "+token)
		return header
	}
	reads := []string{"/-/verdaccio/data/packages", "/-/verdaccio/data/sidebar/harbour", "/-/verdaccio/data/package/readme/harbour", "/harbour", "/harbour/-/harbour-1.0.0.tgz", "/-/all", "/-/v1/search?text=harbour", "/-/whoami"}
	shut := func(c *site.Client, what string, headers ...http.Header) {
		t.Helper()
		for _, header := range append(headers, asScript, basic(apps.Alice), http.Header{"Accept": {"text/html"}}) {
			for _, path := range reads {
				for _, method := range []string{"GET", "PUT", "HEAD"} {
					got := c.Do(method, path, header.Clone(), "{}")
					if got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusSeeOther || strings.Contains(got.Text, tide) || strings.Contains(got.Text, words+`"`) {
						t.Errorf("%s: %s %s answers %d %.300s", what, method, path, got.StatusCode, got.Text)
					}
				}
			}
		}
	}
	open := func(c *site.Client, token string) {
		t.Helper()
		for _, path := range []string{"/-/verdaccio/data/packages", "/-/verdaccio/data/sidebar/harbour"} {
			if got := c.Do("GET", path, with(token), ""); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, tide) {
				t.Errorf("%s: %d %.300s", path, got.StatusCode, got.Text)
			}
		}
	}

	stranger := s.Client(t)
	stranger.Get("/").Wants(t, http.StatusOK, "")
	shut(stranger, "a stranger")
	if got := signIn(stranger, apps.Alice.Name, "wrong"); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "sallyport") {
		t.Errorf("a wrong password: %d %s", got.StatusCode, got.Text)
	}
	shut(stranger, "a wrong password")

	alice := s.Client(t)
	first := token(signIn(alice, apps.Alice.Name, apps.Alice.Password))
	open(alice, first)
	factor, codes := alice.Enrol(1)
	alice.SignOut()
	shut(alice, "signed out", with(first))

	// The password alone, by the web and by each door of the registry's.
	thief := s.Client(t)
	withheld := signIn(thief, apps.Alice.Name, apps.Alice.Password)
	if withheld.StatusCode != http.StatusUnauthorized || strings.Contains(withheld.Text, "eyJ") || !strings.Contains(withheld.Text, "second-factor-required") {
		t.Fatalf("the login is not withheld: %d %s", withheld.StatusCode, withheld.Text)
	}
	shut(thief, "the password alone", with(first))
	for _, c := range []*site.Client{thief, s.Client(t)} {
		for _, header := range []http.Header{asScript, basic(apps.Alice, "Content-Type", "application/json", "Sec-Fetch-Mode", "cors")} {
			body := fmt.Sprintf(`{"_id":"org.couchdb.user:alice","name":"alice","password":%q,"type":"user"}`, apps.Alice.Password)
			if got := c.Do("PUT", "/-/user/org.couchdb.user:alice", header.Clone(), body); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, `"token"`) {
				t.Errorf("npm login: %d %s", got.StatusCode, got.Text)
			}
			if got := c.Do("POST", "/-/npm/v1/tokens", header.Clone(), fmt.Sprintf(`{"password":%q,"readonly":false,"cidr_whitelist":[]}`, apps.Alice.Password)); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("npm token: %d %s", got.StatusCode, got.Text)
			}
		}
	}
	thief.Do("POST", "/second-factor/challenge", asScript, `{"code":"000000x"}`).Wants(t, http.StatusUnprocessableEntity, "")
	shut(thief, "a wrong code", with(first))
	for _, name := range []string{"ALICE", "alice ", " alice"} {
		c := s.Client(t)
		if got := signIn(c, name, apps.Alice.Password); strings.Contains(got.Text, "eyJ") {
			t.Errorf("%q: %d %s", name, got.StatusCode, got.Text)
		}
		shut(c, name)
	}

	signIn(alice, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusUnauthorized, "")
	alice.Do("POST", "/second-factor/challenge", asScript, fmt.Sprintf(`{"code":%q}`, factor.Code(t))).Wants(t, http.StatusNoContent, "")
	second := token(alice.Do("GET", "/second-factor/resume", asScript, ""))
	open(alice, second)

	// Bob has a factor of his own and alice's password, or her token: neither makes her of him.
	bob := s.Client(t)
	his := token(signIn(bob, apps.Bob.Name, apps.Bob.Password))
	open(bob, his)
	for _, header := range []http.Header{with(second), with(first), basic(apps.Alice)} {
		if got := bob.Do("GET", "/-/verdaccio/data/sidebar/harbour", header, ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("bob with what is alice's: %d %s", got.StatusCode, got.Text)
		}
	}
	got := bob.Do("PUT", "/-/user/org.couchdb.user:alice", asScript, fmt.Sprintf(`{"name":"alice","password":%q}`, apps.Alice.Password))
	var registry struct{ Token string }
	if err := json.Unmarshal([]byte(got.Text), &registry); err == nil && registry.Token != "" {
		if got := bob.Do("GET", "/-/whoami", with(registry.Token), ""); strings.Contains(got.Text, "alice") {
			t.Errorf("bob is alice by a token of the registry's: %s", got.Text)
		}
	}
	signIn(bob, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusUnauthorized, "")
	shut(bob, "bob after alice's password", with(his), with(second))

	alice.SignOut()
	shut(alice, "signed out again", with(second))
	signIn(alice, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusUnauthorized, "")
	alice.Do("POST", "/second-factor/recovery", asScript, fmt.Sprintf(`{"code":%q}`, codes[0])).Wants(t, http.StatusNoContent, "")
	open(alice, token(alice.Do("GET", "/second-factor/resume", asScript, "")))
	if log := s.Log(); strings.Contains(log, first) || strings.Contains(log, second) || strings.Contains(log, apps.Alice.Password) {
		t.Error("a token or a password is in the log")
	}
}
