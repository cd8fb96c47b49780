package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"sallyport.example/sallyport/demo"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// hands is a user without a mouse: keys go where the focus is.
type hands struct{ *flow }

// to presses the Tab key until the element has the focus.
func (h hands) to(selector driver.Selector) {
	h.t.Helper()
	for range 40 {
		if driver.Evaluate[bool](h.Browser, fmt.Sprintf("!!document.activeElement && document.activeElement.matches(%q)", string(selector))) {
			return
		}
		h.Press(kb.Tab)
	}
	h.t.Fatalf("the Tab key does not lead to %s\n%s", selector, h.Page())
}

// press operates an element by a key, and waits for the page that follows.
func (h hands) press(selector driver.Selector, key, path string) {
	h.t.Helper()
	h.to(selector)
	h.Press(key)
	h.WaitPath(path)
}

// types writes into a field.
func (h hands) types(selector driver.Selector, text string) {
	h.t.Helper()
	h.to(selector)
	for _, key := range text {
		h.Press(string(key))
	}
}

// TestFlowByKeys tests the three flows, and the steps between them, by the keyboard alone, with scripts and without:
// set up, save the codes, sign out, sign in with a code and with a recovery code, reset, disable.
func TestFlowByKeys(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			f := newFlow(t, driver.Options{NoScripts: !scripts}, nil)
			h := hands{f}
			signIn := func(path string) {
				t.Helper()
				h.Goto(h.url + "/login")
				h.types("[name=username]", "alice")
				h.types("[name=password]", demo.AlicePassword)
				h.press("form[action='/login'] button", kb.Enter, path)
			}
			signIn("/")
			h.Goto(h.url + "/second-factor/")
			h.press("#open-setup", kb.Enter, "/second-factor/setup")
			h.key = h.Text("#secret")
			h.types("[name=code]", h.code(0))
			h.press("[action$='/setup/confirm'] .main", " ", "/second-factor/recovery-codes")
			codes := strings.Fields(h.Text("#recovery-codes"))
			h.to("#saved")
			h.Press(" ")
			h.press("[action$='/saved'] .main", kb.Enter, "/second-factor/")
			h.press("header button", kb.Enter, "/login")

			h.next()
			signIn("/second-factor/challenge")
			h.types("[name=code]", h.code(0))
			if !scripts {
				h.Press(kb.Enter)
			}
			h.WaitPath("/")
			h.Goto(h.url + "/second-factor/")
			h.press("header button", kb.Enter, "/login")

			signIn("/second-factor/challenge")
			h.press("main a[href$='/recovery']", kb.Enter, "/second-factor/recovery")
			h.types("[name=code]", codes[0])
			h.press("main .main", kb.Enter, "/second-factor/recovery-used")
			h.press("main .main", kb.Enter, "/")

			h.Goto(h.url + "/second-factor/")
			h.press("#open-reset", kb.Enter, "/second-factor/reset")
			if scripts {
				// Escape closes the dialog, and the focus is where it was.
				h.Press(kb.Escape)
				h.WaitPath("/second-factor/")
				if got := driver.Evaluate[string](h.Browser, "document.activeElement.id"); got != "open-reset" {
					t.Errorf("the focus is on %q", got)
				}
				h.press("#open-reset", kb.Enter, "/second-factor/reset")
			}
			h.types("[name=code]", codes[1])
			h.press("dialog .main", kb.Enter, "/second-factor/setup")
			h.key = h.Text("#secret")
			h.types("[name=code]", h.code(0))
			h.press("dialog .main", kb.Enter, "/second-factor/")
			if !h.says("Your new token is in use") {
				t.Errorf("after the reset:\n%s", h.Page())
			}
			h.press("#open-disable", kb.Enter, "/second-factor/disable")
			h.next()
			h.types("[name=code]", h.code(0))
			h.press("dialog .main", kb.Enter, "/second-factor/")
			if !h.says("Two-factor authentication is disabled") {
				t.Errorf("at the end:\n%s", h.Page())
			}
		})
	}
}
