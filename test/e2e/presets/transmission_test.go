package presets

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// transmission needs the password in every request, and its RPC also a token against forged requests.
var transmission = app{
	preset: "transmission", kind: "HTTP Basic", start: apps.StartTransmission, owner: apps.Alice,
	signIn: signInByBasic("/transmission/web/"), signOut: signOutOfBasic,
	reads: []read{{path: "/transmission/web/", text: "torrent_list"}, {path: "/transmission/web/index.html", text: "torrent_list"}},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		transmissionCall(t, c, `{"method":"session-set","arguments":{"speed-limit-down":4711}}`).Wants(t, http.StatusOK, "")
		if got := transmissionCall(t, c, `{"method":"session-get"}`).Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, `"speed-limit-down":4711`) {
			t.Errorf("what was written is not read: %s", got.Text)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice"},
	doors: []door{
		{"the password at the RPC", "POST", "/transmission/rpc", basic(apps.Alice), `{"method":"session-get"}`},
		{"the password at the RPC, spelt otherwise", "POST", "//transmission/rpc", basic(apps.Alice), `{"method":"session-get"}`},
		{"the password with an upload", "POST", "/transmission/upload?paused=true", basic(apps.Alice), ""},
		{"the password at the root", "GET", "/", basic(apps.Alice), ""},
	},
}

// transmissionCall calls a method: the first answer is 409 and has the token that the second call needs.
func transmissionCall(t testing.TB, c *site.Client, body string) site.Answer {
	t.Helper()
	header := jsonHeader()
	got := c.Do("POST", "/transmission/rpc", header, body)
	if token := got.Header.Get("X-Transmission-Session-Id"); got.StatusCode == http.StatusConflict && token != "" {
		header.Set("X-Transmission-Session-Id", token)
		got = c.Do("POST", "/transmission/rpc", header, body)
	}
	return got
}
