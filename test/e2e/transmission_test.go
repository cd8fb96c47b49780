package e2e

import (
	"context"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// rpc calls a method of Transmission's RPC as its web interface does: the first answer is 409 and contains the token
// that the second call needs.
func rpc(t testing.TB, c *site.Client, body string) site.Answer {
	t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}
	got := c.Do("POST", "/transmission/rpc", header, body)
	if token := got.Header.Get("X-Transmission-Session-Id"); got.StatusCode == http.StatusConflict && token != "" {
		header.Set("X-Transmission-Session-Id", token)
		got = c.Do("POST", "/transmission/rpc", header, body)
	}
	return got
}

const readSession, writeSession = `{"method":"session-get"}`, `{"method":"session-set","arguments":{"speed-limit-down":4711}}`

// withPassword makes a client send a password with every request, as browsers do after they were asked for it.
func withPassword(c *site.Client, name, password string) *site.Client {
	request := &http.Request{Header: http.Header{}}
	request.SetBasicAuth(name, password)
	c.Header = request.Header
	return c
}

// TestP1_BasicTransmission: a real app gets its password with every request. The password alone reads and writes
// nothing at any of its addresses. With the code it works, by page and by RPC.
func TestP1_BasicTransmission(t *testing.T) {
	t.Parallel()
	app := apps.StartTransmission(t)
	s := site.Start(t, app.Address, exampleBlock(t, "transmission.Caddyfile"), site.Options{})
	doors := []string{"/", "/transmission", "/transmission/web/", "/transmission/web/index.html", "/transmission/rpc", "/transmission/upload", "/transmission/rpc/", "//transmission/rpc", "/TRANSMISSION/rpc"}
	shut := func(c *site.Client, what string) {
		t.Helper()
		for _, path := range doors {
			for _, method := range []string{"GET", "POST", "HEAD"} {
				got := c.Do(method, path, nil, bodyFor(method, readSession))
				if got.Header.Get("X-Transmission-Session-Id") != "" || strings.Contains(got.Text, "download-dir") || strings.Contains(got.Text, "torrent_list") {
					t.Errorf("%s: %s %s is open: %d", what, method, path, got.StatusCode)
				}
				if got.StatusCode == http.StatusOK {
					t.Errorf("%s: %s %s answers %d", what, method, path, got.StatusCode)
				}
			}
		}
		if got := rpc(t, c, writeSession); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: the RPC answers %d %s", what, got.StatusCode, got.Text)
		}
	}

	stranger := s.Client(t)
	shut(stranger, "a stranger")
	if got := stranger.Get("/transmission/web/").Wants(t, http.StatusUnauthorized, ""); got.Header.Get("WWW-Authenticate") != `Basic realm="Transmission"` {
		t.Errorf("a stranger is not asked for a password: %v", got.Header)
	}
	wrong := withPassword(s.Client(t), apps.Alice.Name, "wrong")
	shut(wrong, "a wrong password")
	wantsState(t, wrong, "anonymous", "")
	shut(withPassword(s.Client(t), "ALICE", apps.Alice.Password), "another spelling of the name")

	// Not enrolled: the password is enough, and a factor can be set up.
	alice := withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password)
	alice.Get("/transmission/web/").Wants(t, http.StatusOK, "")
	wantsState(t, alice, "verified", apps.Alice.Name)
	factor, codes := alice.Enrol(1)
	alice.SignOut()

	thief := withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password)
	thief.Get("/transmission/web/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsState(t, thief, "pending", apps.Alice.Name)
	shut(thief, "the password alone")
	thief.Own("/challenge", "/challenge", url.Values{"code": {otherThan(t, factor.Key, 1)}}).Wants(t, http.StatusUnprocessableEntity, "")
	shut(thief, "the password and a wrong code")

	alice.Get("/transmission/web/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	alice.Pass(factor).Wants(t, http.StatusSeeOther, "/transmission/web/")
	if page := alice.Get("/transmission/web/").Wants(t, http.StatusOK, ""); !strings.Contains(page.Text, "torrent_list") {
		t.Error("that is not Transmission's page")
	}
	rpc(t, alice, writeSession).Wants(t, http.StatusOK, "")
	if got := rpc(t, alice, readSession).Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, `"speed-limit-down":4711`) {
		t.Errorf("what was written is not read: %s", got.Text)
	}
	// The session is worth nothing without the password, and nothing with another one.
	borrowed := s.Client(t)
	borrowed.SetCookie("sallyport", alice.Token())
	shut(borrowed, "her cookie alone")
	borrowed = withPassword(s.Client(t), apps.Alice.Name, "wrong")
	borrowed.SetCookie("sallyport", alice.Token())
	shut(borrowed, "her cookie and a wrong password")
	rpc(t, alice, readSession).Wants(t, http.StatusOK, "")

	alice.SignOut()
	shut(alice, "signed out")
	alice = withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password)
	alice.Get("/transmission/web/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	alice.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "/transmission/web/")
	rpc(t, alice, readSession).Wants(t, http.StatusOK, "")

	// A client without cookies cannot pass a factor.
	remote := exec.CommandContext(context.Background(), "transmission-remote", s.URL+"/transmission", "--auth", apps.Alice.Name+":"+apps.Alice.Password, "--session-info")
	output, _ := remote.CombinedOutput()
	if strings.Contains(string(output), "Configuration directory") {
		t.Errorf("transmission-remote reads with the password alone: %s", output)
	}
	direct, err := exec.CommandContext(context.Background(), "transmission-remote", app.URL+"/transmission", "--auth", apps.Alice.Name+":"+apps.Alice.Password, "--session-info").CombinedOutput()
	if err != nil || !strings.Contains(string(direct), "Configuration directory") {
		t.Errorf("transmission-remote does not read past the gateway either, so that the test shows nothing: %v %s", err, direct)
	}
	if log := s.Log(); strings.Contains(log, apps.Alice.Password) || strings.Contains(log, strings.TrimPrefix(alice.Header.Get("Authorization"), "Basic ")) {
		t.Error("the password is in the log")
	}
}
