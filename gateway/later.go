package gateway

import (
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// due is when somebody without a factor must have one; zero where nobody must, or must at once. The time of grace
// begins when it is made use of for the first time.
func (x *passage) due(status factor.Status) time.Time {
	if !x.Config.RequireEveryone || x.Config.Grace <= 0 || status.Enrolled {
		return time.Time{}
	}
	began := status.Grace
	if began.IsZero() {
		began = x.Now
	}
	return began.Add(x.Config.Grace)
}

// setUpStart asks to set up a second factor, or offers it.
func (x *passage) setUpStart(status int, common pages.Common, factors factor.Status) error {
	due := x.due(factors)
	view := pages.SetUpStartView{Common: common, Enrolling: x.State() == gate.Enrolling, Due: due}
	view.Later = age.Within(x.Now, due.Add(-x.Config.Grace), x.Config.Grace)
	if !view.Enrolling {
		view.Next = session.Destination(nil, x.Data.Next)
	}
	return x.Config.Pages.SetUpStart(x.W, status, view)
}

// later lets somebody without a factor in, while there is still time to set one up. When that time began stands in the
// secrets store: neither another session nor another browser begins it anew.
func (x *passage) later() error {
	if !x.Config.RequireEveryone || x.Config.Grace <= 0 {
		return x.Redirect(x.Config.Base + "/setup")
	}
	began, err := x.Config.Factors.BeginGrace(x.R.Context(), x.Data.Identity)
	switch {
	case errors.Is(err, factor.ErrAlreadyEnrolled):
		return x.proposalLost(err)
	case err != nil:
		return x.StoreFailed("begin the time of grace", err)
	// The time is taken anew: where the grace began just now, it began later than the request.
	case !age.Within(x.Config.Now(), began, x.Config.Grace):
		common := x.Common()
		common.Alert = pages.AlertGraceOver
		return x.setUpStart(http.StatusForbidden, common, factor.Status{Grace: began})
	}
	return x.pass(gate.Enrolling, passed{method: factor.MethodNone})
}

// offer leads somebody who has just signed in without a factor to the page that offers one: once, and with where the
// app would have led kept. It reports whether it answered. What fails here opens nothing and closes nothing; then there
// is no offer.
func (x *passage) offer(next signedIn) (answered bool, err error) {
	if !x.Config.Offer || x.Config.RequireEveryone || x.Data.Method() != session.None || !exchange.IsPageLoad(x.R) {
		return false, nil
	}
	first, err := x.Config.Factors.Offer(x.R.Context(), x.Data.Identity)
	if err != nil {
		x.Log.WarnContext(x.R.Context(), "no second factor could be offered", "setting", "offer", "app", x.Config.App, "error", err)
	}
	if !first {
		return false, nil
	}
	if _, err := x.Take(session.Offer(next.delivery)); err != nil {
		return false, nil //nolint:nilerr // the session ended meanwhile, or cannot be written: the answer goes out as it is
	}
	x.deliverCookies(next.delivery)
	return true, x.Redirect(x.Config.Base + "/offer")
}

// showOffer is the page that offers a second factor.
func (x *passage) showOffer() error {
	status, err := x.Enrolled(x.Data.Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	if status.Enrolled {
		return x.Redirect(x.Config.Base + "/")
	}
	return x.setUpStart(http.StatusOK, x.Common(), status)
}
