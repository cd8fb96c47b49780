package portal

import (
	"encoding/json"
	"errors"
	"net/http"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// What is here is for the scripts of our pages and for the guard's dialog, which speak to the device in the browser: a
// page cannot do that without one. The questions and their answers are JSON as WebAuthn writes it (contract 5.6).

// problemCopied is the type of the problem document for a passkey whose count of uses went back.
const problemCopied = "https://sallyport.invalid/passkey-copied"

// sendJSON sends a document to a script.
func sendJSON(x *Page, status int, document []byte) error {
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	h.Set("Content-Type", "application/json")
	x.W.WriteHeader(status)
	_, err := x.W.Write(append(document, '\n'))
	return err
}

// refuseScript answers a script with a problem document that says one of our alerts.
func refuseScript(x *Page, status int, problem, title, alert string) error {
	return x.WriteProblem(exchange.Problem{
		Type: problem, Title: title, Status: status, Detail: x.Config.Pages.Text(x.Common().Languages, alert), Challenge: x.Config.Base + "/challenge",
	})
}

// askPasskey asks for a passkey: at the challenge, and in a verified session for a change of factors. The question
// stands in the session, in place of an earlier one, and is answered once.
func askPasskey(x *Page) error {
	asked, request, err := x.Config.Factors.Ask(x.Noting(), x.Session().Identity, factor.MethodPasskey)
	switch {
	case errors.Is(err, factor.ErrNotEnrolled), errors.Is(err, factor.ErrInvalid):
		return refuseScript(x, http.StatusConflict, "about:blank", "No passkey", pages.AlertNoPasskey)
	case err != nil:
		return x.StoreFailed("ask for a passkey", err)
	}
	if _, err := x.Take(session.Ask(x.Session().Identity, asked.Encode())); err != nil {
		return x.sessionChanged(err)
	}
	return sendJSON(x, http.StatusOK, []byte(request))
}

// takePasskey judges the answer. The question is taken out of the session before, so that it has one answer, right or
// wrong.
func takePasskey(x *Page) error {
	user := x.Session().Identity
	taken, err := x.Take(session.TakeAsked(user))
	if err != nil {
		return x.sessionChanged(err)
	}
	answer := factor.Answer{Kind: factor.MethodPasskey, Text: string(x.form.document)}
	asked, err := factor.DecodeCeremony(taken.Before.Asked)
	if !taken.Done || err != nil {
		return refusePasskey(x, factor.ErrProposalStale, "")
	}
	answer.Asked = &asked
	if x.State() == gate.Verified {
		return proveAhead(x, answer)
	}
	with, err := judge(x, answer)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return lookAgain(x)
	}
	if err != nil {
		return refusePasskey(x, err, "")
	}
	x.StoreWorks(underway.StoreSecrets, true)
	if with.credential != "" {
		x.Tell(event.Event{Name: event.BrowserTrusted, User: user, Method: string(answer.Kind)})
	}
	with.tells = true
	return x.pass(gate.Pending, with)
}

// proveAhead judges a passkey in a verified session. It serves one change of factors, which comes next.
func proveAhead(x *Page, answer factor.Answer) error {
	user := x.Session().Identity
	method, err := x.Config.Factors.Verify(x.Noting(), user, answer)
	if err != nil {
		return refusePasskey(x, err, event.ReasonChange)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	if _, err := x.Take(session.ProveAhead(user, session.Proof{Method: string(method), At: x.Now})); err != nil {
		return x.sessionChanged(err)
	}
	x.Tell(event.Event{Name: event.ChallengePassed, User: user, Method: string(method), Reason: event.ReasonChange})
	return x.headersOnly(http.StatusNoContent)
}

// refusePasskey answers a passkey that was not accepted. reason is why it was asked for, for the event.
func refusePasskey(x *Page, err error, reason string) error {
	as := event.Event{Method: string(factor.MethodPasskey), Reason: reason}
	switch {
	case errors.Is(err, factor.ErrCopied):
		x.StoreWorks(underway.StoreSecrets, true)
		x.Tell(event.Event{Name: event.PasskeyCopied, User: x.Session().Identity, Method: as.Method})
		return refuseScript(x, http.StatusUnprocessableEntity, problemCopied, "Passkey copied", pages.AlertPasskeyCopied)
	case errors.Is(err, factor.ErrNotEnrolled), errors.Is(err, factor.ErrProposalStale), errors.Is(err, factor.ErrInvalid):
		err = factor.ErrWrongCode
	}
	return x.refuseCode(err, as, pages.AlertWrongPasskey, x.challengePage)
}

// underWay returns the set-up of a passkey in this session, or an answer if there is none.
func underWay(x *Page) (factor.Ceremony, exchange.Answer) {
	proposal, ok := x.proposal()
	if !ok || proposal.Kind != factor.MethodPasskey {
		return proposal, func() error {
			return refuseScript(x, http.StatusConflict, "about:blank", "No set-up under way", pages.AlertStale)
		}
	}
	return proposal, nil
}

// askForNew returns the options with which a browser makes a passkey, while one is being set up. Each time they have
// another challenge, and the one before ends.
func askForNew(x *Page) error {
	proposal, answer := underWay(x)
	if answer != nil {
		return answer()
	}
	renewed, offer, err := x.Config.Factors.Each().Renew(x.Noting(), x.Session().Identity, proposal)
	if err != nil {
		return x.StoreFailed("propose a passkey", err)
	}
	if _, err := x.Take(session.Propose(x.Session().Identity, renewed.Encode())); err != nil {
		return x.sessionChanged(err)
	}
	return sendJSON(x, http.StatusOK, []byte(offer.Options))
}

// takeNew enrols the passkey that the browser has made. Its challenge is taken out of the session before, so that it is
// answered once; the set-up goes on with another where the answer is wrong.
func takeNew(x *Page) error {
	proposal, answer := underWay(x)
	if answer != nil {
		return answer()
	}
	user := x.Session().Identity
	left, _, err := x.Config.Factors.Each().Renew(x.Noting(), user, proposal)
	if err != nil {
		return x.StoreFailed("propose a passkey", err)
	}
	taken, err := x.Take(session.TakeProposal(user, x.Session().Proposal, left.Encode()))
	switch {
	case err != nil:
		return x.sessionChanged(err)
	case !taken.Done:
		return refuseScript(x, http.StatusConflict, "about:blank", "No set-up under way", pages.AlertStale)
	}
	confirmed, err := x.Config.Factors.Confirm(x.Noting(), user, proposal, factor.Answer{
		Kind: proposal.Kind, Text: string(x.form.document), Name: x.form.name,
	})
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled), errors.Is(err, factor.ErrProposalStale):
		return proposalLost(x, err)
	case errors.Is(err, factor.ErrTooMany):
		return refuseScript(x, http.StatusConflict, "about:blank", "Too many passkeys", pages.AlertTooMany)
	case errors.Is(err, factor.ErrInvalid):
		return refuseScript(x, http.StatusUnprocessableEntity, "about:blank", "Wrong passkey", pages.AlertWrongPasskey)
	case err != nil:
		as := event.Event{Method: string(proposal.Kind), Reason: event.ReasonSetUp}
		return x.refuseCode(err, as, pages.AlertWrongPasskey, x.challengePage)
	}
	next, answer := x.change(changed(proposal, confirmed))
	if answer != nil {
		return answer()
	}
	document, err := json.Marshal(struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Next string `json:"next"`
	}{confirmed.ID, confirmed.Name, next})
	if err != nil {
		return err
	}
	return sendJSON(x, http.StatusCreated, document)
}
