//go:build allapps

package presets

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var ttRSSField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// TestTTRSSOwnOTP: an account for which Tiny Tiny RSS' own one-time passwords are on is asked for one in a second form,
// which sends the password again. It can sign in, and still owes its factor at the gateway.
func TestTTRSSOwnOTP(t *testing.T) {
	t.Parallel()
	p, direct := ttRSS.behind(t, apps.StartTTRSS(t))
	account := apps.TTRSSWithOTP
	signIn := func(c *site.Client, in func(site.Answer) bool) (got site.Answer) {
		for range 3 { // a code is valid only during its thirty seconds, so it may take another try
			form := ttRSS.signIn(t, c, account).Wants(t, http.StatusOK, "")
			fields := url.Values{}
			for _, field := range ttRSSField.FindAllStringSubmatch(form.Text, -1) {
				fields.Set(field[1], field[2])
			}
			if fields.Get("op") != "login" || fields.Get("login") != account.Name || !strings.Contains(form.Text, `name="otp"`) {
				t.Fatalf("no form for the one-time password: %.2000s", form.Text)
			}
			code, err := totp.GenerateCode(apps.TTRSSSeed, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			fields.Set("otp", code)
			if got = c.Post("/public.php?return=", fields); in(got) {
				break
			}
		}
		return got
	}
	control := direct.Client(t)
	signIn(control, func(site.Answer) bool { return strings.Contains(control.Get("/prefs.php").Text, "__csrf_token") })
	control.Get("/prefs.php").Wants(t, http.StatusOK, "")

	c := p.Client(t)
	signIn(c, func(site.Answer) bool { state, _ := p.status(t, c); return state == "verified" })
	p.wantsState(t, c, "verified", account.Name)
	authenticator, _ := c.Enrol(1)
	c = p.Client(t)
	p.wantsChallenge(t, signIn(c, func(got site.Answer) bool { return got.Location() == challenge }))
	p.wantsClosed(t, c, "the app's own code alone")
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
	p.wantsOpen(t, c)
}
