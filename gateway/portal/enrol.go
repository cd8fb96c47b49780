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

// startSetUp makes a new seed and leads to its QR code. An enrolled user never gets there (P6). If the button is
// pressed twice, perhaps in two windows, the same code is shown twice.
func startSetUp(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if status.Enrolled {
		return x.settingsWith(pages.AlertAlreadyEnrolled, http.StatusConflict)
	}
	claim := ""
	proposal, ok := x.proposal()
	if status.OwesCode && (!ok || proposal.Claim == "") {
		var answer exchange.Answer
		if claim, answer = takeEnrolmentCode(x, status); answer != nil {
			return answer()
		}
		ok = false
	}
	if !ok || proposal.Replaces != "" {
		err := x.propose(claim, true)
		switch {
		case errors.Is(err, factor.ErrAlreadyEnrolled):
			return proposalLost(x, err)
		case err != nil:
			return x.StoreFailed("propose a seed", err)
		}
	}
	return x.Redirect(x.Config.Base + "/setup")
}

// takeEnrolmentCode uses the code up that somebody owes whose account an operator has reset. There is an answer for
// want of a right one.
func takeEnrolmentCode(x *Page, status factor.Status) (claim string, answer exchange.Answer) {
	show := func(code int, common pages.Common) error { return setUpStart(x, code, common, status) }
	if x.form.enrolment == "" {
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

// propose keeps a new seed in the session, with the claim of an enrolment code if one was owed. Nothing changes for the
// user until the seed is confirmed.
//
// If it is to be a first one and the user has one by now, another session has set it up since the user was looked up.
// Nobody has proved that one here, so it is not replaced: the error is factor.ErrAlreadyEnrolled.
func (x *Page) propose(claim string, first bool) error {
	proposal, err := x.Config.Factors.Begin(x.R.Context(), x.Session().Identity, factor.MethodTOTP)
	if err != nil {
		return exchange.Looking(err)
	}
	if first && proposal.Replaces != "" {
		return factor.ErrAlreadyEnrolled
	}
	proposal.Claim = claim
	_, err = x.Take(session.Propose(x.Session().Identity, proposal.Encode()))
	return err
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
		return x.Redirect(x.Config.Base + "/")
	}
	return setUpPage(x, http.StatusOK, x.Common(), proposal)
}

func setUpPage(x *Page, status int, common pages.Common, proposal factor.Ceremony) error {
	offer, err := x.Config.Factors.Show(proposal)
	if err != nil {
		return x.StoreFailed("show a seed", err)
	}
	return x.Config.Pages.SetUp(x.W, status, pages.SetUpView{
		Common: common, URI: offer.URI, Key: offer.Key, Digits: offer.Digits, Algorithm: offer.Algorithm, Period: offer.Period,
		Reset: proposal.Replaces != "", Enrolling: x.State() == gate.Enrolling, Behind: x.behind(nil),
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
	show := func(status int, common pages.Common) error { return setUpPage(x, status, common, proposal) }
	if x.form.code == "" {
		return x.noCode(show)
	}
	codes, err := x.Config.Factors.Confirm(x.Noting(), x.Session().Identity, proposal, factor.Answer{Kind: proposal.Kind, Text: x.form.code})
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled), errors.Is(err, factor.ErrProposalStale):
		return proposalLost(x, err)
	case err != nil:
		as := event.Event{Method: string(proposal.Kind), Reason: event.ReasonSetUp}
		return x.refuseCode(err, as, pages.AlertWrongNewCode, show)
	case proposal.Replaces != "":
		return x.factorsChanged(event.FactorReset, pages.NoticeReset, proposal.Kind, codes)
	}
	return x.factorsChanged(event.FactorAdded, pages.NoticeEnabled, proposal.Kind, codes)
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
	return x.settingsWith(alert, http.StatusConflict)
}

// factorsChanged does what follows every change of factors: this session gets a new token, all other sessions of the
// user end, and new recovery codes are shown once.
func (x *Page) factorsChanged(as event.Name, notice string, method factor.Method, codes []string) error {
	user, state := x.Session().Identity, x.State()
	// The factors are changed, whatever becomes of the session.
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{Name: as, User: user, Method: string(method)})
	change := session.Enrolment{User: user, From: state, Codes: codes, Notice: notice, At: x.Now}
	if method != factor.MethodNone {
		change.Proof = &session.Proof{Method: string(method), At: x.Now}
	}
	taken, err := x.Take(session.ChangeFactors(change))
	if err != nil {
		return x.sessionChanged(err)
	}
	if method != factor.MethodNone {
		signin.KeepKnown(x.Exchange, user)
	}
	if state == gate.Enrolling {
		x.DeliverCookies(taken.Before.Delivery)
	}
	if err := x.Config.Sessions.DestroyOthers(context.WithoutCancel(x.R.Context()), user, x.Token); err != nil {
		return x.StoreFailed("end the user's other sessions", err)
	}
	if len(codes) > 0 {
		return x.Redirect(x.Config.Base + "/recovery-codes")
	}
	return x.Redirect(x.Config.Base + "/")
}
