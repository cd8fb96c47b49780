package sentcodes

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/e2e/firefox"
	"sallyport.example/sallyport/test/servers"
)

// guarded is a site whose app signs in by script, too.
const guarded = fast + `
		guard
		login /api/login {
			username json /user/name
		}
`

// TestMailInChromium: alice sets codes by e-mail up in place of an app, signs in with one, and with one in the
// guard's dialog, which sends it; she proves a change with one. The page that says that a code was sent has the field
// for it: it had none, because the code was younger than the request.
func TestMailInChromium(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := start(t, server.SMTP, nobody, guarded)
	b := browser.New(t, browser.Options{})
	signIn := func(path string) {
		t.Helper()
		b.Goto(p.URL + "/login")
		b.Fill("[name=username]", "alice")
		b.Fill("[name=password]", demo.AlicePassword)
		b.Follow("form[action='/login'] button")
		b.WaitPath(path)
	}
	signOut := func() {
		t.Helper()
		b.Goto(p.URL + "/second-factor/")
		b.Follow("form[action$='/logout'] button")
	}
	signIn("/")
	b.Goto(p.URL + "/second-factor/")
	b.Follow("#open-setup")
	b.Follow(browser.Selector("form.instead:has([value=mail]) button"))
	b.WaitVisible("#sent-to")
	b.Accessible("the set-up of codes by e-mail")
	if page := b.Page(); !strings.Contains(page, "a•••@example.com") || strings.Contains(page, mailbox) || !strings.Contains(page, "weaker") {
		t.Errorf("the page says\n%s", page)
	}
	b.Fill("[name=code]", mailed(t, server, 1))
	b.Follow("[action$='/setup/confirm'] .main")
	b.WaitPath("/second-factor/recovery-codes")
	b.Goto(p.URL + "/second-factor/")
	if line := b.Text("[data-kind=mail]"); !strings.Contains(line, "weaker") {
		t.Errorf("the line says %q", line)
	}
	signOut()

	signIn("/second-factor/challenge")
	b.WaitVisible("#way[data-kind=mail]")
	b.Accessible("the challenge before a code is sent")
	b.Follow("form[action$='/challenge/send'] button")
	b.WaitVisible("#way [name=code]")
	b.Accessible("the challenge")
	b.FillThrough("[name=code]", mailed(t, server, 2))
	b.WaitPath("/")
	signOut()

	const dialog = `document.documentElement.lastElementChild.shadowRoot`
	b.Goto(p.URL + "/login")
	browser.Evaluate[bool](b, `window.result = fetch("/api/login", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({user: {name: "alice", password: "`+demo.AlicePassword+`"}})}).then(a => a.text().then(b => a.status + " " + b)), true`)
	b.Until("the dialog to offer a code", dialog+`.activeElement.textContent === "Send a code" && !`+dialog+`.querySelector("input")`)
	b.Accessible("the dialog before a code is sent")
	b.Press("\r")
	b.Until("the field", dialog+`.activeElement.id === "c" && `+dialog+`.textContent.includes("a•••@example.com")`)
	b.Accessible("the dialog")
	b.Press("000000")
	b.Until("the alert", dialog+`.textContent.includes("That code is wrong.")`)
	b.Press(mailed(t, server, 3))
	if got := browser.Await[string](b, "result"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the app's script gets %s", got)
	}

	b.Goto(p.URL + "/second-factor/")
	b.Follow("#open-disable")
	b.Follow("form[action$='/challenge/send'] button")
	b.WaitVisible("#change #sent-to")
	b.Accessible("the confirmation")
	b.Fill("[name=code]", mailed(t, server, 4))
	b.Follow("#change .main")
	b.WaitVisible("#open-setup")
}

// TestMailInFirefox: the set-up, a sign-in, and the end of it.
func TestMailInFirefox(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := start(t, server.SMTP, nobody, fast)
	fox := firefox.New(t, firefox.Options{})
	at := func(path string) {
		t.Helper()
		fox.Until("the page "+path, `location.pathname === "`+path+`"`)
	}
	signIn := func(path string) {
		t.Helper()
		fox.Goto(p.URL + "/login")
		fox.Fill("[name=username]", "alice")
		fox.Fill("[name=password]", demo.AlicePassword)
		fox.Follow("form[action='/login'] button")
		at(path)
	}
	signIn("/")
	fox.Goto(p.URL + "/second-factor/")
	fox.Follow("#open-setup")
	fox.Follow("form.instead:has([value=mail]) button")
	fox.WaitVisible("#sent-to")
	fox.Fill("[name=code]", mailed(t, server, 1))
	fox.Follow("[action$='/setup/confirm'] .main")
	at("/second-factor/recovery-codes")
	fox.Goto(p.URL + "/second-factor/")
	fox.Follow("form[action$='/logout'] button")

	signIn("/second-factor/challenge")
	fox.Follow("form[action$='/challenge/send'] button")
	fox.WaitVisible("#way [name=code]")
	fox.FillThrough("[name=code]", mailed(t, server, 2))
	at("/")
	fox.Goto(p.URL + "/second-factor/")
	fox.Follow("#open-disable")
	fox.Follow("form[action$='/challenge/send'] button")
	fox.Fill("[name=code]", mailed(t, server, 3))
	fox.Follow("#change .main")
	fox.WaitVisible("#open-setup")
}
