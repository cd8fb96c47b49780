package gateway

import (
	"errors"
	"net/http"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// showChallenge asks for a code. A session that is pending because the secrets store could not be asked at the login
// goes on from here as soon as the store answers that no factor is owed.
func (x *passage) showChallenge() error {
	status, err := x.Enrolled(x.Data.Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return x.proceedWithout()
	}
	view := x.challengeView(x.throttled(x.Common(), status))
	if device, ok := x.proving(status); ok {
		view.Device, view.Key = device.ID, factor.EncodeDeviceKey(device.Key)
	}
	return x.Config.Pages.Challenge(x.W, http.StatusOK, view)
}

func (x *passage) challengeView(common pages.Common) pages.ChallengeView {
	return pages.ChallengeView{
		Common: common, Digits: x.Config.Digits, Period: x.Config.Period, Remember: x.Config.Factors.Remember(),
		Trust: x.form != nil && x.form.trust,
	}
}

// challengePage asks for the code after something that was no right one.
func (x *passage) challengePage(status int, common pages.Common) error {
	return x.Config.Pages.Challenge(x.W, status, x.challengeView(common))
}

func (x *passage) showRecovery() error {
	return x.Config.Pages.Recovery(x.W, http.StatusOK, pages.RecoveryView{Common: x.Common()})
}

// proceedWithout goes on with a pending session whose user has no factor.
func (x *passage) proceedWithout() error {
	if x.stateAfterPassword(factor.Status{}, nil) == gate.Verified {
		return x.pass(gate.Pending, passed{method: factor.MethodNone})
	}
	_, err := x.Take(session.OweEnrolment(x.Data.Identity, x.Now))
	if err != nil {
		return x.sessionChanged(err)
	}
	return x.AskFactor()
}

func (x *passage) takeCode() error {
	if x.form.proof != "" && x.form.key == "" {
		return x.takeProof()
	}
	code := strings.TrimSpace(x.form.code)
	if code == "" {
		return x.noCode(x.challengePage)
	}
	var credential string
	var err error
	trust, usable := factor.Trust{}, false
	if x.form.trust {
		trust, usable = x.newTrust()
	}
	answer := factor.Answer{Kind: factor.MethodTOTP, Text: code}
	if usable {
		credential, err = x.Config.Factors.SignInAndTrust(x.Noting(), x.Data.Identity, answer, trust)
	} else {
		_, err = x.Config.Factors.SignIn(x.Noting(), x.Data.Identity, answer)
	}
	if errors.Is(err, factor.ErrNotEnrolled) {
		return x.proceedWithout()
	}
	if err != nil {
		return x.refuseCode(err, event.Event{Method: string(answer.Kind)}, pages.AlertWrongCode, x.challengePage)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	if credential != "" {
		x.Tell(event.Event{Name: event.BrowserTrusted, User: x.Data.Identity, Method: string(answer.Kind)})
	}
	return x.pass(gate.Pending, passed{method: answer.Kind, credential: credential})
}

func (x *passage) takeRecoveryCode() error {
	code := strings.TrimSpace(x.form.code)
	show := func(status int, common pages.Common) error {
		return x.Config.Pages.Recovery(x.W, status, pages.RecoveryView{Common: common})
	}
	if code == "" {
		return x.noCode(show)
	}
	left, err := x.Config.Factors.SignIn(x.Noting(), x.Data.Identity, factor.Answer{Kind: factor.MethodRecovery, Text: code})
	if err != nil {
		if errors.Is(err, factor.ErrNotEnrolled) {
			return x.proceedWithout()
		}
		return x.refuseCode(err, event.Event{Method: string(factor.MethodRecovery)}, pages.AlertWrongRecoveryCode, show)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{
		Name: event.RecoveryCodeUsed, User: x.Data.Identity, Method: string(factor.MethodRecovery), Left: &left,
	})
	return x.pass(gate.Pending, passed{method: factor.MethodRecovery})
}

// noCode answers for an empty field, which is no attempt.
func (x *passage) noCode(show func(int, pages.Common) error) error {
	common := x.Common()
	common.Alert = pages.AlertNoCode
	if !x.WantsPage() {
		return x.codeProblem(http.StatusUnprocessableEntity, common)
	}
	return show(http.StatusUnprocessableEntity, common)
}

// passed is what a challenge was passed with.
type passed struct {
	method factor.Method
	// credential, if there is one, makes the browser a trusted one, or one that remains so.
	credential string
	// trusted: it was one already, and nobody typed a code.
	trusted bool
}

// pass is the only place where a session becomes verified after a challenge. The factor was proved for the identity
// that the session had when the code was sent; where another login has taken its place meanwhile, nothing was proved
// for that one (P5). The token changes (P8).
func (x *passage) pass(from gate.State, with passed) error {
	method := with.method
	user, delivery, next := x.Data.Identity, x.Data.Delivery, x.Data.Next
	script := x.R.Method == http.MethodPost && !x.WantsPage()
	passing := session.Passing{User: user, From: from, Waits: script, At: x.Now}
	if method != factor.MethodNone {
		passing.Proof = &session.Proof{Method: string(method), At: x.Now, Trusted: with.trusted}
	}
	if method == factor.MethodRecovery {
		passing.Notice = pages.NoticeRecoveryUsed
	}
	_, err := x.Take(session.Prove(passing))
	if err != nil {
		return x.sessionChanged(err)
	}
	if method == factor.MethodNone || with.trusted {
		stands := noFactor
		if with.trusted {
			stands = stillTrusted(with.credential)
		}
		if owed, err := x.owedAfterAll(delivery, next, stands); err != nil {
			return x.StoreFailed("look up the second factor", err)
		} else if owed {
			return x.AskFactor()
		}
	}
	told := event.Event{Name: event.ChallengePassed, User: user, Method: string(method)}
	if with.trusted {
		told.Method = event.MethodTrusted
	}
	x.Tell(told)
	x.deliverCookies(delivery)
	if with.credential != "" {
		x.keepTrust(with.credential)
	}
	if script {
		pages.SecurityHeaders(x.W.Header(), "")
		x.W.WriteHeader(http.StatusNoContent)
		return nil
	}
	return x.Redirect(session.Destination(delivery, next))
}

// deliverCookies hands over those cookies of the withheld answer that the browser may have.
func (x *passage) deliverCookies(delivery *session.Delivery) {
	if delivery != nil {
		h := x.W.Header()
		h["Set-Cookie"] = append(h["Set-Cookie"], delivery.Cookies...)
	}
}

// sessionChanged answers where a session ended, or became another's, while a factor was being proved.
func (x *passage) sessionChanged(err error) error {
	if !errors.Is(err, session.ErrGone) {
		return x.StoreFailed("renew session", err)
	}
	x.Data, x.Token = nil, ""
	return x.AskLogin()
}

// resume gives a script the app's answer to its login, once (contract 5). A page load is none of its: it gets nothing,
// and takes nothing.
func (x *passage) resume() error {
	navigates := strings.EqualFold(x.R.Header.Get("Sec-Fetch-Mode"), "navigate")
	if x.Data.Delivery == nil || navigates || isPrefetch(x.R) {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	if x.R.Method == http.MethodHead {
		return x.headersOnly(http.StatusOK)
	}
	taken, err := x.Take(session.TakeDelivery())
	if err != nil {
		return x.StoreFailed("take the withheld answer", err)
	}
	delivery := taken.Before.Delivery
	if delivery == nil || delivery.Status == 0 {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	for name, value := range map[string]string{
		"Content-Type": delivery.ContentType, "Content-Encoding": delivery.ContentEncoding, "Location": delivery.Location,
		delivery.TokenHeader: delivery.Token,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	for i := 0; i+1 < len(delivery.Headers); i += 2 {
		if !strings.EqualFold(delivery.Headers[i], delivery.TokenHeader) {
			h.Add(delivery.Headers[i], delivery.Headers[i+1])
		}
	}
	x.W.WriteHeader(delivery.Status)
	_, err = x.W.Write(delivery.Body)
	return err
}
