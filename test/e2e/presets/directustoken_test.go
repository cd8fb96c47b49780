//go:build allapps

package presets

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var directusToken = regexp.MustCompile(`"access_token":"([^"]+)"`)

// TestP5_DirectusTokens: an attacker has an account of his own and the owner's password. Signed in as himself, he signs
// in as her at the address of the studio's login, in a way that returns a token in the body. He puts that token into
// the address of his requests, where Directus prefers it to the session's cookie. (The random walk found this: the
// preset did not describe those logins, so they went through in a verified session.)
func TestP5_DirectusTokens(t *testing.T) {
	t.Parallel()
	running := apps.StartDirectus(t)
	p := &protected{Site: site.Start(t, running.Address, "app directus\n\t\tpreset directus\n", site.Options{Level: "INFO"}), app: directus}
	p.enrolOwner(t)
	body := func(mode string) string {
		return fmt.Sprintf(`{"email":%q,"password":%q%s}`, apps.AliceMail.Name, apps.Alice.Password, mode)
	}
	const whose = "/users/me?fields=id,email&access_token="

	// Without the gateway it works.
	direct := (&site.Site{Address: running.Address, URL: running.URL}).Client(t)
	hers := site.Find(t, directusToken, direct.PostJSON("/auth/login", body("")).Text)
	if got := direct.Get(whose + hers); !strings.Contains(got.Text, apps.AliceMail.Name) {
		t.Fatalf("the app itself: %d %s", got.StatusCode, got.Text)
	}

	for _, mode := range []string{"", `,"mode":"json"`, `,"mode":"cookie"`, `,"mode":"session"`} {
		bob := p.Client(t)
		p.signIn(t, bob, apps.BobMail)
		p.wantsState(t, bob, "verified", apps.BobMail.Name)
		// Even if he gets a token of hers from elsewhere.
		if got := bob.Get(whose + hers); strings.Contains(got.Text, apps.AliceMail.Name) || !strings.Contains(got.Text, apps.BobMail.Name) {
			t.Errorf("her token in the address: %d %s", got.StatusCode, got.Text)
		}
		answer := bob.PostJSON("/auth/login", body(mode))
		p.wantsChallenge(t, answer)
		if directusToken.MatchString(answer.Text) {
			t.Errorf("%s: he has got her token: %s", mode, answer.Text)
		}
		p.wantsState(t, bob, "pending", apps.AliceMail.Name)
		p.wantsClosed(t, bob, mode)
	}
}
