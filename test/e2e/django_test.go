package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

var djangoToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// djangoAdmin is Django's own admin site.
var djangoAdmin = realApp{
	example:   "django-admin.Caddyfile",
	start:     apps.StartDjango,
	loginPage: "/admin/login/",
	home:      "/admin/",
	protected: []string{"/admin/auth/user/", "/admin/auth/user/1/change/", "/admin/password_change/"},
	words:     []string{"Welcome,", "Site administration", apps.Alice.Email, apps.Bob.Email},
	signIn:    djangoSignIn,
	signOut: func(t testing.TB, c *site.Client) {
		c.Get("/admin/logout/").Wants(t, http.StatusOK, "")
	},
	typeIn: func(b *browser.Browser, name, password string) browser.Answer {
		b.Fill("#id_username", name)
		b.Fill("#id_password", password)
		return b.Follow(browser.Labelled("Log in"))
	},
	leave: func(b *browser.Browser) { b.Follow(browser.Link("Log out")) },
	work:  djangoWork,
}

func djangoSignIn(t testing.TB, c *site.Client, name, password string) site.Answer {
	t.Helper()
	page := c.Get("/admin/login/")
	if page.StatusCode == http.StatusFound {
		// A signed-in user is led on from the login page. Any other form has the token as well.
		page = c.Get("/admin/password_change/").Wants(t, http.StatusOK, "")
	}
	return c.Post("/admin/login/", url.Values{
		"csrfmiddlewaretoken": {site.Find(t, djangoToken, page.Text)}, "username": {name}, "password": {password}, "next": {"/admin/"},
	})
}

// djangoWork gives the signed-in account a first name, by which the admin site then greets the user.
func djangoWork(t testing.TB, b *browser.Browser) {
	t.Helper()
	b.Goto(strings.TrimSuffix(b.Location(), b.Path()) + "/admin/auth/user/1/change/")
	b.Fill("#id_first_name", "Alicia")
	b.Follow(browser.Labelled("Save"))
	if words := b.Page(); !strings.Contains(words, "was changed successfully") || !strings.Contains(strings.ToUpper(words), "WELCOME, ALICIA") {
		t.Errorf("the change is not confirmed: %s", words)
	}
}

// TestDjango uses one Django for all parts, because it takes long to start. Each part has its own gateway.
func TestDjango(t *testing.T) {
	t.Parallel()
	app := djangoAdmin.start(t)
	t.Run("by HTTP", func(t *testing.T) { djangoAdmin.behind(t, app).walkByHTTP(t) })
	t.Run("in a browser", func(t *testing.T) { djangoAdmin.behind(t, app).walkInBrowser(t) })
	t.Run("names", func(t *testing.T) { testDjangoNames(t, djangoAdmin.behind(t, app)) })
	t.Run("first names", func(t *testing.T) { testDjangoFirstNames(t, djangoAdmin.behind(t, app)) })
	t.Run("a new password", func(t *testing.T) { testDjangoPassword(t, djangoAdmin.behind(t, app)) })
}

// testDjangoNames: Django trims and normalises names. For every name that it takes for alice, alice's factor is asked
// for, or the name is refused. A name that Django would read otherwise than the gateway never gets there.
func testDjangoNames(t *testing.T, a *protectedApp) {
	owner := a.Client(t)
	a.signIn(t, owner, apps.Alice.Name, apps.Alice.Password)
	owner.Enrol(1)
	for _, name := range []string{"alice ", " alice", "\u00a0alice\u3000"} {
		c := a.Client(t)
		if got := a.signIn(t, c, name, apps.Alice.Password); !leadsTo(got, "/second-factor/challenge") {
			t.Fatalf("%q: %d to %q", name, got.StatusCode, got.Location())
		}
		wantsState(t, c, "pending", apps.Alice.Name)
		a.wantsClosed(t, c, "/second-factor/challenge")
	}
	for _, name := range []string{"\talice\n", "alice\u2028", "\x1calice", "alice\x1f", "alice\u200b", "alice\x00", "\u00e1lice", "alice\u0301", "\uff41lice", "al\u0131ce"} {
		c := a.Client(t)
		if got := a.signIn(t, c, name, apps.Alice.Password); got.StatusCode != http.StatusBadRequest {
			t.Fatalf("%q: %d to %q", name, got.StatusCode, got.Location())
		}
		wantsState(t, c, "anonymous", "")
	}
	// Another case is another account in Django, which does not exist. Some databases ignore case; then alice's factor
	// would be asked for.
	c := a.Client(t)
	a.tellsNothing(t, a.signIn(t, c, "ALICE", apps.Alice.Password).Wants(t, http.StatusOK, ""))
	wantsState(t, c, "anonymous", "")
}

// testDjangoFirstNames: the admin site greets users by their first names, which they choose themselves. Bob, who has a
// factor and Alice's password, calls himself alice; and Alice takes a first name too. If the greeting were taken for
// the identity, Bob would be asked for his own factor, and Alice's would not be asked for.
func testDjangoFirstNames(t *testing.T, a *protectedApp) {
	alice, bob := a.Client(t), a.Client(t)
	a.signIn(t, alice, apps.Alice.Name, apps.Alice.Password)
	alice.Enrol(1)
	a.signIn(t, bob, apps.Bob.Name, apps.Bob.Password)
	factor, _ := bob.Enrol(1)
	for id, firstName := range map[string]string{"1": "Alicia", "2": "alice"} {
		djangoChange(t, bob, id, firstName)
	}
	if page := bob.Get("/admin/"); !strings.Contains(page.Text, "<strong>alice</strong>") {
		t.Fatal("the greeting is not by the first name")
	}
	wantsState(t, bob, "verified", apps.Bob.Name)
	wantsState(t, alice, "verified", apps.Alice.Name)

	a.signIn(t, bob, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsState(t, bob, "pending", apps.Alice.Name)
	bob.Pass(factor).Wants(t, http.StatusUnprocessableEntity, "")
	a.wantsClosed(t, bob, "/second-factor/challenge")
}

var djangoField = regexp.MustCompile(`<input type="(?:text|email|hidden)" name="([^"]+)" value="([^"]*)"`)

// djangoChange sends the form of an account again, with another first name.
func djangoChange(t testing.TB, c *site.Client, id, firstName string) {
	t.Helper()
	path := "/admin/auth/user/" + id + "/change/"
	page := c.Get(path).Wants(t, http.StatusOK, "")
	values := url.Values{}
	for _, field := range djangoField.FindAllStringSubmatch(page.Text, -1) {
		values.Set(field[1], field[2])
	}
	for _, box := range []string{"is_active", "is_staff", "is_superuser"} {
		values.Set(box, "on")
	}
	values.Set("first_name", firstName)
	c.Post(path, values).Wants(t, http.StatusFound, "/admin/auth/user/")
}

// testDjangoPassword: Django renews its session when a password changes, as it does when somebody else signs in. Nobody
// can tell the two apart, so a user who changed his password has to sign in with the new one.
func testDjangoPassword(t *testing.T, a *protectedApp) {
	c := a.Client(t)
	a.signIn(t, c, apps.Bob.Name, apps.Bob.Password)
	factor, _ := c.Enrol(1)
	page := c.Get("/admin/password_change/")
	c.Post("/admin/password_change/", url.Values{
		"csrfmiddlewaretoken": {site.Find(t, djangoToken, page.Text)}, "old_password": {apps.Bob.Password},
		"new_password1": {"chestnut-anchor-13"}, "new_password2": {"chestnut-anchor-13"},
	})
	for _, path := range a.protected {
		c.Get(path).Wants(t, http.StatusSeeOther, "")
	}
	c = a.Client(t)
	a.tellsNothing(t, a.signIn(t, c, apps.Bob.Name, apps.Bob.Password).Wants(t, http.StatusOK, ""))
	a.signIn(t, c, apps.Bob.Name, "chestnut-anchor-13").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(factor).Wants(t, http.StatusSeeOther, "/admin/")
	a.wantsOpen(t, c)
}
