package portal

import (
	"slices"
	"strings"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/session"
)

// A trusted browser that runs scripts holds a key in addition to its cookie. A login with both the password and the
// cookie leaves its session pending: on the page that asks for the code, a script proves the key, and the proof comes
// back as a form of that page.

// proof returns the proof in the form, with what it must have been made for in this session.
//
// The nonce is the session's form token: it is random, made anew with each token of the session, already in the page,
// and in no other session. The scheme is left out, since a proxy in front may have ended TLS.
func (x *Page) proof() factor.Proof {
	return factor.Proof{Signature: x.form.proof, Host: strings.ToLower(x.R.Host), Base: x.Config.Base, Nonce: x.Session().Form}
}

// newTrust returns how the form wants this browser to be trusted. If its key cannot be used, the browser is not trusted
// at all rather than trusted without a key, and ok is false.
func (x *Page) newTrust() (trust factor.Trust, ok bool) {
	trust.Instead = x.Credentials()
	if x.form.key == "" {
		return trust, true
	}
	key, err := factor.NewDeviceKey(x.form.key, x.proof())
	if err != nil {
		x.Log.WarnContext(x.R.Context(), "the browser is not trusted: its key cannot be used, or it calls the site by another name than we do",
			"app", x.Config.App, "user", x.Session().Identity, "host", x.R.Host, "client", x.Config.ClientAddress(x.R))
		return trust, false
	}
	trust.Key = key
	return trust, true
}

// proving returns the trusted browser that may prove itself in this session; none while wrong codes are being counted.
func (x *Page) proving(status factor.Status) (device factor.DeviceStatus, ok bool) {
	if status.Blocked() {
		return device, false
	}
	return signin.DeviceOf(status, x.Session().Device)
}

// takeProof judges what a trusted browser shows instead of a code. It does not count as an attempt at a code, and a
// session has one: if it fails, the code is asked for as usual.
func (x *Page) takeProof() error {
	user, device := x.Session().Identity, x.Session().Device
	shown := x.Credentials()
	at := slices.IndexFunc(shown, func(credential string) bool { return factor.DeviceID(credential) == device })
	if device != "" && at >= 0 {
		if credential := x.UseTrust(user, shown[at], x.proof()); credential != "" {
			// The browser's former secret is used up, whatever becomes of the session.
			x.KeepTrust(credential)
			return x.pass(gate.Pending, passed{method: factor.MethodTOTP, credential: credential, trusted: true})
		}
	}
	if _, err := x.Take(session.DropDevice(user)); err != nil {
		return x.sessionChanged(err)
	}
	return x.AskFactor()
}
