package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// ownPage is one of the gateway's own addresses (contract 5).
type ownPage struct {
	// states are those that the page is meant for; everybody else is sent on. Empty means anyone.
	states []gate.State
	// get shows the page, post acts. A method without a function is refused with 405.
	get, post func(*exchange) error
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
	"/":               {states: verified, get: (*exchange).showSettings},
	"/challenge":      {states: pending, get: (*exchange).showChallenge, post: (*exchange).takeCode},
	"/recovery":       {states: pending, get: (*exchange).showRecovery, post: (*exchange).takeRecoveryCode},
	"/setup":          {states: enrolment, get: (*exchange).showSetUp, post: (*exchange).startSetUp},
	"/setup/confirm":  {states: enrolment, post: (*exchange).confirmSetUp},
	"/reset":          {states: verified, get: (*exchange).showReset, post: (*exchange).startReset},
	"/disable":        {states: verified, get: (*exchange).showDisable, post: (*exchange).disable},
	"/recovery-codes": {states: verified, get: (*exchange).showRecoveryCodes, post: (*exchange).renewRecoveryCodes},
	"/status":         {states: anyone, get: (*exchange).showStatus},
	"/resume":         {states: verified, get: (*exchange).resume},
	"/later":          {states: enrolling, post: (*exchange).later},
	"/offer":          {states: verified, get: (*exchange).showOffer},
	"/browsers":       {states: verified, post: (*exchange).forgetBrowsers},
	"/sessions":       {states: verified, post: (*exchange).endSessions},
	"/logo":           {states: anyone, get: (*exchange).showLogo},
	guardPath:         {states: anyone, get: (*exchange).showGuard},
	"/logout":         {states: anyone, post: (*exchange).signOut},
}

// serveOwn answers for an address below base. Nothing of such a request ever reaches the app.
func (x *exchange) serveOwn(path match.Path) error {
	x.config.Observe(x.r, x.outcome())
	name := strings.TrimPrefix(path.Text, x.config.Base)
	if name == "" {
		name = "/"
	}
	page, found := ownPages[name]
	if !found || !path.Canonical {
		return x.fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	act := page.get
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		act = page.post
	default:
		act = nil
	}
	if act == nil {
		x.w.Header().Set("Allow", page.allow())
		return x.fail(http.StatusMethodNotAllowed, pages.ErrorMethod)
	}
	if len(page.states) > 0 && !slices.Contains(page.states, x.state()) {
		return x.sendOn()
	}
	if x.r.Method == http.MethodPost {
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
func (x *exchange) actAfresh(page ownPage) error {
	x.token, x.data, x.now = "", nil, x.config.Now()
	if err := x.loadSession(); err != nil {
		return x.storeFailed("load session", err)
	}
	if !slices.Contains(page.states, x.state()) {
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
func (x *exchange) sendOn() error {
	switch x.state() {
	case gate.Pending, gate.Enrolling:
		return x.askFactor()
	case gate.Verified:
		if !isPageLoad(x.r) {
			return x.failWith(http.StatusConflict, pages.ErrorRequest, "This session is verified already.")
		}
		return x.redirect(x.config.Base + "/")
	}
	return x.askLogin()
}

// common is what every page may show of the session.
func (x *exchange) common() pages.Common {
	common := pages.Common{App: x.config.Name, Base: x.config.Base, Languages: x.languages()}
	if x.data != nil {
		common.User, common.Form = x.data.Identity, x.data.Form
	}
	return common
}

// languages is what the browser would like to read, best first: all its lines of Accept-Language.
func (x *exchange) languages() string { return strings.Join(x.r.Header["Accept-Language"], ",") }

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
func (x *exchange) headersOnly(status int) error {
	pages.SecurityHeaders(x.w.Header(), "")
	x.w.WriteHeader(status)
	return nil
}

// takeNotice gets the message that an earlier request left for the next page, once. It stays for a page that somebody
// sees.
func (x *exchange) takeNotice() (string, error) {
	if x.data == nil || x.data.Notice == "" || x.r.Method == http.MethodHead || isPrefetch(x.r) {
		return "", nil
	}
	taken, err := x.take(session.TakeNotice())
	if err != nil {
		return "", err
	}
	return taken.Before.Notice, nil
}

// showSettings is the settings page.
func (x *exchange) showSettings() error {
	status, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	notice, err := x.takeNotice()
	if err != nil {
		return x.storeFailed("take notice", err)
	}
	common := x.common()
	common.Status = notice
	return x.settingsPage(http.StatusOK, common, status)
}

func (x *exchange) settingsPage(code int, common pages.Common, status factor.Status) error {
	view, err := x.settingsView(common, status)
	if err != nil {
		return x.storeFailed("list the user's sessions", err)
	}
	return x.config.Pages.Settings(x.w, code, view)
}

// behind is the settings page to show behind a dialog. Where a store does not say what it would show there is
// none: the dialog does without, and nothing is said that is not known (P6).
func (x *exchange) behind(status *factor.Status) *pages.SettingsView {
	if x.state() != gate.Verified {
		return nil
	}
	if status == nil {
		read, err := x.enrolled(x.data.Identity)
		if err != nil {
			return nil
		}
		status = &read
	}
	view, err := x.settingsView(x.common(), *status)
	if err != nil {
		return nil
	}
	return &view
}

// throttled says on a page that asks for a code when the next one will be judged, where that is not at once.
func (x *exchange) throttled(common pages.Common, status factor.Status) pages.Common {
	switch wait := status.BlockedUntil.Sub(x.now); {
	case status.Stopped:
		common.Alert = pages.AlertStopped
	case wait > 0:
		common.Alert, common.Wait = pages.AlertThrottled, wait
	}
	return common
}

// refuseCode answers for a code that was not accepted: 422, or 429 with the time to wait. show renders the page again.
// It tells a wrong code and a used one apart for nobody. as says what is known of the code.
func (x *exchange) refuseCode(
	err error, as event.Event, alert string, show func(status int, common pages.Common) error,
) error {
	common := x.common()
	var throttled *factor.ThrottledError
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &throttled):
		status = http.StatusTooManyRequests
		common.Alert = pages.AlertThrottled
		common.Wait = throttled.Until.Sub(x.now)
		if throttled.Stopped {
			common.Alert, common.Wait = pages.AlertStopped, 0
		}
		retryAfter(x.w.Header(), throttled, x.now)
	case errors.Is(err, factor.ErrWrongCode):
		common.Alert = alert
	default:
		return x.storeFailed("judge a code", err)
	}
	x.tellRefused(err, as)
	if !x.wantsPage() {
		return x.codeProblem(status, common)
	}
	return show(status, common)
}
