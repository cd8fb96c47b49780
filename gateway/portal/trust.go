package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// trustWithin is how old the code may be when a browser is trusted because of it.
const trustWithin = 5 * time.Minute

// mayTrust reports whether this session was asked whether to trust its browser, and the code is fresh.
func mayTrust(x *Page) bool {
	return x.Session().Trusts != "" && age.Within(x.Now, x.Session().Proved(), trustWithin)
}

// showTrust asks whether to trust this browser. The session is already verified, so a user who does not answer is
// signed in all the same.
func showTrust(x *Page) error {
	if !mayTrust(x) {
		return x.Redirect(x.Config.Base + "/")
	}
	return x.Config.Pages.Trust(x.W, http.StatusOK, pages.TrustView{Common: x.Common(), Remember: x.Config.Factors.Remember()})
}

// takeTrust takes the answer to that question, once, and goes on to where the app wanted to go. Trust needs the code
// that was just given: if the code is too old, or the user's factors have changed since, the browser is not trusted.
func takeTrust(x *Page) error {
	asked, fresh, mark, method := x.Session().Trusts != "", mayTrust(x), x.Session().Trusts, x.Session().Method()
	if !asked {
		return afterTrust(x, x.Config.Base+"/")
	}
	trust, usable := factor.Trust{}, false
	if x.form.trust && fresh {
		trust, usable = x.newTrust()
	}
	taken, err := x.Take(session.GoOn(x.Session().Identity))
	if err != nil {
		return x.sessionChanged(err)
	}
	if !taken.Done || x.form.trust && !fresh {
		return trustLate(x)
	}
	if usable {
		credential, err := x.Config.Factors.Trust(x.Noting(), x.Session().Identity, mark, trust)
		switch {
		case errors.Is(err, factor.ErrNotTrusted):
			return trustLate(x)
		case err != nil:
			return x.StoreFailed("trust a browser", err)
		}
		x.StoreWorks(underway.StoreSecrets, true)
		x.Tell(event.Event{Name: event.BrowserTrusted, User: x.Session().Identity, Method: method})
		x.KeepTrust(credential)
	}
	return afterTrust(x, session.Destination(nil, taken.Before.Next))
}

// afterTrust leads a user on who has answered, or tells the guard's dialog that the answer has arrived.
func afterTrust(x *Page, to string) error {
	if x.WantsPage() {
		return x.Redirect(to)
	}
	return x.headersOnly(http.StatusNoContent)
}

func trustLate(x *Page) error {
	if x.WantsPage() {
		return x.settingsWith(pages.AlertTrustLate, http.StatusForbidden)
	}
	common := x.Common()
	common.Alert = pages.AlertTrustLate
	return x.codeProblem(http.StatusForbidden, common)
}

// trustStatus is what the guard's dialog needs to ask the question, and to have a trusted browser prove itself: the
// nonce that a proof is made for, and the key and the device of the browser where there is one.
type trustStatus struct {
	Nonce  string `json:"nonce"`
	Key    string `json:"key,omitempty"`
	Device string `json:"device,omitempty"`
}

// newTrustStatus is nil where there is no guard, or nothing to ask or to prove. A script of the site's finds all of it
// in our pages as well.
func newTrustStatus(x *Page, status factor.Status) *trustStatus {
	if !x.Config.Guard || x.Config.Factors.Remember() <= 0 {
		return nil
	}
	told := &trustStatus{Nonce: x.Session().Form}
	switch x.State() {
	case gate.Pending:
		device, ok := x.proving(status)
		if !ok {
			return nil
		}
		told.Key, told.Device = factor.EncodeDeviceKey(device.Key), device.ID
	case gate.Verified:
		if !mayTrust(x) {
			return nil
		}
	default:
		return nil
	}
	return told
}

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
// at all rather than trusted without a key, and ok is false. So it is if it has none and must have one.
func (x *Page) newTrust() (trust factor.Trust, ok bool) {
	trust.Instead = x.Credentials()
	if x.form.key == "" {
		return trust, factor.MayTrust(x.Config.Factors, nil)
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
