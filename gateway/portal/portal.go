// Package portal serves the gateway's own pages: challenge, set-up and change of factors, settings, and what scripts
// ask for. Nothing that it does reaches the app.
package portal

import (
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
)

// Site is what all requests for pages of one site share.
type Site struct {
	origins *http.CrossOriginProtection
	repeats repeats
}

// NewSite makes a Site.
func NewSite() *Site { return &Site{origins: http.NewCrossOriginProtection()} }

// Page is one request for an address of our own.
type Page struct {
	*signin.Exchange
	site *Site

	form *form // what a POST said; nil for all other requests
	// factor is the ID of the factor that the address names.
	factor string
	// asked is what the secrets store said of the user's factors, if a page that shows it is being prepared.
	asked *factor.Status
}

// Serve answers a request for an address below base. No such request ever reaches the app.
func Serve(site *Site, x *signin.Exchange) error {
	page := &Page{Exchange: x, site: site}
	return page.serve(x.Path)
}

// ownPage is one of the gateway's own addresses (contract 5).
type ownPage struct {
	// states are the states that the page is meant for; everybody else is sent on. Empty means every state.
	states []gate.State
	// get shows the page, post acts. A method without a function is refused with 405.
	get, post func(*Page) error
	// json: a script may send a JSON document in place of a form, without the form's token. document: it sends nothing
	// else, and the document is what a browser says of a passkey.
	json, document bool
	// enrols: a first factor may be set up here.
	enrols bool
}

var (
	anyone    []gate.State
	verified  = []gate.State{gate.Verified}
	pending   = []gate.State{gate.Pending}
	proving   = []gate.State{gate.Pending, gate.Verified}
	enrolling = []gate.State{gate.Enrolling}
	enrolment = []gate.State{gate.Verified, gate.Enrolling}
)

// savedPath is where a user confirms having saved the recovery codes. usedPath is the page that says that one was used.
const savedPath, usedPath = "/recovery-codes/saved", "/recovery-used"

// ownPages are the addresses below base.
var ownPages = map[string]ownPage{
	"/":               {states: verified, get: showSettings},
	"/challenge":      {states: pending, get: showChallenge, post: takeCode, json: true},
	"/recovery":       {states: pending, get: showRecovery, post: takeRecoveryCode, json: true},
	"/setup":          {states: enrolment, get: showSetUp, post: startSetUp, enrols: true},
	"/setup/confirm":  {states: enrolment, post: confirmSetUp, enrols: true},
	"/reset":          {states: verified, get: showReset, post: startReset},
	"/disable":        {states: verified, get: showDisable, post: disable},
	"/recovery-codes": {states: verified, get: showRecoveryCodes, post: renewRecoveryCodes},
	savedPath:         {states: verified, post: keepRecoveryCodes},
	usedPath:          {states: verified, get: showRecoveryUsed, post: goOn},
	"/status":         {states: anyone, get: showStatus},
	"/resume":         {states: verified, get: resume},
	"/trust":          {states: verified, get: showTrust, post: takeTrust, json: true},
	"/later":          {states: enrolling, post: later},
	"/offer":          {states: verified, get: showOffer},
	"/browsers":       {states: verified, post: forgetBrowsers},
	"/sessions":       {states: verified, post: endSessions},
	"/logo":           {states: anyone, get: showLogo},
	"/add":            {states: verified, get: showAdd, post: startAdd},
	renamePath:        {states: verified, get: showRename, post: rename},
	removePath:        {states: verified, get: showRemove, post: remove},

	"/challenge/send":            {states: proving, post: sendCode, json: true},
	"/challenge/passkey/options": {states: proving, post: askPasskey, document: true},
	"/challenge/passkey":         {states: proving, post: takePasskey, document: true},
	"/setup/passkey/options":     {states: enrolment, post: askForNew, document: true, enrols: true},
	"/setup/passkey":             {states: enrolment, post: takeNew, document: true, enrols: true},

	signin.ExposedPath:       {states: verified, get: showExposed, post: answerExposed},
	exchange.GuardPath:       {states: anyone, get: showGuard},
	exchange.GuardDialogPath: {states: anyone, get: showGuardDialog},
	exchange.LinkPath:        {states: anyone, get: showLink},

	"/logout": {states: anyone, post: signOut, json: true},
}

func (x *Page) serve(path match.Path) error {
	x.Config.Observe(x.R, x.Outcome())
	name := strings.TrimPrefix(path.Text, x.Config.Base)
	if name == "" {
		name = "/"
	}
	page, id, found := pageOf(name)
	if !found || !path.Canonical {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	x.factor = id
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
	if x.R.Method == http.MethodPost {
		return x.take(page)
	}
	if !page.meantFor(x.State()) {
		return x.sendOn()
	}
	if answer := fromElsewhere(x, page); answer != nil {
		return answer()
	}
	return act(x)
}

// take handles a form.
func (x *Page) take(page ownPage) error {
	token := ""
	if !strings.Contains(x.R.Header.Get("Content-Type"), "json") {
		token = shown(x)
	}
	meant := page.meantFor(x.State())
	if !meant && !x.site.repeats.knows(token) {
		return x.sendOn()
	}
	body, answer := x.readBody(page)
	if answer != nil {
		return answer()
	}
	form := printOf(x, body)
	if first, ok := x.site.repeats.again(x.R.Context(), token, form, x.Config.Now); ok {
		return repeat(x, first)
	}
	switch {
	case !meant:
		return x.sendOn()
	case len(page.states) == 0:
		if answer := x.readForm(page, body); answer != nil {
			return answer()
		}
		return page.post(x)
	}
	return once(x, token, form, func() error {
		if answer := x.readForm(page, body); answer != nil {
			return answer()
		}
		return x.actAfresh(page)
	})
}

func (p ownPage) meantFor(state gate.State) bool {
	return len(p.states) == 0 || slices.Contains(p.states, state)
}

// actAfresh does what a form asks for, in the session as it is now. A client can hold back the end of a form for as
// long as it likes. By then the session in which the form began may have ended, perhaps by a change of factors, or the
// time in which no fresh code is needed may be over (P8).
func (x *Page) actAfresh(page ownPage) error {
	x.Forget()
	x.Now = x.Config.Now()
	if err := x.LoadSession(); err != nil {
		return x.StoreFailed("load session", err)
	}
	if !page.meantFor(x.State()) {
		return x.sendOn()
	}
	if answer := fromElsewhere(x, page); answer != nil {
		return answer()
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

// sendOn leads a user for whom the page is not meant to where she can go on: strangers to the login page, pending
// sessions to the challenge, verified ones to the settings page.
func (x *Page) sendOn() error {
	switch x.State() {
	case gate.Pending, gate.Enrolling:
		return x.AskFactor()
	case gate.Verified:
		if !exchange.IsPageLoad(x.R) {
			return x.FailWith(http.StatusConflict, pages.ErrorRequest, "This session is verified already.")
		}
		return x.Redirect(x.Config.Base + "/")
	}
	if ranOut(x) {
		return x.Fail(http.StatusForbidden, pages.ErrorExpired)
	}
	return x.AskLogin()
}

// ranOut reports whether a user is at one of the pages between login and app, and her session has ended. She is told
// so, with a link back to the login. A client that does not say that a browser shows the answer to a user is sent to
// the login as usual.
func ranOut(x *Page) bool {
	switch strings.TrimPrefix(x.Path.Text, x.Config.Base) {
	case "/challenge", "/recovery", "/setup", "/setup/confirm":
		return shown(x) != "" && strings.EqualFold(x.R.Header.Get("Sec-Fetch-Mode"), "navigate")
	}
	return false
}

// headersOnly answers without a body.
func (x *Page) headersOnly(status int) error {
	pages.SecurityHeaders(x.W.Header(), "")
	x.W.WriteHeader(status)
	return nil
}
