package portal

import (
	"slices"
	"strings"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/session"
)

// A trusted browser that runs scripts holds a key beside its cookie, and a login with both a password and the cookie
// leaves its session pending: the page that asks for the code has the script prove the key, and the proof comes back as
// a form of that page.

// proof is what the form holds, with what it must have been made for in this session.
//
// The nonce is the session's form token: random, made anew with each token of the session, in the page already, and
// never in another session. The scheme is left out, since a proxy in front may have ended TLS.
func (x *Page) proof() factor.Proof {
	return factor.Proof{Signature: x.form.proof, Host: strings.ToLower(x.R.Host), Base: x.Config.Base, Nonce: x.Session().Form}
}

// newTrust is how the form wants this browser to be trusted. A key that cannot be used is no reason for less than a
// key: then the browser is not trusted at all, and ok is false.
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

// proving is the trusted browser that may prove itself in this session; none while wrong codes are being counted.
func (x *Page) proving(status factor.Status) (device factor.DeviceStatus, ok bool) {
	if status.Blocked() {
		return device, false
	}
	return signin.DeviceOf(status, x.Session().Device)
}

// takeProof judges what a trusted browser shows in place of a code. It is no attempt at a code, and has one go in a
// session: if nothing comes of it, the code is asked for as ever.
func (x *Page) takeProof() error {
	user, device := x.Session().Identity, x.Session().Device
	shown := x.Credentials()
	at := slices.IndexFunc(shown, func(credential string) bool { return factor.DeviceID(credential) == device })
	if device != "" && at >= 0 {
		if credential := x.UseTrust(user, shown[at], x.proof()); credential != "" {
			// Its former secret is used up, whatever becomes of the session.
			x.KeepTrust(credential)
			return x.pass(gate.Pending, passed{method: factor.MethodTOTP, credential: credential, trusted: true})
		}
	}
	if _, err := x.Take(session.DropDevice(user)); err != nil {
		return x.sessionChanged(err)
	}
	return x.AskFactor()
}
