package portal

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// confirmation shows one of the pages that ask for confirmation before something changes.
type confirmation func(status int, common pages.Common) error

func (x *Page) confirmView(common pages.Common) pages.ConfirmView {
	view := pages.ConfirmView{
		Common: common, NeedCode: x.needsCode(), Digits: x.Config.Digits, Period: x.Config.Period, CanRecover: true,
		Recovery: x.R.URL.Query().Has(pages.RecoveryQuery),
	}
	if status, err := x.looked(); err == nil {
		view.Passkey = usable(x, status, factor.MethodPasskey)
		view.NoApp = !slices.Contains(status.Methods, factor.MethodTOTP)
		sentProofs(x, status, &view)
	}
	view.Behind = x.behind(x.asked)
	return view
}

func (x *Page) resetPage(status int, common pages.Common) error {
	view := x.confirmView(common)
	if view.Factor = x.R.URL.Query().Get("factor"); x.form != nil {
		view.Factor = x.form.factor
	}
	return x.Config.Pages.ConfirmReset(x.W, status, view)
}

func (x *Page) disablePage(status int, common pages.Common) error {
	return x.Config.Pages.ConfirmDisable(x.W, status, x.confirmView(common))
}

func (x *Page) renewCodesPage(status int, common pages.Common) error {
	return x.Config.Pages.ConfirmRecoveryCodes(x.W, status, x.confirmView(common))
}

// helpedFor is how long an operator's code serves a reset.
const helpedFor = 5 * time.Minute

// needsCode reports whether a change needs a fresh code. It does unless a code was given within `reauth`, a passkey was
// used for this change a moment ago, or the change is the reset that the session was opened for with an operator's
// code, or the set-up of a further factor in its place. That code is no proof of a factor, so it neither takes one away
// nor makes recovery codes.
func (x *Page) needsCode() bool {
	sets := x.Path.Text == x.Config.Base+"/reset" || x.Path.Text == x.Config.Base+"/add"
	helped := sets && !gate.NeedsProof(x.Now, x.Session().Helped(), helpedFor)
	return !helped && !x.provedAhead() && gate.NeedsProof(x.Now, provedEnough(x), x.Config.Reauth)
}

// provedAhead reports whether a passkey was used for a change that was not made yet.
func (x *Page) provedAhead() bool {
	return !gate.NeedsProof(x.Now, x.Session().Ahead(), factor.QuestionLifetime)
}

// ask shows a confirmation page to an enrolled user. Other users have nothing to change.
func (x *Page) ask(show confirmation) error {
	status, err := x.looked()
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	common := x.Common()
	if x.needsCode() {
		common = x.throttled(common, *status)
	}
	return show(http.StatusOK, common)
}

// prove checks the fresh code of a confirmation. It returns an answer if the code is missing or not right.
func (x *Page) prove(show confirmation) exchange.Answer {
	if !x.needsCode() {
		if !x.provedAhead() {
			return nil
		}
		// It serves one change: of two that come at once, the other one asks again.
		taken, err := x.Take(session.UseAhead(x.Session().Identity))
		switch {
		case err != nil:
			return func() error { return x.sessionChanged(err) }
		case taken.Done:
			return nil
		}
	}
	kind := kindOr(x.form.proof)
	switch {
	case kind != factor.MethodTOTP && !kind.Sent():
		return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	case x.form.code == "":
		return func() error { return x.noCode(show) }
	}
	method, err := x.Config.Factors.Verify(x.Noting(), x.Session().Identity, answerTo(x, kind, x.form.code))
	switch {
	case errors.Is(err, factor.ErrTooWeak):
		return func() error { return x.settingsWith(pages.AlertTooWeak, http.StatusForbidden) }
	case errors.Is(err, factor.ErrNotEnrolled):
		return func() error { return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict) }
	case err != nil:
		return func() error {
			return x.refuseCode(err, event.Event{Reason: event.ReasonChange}, pages.AlertWrongCode, show)
		}
	}
	x.StoreWorks(underway.StoreSecrets, true)
	if method == factor.MethodRecovery {
		x.Tell(event.Event{Name: event.RecoveryCodeUsed, User: x.Session().Identity, Method: string(method)})
	}
	if _, err := x.Take(session.Freshen(x.Session().Identity, session.Proof{Method: string(method), At: x.Now})); err != nil {
		return func() error { return x.StoreFailed("note the fresh code", err) }
	}
	if method.Sent() {
		if _, err := x.Take(session.DropSent(x.Session().Identity)); err != nil {
			return func() error { return x.StoreFailed("note the fresh code", err) }
		}
	}
	x.Tell(event.Event{
		Name: event.ChallengePassed, User: x.Session().Identity, Method: string(method), Reason: event.ReasonChange,
	})
	return nil
}

func showReset(x *Page) error {
	if _, answer := toReset(x, x.R.URL.Query().Get("factor")); answer != nil {
		return answer()
	}
	return x.ask(x.resetPage)
}

// toReset returns the ID of the authenticator that is to be replaced: the one that is named, or else the oldest. There
// is an answer if that is not one of the user's authenticators, or if none can be set up here.
func toReset(x *Page, named string) (id string, answer exchange.Answer) {
	status, err := x.looked()
	if err != nil {
		return "", func() error { return x.StoreFailed("read the second factor", err) }
	}
	var oldest time.Time
	for _, f := range status.Factors {
		switch {
		case f.Kind != factor.MethodTOTP || named != "" && f.ID != named:
		case id == "" || f.Created.Before(oldest):
			id, oldest = f.ID, f.Created
		}
	}
	if status.Enrolled && (id == "" || !x.Config.Factors.Each().Offers(factor.MethodTOTP, x.OriginOf(x.R))) {
		return "", func() error { return x.Fail(http.StatusNotFound, pages.ErrorNotFound) }
	}
	return id, nil
}

// startReset makes the seed that is to replace the present one. The present one stays valid until the new one is
// confirmed.
func startReset(x *Page) error {
	id, answer := toReset(x, x.form.factor)
	if answer == nil {
		answer = x.prove(x.resetPage)
	}
	if answer != nil {
		return answer()
	}
	user := x.Session().Identity
	begun, err := x.Config.Factors.Each().BeginReset(x.Noting(), user, factor.MethodTOTP, id)
	switch {
	case errors.Is(err, factor.ErrNoSuchFactor):
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case err != nil:
		return x.StoreFailed("propose a seed", exchange.Looking(err))
	}
	if _, err := x.Take(session.Propose(user, begun.Encode())); err != nil {
		return x.StoreFailed("propose a seed", err)
	}
	return x.Redirect(x.Config.Base + "/setup")
}

func showDisable(x *Page) error {
	if x.Config.RequireEveryone {
		return x.settingsWith(pages.AlertRequired, http.StatusForbidden)
	}
	return x.ask(x.disablePage)
}

func disable(x *Page) error {
	if x.Config.RequireEveryone {
		return x.settingsWith(pages.AlertRequired, http.StatusForbidden)
	}
	if answer := x.prove(x.disablePage); answer != nil {
		return answer()
	}
	err := x.Config.Factors.Disable(x.R.Context(), x.Session().Identity)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	if err != nil {
		return x.StoreFailed("disable the second factor", err)
	}
	return x.factorsChanged(change{
		event: event.FactorsDisabled, kind: factor.MethodNone, notice: pages.NoticeDisabled, proof: factor.MethodNone,
	})
}

// showRecoveryCodes shows codes that were made a moment ago, once. Otherwise it offers to make new ones.
func showRecoveryCodes(x *Page) error {
	if len(x.Session().Codes) == 0 {
		return x.ask(x.renewCodesPage)
	}
	switch {
	case x.R.Method == http.MethodHead:
		// The codes are shown once, and a HEAD request must not use that up.
		return x.headersOnly(http.StatusOK)
	case exchange.LoadsAhead(x.R):
		// Nobody may ever look at what was fetched in advance. The browser asks again when the user opens the page.
		return x.headersOnly(http.StatusServiceUnavailable)
	}
	taken, err := x.Take(session.TakeCodes())
	if err != nil {
		return x.StoreFailed("take the recovery codes", err)
	}
	if !taken.Done {
		// Another window has shown the codes.
		return x.ask(x.renewCodesPage)
	}
	common := x.Common()
	common.Status = taken.Before.Notice
	return x.Config.Pages.RecoveryCodes(x.W, http.StatusOK, pages.RecoveryCodesView{
		Common: common, Codes: taken.Before.Codes,
	})
}

// keepRecoveryCodes notes that the codes were saved. It goes on to the settings page, or to the page that the user had
// asked for before having to set up a factor.
func keepRecoveryCodes(x *Page) error {
	switch err := x.Config.Factors.SavedRecoveryCodes(x.R.Context(), x.Session().Identity); {
	case errors.Is(err, factor.ErrNotEnrolled):
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case err != nil:
		return x.StoreFailed("note that the recovery codes are saved", err)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	return goOn(x)
}

// goOn leads from a page that came in between to the page that was asked for.
func goOn(x *Page) error {
	taken, err := x.Take(session.GoOn(x.Session().Identity))
	if err != nil {
		return x.sessionChanged(err)
	}
	if next := taken.Before.Next; next != "" {
		return x.Redirect(next)
	}
	return x.Redirect(x.Config.Base + "/")
}

// showRecoveryUsed says, before the page that was asked for is shown, that a recovery code was used and how many are
// left.
func showRecoveryUsed(x *Page) error {
	if x.Session().Next == "" || x.Session().Method() != string(factor.MethodRecovery) {
		return x.Redirect(x.Config.Base + "/")
	}
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if _, err := x.takeNotice(); err != nil {
		return x.StoreFailed("take notice", err)
	}
	common := x.Common()
	common.Status = pages.NoticeRecoveryUsed
	return x.Config.Pages.RecoveryUsed(x.W, http.StatusOK, pages.RecoveryUsedView{
		Common: common, RecoveryLeft: status.RecoveryLeft, RecoveryTotal: status.RecoveryTotal,
	})
}

func renewRecoveryCodes(x *Page) error {
	if answer := x.prove(x.renewCodesPage); answer != nil {
		return answer()
	}
	codes, err := x.Config.Factors.NewRecoveryCodes(x.Noting(), x.Session().Identity)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	if err != nil {
		return x.StoreFailed("make recovery codes", err)
	}
	return x.factorsChanged(change{
		event: event.RecoveryCodesMade, kind: factor.Method(x.Session().Method()), notice: pages.NoticeRecoveryCodes,
		proof: factor.Method(x.Session().Method()), codes: codes,
	})
}

// signOut ends the gateway's session. The app's own session expires unused, because nobody has its cookies any more.
func signOut(x *Page) error {
	left := func() {}
	if x.State() == gate.Pending {
		left = signin.Leaving(x.Exchange)
	}
	if err := x.End(event.Event{Name: event.SignedOut}); err != nil {
		return x.StoreFailed("end session", err)
	}
	left()
	if !x.WantsPage() {
		pages.SecurityHeaders(x.W.Header(), "")
		x.W.WriteHeader(http.StatusNoContent)
		return nil
	}
	return x.Redirect(x.Config.LoginPage)
}
