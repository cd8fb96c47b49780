package gateway

import (
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// due is when somebody without a factor must have one; zero where nobody must, or must at once. The time of grace
// begins when it is made use of for the first time.
func (x *exchange) due(status factor.Status) time.Time {
	if !x.config.RequireEveryone || x.config.Grace <= 0 || status.Enrolled {
		return time.Time{}
	}
	began := status.Grace
	if began.IsZero() {
		began = x.now
	}
	return began.Add(x.config.Grace)
}

// setUpStart asks to set up a second factor, or offers it.
func (x *exchange) setUpStart(status int, common pages.Common, factors factor.Status) error {
	due := x.due(factors)
	view := pages.SetUpStartView{Common: common, Enrolling: x.state() == gate.Enrolling, Due: due}
	view.Later = age.Within(x.now, due.Add(-x.config.Grace), x.config.Grace)
	if !view.Enrolling {
		view.Next = session.Destination(nil, x.data.Next)
	}
	return x.config.Pages.SetUpStart(x.w, status, view)
}

// later lets somebody without a factor in, while there is still time to set one up. When that time began stands in the
// secrets store: neither another session nor another browser begins it anew.
func (x *exchange) later() error {
	if !x.config.RequireEveryone || x.config.Grace <= 0 {
		return x.redirect(x.config.Base + "/setup")
	}
	began, err := x.config.Factors.BeginGrace(x.r.Context(), x.data.Identity)
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled):
		return x.proposalLost(err)
	case err != nil:
		return x.storeFailed("begin the time of grace", err)
	// The time is taken anew: where the grace began just now, it began later than the request.
	case !age.Within(x.config.Now(), began, x.config.Grace):
		common := x.common()
		common.Alert = pages.AlertGraceOver
		return x.setUpStart(http.StatusForbidden, common, factor.Status{Grace: began})
	}
	return x.pass(gate.Enrolling, passed{method: factor.MethodNone})
}

// offer leads somebody who has just signed in without a factor to the page that offers one: once, and with where the
// app would have led kept. It reports whether it answered. What fails here opens nothing and closes nothing; then there
// is no offer.
func (x *exchange) offer(next signedIn) (answered bool, err error) {
	if !x.config.Offer || x.config.RequireEveryone || x.data.Method() != session.None || !isPageLoad(x.r) {
		return false, nil
	}
	first, err := x.config.Factors.Offer(x.r.Context(), x.data.Identity)
	if err != nil {
		x.log.WarnContext(x.r.Context(), "no second factor could be offered", "setting", "offer", "app", x.config.App, "error", err)
	}
	if !first {
		return false, nil
	}
	if _, err := x.take(session.Offer(next.delivery)); err != nil {
		return false, nil //nolint:nilerr // the session ended meanwhile, or cannot be written: the answer goes out as it is
	}
	x.deliverCookies(next.delivery)
	return true, x.redirect(x.config.Base + "/offer")
}

// showOffer is the page that offers a second factor.
func (x *exchange) showOffer() error {
	status, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	if status.Enrolled {
		return x.redirect(x.config.Base + "/")
	}
	return x.setUpStart(http.StatusOK, x.common(), status)
}
