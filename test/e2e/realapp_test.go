package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// maxLines is how many lines a real app may need inside second_factor, not counting comments and empty lines.
const maxLines = 12

// realApp is an app that knows nothing of the gateway, with the ways in which people use it.
type realApp struct {
	// example is the Caddyfile in examples that protects the app, and start runs the app.
	example string
	start   func(testing.TB) *apps.App
	// loginPage is where strangers are sent, and home is where the app leads after a login.
	loginPage, home string
	// protected are addresses that nobody may read before the factor. doors are further ones that need not answer with
	// a page. words are what would give them away.
	protected, doors, words []string
	// signIn types a password into the app's own form by plain HTTP, and signOut uses the app's own way out.
	signIn  func(testing.TB, *site.Client, string, string) site.Answer
	signOut func(testing.TB, *site.Client)
	// typeIn and leave are the same in a browser, and work is what people do there.
	typeIn func(b *browser.Browser, name, password string) browser.Answer
	leave  func(*browser.Browser)
	work   func(testing.TB, *browser.Browser)
}

// protectedApp is a real app behind a gateway that is configured as the example says.
type protectedApp struct {
	*site.Site
	realApp
	app *apps.App
}

// behind starts a separate gateway, with nobody enrolled, in front of a running app.
func (a realApp) behind(t testing.TB, app *apps.App) *protectedApp {
	t.Helper()
	return &protectedApp{Site: site.Start(t, app.Address, exampleBlock(t, a.example), site.Options{}), realApp: a, app: app}
}

// exampleBlock returns what is inside the site's second_factor of an example, so that the examples themselves are
// tested.
func exampleBlock(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return siteBlock(t, string(text))
}

func siteBlock(t testing.TB, caddyfile string) string {
	t.Helper()
	// The last one, because the first is in the global block.
	start := strings.LastIndex(caddyfile, "\n\tsecond_factor {\n")
	if start < 0 {
		t.Fatalf("no second_factor in %s", caddyfile)
	}
	block := caddyfile[start+len("\n\tsecond_factor {\n"):]
	block, _, found := strings.Cut(block, "\n\t}\n")
	if !found {
		t.Fatalf("no end of second_factor in %s", caddyfile)
	}
	return block
}

// statements returns the lines of a block that say something, in one spelling.
func statements(block string) (lines []string) {
	for line := range strings.Lines(block) {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}

// TestExamples: at most twelve lines protect a real app, each example is an accepted Caddyfile as it is, and the README
// shows the tested one.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*.Caddyfile")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if lines := statements(exampleBlock(t, name)); len(lines) > maxLines {
			t.Errorf("%s needs %d lines: %q", name, len(lines), lines)
		}
		validate(t, file)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## Protect an app")
	section, _, _ = strings.Cut(section, "\n## ")
	shown, tested := statements(siteBlock(t, section)), statements(exampleBlock(t, "django-admin.Caddyfile"))
	if strings.Join(shown, "\n") != strings.Join(tested, "\n") {
		t.Errorf("the README shows\n%q\nand tested is\n%q", shown, tested)
	}
}

// wantsClosed tries each protected address: the answer leads to where, and contains none of the words.
func (a *protectedApp) wantsClosed(t testing.TB, c *site.Client, where string) {
	t.Helper()
	for _, path := range slices.Concat([]string{a.home}, a.protected, a.doors) {
		a.tellsNothing(t, c.Get(path).Wants(t, http.StatusSeeOther, where))
		script := c.Do("GET", path, http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}, "")
		a.tellsNothing(t, script.Wants(t, http.StatusUnauthorized, ""))
	}
	c.Get(a.home) // the next sign-in leads there
}

func (a *protectedApp) tellsNothing(t testing.TB, answer site.Answer) {
	t.Helper()
	for _, word := range a.words {
		if strings.Contains(answer.Text, word) {
			t.Errorf("%q is readable at %s", word, answer.Request.URL)
		}
	}
	for _, cookie := range answer.Cookies() {
		if cookie.Value != "" && appSession.MatchString(cookie.Name) {
			t.Errorf("the app's session cookie %s came out", cookie.Name)
		}
	}
}

// appSession matches the session cookies of the real apps, which no browser may ever have.
var appSession = regexp.MustCompile(`^(sessionid|DW[0-9a-f]{32}|DokuWiki)$`)

// wantsOpen reads each protected address.
func (a *protectedApp) wantsOpen(t testing.TB, c *site.Client) {
	t.Helper()
	var all strings.Builder
	for _, path := range append([]string{a.home}, a.protected...) {
		all.WriteString(c.Get(path).Wants(t, http.StatusOK, "").Text)
	}
	for _, word := range a.words {
		if !strings.Contains(all.String(), word) {
			t.Errorf("%q is not readable", word)
		}
	}
}

// otherThan returns a code that is certainly wrong at the moment, within the free attempts.
func otherThan(t testing.TB, key string, skew int) string {
	t.Helper()
	right := map[string]bool{}
	all := site.NewAuthenticator(key, skew+2)
	for range 2*skew + 4 {
		right[all.Code(t)] = true
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777", "888888", "999999"} {
		if !right[code] {
			return code
		}
	}
	t.Fatal("all codes are right")
	return ""
}

// walkByHTTP does the main job by plain HTTP, with the example's exact configuration, and so with the default TOTP
// settings. It uses two codes of each token, and then recovery codes, so that it never has to wait.
func (a *protectedApp) walkByHTTP(t *testing.T) {
	const defaultSkew = 1
	c := a.Client(t)
	a.wantsClosed(t, c, a.loginPage)

	a.tellsNothing(t, a.signIn(t, c, apps.Alice.Name, "wrong"))
	wantsState(t, c, "anonymous", "")
	a.wantsClosed(t, c, a.loginPage)

	// Not enrolled: the password is enough.
	if got := a.signIn(t, c, apps.Alice.Name, apps.Alice.Password); !leadsTo(got, a.home) {
		t.Fatalf("sign-in with the password only: %d to %q", got.StatusCode, got.Location())
	}
	wantsState(t, c, "verified", apps.Alice.Name)
	a.wantsOpen(t, c)
	first, codes := c.Enrol(defaultSkew)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	a.signOut(t, c)
	wantsState(t, c, "anonymous", "")
	a.wantsClosed(t, c, a.loginPage)

	// The challenge, a wrong code, the right one.
	a.tellsNothing(t, a.signIn(t, c, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusSeeOther, "/second-factor/challenge"))
	wantsState(t, c, "pending", apps.Alice.Name)
	a.wantsClosed(t, c, "/second-factor/challenge")
	wrong := c.Own("/challenge", "/challenge", url.Values{"code": {otherThan(t, first.Key, defaultSkew)}})
	if wrong.Wants(t, http.StatusUnprocessableEntity, ""); !strings.Contains(wrong.Text, `role="alert"`) {
		t.Error("a wrong code is no alert")
	}
	a.wantsClosed(t, c, "/second-factor/challenge")
	c.Pass(first).Wants(t, http.StatusSeeOther, a.home)
	wantsState(t, c, "verified", apps.Alice.Name)
	a.wantsOpen(t, c)

	// The app's own logout ends the gateway's session.
	token := c.Token()
	a.signOut(t, c)
	wantsState(t, c, "anonymous", "")
	a.wantsClosed(t, c, a.loginPage)
	thief := a.Client(t)
	thief.SetCookie("sallyport", token)
	wantsState(t, thief, "anonymous", "")

	// A recovery code instead of the phone works, but only once.
	a.signIn(t, c, apps.Alice.Name, apps.Alice.Password).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, a.home)
	a.wantsOpen(t, c)
	c.Own("/reset", "/reset", url.Values{"code": {codes[0]}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Own("/reset", "/reset", url.Values{"code": {codes[1]}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	second := site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), defaultSkew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {second.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")

	// Off again: the password is enough.
	c.Own("/disable", "/disable", url.Values{"code": {second.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	a.signOut(t, c)
	if got := a.signIn(t, c, apps.Alice.Name, apps.Alice.Password); !leadsTo(got, a.home) {
		t.Fatalf("sign-in after disabling: %d to %q", got.StatusCode, got.Location())
	}
	a.wantsOpen(t, c)
}

// leadsTo reports whether an answer redirects to a path, by whatever status and form of address.
func leadsTo(answer site.Answer, path string) bool {
	target, err := url.Parse(answer.Location())
	return err == nil && answer.StatusCode/100 == 3 && target.RequestURI() == path
}
