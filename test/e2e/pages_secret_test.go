package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestP9_BackShowsNoSecret: somebody sits down at a browser in which a second factor was set up, and goes back to where
// the QR code or the recovery codes were. Neither is there any more, whatever the browser kept of the pages.
func TestP9_BackShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		l := newLedger(t, demo.Knobs{}, "", site.Options{})
		v := newViewer(t, l.URL, browser.Options{NoScripts: !scripts})
		v.signIn("alice", demo.AlicePassword)
		v.Goto(v.url + "/second-factor/")
		v.press("Set up Two-Factor Authentication", "/second-factor/setup")
		phone := v.key()
		v.Fill("[name=code]", phone.Code(t))
		v.press("Confirm", "/second-factor/recovery-codes")
		secrets := append([]string{phone.Key, "otpauth:"}, strings.Fields(v.Text("#recovery-codes"))...)
		if scripts {
			// Chromium keeps pages that it may not store for a moment, in case the user goes back; the script wipes
			// them.
			v.Click("#saved")
			v.Follow(browser.Labelled("I have saved them"))
		}
		for range 2 {
			v.Back()
			v.WaitVisible("h1")
			page := browser.Evaluate[string](v.Browser, "document.documentElement.outerHTML")
			for _, secret := range secrets {
				if strings.Contains(page, secret) {
					t.Errorf("scripts %v: %s shows %q again", scripts, v.Path(), secret)
				}
			}
		}
	}
}

// TestPages_DoubleClick: a user who clicks twice on Confirm is enrolled once, is still signed in, and sees the recovery
// codes, which can be saved as a file that says what it is.
func TestPages_DoubleClick(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.Goto(v.url + "/second-factor/")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	v.Fill("[name=code]", v.key().Code(t))
	v.DoubleClick(browser.Labelled("Confirm"))
	v.wantsPath("/second-factor/recovery-codes")
	v.says("status", "Two-factor authentication is enabled")
	codes := strings.Fields(v.Text("#recovery-codes"))
	if len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}

	folder := t.TempDir()
	v.DownloadTo(folder)
	v.Click(browser.Labelled("Download"))
	want := "Recovery codes for alice at ledger\r\nEach code works once.\r\n\r\n" + strings.Join(codes, "\r\n") + "\r\n"
	var got string
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.After(30 * time.Second); got != want; {
		read, err := os.ReadFile(filepath.Join(folder, "recovery-codes-ledger.txt"))
		got = string(read)
		select {
		case <-deadline:
			t.Fatalf("the file holds %q (%v), want %q", got, err, want)
		case <-pause.C:
		}
	}
	v.wantsQuiet()
}

// TestPages_TwoWindows: the set-up is open in two windows of a browser. If the session ends in one, Confirm in the
// other leads to the login, and nothing was half enabled. If both confirm, the second is told that its form is old.
func TestPages_TwoWindows(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	other := &viewer{walker: &walker{Browser: v.Tab(), t: t, url: v.url}}
	begin := func(v *viewer) *site.Authenticator {
		t.Helper()
		v.Goto(v.url + "/second-factor/")
		v.press("Set up Two-Factor Authentication", "/second-factor/setup")
		return v.key()
	}
	v.signIn("alice", demo.AlicePassword)
	phone := begin(v)
	other.Goto(v.url + "/second-factor/")
	other.press("Sign out", "/login")
	v.Fill("[name=code]", phone.Code(t))
	v.press("Confirm", "/second-factor/setup/confirm")
	v.Follow(browser.Link("Sign in"))
	v.wantsPath("/login")

	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/")
	phone = begin(v)
	if key := begin(other).Key; key != phone.Key {
		t.Error("one session has two keys at a time")
	}
	v.Fill("[name=code]", phone.Code(t))
	v.press("Confirm", "/second-factor/recovery-codes")
	other.Fill("[name=code]", phone.Code(t))
	other.Follow(browser.Labelled("Confirm"))
	other.says("alert", "Nothing was changed")
	if codes := strings.Fields(v.Text("#recovery-codes")); len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
}

// TestPages_HostileNames: the names of an app and a user are made to break pages. They are shown as they are spelled,
// on pages that keep their shape, and fit into the QR code.
func TestPages_HostileNames(t *testing.T) {
	t.Parallel()
	const script = `<script>document.title='broken'</script>{{.User}}"'`
	user := script + strings.Repeat("x", 190)
	issuer := script + "\u202e\u2066\u05d0" + strings.Repeat("Application ", 22)
	app := demo.New(demo.Options{Users: []demo.User{{Login: user, Password: "hostile-password"}}})
	t.Cleanup(app.Close)
	block := strings.Replace(ledgerBlock, "app ledger", "app ledger\n\t\tissuer `"+issuer+"`", 1)
	s := site.Start(t, site.Serve(t, app), block, site.Options{})
	v := newViewer(t, s.URL, browser.Options{})
	v.turns = 3
	v.signIn(user, "hostile-password")
	v.Goto(v.url + "/second-factor/")
	check := func(name string) {
		t.Helper()
		v.look(name)
		if page := v.Page(); !strings.Contains(page, script) {
			t.Errorf("%s does not show the name: %s", name, page)
		}
		if title := browser.Evaluate[string](v.Browser, "document.title"); title == "broken" {
			t.Errorf("%s: the name's script ran", name)
		}
	}
	check("settings-off")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	check("setup")
	address, err := url.Parse(v.Attribute("#otpauth", "href"))
	if err != nil || !strings.HasSuffix(address.Path, ":"+user) {
		t.Errorf("the address is for %q (%v)", address, err)
	}
	if read := v.ReadQR("#qr"); read != v.Attribute("#otpauth", "href") {
		t.Errorf("the QR code reads %q", read)
	}
	phone := v.key()
	v.Fill("[name=code]", phone.Code(t))
	v.press("Confirm", "/second-factor/recovery-codes")
	check("codes")
	v.Goto(v.url + "/second-factor/")
	check("settings-on")
	v.press("Sign out", "/login")
	v.signIn(user, "hostile-password")
	check("challenge")
	v.wantsQuiet()
}

// TestPages_Challenge: a code may contain spaces and may be pasted. After too many wrong codes the page counts down to
// the next attempt, and says when the time is over.
func TestPages_Challenge(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tthrottle {\n\t\t\tfree 2\n\t\t\tdelay 5s\n\t\t}\n", site.Options{})
	c, phone := l.verified(t, "alice", demo.AlicePassword)
	c.SignOut()
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/challenge")
	if page := v.Page(); !strings.Contains(page, "ledger") || !strings.Contains(page, "alice") {
		t.Errorf("the challenge does not say for what: %q", page)
	}
	if got := browser.Evaluate[string](v.Browser, active); got != "code" {
		t.Errorf("the focus is on %q", got)
	}
	wrong := otherThan(t, phone.Key, skew)
	if got := v.FillThrough("[name=code]", wrong[:3]+" "+wrong[3:]); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code with a space: %d", got.Status)
	}
	v.says("alert", "Codes change every 30 seconds; check the time on your phone.")
	if v.Value("[name=code]") != "" {
		t.Error("the wrong code is still there")
	}
	v.FillThrough("[name=code]", wrong)
	if v.Visible("[name=code]:enabled") {
		t.Error("one code too many can be typed")
	}
	v.Goto(v.url + "/second-factor/challenge")
	v.says("alert", "Too many wrong codes.")
	if left := v.Text(".countdown"); !strings.HasPrefix(left, "0:") {
		t.Errorf("the countdown shows %q", left)
	}
	v.WaitGone(".countdown")
	v.says("alert", "You can try again now.")
	code := phone.Code(t)
	v.FillThrough("[name=code]", code[:3]+" "+code[3:])
	v.wantsPath("/")
}
