package passkeys

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/site"
)

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// visitor is somebody with a program in place of a browser.
type visitor struct {
	*site.Client
	t *testing.T
}

// signedIn is somebody who has typed alice's password.
func signedIn(t *testing.T, s *site.Site) *visitor {
	t.Helper()
	v := &visitor{s.Client(t), t}
	page := v.Get("/login")
	answer := v.Post("/login", url.Values{
		"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)},
	})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in: %d", answer.StatusCode)
	}
	return v
}

func (v *visitor) options(path string) string {
	v.t.Helper()
	answer := v.PostJSON("/second-factor"+path+"/options", "{}")
	if answer.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %d %s", path, answer.StatusCode, answer.Text)
	}
	return answer.Text
}

func (v *visitor) uses(device *passkeytest.Authenticator) site.Answer {
	v.t.Helper()
	return v.PostJSON("/second-factor/challenge/passkey", device.Get(v.t, v.options("/challenge/passkey")))
}

// wants fails the test unless the answer has this status, and is a problem document where it is an error.
func wants(t *testing.T, what string, answer site.Answer, status int) {
	t.Helper()
	problem := answer.Header.Get("Content-Type") == "application/problem+json"
	if answer.StatusCode != status || status >= 400 && !problem {
		t.Errorf("%s: %d %s %.300s, want %d", what, answer.StatusCode, answer.Header.Get("Content-Type"), answer.Text, status)
	}
}

// withKey is a site at which alice has a passkey, the device, and the session in which she set it up.
func withKey(t *testing.T) (*site.Site, *passkeytest.Authenticator, *visitor) {
	t.Helper()
	s := start(t, "")
	v, device := signedIn(t, s), passkeytest.New(t, s.URL)
	v.Own("/", "/setup", url.Values{"kind": {"passkey"}})
	answer := v.PostJSON("/second-factor/setup/passkey", device.Create(t, v.options("/setup/passkey")))
	wants(t, "the set-up", answer, http.StatusCreated)
	v.Get("/second-factor/recovery-codes")
	return s, device, v
}

// TestP1_PasswordAloneAndPasskeys: somebody who has only the password wants in by a passkey: one of his own in the
// account, an answer from another page, an answer that he recorded, another person's.
func TestP1_PasswordAloneAndPasskeys(t *testing.T) {
	t.Parallel()
	s, device, _ := withKey(t)
	mallory := signedIn(t, s)
	for _, path := range []string{"/setup/passkey/options", "/setup/passkey"} {
		wants(t, path, mallory.PostJSON("/second-factor"+path, "{}"), http.StatusUnauthorized)
	}
	own := passkeytest.New(t, s.URL)
	wants(t, "a passkey of his own", mallory.uses(own), http.StatusUnprocessableEntity)
	phished := device.Copy()
	phished.Origin = "http://localhost.evil.example"
	wants(t, "an answer that a page in between got", mallory.uses(phished), http.StatusUnprocessableEntity)
	framed := device.Copy()
	framed.CrossOrigin = true
	wants(t, "an answer from a frame in another site's page", mallory.uses(framed), http.StatusUnprocessableEntity)
	recorded := signedIn(t, s)
	request := recorded.options("/challenge/passkey")
	answer := device.Get(t, request)
	mallory.options("/challenge/passkey")
	wants(t, "an answer to another session", mallory.PostJSON("/second-factor/challenge/passkey", answer), http.StatusUnprocessableEntity)
	wants(t, "the control", recorded.PostJSON("/second-factor/challenge/passkey", answer), http.StatusOK)
	mallory.options("/challenge/passkey")
	wants(t, "an answer that was used", mallory.PostJSON("/second-factor/challenge/passkey", answer), http.StatusUnprocessableEntity)
	if state := mallory.Status(); !strings.Contains(state, `"pending"`) || mallory.Get("/").StatusCode != http.StatusSeeOther {
		t.Errorf("mallory is in: %s", state)
	}
}

// TestP5_PasskeysChangeByProofOnly: somebody at a browser that is signed in plants a passkey, or takes one away, with
// nothing but the open session; and an answer for a passkey that is removed opens nothing.
func TestP5_PasskeysChangeByProofOnly(t *testing.T) {
	t.Parallel()
	s, device, v := withKey(t)
	id := regexp.MustCompile(`data-factor="([0-9a-f]+)"`)
	first := site.Find(t, id, v.Get("/second-factor/").Text)
	for path, values := range map[string]url.Values{
		"/add": {"kind": {"passkey"}}, "/factors/" + first + "/remove": nil, "/factors/" + first + "/rename": {"name": {"mine"}}, "/disable": nil,
	} {
		if answer := v.Own("/", path, values); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s without a proof: %d", path, answer.StatusCode)
		}
	}
	wants(t, "a set-up that is not under way", v.PostJSON("/second-factor/setup/passkey/options", "{}"), http.StatusConflict)
	second := passkeytest.New(t, s.URL)
	wants(t, "a proof", v.uses(device), http.StatusNoContent)
	if answer := v.Own("/", "/add", url.Values{"kind": {"passkey"}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("with a proof: %d", answer.StatusCode)
	}
	made := v.PostJSON("/second-factor/setup/passkey", second.Create(t, v.options("/setup/passkey")))
	wants(t, "a second one", made, http.StatusCreated)
	var added struct{ ID string }
	if err := json.Unmarshal([]byte(made.Text), &added); err != nil {
		t.Fatal(err)
	}
	wants(t, "a proof", v.uses(device), http.StatusNoContent)
	other := signedIn(t, s)
	answer := second.Get(t, other.options("/challenge/passkey"))
	if removed := v.Own("/", "/factors/"+added.ID+"/remove", nil); removed.StatusCode != http.StatusSeeOther {
		t.Fatalf("removing: %d", removed.StatusCode)
	}
	// The change has ended the other session; in a new one the passkey is not there either.
	wants(t, "the removed one", other.PostJSON("/second-factor/challenge/passkey", answer), http.StatusUnauthorized)
	wants(t, "the removed one, asked anew", signedIn(t, s).uses(second), http.StatusUnprocessableEntity)
	wants(t, "the other one", signedIn(t, s).uses(device), http.StatusOK)
}

// TestP7_TwoTabs: a user is asked in two tabs. The tab that was asked last is answered; the other one tries again.
func TestP7_TwoTabs(t *testing.T) {
	t.Parallel()
	s, device, _ := withKey(t)
	v := signedIn(t, s)
	first := device.Get(t, v.options("/challenge/passkey"))
	second := v.options("/challenge/passkey")
	wants(t, "the first tab", v.PostJSON("/second-factor/challenge/passkey", first), http.StatusUnprocessableEntity)
	wants(t, "the second tab, after it", v.PostJSON("/second-factor/challenge/passkey", device.Get(t, second)), http.StatusUnprocessableEntity)
	wants(t, "asked anew", v.uses(device), http.StatusOK)
	if answer := v.Get("/"); answer.StatusCode != http.StatusOK {
		t.Errorf("the app: %d", answer.StatusCode)
	}
}

// TestP9_PasskeysAreQuiet: neither a challenge nor an answer stands in the log; and a copy is told there.
func TestP9_PasskeysAreQuiet(t *testing.T) {
	t.Parallel()
	s, device, _ := withKey(t)
	copied := device.Copy()
	v := signedIn(t, s)
	request := v.options("/challenge/passkey")
	answer := device.Get(t, request)
	wants(t, "the control", v.PostJSON("/second-factor/challenge/passkey", answer), http.StatusOK)
	refused := signedIn(t, s).uses(copied)
	wants(t, "the copy", refused, http.StatusUnprocessableEntity)
	if !strings.Contains(refused.Text, "/passkey-copied") {
		t.Errorf("the problem: %s", refused.Text)
	}
	var said struct {
		Response struct{ Signature, ClientDataJSON string }
	}
	var asked struct{ PublicKey struct{ Challenge string } }
	if json.Unmarshal([]byte(answer), &said) != nil || json.Unmarshal([]byte(request), &asked) != nil {
		t.Fatal("not JSON")
	}
	s.Stop() // what it has written comes through a pipe
	log := s.Log()
	for _, secret := range []string{said.Response.Signature, said.Response.ClientDataJSON, asked.PublicKey.Challenge} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if !strings.Contains(log, `"passkey_copied"`) {
		t.Error("the log does not tell of the copy")
	}
}

// TestPasskeysAtAnAddress: at an address there are no passkeys, the log says so, and all else is as it was.
func TestPasskeysAtAnAddress(t *testing.T) {
	t.Parallel()
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	s := site.Start(t, site.Serve(t, app), block, site.Options{})
	v := signedIn(t, s)
	authenticator, codes := v.Enrol(10)
	if len(codes) != 10 {
		t.Errorf("%d codes", len(codes))
	}
	page := v.Get("/second-factor/").Text
	if strings.Contains(page, "asskey") || !strings.Contains(page, "Reset Token") {
		t.Error("passkeys are offered")
	}
	again := signedIn(t, s)
	if answer := again.Pass(authenticator); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a code: %d", answer.StatusCode)
	}
	s.Stop() // what it has written comes through a pipe
	if !strings.Contains(s.Log(), "passkeys are not offered") {
		t.Error("the log does not say so")
	}
}
