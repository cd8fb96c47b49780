package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// proposalLifetime is how long a QR code can be confirmed after it was shown.
const proposalLifetime = 15 * time.Minute

// fromElsewhere refuses to set up a first factor for a client outside the networks from which that may be done,
// whatever the kind and however far the set-up has come. It asks at each request, because the client's address may have
// changed.
func fromElsewhere(x *Page, page ownPage) exchange.Answer {
	if !page.enrols || gate.MayEnrol(x.Config.EnrolFrom, x.Client(x.R)) {
		return nil
	}
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return func() error { return x.StoreFailed("read the second factor", err) }
	}
	// After an operator's reset it takes a code, wherever the user is.
	if proposal, ok := x.proposal(); status.Reset || status.Enrolled && (!ok || !isFirst(proposal)) {
		return nil
	}
	return func() error {
		x.Log.WarnContext(x.R.Context(), "a first factor is not set up from this address",
			"setting", "enrolment", "app", x.Config.App, "user", x.Session().Identity, "client", x.Client(x.R))
		if !x.WantsPage() {
			return refuseScript(x, http.StatusForbidden, "about:blank", "Not from here", pages.AlertElsewhere)
		}
		return setUpStart(x, http.StatusForbidden, x.Common(), status)
	}
}

// isFirst reports whether the set-up is that of a first factor, which stands neither for another nor beside one.
func isFirst(proposal factor.Ceremony) bool { return proposal.Replaces == "" && proposal.Beside == "" }

// startSetUp makes a new seed and leads to its QR code, or begins the set-up of another kind of factor. An enrolled
// user never gets there (P6). If the button is pressed twice, perhaps in two windows, the same code is shown twice. Who
// changes the kind goes on with the enrolment code that was given.
func startSetUp(x *Page) error {
	kind, answer := kindToAdd(x, x.form.kind)
	if answer != nil {
		return answer()
	}
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	claim := ""
	proposal, ok := x.proposal()
	if status.Enrolled {
		if ok && kind.Sent() && proposal.Kind == kind && proposal.Beside != "" {
			return proveAgain(x, proposal)
		}
		return x.settingsWith(pages.AlertAlreadyEnrolled, http.StatusConflict)
	}
	if status.OwesCode && (!ok || proposal.Claim == "") {
		var answer exchange.Answer
		if claim, answer = takeEnrolmentCode(x, status); answer != nil {
			return answer()
		}
		ok = false
	}
	if ok && isFirst(proposal) {
		switch {
		case proposal.Kind == kind && kind.Sent() && !saysAddress(x, kind):
			return proveAgain(x, proposal)
		case proposal.Kind == kind && !kind.Sent():
			return x.Redirect(x.Config.Base + "/setup")
		}
		claim = proposal.Claim
	}
	return propose(x, kind, claim)
}

// takeEnrolmentCode uses up the code that somebody owes before the first factor. There is an answer for want of a right
// one.
func takeEnrolmentCode(x *Page, status factor.Status) (claim string, answer exchange.Answer) {
	show := func(code int, common pages.Common) error { return setUpStart(x, code, common, status) }
	switch {
	case x.form.enrolment == "" && x.WantsPage() && !x.form.enrols:
		// The form of another page, which did not know that a code is owed.
		return "", func() error { return show(http.StatusUnprocessableEntity, x.Common()) }
	case x.form.enrolment == "":
		return "", func() error { return x.noCode(show) }
	}
	claim, err := x.Config.Factors.Help().Claim(x.Noting(), x.Session().Identity, x.form.enrolment)
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled):
		return "", func() error { return proposalLost(x, err) }
	case err != nil:
		as := event.Event{Method: event.MethodOperator}
		return "", func() error { return x.refuseCode(err, as, pages.AlertWrongOperatorCode, show) }
	}
	x.StoreWorks(underway.StoreSecrets, true)
	return claim, nil
}

// propose keeps a first factor in the session that is to be set up, with the claim of an enrolment code if one was
// owed. Nothing changes for the user until it is confirmed.
func propose(x *Page, kind factor.Method, claim string) error {
	user := x.Session().Identity
	proposal, err := x.Config.Factors.Begin(withAddress(x), user, kind)
	switch {
	case errors.Is(err, factor.ErrAddress):
		common := x.Common()
		common.Alert = pages.AlertAddress
		return addressPage(x, kind, false)(http.StatusUnprocessableEntity, common)
	case err != nil:
		return x.StoreFailed("propose a factor", exchange.Looking(err))
	case proposal.Replaces != "":
		// Another session has set one up meanwhile. Nobody has proved it here, so it is not replaced.
		return proposalLost(x, factor.ErrAlreadyEnrolled)
	}
	proposal.Claim = claim
	if kind.Sent() && !lacksAddress(x, kind) {
		return sendProof(x, proposal, addressPage(x, kind, false))
	}
	if _, err := x.Take(session.Propose(user, proposal.Encode())); err != nil {
		return x.StoreFailed("propose a factor", err)
	}
	return x.Redirect(x.Config.Base + "/setup")
}

// proposal returns the seed that waits in the session for its confirmation.
func (x *Page) proposal() (factor.Ceremony, bool) {
	if len(x.Session().Proposal) == 0 {
		return factor.Ceremony{}, false
	}
	proposal, err := factor.DecodeCeremony(x.Session().Proposal)
	if err != nil || !age.Within(x.Now, proposal.Created, proposalLifetime) {
		return factor.Ceremony{}, false
	}
	return proposal, true
}

func showSetUp(x *Page) error {
	proposal, ok := x.proposal()
	if !ok {
		if x.State() == gate.Enrolling {
			status, err := x.Enrolled(x.Session().Identity)
			if err != nil {
				return x.StoreFailed("read the second factor", err)
			}
			return setUpStart(x, http.StatusOK, x.Common(), status)
		}
		if !gate.NeedsProof(x.Now, x.Session().Helped(), helpedFor) {
			// An operator's code stands for a lost factor that cannot be replaced, since it is no authenticator.
			return x.Redirect(x.Config.Base + "/add")
		}
		return x.Redirect(x.Config.Base + "/")
	}
	return setUpPage(x, http.StatusOK, x.Common(), proposal)
}

func setUpPage(x *Page, status int, common pages.Common, proposal factor.Ceremony) error {
	first := isFirst(proposal)
	var others []string
	for _, kind := range offered(x) {
		if first && kind != proposal.Kind {
			others = append(others, string(kind))
		}
	}
	if proposal.Kind == factor.MethodPasskey {
		return pages.SetUpPasskey(x.Config.Pages, x.W, status, pages.SetUpPasskeyView{
			Common: common, Further: !first, Enrolling: x.State() == gate.Enrolling, Others: others, Behind: x.behind(nil),
		})
	}
	offer, err := x.Config.Factors.Show(proposal)
	if err != nil {
		return x.StoreFailed("show a seed", err)
	}
	if proposal.Kind.Sent() {
		return pages.SetUpSent(x.Config.Pages, x.W, status, pages.SetUpSentView{
			Common: common, Kind: string(proposal.Kind), To: offer.To, Typed: factor.TypesAddress(x.Config.Factors, proposal.Kind),
			Further: !first, Enrolling: x.State() == gate.Enrolling, Others: others, Behind: x.behind(nil),
		})
	}
	return x.Config.Pages.SetUp(x.W, status, pages.SetUpView{
		Common: common, URI: offer.URI, Key: offer.Key, Digits: offer.Digits, Algorithm: offer.Algorithm, Period: offer.Period,
		Reset: proposal.Replaces != "", Enrolling: x.State() == gate.Enrolling, Behind: x.behind(nil),
		Further: proposal.Beside != "", Others: others,
	})
}

// confirmSetUp enrols the seed whose code was typed. The seed is the one in this session, and so the one that this user
// saw.
func confirmSetUp(x *Page) error {
	proposal, ok := x.proposal()
	if !ok {
		if x.State() == gate.Enrolling {
			return x.Redirect(x.Config.Base + "/setup")
		}
		if len(x.Session().Codes) > 0 {
			// The form was sent twice. The first one confirmed the seed, and the recovery codes were not shown yet.
			return x.Redirect(x.Config.Base + "/recovery-codes")
		}
		return x.settingsWith(pages.AlertStale, http.StatusConflict)
	}
	if proposal.Kind == factor.MethodPasskey {
		return x.Redirect(x.Config.Base + "/setup") // a script confirms it
	}
	show := func(status int, common pages.Common) error { return setUpPage(x, status, common, proposal) }
	if x.form.code == "" {
		return x.noCode(show)
	}
	confirmed, err := x.Config.Factors.Confirm(x.Noting(), x.Session().Identity, proposal, factor.Answer{
		Kind: proposal.Kind, Text: x.form.code, Name: x.form.name,
	})
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled), errors.Is(err, factor.ErrProposalStale):
		return proposalLost(x, err)
	case errors.Is(err, factor.ErrTooMany):
		return x.settingsWith(pages.AlertTooMany, http.StatusConflict)
	case err != nil:
		as := event.Event{Method: string(proposal.Kind), Reason: event.ReasonSetUp}
		return x.refuseCode(err, as, pages.AlertWrongNewCode, show)
	}
	return x.factorsChanged(changed(proposal, confirmed))
}

// changed is the change that a confirmed set-up makes.
func changed(proposal factor.Ceremony, confirmed factor.Confirmed) change {
	c := change{event: event.FactorAdded, kind: proposal.Kind, notice: pages.NoticeEnabled, proof: proposal.Kind, codes: confirmed.Codes}
	switch {
	case proposal.Replaces != "":
		c.event, c.notice = event.FactorReset, pages.NoticeReset
	case proposal.Beside != "":
		c.notice = pages.NoticeAdded
	}
	return c
}

// proposalLost answers if another enrolment was confirmed first. A user who has not proved a factor yet now has to
// prove that one.
func proposalLost(x *Page, cause error) error {
	state := x.State()
	_, err := x.Take(session.LoseEnrolment(x.Session().Identity, state, x.Now))
	if err != nil {
		return x.sessionChanged(err)
	}
	if state == gate.Enrolling {
		return x.AskFactor()
	}
	alert := pages.AlertStale
	if errors.Is(cause, factor.ErrAlreadyEnrolled) {
		alert = pages.AlertAlreadyEnrolled
	}
	if !x.WantsPage() {
		return refuseScript(x, http.StatusConflict, "about:blank", "No set-up under way", alert)
	}
	return x.settingsWith(alert, http.StatusConflict)
}

// change is a change of factors that was made.
type change struct {
	// event is what it is called, and kind the kind of factor that it is about.
	event event.Name
	kind  factor.Method
	// notice is what the next page says.
	notice string
	// proof is the kind of factor by which the session is verified from now on; none if no factor is left.
	proof factor.Method
	// codes are new recovery codes, to be shown once.
	codes []string
}

// factorsChanged does what follows every change of factors, and leads on.
func (x *Page) factorsChanged(c change) error {
	next, answer := x.change(c)
	if answer != nil {
		return answer()
	}
	return x.Redirect(next)
}

// change does what follows every change of factors: this session gets a new token, all other sessions of the user end,
// and new recovery codes are shown once. next is where to go on; there is an answer if not all of it could be done.
func (x *Page) change(c change) (next string, answer exchange.Answer) {
	user, state := x.Session().Identity, x.State()
	// The factors are changed, whatever becomes of the session.
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{Name: c.event, User: user, Method: string(c.kind)})
	step := session.Enrolment{User: user, From: state, Codes: c.codes, Notice: c.notice, At: x.Now}
	if c.proof != factor.MethodNone {
		step.Proof = &session.Proof{Method: string(c.proof), At: x.Now}
	}
	taken, err := x.Take(session.ChangeFactors(step))
	if err != nil {
		return "", func() error { return x.sessionChanged(err) }
	}
	if c.proof != factor.MethodNone {
		signin.KeepKnown(x.Exchange, user)
	}
	if state == gate.Enrolling {
		x.DeliverCookies(taken.Before.Delivery)
	}
	if err := x.Config.Sessions.DestroyOthers(context.WithoutCancel(x.R.Context()), user, x.Token); err != nil {
		return "", func() error { return x.StoreFailed("end the user's other sessions", err) }
	}
	if len(c.codes) > 0 {
		return x.Config.Base + "/recovery-codes", nil
	}
	return x.Config.Base + "/", nil
}

// graceBegan returns when the grace period of a user without a factor began; zero if there is none. The period begins
// when it is used for the first time, which may be now.
func (x *Page) graceBegan(status factor.Status) time.Time {
	switch {
	case !x.Config.RequireEveryone || x.Config.Grace <= 0 || !status.Bare():
		return time.Time{}
	case status.Grace.IsZero():
		return x.Now
	}
	return status.Grace
}

// due returns when a user without a factor must have one; zero if never, or if at once.
func (x *Page) due(status factor.Status) time.Time {
	began := x.graceBegan(status)
	if began.IsZero() {
		return began
	}
	return began.Add(x.Config.Grace)
}

// setUpStart asks the user to set up a second factor, or offers it.
func setUpStart(x *Page, status int, common pages.Common, factors factor.Status) error {
	elsewhere := !factors.Reset && !gate.MayEnrol(x.Config.EnrolFrom, x.Client(x.R))
	switch {
	case common.Alert != "":
	case elsewhere:
		common.Alert = pages.AlertElsewhere
	case factors.OwesCode:
		common = x.throttled(common, factors)
	}
	view := pages.SetUpStartView{
		Common: common, Enrolling: x.State() == gate.Enrolling, Due: x.due(factors), NeedCode: factors.OwesCode, Reset: factors.Reset,
		Elsewhere: elsewhere,
	}
	if x.form != nil {
		view.Kind = x.form.kind
	}
	view.Later = gate.MayPostpone(x.Now, x.graceBegan(factors), x.Config.Grace)
	if !view.Enrolling {
		view.Next = session.Destination(nil, x.Session().Next)
	}
	return x.Config.Pages.SetUpStart(x.W, status, view)
}

// later lets a user without a factor in while there is still time to set one up. The start of that time is kept in the
// secrets store, so that neither another session nor another browser restarts it.
func later(x *Page) error {
	if !x.Config.RequireEveryone || x.Config.Grace <= 0 {
		return x.Redirect(x.Config.Base + "/setup")
	}
	began, err := x.Config.Factors.BeginGrace(x.R.Context(), x.Session().Identity)
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled):
		return proposalLost(x, err)
	case errors.Is(err, factor.ErrCodeOwed):
		return x.Redirect(x.Config.Base + "/setup")
	case err != nil:
		return x.StoreFailed("begin the time of grace", err)
	// The clock is read again, because a grace period that began just now began later than the request.
	case !gate.MayPostpone(x.Config.Now(), began, x.Config.Grace):
		common := x.Common()
		common.Alert = pages.AlertGraceOver
		return setUpStart(x, http.StatusForbidden, common, factor.Status{Grace: began})
	}
	return x.pass(gate.Enrolling, passed{method: factor.MethodNone})
}

// showOffer shows the page that offers a second factor.
func showOffer(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if status.Enrolled {
		return x.Redirect(x.Config.Base + "/")
	}
	return setUpStart(x, http.StatusOK, x.Common(), status)
}
