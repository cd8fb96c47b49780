package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// proposalLifetime is how long a QR code that was shown can be confirmed.
const proposalLifetime = 15 * time.Minute

// startSetUp makes a new seed and leads to its QR code. Somebody who is enrolled never gets there (P6). Pressed twice,
// in two windows perhaps, it shows the same code twice.
func (x *exchange) startSetUp() error {
	status, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	if status.Enrolled {
		return x.settingsWith(pages.AlertAlreadyEnrolled, http.StatusConflict)
	}
	if proposal, ok := x.proposal(); !ok || proposal.Replaces != "" {
		if err := x.propose(); err != nil {
			return x.storeFailed("propose a seed", err)
		}
	}
	return x.redirect(x.config.Base + "/setup")
}

// propose keeps a new seed in the session. Nothing changes for the user before it is confirmed.
func (x *exchange) propose() error {
	proposal, err := x.config.Factors.Begin(x.r.Context(), x.data.Identity, factor.MethodTOTP)
	if err != nil {
		return looking(err)
	}
	_, err = x.take(session.Propose(x.data.Identity, proposal.Encode()))
	return err
}

// proposal is the seed that waits in the session for its confirmation.
func (x *exchange) proposal() (factor.Ceremony, bool) {
	if len(x.data.Proposal) == 0 {
		return factor.Ceremony{}, false
	}
	proposal, err := factor.DecodeCeremony(x.data.Proposal)
	if err != nil || !age.Within(x.now, proposal.Created, proposalLifetime) {
		return factor.Ceremony{}, false
	}
	return proposal, true
}

func (x *exchange) showSetUp() error {
	proposal, ok := x.proposal()
	if !ok {
		if x.state() == gate.Enrolling {
			status, err := x.enrolled(x.data.Identity)
			if err != nil {
				return x.storeFailed("read the second factor", err)
			}
			return x.setUpStart(http.StatusOK, x.common(), status)
		}
		return x.redirect(x.config.Base + "/")
	}
	return x.setUpPage(http.StatusOK, x.common(), proposal)
}

func (x *exchange) setUpPage(status int, common pages.Common, proposal factor.Ceremony) error {
	offer, err := x.config.Factors.Show(proposal)
	if err != nil {
		return x.storeFailed("show a seed", err)
	}
	return x.config.Pages.SetUp(x.w, status, pages.SetUpView{
		Common: common, URI: offer.URI, Key: offer.Key, Digits: offer.Digits, Algorithm: offer.Algorithm, Period: offer.Period,
		Reset: proposal.Replaces != "", Enrolling: x.state() == gate.Enrolling, Behind: x.behind(nil),
	})
}

// confirmSetUp enrols the seed whose code was typed: the one in this session, and so the one that this user saw.
func (x *exchange) confirmSetUp() error {
	proposal, ok := x.proposal()
	if !ok {
		if x.state() == gate.Enrolling {
			return x.redirect(x.config.Base + "/setup")
		}
		if len(x.data.Codes) > 0 {
			// Sent twice. The first time it was confirmed, and the recovery codes were not shown yet.
			return x.redirect(x.config.Base + "/recovery-codes")
		}
		return x.settingsWith(pages.AlertStale, http.StatusConflict)
	}
	show := func(status int, common pages.Common) error { return x.setUpPage(status, common, proposal) }
	if x.form.code == "" {
		return x.noCode(show)
	}
	codes, err := x.config.Factors.Confirm(x.noting(), x.data.Identity, proposal, factor.Answer{Kind: proposal.Kind, Text: x.form.code})
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled), errors.Is(err, factor.ErrProposalStale):
		return x.proposalLost(err)
	case err != nil:
		as := event.Event{Method: string(proposal.Kind), Reason: event.ReasonSetUp}
		return x.refuseCode(err, as, pages.AlertWrongNewCode, show)
	case proposal.Replaces != "":
		return x.factorsChanged(event.FactorReset, pages.NoticeReset, proposal.Kind, codes)
	}
	return x.factorsChanged(event.FactorAdded, pages.NoticeEnabled, proposal.Kind, codes)
}

// proposalLost answers where another enrolment was confirmed first. Whoever has not proved a factor yet has to prove
// that one now.
func (x *exchange) proposalLost(cause error) error {
	state := x.state()
	_, err := x.take(session.LoseEnrolment(x.data.Identity, state, x.now))
	if err != nil {
		return x.sessionChanged(err)
	}
	if state == gate.Enrolling {
		return x.askFactor()
	}
	alert := pages.AlertStale
	if errors.Is(cause, factor.ErrAlreadyEnrolled) {
		alert = pages.AlertAlreadyEnrolled
	}
	return x.settingsWith(alert, http.StatusConflict)
}

// factorsChanged is what follows every change of factors: this session gets a new token, all others of the user end,
// and new recovery codes are shown once.
func (x *exchange) factorsChanged(as event.Name, notice string, method factor.Method, codes []string) error {
	user, state := x.data.Identity, x.state()
	// Whatever becomes of the session, the factors are changed.
	x.storeWorks(storeSecrets, true)
	x.tell(event.Event{Name: as, User: user, Method: string(method)})
	change := session.Enrolment{User: user, From: state, Codes: codes, Notice: notice, At: x.now}
	if method != factor.MethodNone {
		change.Proof = &session.Proof{Method: string(method), At: x.now}
	}
	taken, err := x.take(session.ChangeFactors(change))
	if err != nil {
		return x.sessionChanged(err)
	}
	if state == gate.Enrolling {
		x.deliverCookies(taken.Before.Delivery)
	}
	if err := x.config.Sessions.DestroyOthers(context.WithoutCancel(x.r.Context()), user, x.token); err != nil {
		return x.storeFailed("end the user's other sessions", err)
	}
	if len(codes) > 0 {
		return x.redirect(x.config.Base + "/recovery-codes")
	}
	return x.redirect(x.config.Base + "/")
}

// settingsWith shows the settings page with an alert.
func (x *exchange) settingsWith(alert string, status int) error {
	factors, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	common := x.common()
	common.Alert = alert
	return x.settingsPage(status, common, factors)
}
