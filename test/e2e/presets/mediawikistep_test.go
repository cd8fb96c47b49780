//go:build allapps

package presets

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestP1_MediaWikiSecondStep: if MediaWiki's policy rejects a password, it answers a login with another form, in which
// the user can set a new password or skip that; the request with that form signs in. A thief with the password may skip
// it, and is then asked for the factor; he must not be able to change the owner's password before. If a new password is
// mandatory, nobody gets further. The control is the app itself, which allows all of that.
func TestP1_MediaWikiSecondStep(t *testing.T) {
	t.Parallel()
	running := apps.StartMediaWiki(t)
	settings, err := os.ReadFile(filepath.Join(running.Folder, "LocalSettings.php"))
	if err != nil {
		t.Fatal(err)
	}
	p, direct := mediaWiki.behind(t, running)
	// PHP reads a changed file again only after a while.
	wants := func(shown func(string) bool, how string) {
		t.Helper()
		lay(t, running, "LocalSettings.php", string(settings)+"\n$wgPasswordPolicy['policies']['default']['MinimalPasswordLength'] = ['value' => 20, "+how+"];\n")
		for deadline := time.Now().Add(30 * time.Second); !shown(p.signIn(t, direct.Client(t), p.owner).Text); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the wiki does not follow %s", how)
			}
		}
	}
	suggested := func(page string) bool { return strings.Contains(page, `name="skipReset"`) }
	forced := func(page string) bool { return strings.Contains(page, `name="retype"`) && !suggested(page) }
	none := func(page string) bool { return !strings.Contains(page, `name="retype"`) }
	p.enrolOwner(t)

	first := func(c *site.Client, account apps.Account) url.Values {
		t.Helper()
		form := p.signIn(t, c, account).Wants(t, http.StatusOK, "")
		if !strings.Contains(form.Text, `name="retype"`) {
			t.Fatalf("no second step: %.2000s", form.Text)
		}
		return url.Values{
			"title": {"Special:UserLogin"}, "wpName": {""}, "wpPassword": {""}, "retype": {""}, "wpEditToken": {`+\`}, "authAction": {"login-continue"},
			"force": {""}, "wpLoginToken": {site.Find(t, mediaWikiToken, form.Text)},
		}
	}
	with := func(fields url.Values, more ...string) url.Values {
		fields = maps.Clone(fields)
		for i := 0; i < len(more); i += 2 {
			fields.Set(more[i], more[i+1])
		}
		return fields
	}
	second := func(c *site.Client, fields url.Values) site.Answer {
		return c.Post("/index.php/Special:UserLogin", fields)
	}
	in := func(c *site.Client) bool {
		return c.Get("/index.php?title=Special:Preferences").StatusCode == http.StatusOK
	}
	const anew = "a-password-that-is-long-enough"

	wants(suggested, "'suggestChangeOnLogin' => true")
	control := direct.Client(t)
	if second(control, with(first(control, p.guest), "skipReset", "Skip")); !in(control) {
		t.Error("putting it off does not sign in at the app itself")
	}
	control = direct.Client(t)
	if second(control, with(first(control, apps.MalloryTitled), "wpPassword", anew, "retype", anew)); !in(control) {
		t.Error("setting a password does not sign in at the app itself, so that the test shows nothing")
	}

	c := p.Client(t)
	second(c, with(first(c, p.guest), "skipReset", "Skip")).Wants(t, http.StatusFound, "")
	p.wantsState(t, c, "verified", p.guest.Name)
	if !in(c) {
		t.Error("a user without a factor is not signed in")
	}
	c = p.Client(t)
	fields := first(c, p.owner)
	p.wantsState(t, c, "anonymous", "")
	p.wantsClosed(t, c, "the first step")
	p.wantsChallenge(t, second(c, with(fields, "skipReset", "Skip")))
	p.wantsState(t, c, "pending", p.owner.Name)
	p.wantsClosed(t, c, "the second step")

	// Neither that form nor a similar one can do anything else.
	for name, more := range map[string][]string{
		"a new password":                      {"wpPassword", anew, "retype", anew, "wploginattempt", "Continue login"},
		"a new password, put off":             {"wpPassword", anew, "retype", anew, "skipReset", "Skip"},
		"a new password once":                 {"wpPassword", anew, "skipReset", "Skip"},
		"a new password, as another step":     {"wpPassword", anew, "retype", anew, "skipReset", "Skip", "authAction", "login"},
		"a new password, under a name":        {"wpName", "Alice", "wpPassword", anew, "retype", anew},
		"put off under another's name":        {"wpName", "Bob", "skipReset", "Skip"},
		"put off under another's name, typed": {"wpName", "Bob", "wpPassword", p.guest.Password, "skipReset", "Skip"},
		"put off on another page":             {"title", "Main_Page", "skipReset", "Skip"},
		"put off, spelled otherwise":          {"skipReset ", "Skip", "wpPassword", anew, "retype", anew},
	} {
		c := p.Client(t)
		second(c, with(first(c, p.owner), more...)).Wants(t, http.StatusBadRequest, "")
		p.wantsState(t, c, "anonymous", "")
		p.wantsClosed(t, c, name)
	}
	// A second step without a first one, and one for a login that another browser began.
	c, other := p.Client(t), p.Client(t)
	fields = first(c, p.owner)
	second(other, with(fields, "skipReset", "Skip"))
	p.mustNotBeIn(t, other, "what another browser began")
	p.wantsState(t, other, "anonymous", "")
	// The name of the first step stays.
	second(c, with(fields, "skipReset", "Skip"))
	p.wantsState(t, c, "pending", p.owner.Name)

	wants(forced, "'forceChange' => true")
	c = p.Client(t)
	second(c, with(first(c, p.owner), "skipReset", "Skip"))
	p.wantsState(t, c, "anonymous", "")
	p.wantsClosed(t, c, "where a new password must be set")
	wants(none, "")
	c = p.Client(t)
	p.wantsChallenge(t, p.signIn(t, c, p.owner)) // the password was not changed
}
