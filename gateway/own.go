package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// ownPage is one of the gateway's own addresses (contract 5).
type ownPage struct {
	// states are those that the page is meant for; everybody else is sent on. Empty means anyone.
	states []gate.State
	// get shows the page, post acts. A method without a function is refused with 405.
	get, post func(*passage) error
}

var (
	anyone    []gate.State
	verified  = []gate.State{gate.Verified}
	pending   = []gate.State{gate.Pending}
	enrolling = []gate.State{gate.Enrolling}
	enrolment = []gate.State{gate.Verified, gate.Enrolling}
)

// ownPages are the addresses below base.
var ownPages = map[string]ownPage{
	"/":                {states: verified, get: (*passage).showSettings},
	"/challenge":       {states: pending, get: (*passage).showChallenge, post: (*passage).takeCode},
	"/recovery":        {states: pending, get: (*passage).showRecovery, post: (*passage).takeRecoveryCode},
	"/setup":           {states: enrolment, get: (*passage).showSetUp, post: (*passage).startSetUp},
	"/setup/confirm":   {states: enrolment, post: (*passage).confirmSetUp},
	"/reset":           {states: verified, get: (*passage).showReset, post: (*passage).startReset},
	"/disable":         {states: verified, get: (*passage).showDisable, post: (*passage).disable},
	"/recovery-codes":  {states: verified, get: (*passage).showRecoveryCodes, post: (*passage).renewRecoveryCodes},
	"/status":          {states: anyone, get: (*passage).showStatus},
	"/resume":          {states: verified, get: (*passage).resume},
	"/later":           {states: enrolling, post: (*passage).later},
	"/offer":           {states: verified, get: (*passage).showOffer},
	"/browsers":        {states: verified, post: (*passage).forgetBrowsers},
	"/sessions":        {states: verified, post: (*passage).endSessions},
	"/logo":            {states: anyone, get: (*passage).showLogo},
	exchange.GuardPath: {states: anyone, get: (*passage).showGuard},
	"/logout":          {states: anyone, post: (*passage).signOut},
}

// serveOwn answers for an address below base. Nothing of such a request ever reaches the app.
func (x *passage) serveOwn(path match.Path) error {
	x.Config.Observe(x.R, x.Outcome())
	name := strings.TrimPrefix(path.Text, x.Config.Base)
	if name == "" {
		name = "/"
	}
	page, found := ownPages[name]
	if !found || !path.Canonical {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	act := page.get
	switch x.R.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		act = page.post
	default:
		act = nil
	}
	if act == nil {
		x.W.Header().Set("Allow", page.allow())
		return x.Fail(http.StatusMethodNotAllowed, pages.ErrorMethod)
	}
	if len(page.states) > 0 && !slices.Contains(page.states, x.State()) {
		return x.sendOn()
	}
	if x.R.Method == http.MethodPost {
		if refused, err := x.readForm(); refused || err != nil {
			return err
		}
		if len(page.states) > 0 {
			return x.actAfresh(page)
		}
	}
	return act(x)
}

// actAfresh does what a form asks for in the session as it is now. A client can hold the end of a form back for as long
// as it likes; by then the session that the form began in may have ended, by a change of factors perhaps, or the time
// in which no fresh code is needed be over (P8).
func (x *passage) actAfresh(page ownPage) error {
	x.Token, x.Data, x.Now = "", nil, x.Config.Now()
	if err := x.LoadSession(); err != nil {
		return x.StoreFailed("load session", err)
	}
	if !slices.Contains(page.states, x.State()) {
		return x.sendOn()
	}
	return page.post(x)
}

func (p ownPage) allow() string {
	switch {
	case p.get == nil:
		return "POST"
	case p.post == nil:
		return "GET, HEAD"
	}
	return "GET, HEAD, POST"
}

// sendOn leads whoever a page is not meant for to where they can go on: strangers to the login page, pending sessions
// to the challenge, verified ones to the settings page.
func (x *passage) sendOn() error {
	switch x.State() {
	case gate.Pending, gate.Enrolling:
		return x.AskFactor()
	case gate.Verified:
		if !exchange.IsPageLoad(x.R) {
			return x.FailWith(http.StatusConflict, pages.ErrorRequest, "This session is verified already.")
		}
		return x.Redirect(x.Config.Base + "/")
	}
	return x.AskLogin()
}

// isPrefetch reports whether a browser fetches something in advance, that perhaps nobody will ever look at.
func isPrefetch(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(strings.ToLower(r.Header.Get(name)), "prefetch") {
			return true
		}
	}
	return false
}

// headersOnly answers without a body.
func (x *passage) headersOnly(status int) error {
	pages.SecurityHeaders(x.W.Header(), "")
	x.W.WriteHeader(status)
	return nil
}

// takeNotice gets the message that an earlier request left for the next page, once. It stays for a page that somebody
// sees.
func (x *passage) takeNotice() (string, error) {
	if x.Data == nil || x.Data.Notice == "" || x.R.Method == http.MethodHead || isPrefetch(x.R) {
		return "", nil
	}
	taken, err := x.Take(session.TakeNotice())
	if err != nil {
		return "", err
	}
	return taken.Before.Notice, nil
}

// showSettings is the settings page.
func (x *passage) showSettings() error {
	status, err := x.Enrolled(x.Data.Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	notice, err := x.takeNotice()
	if err != nil {
		return x.StoreFailed("take notice", err)
	}
	common := x.Common()
	common.Status = notice
	return x.settingsPage(http.StatusOK, common, status)
}

func (x *passage) settingsPage(code int, common pages.Common, status factor.Status) error {
	view, err := x.settingsView(common, status)
	if err != nil {
		return x.StoreFailed("list the user's sessions", err)
	}
	return x.Config.Pages.Settings(x.W, code, view)
}

// behind is the settings page to show behind a dialog. Where a store does not say what it would show there is
// none: the dialog does without, and nothing is said that is not known (P6).
func (x *passage) behind(status *factor.Status) *pages.SettingsView {
	if x.State() != gate.Verified {
		return nil
	}
	if status == nil {
		read, err := x.Enrolled(x.Data.Identity)
		if err != nil {
			return nil
		}
		status = &read
	}
	view, err := x.settingsView(x.Common(), *status)
	if err != nil {
		return nil
	}
	return &view
}

// throttled says on a page that asks for a code when the next one will be judged, where that is not at once.
func (x *passage) throttled(common pages.Common, status factor.Status) pages.Common {
	switch wait := status.BlockedUntil.Sub(x.Now); {
	case status.Stopped:
		common.Alert = pages.AlertStopped
	case wait > 0:
		common.Alert, common.Wait = pages.AlertThrottled, wait
	}
	return common
}

// refuseCode answers for a code that was not accepted: 422, or 429 with the time to wait. show renders the page again.
// It tells a wrong code and a used one apart for nobody. as says what is known of the code.
func (x *passage) refuseCode(
	err error, as event.Event, alert string, show func(status int, common pages.Common) error,
) error {
	common := x.Common()
	var throttled *factor.ThrottledError
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &throttled):
		status = http.StatusTooManyRequests
		common.Alert = pages.AlertThrottled
		common.Wait = throttled.Until.Sub(x.Now)
		if throttled.Stopped {
			common.Alert, common.Wait = pages.AlertStopped, 0
		}
		retryAfter(x.W.Header(), throttled, x.Now)
	case errors.Is(err, factor.ErrWrongCode):
		common.Alert = alert
	default:
		return x.StoreFailed("judge a code", err)
	}
	x.tellRefused(err, as)
	if !x.WantsPage() {
		return x.codeProblem(status, common)
	}
	return show(status, common)
}
