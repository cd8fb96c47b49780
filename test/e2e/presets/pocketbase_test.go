//go:build allapps

package presets

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

const superusers = "/api/collections/_superusers"

// pocketBase has a bearer token without a scheme, says whose it is, and renews it.
var pocketBase = app{
	preset: "pocketbase", kind: "script, bearer token", start: apps.StartPocketBase, owner: apps.AliceMail, guest: apps.BobMail, script: true,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.Do("POST", superusers+"/auth-with-password", asScript, fmt.Sprintf(`{"identity":%q,"password":%q}`, account.Name, account.Password))
	},
	reads: []read{
		{path: "/api/collections", text: "collectionId"},
		{path: "/api/settings", text: `"appName"`},
		{path: superusers + "/records", text: "emailVisibility"},
		{path: superusers + "/auth-refresh"},
		{path: "/api/files/token"},
		{path: "/api/logs"},
		{path: "/api/backups"},
		{path: "/api/health"},
	},
	spellings: []string{"ALICE@example.com", "alice@EXAMPLE.com", "alice@example.com ", " alice@example.com", "alice"},
	doors: []door{
		{"login as a form", "POST", superusers + "/auth-with-password", form(), "identity=alice@example.com&password=" + apps.Alice.Password},
		{"login by the collection's number", "POST", "/api/collections/pbc_3142635823/auth-with-password", jsonHeader(), pocketBasePassword},
		{"login of another collection", "POST", "/api/collections/users/auth-with-password", jsonHeader(), pocketBasePassword},
		{"login under another address", "POST", "/api/collections/_superusers//auth-with-password", jsonHeader(), pocketBasePassword},
		{"login as several at once", "POST", "/api/batch", jsonHeader(), `{"requests":[{"method":"POST","url":"` + superusers + `/auth-with-password","body":` + pocketBasePassword + `}]}`},
		{"a password for once", "POST", superusers + "/request-otp", jsonHeader(), `{"email":"alice@example.com"}`},
		{"login with a password for once", "POST", superusers + "/auth-with-otp", jsonHeader(), `{"otpId":"x","password":"` + apps.Alice.Password + `"}`},
		{"impersonation", "POST", superusers + "/impersonate/x", jsonHeader(), `{"duration":1}`},
		{"a new password", "POST", superusers + "/request-password-reset", jsonHeader(), `{"email":"alice@example.com"}`},
		{"Basic", "GET", "/api/collections", basic(apps.AliceMail), ""},
	},
	own: []string{`"email":"alice@example.com"`, `"token":"`},
	day: pocketBaseDay,
}

var pocketBasePassword = `{"identity":"alice@example.com","email":"alice@example.com","password":"` + apps.Alice.Password + `"}`

// pocketBaseDay is the usual work of a user whose script has a token and renews it.
func pocketBaseDay(t *testing.T, s *protected) {
	signIn := func(c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return s.signIn(t, c, apps.Account{Name: account.Email, Password: account.Password})
	}
	with := func(token string) http.Header {
		header := asScript.Clone()
		header.Set("Authorization", token)
		return header
	}
	shut := func(c *site.Client, what string, headers ...http.Header) {
		t.Helper()
		for _, header := range append(headers, asScript) {
			// The stream of events never ends, if it is open.
			for _, read := range append([]read{{path: "/api/realtime"}}, s.reads...) {
				path := read.path
				for method, body := range map[string]string{"GET": "", "POST": "{}"} {
					if got := c.Do(method, path, header.Clone(), body); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "eyJ") || strings.Contains(got.Text, "collectionId") {
						t.Errorf("%s: %s %s answers %d %.300s", what, method, path, got.StatusCode, got.Text)
					}
				}
			}
		}
	}
	open := func(c *site.Client, token, email string) {
		t.Helper()
		if got := c.Do("GET", superusers+"/records", with(token), ""); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, email) {
			t.Errorf("records: %d %.300s", got.StatusCode, got.Text)
		}
	}
	state := func(c *site.Client, want string) {
		t.Helper()
		if got := c.Status(); !strings.Contains(got, want) {
			t.Errorf("the session is %s, want %s", got, want)
		}
	}

	stranger := s.Client(t)
	stranger.Get("/_/").Wants(t, http.StatusOK, "")
	shut(stranger, "a stranger")
	wrong := apps.Alice
	wrong.Password = "wrong-wrong"
	signIn(stranger, wrong).Wants(t, http.StatusBadRequest, "")
	shut(stranger, "a wrong password")

	alice, bob := s.Client(t), s.Client(t)
	first := issued(t, signIn(alice, apps.Alice))
	state(alice, `"verified","user":"`+apps.Alice.Email+`"`)
	open(alice, first, apps.Alice.Email)
	factor, codes := alice.Enrol(1)
	alice.SignOut()
	shut(alice, "signed out", with(first), with("Bearer "+first))

	thief := s.Client(t)
	for _, got := range []site.Answer{
		signIn(thief, apps.Alice),
		thief.Do("POST", superusers+"/auth-with-password", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Mode": {"cors"}},
			url.Values{"identity": {apps.Alice.Email}, "password": {apps.Alice.Password}}.Encode()),
	} {
		if got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "eyJ") || !strings.Contains(got.Text, "second-factor-required") {
			t.Fatalf("the login is not withheld: %d %s", got.StatusCode, got.Text)
		}
	}
	shut(thief, "the password alone", with(first), with("Bearer "+first))
	signIn(alice, apps.Alice).Wants(t, http.StatusUnauthorized, "")
	alice.Do("POST", "/second-factor/challenge", asScript, fmt.Sprintf(`{"code":%q}`, factor.Code(t))).Wants(t, http.StatusNoContent, "")
	second := issued(t, alice.Do("GET", "/second-factor/resume", asScript, ""))
	open(alice, second, apps.Alice.Email)

	// A renewed token works, and changes are kept.
	third := issued(t, alice.Do("POST", superusers+"/auth-refresh", with(second), ""))
	for _, token := range []string{second, third, "Bearer " + third} {
		open(alice, token, apps.Alice.Email)
	}
	if got := alice.Do("PATCH", "/api/settings", with(third), `{"meta":{"appName":"Harbour","appURL":"http://127.0.0.1"}}`); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "Harbour") {
		t.Errorf("a change: %d %s", got.StatusCode, got.Text)
	}

	// Bob has a token of alice's. It is useless in his session, in any form, and cannot be renewed there.
	his := issued(t, signIn(bob, apps.Bob))
	open(bob, his, apps.Bob.Email)
	for _, header := range []http.Header{with(third), with("Bearer " + third), with(first)} {
		for _, path := range []string{"/api/collections", superusers + "/auth-refresh", "/api/settings?token=" + third} {
			for _, method := range []string{"GET", "POST"} {
				if got := bob.Do(method, path, header, ""); got.StatusCode == http.StatusOK || strings.Contains(got.Text, "eyJ") {
					t.Errorf("bob with alice's token: %s %s %d %.200s", method, path, got.StatusCode, got.Text)
				}
			}
		}
		state(bob, `"verified","user":"`+apps.Bob.Email+`"`)
	}
	signIn(bob, apps.Alice).Wants(t, http.StatusUnauthorized, "")
	shut(bob, "bob after alice's password", with(his), with(third))

	alice.SignOut()
	shut(alice, "signed out again", with(third))
	signIn(alice, apps.Alice).Wants(t, http.StatusUnauthorized, "")
	alice.Do("POST", "/second-factor/recovery", asScript, fmt.Sprintf(`{"code":%q}`, codes[0])).Wants(t, http.StatusNoContent, "")
	open(alice, issued(t, alice.Do("GET", "/second-factor/resume", asScript, "")), apps.Alice.Email)
	if log := s.Log(); strings.Contains(log, first) || strings.Contains(log, third) || strings.Contains(log, apps.Alice.Password) {
		t.Error("a token or a password is in the log")
	}
}
