package presets

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestP1_ZNCSpeaksIRC: unless it is configured otherwise, ZNC's listener also speaks IRC, at the same port and with the
// same password. It reads a request with a method other than GET and POST as IRC, and the lines of the body as
// commands. Bob, who has alice's password, could send it in such a request of his own verified session, and do all that
// she may, without her factor.
func TestP1_ZNCSpeaksIRC(t *testing.T) {
	t.Parallel()
	running := apps.StartZNCWithout(t, "\tAllowIRC")
	p, direct := znc.behind(t, running)
	p.enrolOwner(t)
	bob := p.Client(t)
	p.signIn(t, bob, p.guest)
	bob.Enrol(10)
	p.wantsState(t, bob, "verified", p.guest.Name)
	p.wantsChallenge(t, p.signIn(t, p.Client(t), p.owner)) // the ordinary sign-in

	alice := direct.Client(t)
	p.signIn(t, alice, p.owner)
	said := func() string { return alice.Get("/mods/global/webadmin/settings").Wants(t, http.StatusOK, "").Text }
	irc := func(c *site.Client, method, text string) (site.Answer, error) {
		return c.Try(method, "/x", http.Header{"Content-Type": {"text/plain"}}, "PASS alice:"+p.owner.Password+"\r\nNICK x\r\nUSER x x x x\r\n"+
			"PRIVMSG *status :AddMOTD "+text+"\r\nQUIT\r\n")
	}
	// Without the gateway it works. The answer is not HTTP.
	does := func(method, text string) {
		t.Helper()
		_, _ = irc(direct.Client(t), method, text)
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(said(), text); {
			if time.Now().After(deadline) {
				t.Fatalf("%s at the app itself does nothing, so that the test shows nothing", method)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	does(http.MethodPut, "direct-first")
	for _, method := range []string{"HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "FOO", "put", "get", "Post"} {
		for who, c := range map[string]*site.Client{"bob": bob, "stranger": p.Client(t)} {
			got, err := irc(c, method, "gateway-"+method+"-"+who)
			if err != nil {
				t.Fatal(err)
			}
			if method == "HEAD" {
				got.Wants(t, http.StatusBadRequest, "") // like every page load with a body
				continue
			}
			if got.Wants(t, http.StatusMethodNotAllowed, ""); got.Header.Get("Allow") != "GET, POST" {
				t.Errorf("%s: Allow: %s", method, got.Header.Get("Allow"))
			}
		}
	}
	does("OPTIONS", "direct-last")
	if text := said(); strings.Contains(text, "gateway-") {
		t.Errorf("a command that came through the gateway was executed: %.3000s", text)
	}
	p.wantsState(t, bob, "verified", p.guest.Name)
	bob.Get("/").Wants(t, http.StatusOK, "")
}
