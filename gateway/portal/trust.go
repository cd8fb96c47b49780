package portal

import (
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
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
