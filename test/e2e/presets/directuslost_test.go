//go:build allapps

package presets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// directusMailed makes a signed token (RFC 7515) like those that Directus mails.
func directusMailed(t testing.TB, scope, email string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"email": email, "scope": scope, "iss": "directus", "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	mac := hmac.New(sha256.New, []byte(apps.DirectusSecret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestDirectusStrangers: what the studio offers to people without a password works for strangers: to ask for a mail, to
// set a password with the token in it, to accept an invitation, to register. None of it signs anybody in.
func TestDirectusStrangers(t *testing.T) {
	t.Parallel()
	p, direct := directus.behind(t, apps.StartDirectus(t))
	p.enrolOwner(t)
	admin := direct.Client(t)
	p.signIn(t, admin, p.owner).Wants(t, http.StatusOK, "")
	admin.Do("PATCH", "/settings", jsonHeader(), `{"public_registration":true,"public_registration_verify_email":false}`).Wants(t, http.StatusOK, "")
	for _, test := range []struct {
		name string
		at   *site.Site
	}{{"app", direct}, {"gateway", p.Site}} {
		c := test.at.Client(t)
		for _, of := range []struct {
			path, body string
			status     int
		}{
			{"/auth/password/request", `{"email":"alice@example.com"}`, http.StatusNoContent},
			{"/auth/password/reset", `{"token":"` + directusMailed(t, "password-reset", "alice@example.com") + `","password":"saffron-pulley-63"}`, http.StatusForbidden},
			{"/users/invite/accept", `{"token":"x","password":"saffron-pulley-63"}`, http.StatusForbidden},
			{"/users/register", `{"email":"` + test.name + `@example.com","password":"saffron-pulley-63"}`, http.StatusNoContent},
		} {
			got := c.PostJSON(of.path, of.body).Wants(t, of.status, "")
			if test.at == p.Site {
				p.hasNoSession(t, got, of.path)
				p.mustNotBeIn(t, c, of.path)
			}
		}
		got := c.Get("/users/register/verify-email?token=x")
		if got.StatusCode == http.StatusUnauthorized || got.StatusCode == http.StatusSeeOther {
			t.Errorf("%s: the link to confirm an address: %d to %q", test.name, got.StatusCode, got.Location())
		}
		registered := apps.Account{Name: test.name + "@example.com", Password: "saffron-pulley-63"}
		p.signIn(t, direct.Client(t), registered).Wants(t, http.StatusOK, "")

		// An invitation, from its link to the first sign-in.
		invited := apps.Account{Name: "invited-by-" + test.name + "@example.com", Password: "walrus-lantern-19"}
		admin.PostJSON("/users", `{"email":"`+invited.Name+`","status":"invited"}`).Wants(t, http.StatusOK, "")
		c.PostJSON("/users/invite/accept", `{"token":"`+directusMailed(t, "invite", invited.Name)+`","password":"`+invited.Password+`"}`).Wants(t, http.StatusNoContent, "")
		if test.at == p.Site {
			p.mustNotBeIn(t, c, "an invitation")
		}
		p.signIn(t, direct.Client(t), invited).Wants(t, http.StatusOK, "")
	}
}
