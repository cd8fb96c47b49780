//go:build allapps

package presets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
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

// verdaccio has a web interface that signs in by script and uses a bearer token and no cookie, and a registry that
// accepts the password in each request.
var verdaccio = app{
	preset: "verdaccio", kind: "script, bearer token", start: apps.StartVerdaccio, owner: apps.Alice, guest: apps.Bob, script: true,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.Do("POST", "/-/verdaccio/sec/login", asScript, fmt.Sprintf(`{"username":%q,"password":%q}`, account.Name, account.Password))
	},
	reads: []read{
		{path: "/-/verdaccio/data/packages", text: verdaccioTide},
		{path: "/-/verdaccio/data/sidebar/harbour", text: verdaccioTide},
		{path: "/-/verdaccio/data/package/readme/harbour"},
		{path: "/harbour", text: verdaccioTide},
		{path: "/harbour/-/harbour-1.0.0.tgz"},
		{path: "/-/all"},
		{path: "/-/v1/search?text=harbour", text: verdaccioTide},
		{path: "/-/whoami"},
	},
	spellings: []string{"ALICE", "alice ", " alice", "Alice", "\uff41lice", "alice:"},
	doors: []door{
		{"npm login", "PUT", "/-/user/org.couchdb.user:alice", jsonHeader(), `{"_id":"org.couchdb.user:alice","name":"alice","type":"user","password":"` + apps.Alice.Password + `"}`},
		{"npm login with Basic", "PUT", "/-/user/org.couchdb.user:alice", basic(apps.Alice, "Content-Type", "application/json"), `{"name":"alice","password":"` + apps.Alice.Password + `"}`},
		{"a token for npm", "POST", "/-/npm/v1/tokens", jsonHeader(), `{"password":"` + apps.Alice.Password + `","readonly":false,"cidr_whitelist":[]}`},
		{"a token for npm with Basic", "POST", "/-/npm/v1/tokens", basic(apps.Alice, "Content-Type", "application/json"), `{"password":"` + apps.Alice.Password + `","readonly":false,"cidr_whitelist":[]}`},
		{"Basic", "GET", "/harbour", basic(apps.Alice), ""},
		{"Basic on the search", "GET", "/-/v1/search?text=harbour", basic(apps.Alice), ""},
		{"Basic where the scripts are", "GET", "/-/static/../all", basic(apps.Alice), ""},
		{"login under another address", "POST", "/-/verdaccio/SEC/login/", jsonHeader(), `{"username":"alice","password":"` + apps.Alice.Password + `"}`},
		{"login as a form", "POST", "/-/verdaccio/sec/login", form(), "username=alice&password=" + apps.Alice.Password},
		{"login as several", "POST", "/-/verdaccio/sec/login", jsonHeader(), `{"username":"bob","username":"alice","password":"` + apps.Alice.Password + `"}`},
		{"a new password", "PUT", "/-/verdaccio/sec/reset_password", basic(apps.Alice, "Content-Type", "application/json"), `{"password":{"old":"` + apps.Alice.Password + `","new":"x"}}`},
	},
	own: []string{`"username":"alice"`, `'alice'`, `"token":"`},
	day: verdaccioDay,
}

const verdaccioTide = "The tide comes in at seven."

// verdaccioDay is the usual work of a user whose script has a token. The token is valid in its own session, and in no
// other.
func verdaccioDay(t *testing.T, s *protected) {
	const words, tide = "harbour", verdaccioTide
	signIn := func(c *site.Client, name, password string) site.Answer {
		t.Helper()
		return s.signIn(t, c, apps.Account{Name: name, Password: password})
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
	shut := func(c *site.Client, what string, headers ...http.Header) {
		t.Helper()
		for _, header := range append(headers, asScript, basic(apps.Alice), http.Header{"Accept": {"text/html"}}) {
			for _, read := range s.reads {
				path := read.path
				for method, body := range map[string]string{"GET": "", "PUT": "{}", "HEAD": ""} {
					got := c.Do(method, path, header.Clone(), body)
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

	// The password alone, at the web interface and at each door of the registry.
	thief := s.Client(t)
	withheld := signIn(thief, apps.Alice.Name, apps.Alice.Password)
	if withheld.StatusCode != http.StatusUnauthorized || strings.Contains(withheld.Text, "eyJ") || !strings.Contains(withheld.Text, "second-factor-required") {
		t.Fatalf("the login is not withheld: %d %s", withheld.StatusCode, withheld.Text)
	}
	shut(thief, "the password alone", with(first))
	thief.Do("POST", "/second-factor/challenge", asScript, `{"code":"000000x"}`).Wants(t, http.StatusUnprocessableEntity, "")
	shut(thief, "a wrong code", with(first))

	signIn(alice, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusUnauthorized, "")
	alice.Do("POST", "/second-factor/challenge", asScript, fmt.Sprintf(`{"code":%q}`, factor.Code(t))).Wants(t, http.StatusNoContent, "")
	second := token(alice.Do("GET", "/second-factor/resume", asScript, ""))
	open(alice, second)

	// Bob has a factor of his own and alice's password or token. Neither lets him act as alice.
	bob := s.Client(t)
	his := token(signIn(bob, apps.Bob.Name, apps.Bob.Password))
	open(bob, his)
	for _, header := range []http.Header{with(second), with(first), basic(apps.Alice)} {
		if got := bob.Do("GET", "/-/verdaccio/data/sidebar/harbour", header, ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("bob with what is alice's: %d %s", got.StatusCode, got.Text)
		}
	}
	// npm's own login reveals whether a password is right, and would return a token.
	for _, door := range s.doors {
		if strings.HasPrefix(door.name, "npm login") || strings.HasPrefix(door.name, "a token for npm") {
			bob.Do(door.method, door.path, door.header.Clone(), door.body).Wants(t, http.StatusForbidden, "")
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
