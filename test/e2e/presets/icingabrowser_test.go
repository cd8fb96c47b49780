//go:build allapps

package presets

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
)

// TestIcingaInABrowser: Icinga's own script sends the login form, and a header of Icinga's in the answer says where to
// go on. The guard asks for the code, and gives the script that answer.
func TestIcingaInABrowser(t *testing.T) {
	t.Parallel()
	b := startWalk(t, icingaWeb2)
	b.Goto(b.URL + "/authentication/login")
	b.Until("its script is not ready", `window.icinga && icinga.loader`)
	b.Screenshot("login")
	b.Fill("[name=username]", apps.Alice.Name)
	b.Fill("[name=password]", apps.Alice.Password)
	b.Evaluate(`document.querySelector("[name=btn_submit]").click()`)
	b.passGuard(`document.querySelector(".user-ball")`)
	if !strings.Contains(b.Page(), apps.Alice.Name) {
		t.Errorf("it is not alice: %.1500s", b.Page())
	}
	b.Screenshot("open")
	b.Goto(b.URL + "/about")
	b.Evaluate(`document.querySelector("[value='Disable auto refresh']").click()`)
	b.Until("nothing was written", `document.querySelector("[value='Enable auto refresh']")`)
	b.holdsNothing()

	b.Goto(b.URL + "/authentication/logout")
	b.wantsOurState("anonymous")
	b.Goto(b.URL + "/account")
	if !b.is(`document.querySelector("[name=password]")`) {
		t.Errorf("the app is still open: %.1500s", b.Page())
	}
}
