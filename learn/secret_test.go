package learn

import (
	"strings"
	"testing"
)

// TestNoSecretIsWritten: passwords, values of cookies and tokens stand in no proposal, wherever an app repeats them: in
// addresses, in its page, in what it answers, in names.
func TestNoSecretIsWritten(t *testing.T) {
	r := byForm(t, `<b id="secret-session-2">alice</b><b id="who" data-x="right-password">alice</b><form action="/x/secret-session-2"><input type="password" name="q"></form>`)
	r.list[2].Status, r.list[2].Content = 200, []byte("right-password")
	r.list[2].Answer.Set("Content-Type", "text/plain")
	r.list[4].URL.RawQuery = "sid=secret-session-2&view=right-password&do=show&ticket=abc"
	r.list[4].Answer.Set("X-Token", "secret-session-2")
	r.list[5].URL.RawQuery = "logout=secret-session-2&tok=hidden-token-1"
	r.list[5].URL.Path = "/leave"
	r.add("GET", "/files/secret-session-2/page", "", 200, "Cookie: sid=secret-session-2", `<i class="user">alice</i>`)
	moveBeforeLast(r)
	r.add("POST", "/other", "a=secret-session-2&password=right-password", 200, "Cookie: sid=secret-session-2", "<p>x")
	moveBeforeLast(r)
	block, missing := r.block(Options{})
	if !strings.Contains(block, "login /login {") || !strings.Contains(block, "who") {
		t.Fatalf("there is no proposal to look at:\n%s", block)
	}
	for _, secret := range []string{"right-password", "wrong-password", "secret-session-2", "anonymous-1", "hidden-token-1", "ticket=abc"} {
		if strings.Contains(block+missing, secret) {
			t.Errorf("%q is written:\n%s\n%s", secret, block, missing)
		}
	}
}
