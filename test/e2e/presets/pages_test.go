//go:build allapps

package presets

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
)

// TestWordPressInABrowser uses the login form, the challenge, pages to read and write, and the link that signs out.
func TestWordPressInABrowser(t *testing.T) {
	t.Parallel()
	b := startWalk(t, wordPress)
	b.Goto(b.URL + "/wp-admin/")
	// The page moves the focus there a moment after it is loaded, even if somebody is already typing.
	b.Until("the form is not ready", `document.activeElement.id === "user_login"`)
	b.Fill("#user_login", apps.Alice.Name)
	b.Fill("#user_pass", apps.Alice.Password)
	b.Follow("#wp-submit")
	b.passChallenge()
	b.Screenshot("open")
	if got := b.Text("#wpadminbar"); !strings.Contains(got, apps.Alice.Name) {
		t.Errorf("the bar says %q", got)
	}
	b.Goto(b.URL + "/wp-admin/edit.php?mode=excerpt")
	if got := b.Page(); !strings.Contains(got, "The tide comes in at seven.") {
		t.Errorf("the private page is not shown: %.1500s", got)
	}
	b.Goto(b.URL + "/wp-admin/options-general.php")
	b.Fill("#blogdescription", "The tide comes in at nine.")
	b.Follow("#submit")
	b.Reload()
	if got := b.Value("#blogdescription"); got != "The tide comes in at nine." {
		t.Errorf("nothing was written: %q", got)
	}
	b.holdsNothing()

	b.Evaluate(`document.querySelector("#wp-admin-bar-logout a").click()`)
	b.Until("the app does not sign out", `location.pathname === "/wp-login.php" && document.querySelector("#user_pass")`)
	b.wantsOurState("anonymous")
	b.Goto(b.URL + "/wp-admin/options-general.php")
	if b.is(`document.querySelector("#blogdescription")`) || !b.is(`document.querySelector("#user_pass")`) {
		t.Errorf("the app is still open: %.1500s", b.Page())
	}
}

// TestMediaWikiInABrowser does the same with a wiki, whose page signs out by script.
func TestMediaWikiInABrowser(t *testing.T) {
	t.Parallel()
	const page = "/index.php?title=Harbour_master"
	b := startWalk(t, mediaWiki)
	b.Goto(b.URL + "/index.php?title=Special:UserLogin")
	b.Screenshot("login")
	b.Fill("#wpName1", apps.Alice.Name)
	b.Fill("#wpPassword1", apps.Alice.Password)
	b.Follow("#wpLoginAttempt")
	b.passChallenge()
	b.Screenshot("open")
	b.Goto(b.URL + "/index.php?title=Main_Page")
	if got := b.Page(); !strings.Contains(got, "Welcome to the harbour wiki.") {
		t.Errorf("the first page is not there: %.1500s", got)
	}
	b.Goto(b.URL + page + "&action=edit")
	b.Fill("#wpTextbox1", "The tide comes in at nine.")
	b.Follow("#wpSave")
	b.Goto(b.URL + page)
	if got := b.Page(); !strings.Contains(got, "The tide comes in at nine.") {
		t.Errorf("nothing was written: %.1500s", got)
	}
	b.holdsNothing()

	b.Until("the page's scripts are not ready", `mw.loader.getState("mediawiki.page.ready") === "ready"`)
	b.Evaluate(`document.querySelector("#pt-logout a").click()`)
	b.Until("the app does not sign out", `document.querySelector("#wpPassword1")`)
	b.wantsOurState("anonymous")
	b.Goto(b.URL + page)
	if strings.Contains(b.Page(), "The tide comes in at nine.") || !b.is(`document.querySelector("#wpPassword1")`) {
		t.Errorf("the app is still open: %.1500s", b.Page())
	}
}
