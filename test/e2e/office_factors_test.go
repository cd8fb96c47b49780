package e2e

import (
	"net/http"
	"net/url"
	"regexp"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/site"
)

// hers is the number of alice's telephone.
const hers = "+358401234567"

var hersAdded = regexp.MustCompile(`data-factor="([0-9a-f]+)" data-kind="(?:passkey|sms)"`)

// further is what she does with a passkey and a telephone beside her authenticator: she sets both up, a copy of the
// passkey is refused, and both are taken away.
func (o *office) further(phone *site.Authenticator) {
	o.t.Helper()
	proved := func(path string, form url.Values) site.Answer {
		o.t.Helper()
		code := phone.Code(o.t)
		o.secret("code", code)
		form.Set("code", code)
		return o.note(o.c.Own("/", path, form))
	}
	script := func(path, document string, status int) string {
		o.t.Helper()
		answer := o.note(o.c.PostJSON("/second-factor"+path, document))
		if answer.StatusCode != status {
			o.t.Fatalf("%s: %d %s", path, answer.StatusCode, answer.Text)
		}
		return answer.Text
	}
	device := passkeytest.New(o.t, o.l.URL)
	proved("/add", url.Values{"kind": {"passkey"}}).Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	script("/setup/passkey", device.Create(o.t, script("/setup/passkey/options", "{}", http.StatusOK)), http.StatusCreated)
	o.told("factor_added", "user", newAddress, "A second factor was added to your account")
	copied := device.Copy()
	o.own("/", "/logout", "")

	o.at(0)
	device.Origin, copied.Origin = o.l.URL, o.l.URL
	o.signIn("alice", demo.AlicePassword)
	script("/challenge/passkey", device.Get(o.t, script("/challenge/passkey/options", "{}", http.StatusOK)), http.StatusOK)
	o.own("/", "/logout", "")
	o.signIn("alice", demo.AlicePassword)
	script("/challenge/passkey", copied.Get(o.t, script("/challenge/passkey/options", "{}", http.StatusOK)), http.StatusUnprocessableEntity)
	o.told("passkey_copied", "user", newAddress, "A passkey of your account may have been copied")
	o.own("/challenge", "/challenge", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "")

	proved("/add", url.Values{"kind": {"sms"}, "address": {hers}}).Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	o.at(1)
	code := o.telephones.Code(hers) // a secret from here on, as each that is typed
	o.own("/setup", "/setup/confirm", code).Wants(o.t, http.StatusSeeOther, "/second-factor/")
	o.told("factor_added", "user", newAddress, "A second factor was added to your account")

	found := hersAdded.FindAllStringSubmatch(o.get("/second-factor/").Text, -1)
	if len(found) != 2 {
		o.t.Fatalf("the settings page shows %q", found)
	}
	for _, factor := range found {
		proved("/factors/"+factor[1]+"/remove", url.Values{}).Wants(o.t, http.StatusSeeOther, "/second-factor/")
		o.told("factor_removed", "user", newAddress, "A second factor of your account was removed")
	}
}
