package teach

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// protects puts a gateway with the learnt words in front of the app, and uses it as its users and a thief do.
func (v variant) protects(t *testing.T, app, words string) {
	t.Helper()
	gate := site.Start(t, app, words+"\ntotp {\nskew 10\n}\n", site.Options{})
	last := v.reads[len(v.reads)-1]
	closed := func(who string, c *site.Client) {
		t.Helper()
		for _, path := range append([]string{"/nowhere"}, v.reads...) {
			if got := c.Get(path); got.StatusCode < 300 || strings.Contains(got.Text, v.text) {
				t.Errorf("%s gets %d at %s", who, got.StatusCode, path)
			}
		}
	}
	stranger := gate.Client(t)
	closed("a stranger", stranger)
	for i, path := range v.page {
		if got := stranger.Get(path); got.StatusCode != http.StatusOK && (i > 0 || len(v.page) > 1) {
			t.Errorf("a stranger gets %d at %s", got.StatusCode, path)
		}
	}
	wrong := gate.Client(t)
	v.signIn(t, wrong, "another-wrong-password")
	wrong.Header = nil
	closed("a wrong password", wrong)

	// Alice has no factor yet, and sets one up.
	alice := gate.Client(t)
	v.signIn(t, alice, demo.AlicePassword)
	if state := alice.Status(); !strings.Contains(state, `"verified"`) || !strings.Contains(state, `"alice"`) {
		t.Fatalf("signed in: %s", state)
	}
	authenticator, _ := alice.Enrol(10)

	thief := gate.Client(t)
	v.signIn(t, thief, demo.AlicePassword)
	if state := thief.Status(); !strings.Contains(state, `"pending"`) {
		t.Errorf("the password alone: %s", state)
	}
	closed("the password alone", thief)

	// Behind the code the app is what it was.
	thief.PostJSON(thief.Base+"/challenge", `{"code":"`+authenticator.Code(t)+`"}`).Wants(t, http.StatusNoContent, "")
	if resumed := thief.Do("GET", thief.Base+"/resume", http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"*/*"}}, ""); strings.Contains(resumed.Text, `"token"`) {
		thief.Header = http.Header{"Authorization": {"Bearer " + site.Find(t, tokenIn, resumed.Text)}}
	}
	if got := thief.Get(last); got.StatusCode != http.StatusOK {
		t.Errorf("behind the code: %d at %s", got.StatusCode, last)
	}
}
