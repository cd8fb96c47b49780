//go:build allapps

package presets

import (
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/browser"
)

// dashboard is PocketBase's page behind the login.
const dashboard = `!!document.querySelector(".app-sidebar") && location.hash.startsWith("#/collections")`

// TestPocketBaseInABrowser: the app's own page signs in by script and has a token, and knows nothing of a second
// factor. The guard asks for the code in a dialog, gives the app its answer, and the page goes on working, also with a
// renewed token and after a reload.
func TestPocketBaseInABrowser(t *testing.T) {
	t.Parallel()
	b := startWalk(t, pocketBase)
	b.Goto(b.URL + "/_/")
	b.Fill("input[type=email]", apps.Alice.Email)
	b.Fill("input[type=password]", apps.Alice.Password)
	b.Click("button[type=submit]")
	b.passGuard(dashboard)
	token := browser.Evaluate[string](b.Browser, "JSON.parse(Object.values(localStorage).find(v => v.includes('eyJ'))).token")

	renewed := `(async () => {
		const entry = Object.entries(localStorage).find(([, v]) => v.includes("eyJ")), stored = JSON.parse(entry[1]);
		await new Promise(done => setTimeout(done, 1100)); // its tokens differ from second to second
		const answer = await (await fetch("/api/collections/_superusers/auth-refresh", { method: "POST", headers: { Authorization: stored.token } })).json();
		stored.token = answer.token;
		localStorage.setItem(entry[0], JSON.stringify(stored));
		window.renewed = answer.token;
	})(), true`
	browser.Evaluate[bool](b.Browser, renewed)
	b.Until("the token is not renewed", "!!window.renewed")
	if browser.Evaluate[string](b.Browser, "window.renewed") == token {
		t.Error("the token is the same as before: the test shows nothing")
	}
	b.Reload()
	b.Until("the dashboard does not open with a renewed token", dashboard)
	b.Until("the dashboard is empty", `document.body.innerText.includes("users")`)
}

// editor is Node-RED's editor behind the login, with the owner's flow in it.
const editor = `!document.querySelector("#red-ui-loading-progress")?.checkVisibility() && RED.settings.user?.username === "alice" &&
	[...document.querySelectorAll("#red-ui-workspace-tabs li")].some(e => e.innerText.includes("Harbour"))`

// TestNodeREDInABrowser: the editor has a login dialog of its own, and a WebSocket for events in the flows.
func TestNodeREDInABrowser(t *testing.T) {
	t.Parallel()
	b := startWalk(t, nodeRED)
	b.Goto(b.URL + "/")
	b.Fill("#node-dialog-login-username", apps.Alice.Name)
	b.Fill("#node-dialog-login-password", apps.Alice.Password)
	b.Click("#node-dialog-login-submit")
	b.passGuard(editor)
	// Add a flow, of which the runtime tells all open editors, and remove it again.
	const add, flows = ".red-ui-tab-button.red-ui-tabs-add a", `fetch("/flows", {headers: {Authorization: "Bearer " + RED.settings.get("auth-tokens").access_token}}).then(a => a.json()).then(a => a.filter(n => n.type === "tab").length)`
	before := browser.Await[int](b.Browser, flows)
	b.Click(add)
	b.Click("#red-ui-header-button-deploy")
	b.Until("nothing is deployed", `document.querySelector(".red-ui-notification-success") && document.querySelector("#red-ui-header-button-deploy.disabled")`)
	if after := browser.Await[int](b.Browser, flows); after != before+1 {
		b.t.Errorf("there are %d flows, and were %d", after, before)
	}
	if b.is(`document.body.innerText.includes("Lost connection")`) {
		b.t.Error("the editor has no WebSocket")
	}
	b.Screenshot("open")
	b.Reload()
	b.Until("the editor does not open again", editor)
	b.Screenshot("again")
	b.Click("#red-ui-header-button-user")
	b.Click("#usermenu-item-logout")
	b.Until("the editor does not ask for a password", `document.querySelector("#node-dialog-login-username") && !(`+editor+`)`)
	b.wantsOurState("anonymous")
}

// TestVerdaccioInABrowser: a page with a security policy of its own, which keeps its token in the browser's storage.
func TestVerdaccioInABrowser(t *testing.T) {
	t.Parallel()
	const inside = `document.body.innerText.includes("The tide comes in at seven.")`
	b := startWalk(t, verdaccio)
	b.Goto(b.URL + "/")
	b.Click("[data-testid=header--button-login]")
	b.Fill("#login--dialog-username", apps.Alice.Name)
	b.Fill("#login--dialog-password", apps.Alice.Password)
	b.Click("#login--dialog-button-submit")
	b.passGuard(inside)
	b.Screenshot("open")
	b.Reload()
	b.Until("the packages do not show again", inside)
	b.Screenshot("again")
	b.Click("#header--button-account")
	b.Click("#logOutDialogIcon")
	b.Until("the packages still show", "!("+inside+")")
}

// TestDirectusInABrowser: the studio signs in with a session cookie, and renews it by itself.
func TestDirectusInABrowser(t *testing.T) {
	t.Parallel()
	const inside = `location.pathname.startsWith("/admin/") && location.pathname !== "/admin/login" && document.querySelector("#navigation")`
	b := startWalk(t, directus)
	b.Goto(b.URL + "/admin/login")
	b.Fill("input[type=email]", apps.Alice.Email)
	b.Fill("input[type=password]", apps.Alice.Password)
	b.Click("button[type=submit]")
	b.passGuard(inside)
	b.leadTo("/admin/users")
	b.Until("the accounts do not show", `document.body.innerText.includes("`+apps.Bob.Email+`")`)
	b.Screenshot("open")
	b.leadTo("/admin/users")
	b.Until("the accounts do not show again", `document.body.innerText.includes("`+apps.Bob.Email+`")`)
	b.holdsNothing()

	// The button is shown while the pointer is over the picture.
	b.Evaluate(`document.querySelectorAll(".module-bar-avatar, .module-bar-avatar *").forEach(e => e.dispatchEvent(new MouseEvent("mouseenter")))`)
	b.Until("no button signs out", `document.querySelector(".module-bar-avatar .sign-out button")`)
	b.Evaluate(`document.querySelector(".module-bar-avatar .sign-out button").click()`)
	b.Click("a[href='/admin/logout']")
	b.Until("the studio does not ask for a password", `location.pathname === "/admin/login" && document.querySelector("input[type=password]")`)
	b.wantsOurState("anonymous")
}
