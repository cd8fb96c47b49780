package portal

import (
	"cmp"
	"encoding/json"
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
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// showChallenge asks for a code. A session that is pending because the secrets store could not be asked at the login
// goes on from here as soon as the store answers that no factor is owed.
func showChallenge(x *Page) error {
	status, err := x.looked()
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return proceedWithout(x, *status)
	}
	view := challengeView(x, x.throttled(x.Common(), *status), factor.Method(x.R.URL.Query().Get("kind")))
	if device, ok := x.proving(*status); ok {
		view.Device, view.Key = device.ID, factor.EncodeDeviceKey(device.Key)
	}
	return x.Config.Pages.Challenge(x.W, http.StatusOK, view)
}

// challengeView is the challenge by one kind of factor, or, if the user has none of it, by the one that worked last.
// The wait after wrong codes is not about passkeys.
func challengeView(x *Page, common pages.Common, kind factor.Method) pages.ChallengeView {
	view := pages.ChallengeView{
		Common: common, Digits: x.Config.Digits, Period: x.Config.Period, Remember: x.Config.Factors.Remember(), Way: string(factor.MethodTOTP),
	}
	status, err := x.looked()
	if err != nil {
		return view
	}
	ways := ways(x, status)
	if len(ways) == 0 {
		view.Nowhere = true
		return view
	}
	if !slices.Contains(ways, kind) {
		kind = ways[0]
	}
	view.Way = string(kind)
	for _, way := range ways {
		if way != kind {
			view.Ways = append(view.Ways, string(way))
		}
	}
	if kind.Sent() {
		view.To, view.Asked, view.Digits, view.Period = addressOf(status, kind), codeSent(x, kind) != nil, 0, 0
	}
	if kind == factor.MethodPasskey && !status.Stopped && view.Alert == pages.AlertThrottled {
		view.Alert, view.Wait = "", 0
	}
	return view
}

// challengePage asks for the code again after an answer that was not right.
func (x *Page) challengePage(status int, common pages.Common) error {
	kind := factor.MethodTOTP
	if x.form != nil {
		kind = kindOr(x.form.kind)
	}
	return x.Config.Pages.Challenge(x.W, status, challengeView(x, common, kind))
}

// kindOr is the kind that a form names, which is an authenticator where it names none.
func kindOr(named string) factor.Method { return cmp.Or(factor.Method(named), factor.MethodTOTP) }

// lastUse is when a factor of the kind was used last.
func lastUse(status *factor.Status, kind factor.Method) (last time.Time) {
	for _, f := range status.Factors {
		if f.Kind == kind && f.Used.After(last) {
			last = f.Used
		}
	}
	return last
}

// showRecovery asks for a recovery code. While no code is judged, it says so, as the challenge does.
func showRecovery(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return proceedWithout(x, status)
	}
	return x.Config.Pages.Recovery(x.W, http.StatusOK, pages.RecoveryView{Common: x.throttled(x.Common(), status)})
}

// lookAgain goes on with a pending session whose user turned out to have no factor when a code was to be judged.
func lookAgain(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	switch {
	case err != nil:
		return x.StoreFailed("read the second factor", err)
	case status.Enrolled:
		return x.AskFactor()
	}
	return proceedWithout(x, status)
}

// proceedWithout goes on with a pending session whose user has no factor.
func proceedWithout(x *Page, status factor.Status) error {
	if gate.Owes(true, false, x.Config.RequireEveryone || status.Reset) == gate.Verified {
		return x.pass(gate.Pending, passed{method: factor.MethodNone})
	}
	_, err := x.Take(session.OweEnrolment(x.Session().Identity, x.Now))
	if err != nil {
		return x.sessionChanged(err)
	}
	return x.AskFactor()
}

func takeCode(x *Page) error {
	if x.form.proof != "" && x.form.key == "" {
		return x.takeProof()
	}
	code := strings.TrimSpace(x.form.code)
	if code == "" {
		return x.noCode(x.challengePage)
	}
	kind := kindOr(x.form.kind)
	if kind != factor.MethodTOTP && !kind.Sent() {
		return x.Fail(http.StatusBadRequest, pages.ErrorRequest)
	}
	answer := answerTo(x, kind, code)
	with, err := judge(x, answer)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return lookAgain(x)
	}
	if err != nil {
		return x.refuseCode(err, event.Event{Method: string(answer.Kind)}, pages.AlertWrongCode, x.challengePage)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	if with.credential != "" {
		x.Tell(event.Event{Name: event.BrowserTrusted, User: x.Session().Identity, Method: string(answer.Kind)})
	}
	return x.pass(gate.Pending, with)
}

// judge lets the record judge a code, and makes the browser trusted at once if the form says so. If the form leaves
// that open and says that somebody can be asked, as our pages and the guard's dialog do, the user is asked next.
func judge(x *Page, answer factor.Answer) (with passed, err error) {
	with.method = answer.Kind
	if x.form.trust {
		if trust, usable := x.newTrust(); usable {
			with.credential, err = x.Config.Factors.SignInAndTrust(x.Noting(), x.Session().Identity, answer, trust)
			return with, err
		}
	}
	if !x.form.settled && x.form.asks && (x.WantsPage() || x.SentJSON) {
		with.trusts, err = x.Config.Factors.SignInAndAsk(x.Noting(), x.Session().Identity, answer)
		return with, err
	}
	_, err = x.Config.Factors.SignIn(x.Noting(), x.Session().Identity, answer)
	return with, err
}

func takeRecoveryCode(x *Page) error {
	code := strings.TrimSpace(x.form.code)
	show := func(status int, common pages.Common) error {
		return x.Config.Pages.Recovery(x.W, status, pages.RecoveryView{Common: common})
	}
	if code == "" {
		return x.noCode(show)
	}
	if factor.IsOperatorCode(code) {
		return takeOperatorCode(x, code, show)
	}
	left, err := x.Config.Factors.SignIn(x.Noting(), x.Session().Identity, factor.Answer{Kind: factor.MethodRecovery, Text: code})
	if err != nil {
		if errors.Is(err, factor.ErrNotEnrolled) {
			return lookAgain(x)
		}
		return x.refuseCode(err, event.Event{Method: string(factor.MethodRecovery)}, pages.AlertWrongRecoveryCode, show)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{
		Name: event.RecoveryCodeUsed, User: x.Session().Identity, Method: string(factor.MethodRecovery), Left: &left,
	})
	return x.pass(gate.Pending, passed{
		method: factor.MethodRecovery, leads: restoring(x), says: x.form.asks && x.WantsPage(),
	})
}

// restoring is where a recovery code leads that stands for a lost passkey, if no weaker way serves: to another passkey,
// or, where none can be set up, to what can. Empty where it leads to the app.
func restoring(x *Page) string {
	fallback := factor.FallbackOf(x.Config.Factors)
	if fallback == factor.FallbackAny {
		return ""
	}
	// Where the store does not answer now, the page that is led to says so, and can be opened again.
	status, err := x.Enrolled(x.Session().Identity)
	kinds := offered(x)
	switch {
	case err == nil && !fallback.Restores(status.Kinds()), len(kinds) == 0:
		return ""
	case slices.Contains(kinds, factor.MethodPasskey):
		return "/add?kind=" + string(factor.MethodPasskey)
	}
	return "/add"
}

// takeOperatorCode judges a code that an operator made in place of a lost factor. It is a fresh proof, and leads on to
// another authenticator at once.
func takeOperatorCode(x *Page, code string, show confirmation) error {
	user := x.Session().Identity
	switch err := x.Config.Factors.Help().SignIn(x.Noting(), user, code); {
	case errors.Is(err, factor.ErrNotEnrolled):
		return lookAgain(x)
	case err != nil:
		return x.refuseCode(err, event.Event{Method: event.MethodOperator}, pages.AlertWrongOperatorCode, show)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	leads := "/setup"
	// Where the store does not answer now, the page that is led to says so, and can be opened again.
	status, err := x.Enrolled(user)
	resets := slices.ContainsFunc(status.Factors, func(f factor.FactorStatus) bool { return f.Kind == factor.MethodTOTP })
	if err != nil || resets && x.Config.Factors.Each().Offers(factor.MethodTOTP, x.OriginOf(x.R)) {
		leads = "/reset"
	}
	return x.pass(gate.Pending, passed{method: factor.MethodRecovery, leads: leads, operator: true})
}

// passed says how a challenge was passed.
type passed struct {
	method factor.Method
	// leads is where a code leads, below base, that stands for a lost factor; empty for every other way. operator: an
	// operator made that code.
	leads    string
	operator bool
	// credential, if set, is the secret by which the browser becomes or remains trusted.
	credential string
	// trusted: the browser was trusted already, and nobody typed a code.
	trusted bool
	// trusts, if set, is the mark for the next page, which asks whether to trust the browser.
	trusts string
	// says: the next page says that a recovery code was used.
	says bool
	// tells: a script is told where to go on.
	tells bool
}

// pass is the only place where a session becomes verified after a challenge. The factor was proved for the identity
// that the session had when the code was sent. If another login has replaced it meanwhile, nothing was proved for the
// new identity (P5). The token changes (P8).
func (x *Page) pass(from gate.State, with passed) error {
	method := with.method
	user, delivery, next := x.Session().Identity, x.Session().Delivery, x.Session().Next
	page := x.WantsPage() || x.form != nil && x.form.leads
	script := x.R.Method == http.MethodPost && !page
	passing := session.Passing{User: user, From: from, Waits: script, At: x.Now}
	if method != factor.MethodNone {
		passing.Proof = &session.Proof{Method: string(method), At: x.Now, Trusted: with.trusted}
	}
	if method == factor.MethodRecovery && !with.operator {
		passing.Notice = pages.NoticeRecoveryUsed
	}
	to := session.Destination(delivery, next)
	if with.leads != "" {
		passing.Helped, passing.Next, to = true, to, x.Config.Base+with.leads
	}
	switch {
	case x.Watch.Asks && x.form != nil && x.form.asks && page:
		// Somebody else may know the password. That comes before every other question.
		passing.Next, to = to, x.Config.Base+signin.ExposedPath
	case with.leads != "":
	case with.says:
		passing.Next, to = to, x.Config.Base+usedPath
	case with.trusts != "" && script:
		passing.Trusts = with.trusts
	case with.trusts != "":
		passing.Next, passing.Trusts, to = to, with.trusts, x.Config.Base+"/trust"
	}
	_, err := x.Take(session.Prove(passing))
	if err != nil {
		return x.sessionChanged(err)
	}
	if method == factor.MethodNone || with.trusted {
		stands := signin.NoFactor
		if with.trusted {
			stands = signin.StillTrusted(with.credential)
		}
		if owed, err := x.OwedAfterAll(delivery, next, stands); err != nil {
			return x.StoreFailed("look up the second factor", err)
		} else if owed {
			return x.AskFactor()
		}
	}
	told := event.Event{Name: event.ChallengePassed, User: user, Method: string(method)}
	if with.trusted {
		told.Method = event.MethodTrusted
	}
	if with.operator {
		told.Method = event.MethodOperator
	}
	x.Tell(told)
	signin.TellUnproved(x.Exchange, user)
	if method != factor.MethodNone {
		signin.KeepKnown(x.Exchange, user)
	}
	if delivery != nil {
		x.LedTo(delivery.Location, next)
	}
	x.DeliverCookies(delivery)
	if with.credential != "" {
		x.KeepTrust(with.credential)
	}
	switch {
	case with.tells:
		document, err := json.Marshal(struct {
			Next string `json:"next"`
		}{to})
		if err != nil {
			return err
		}
		return sendJSON(x, http.StatusOK, document)
	case script:
		return x.headersOnly(http.StatusNoContent)
	}
	return x.Redirect(to)
}

// sessionChanged answers if a session ended, or became another user's, while a factor was being proved.
func (x *Page) sessionChanged(err error) error {
	if !errors.Is(err, session.ErrGone) {
		return x.StoreFailed("renew session", err)
	}
	x.Forget()
	return x.AskLogin()
}
