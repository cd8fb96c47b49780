package portal

import (
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

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
	if factors.OwesCode && common.Alert == "" {
		common = x.throttled(common, factors)
	}
	view := pages.SetUpStartView{
		Common: common, Enrolling: x.State() == gate.Enrolling, Due: x.due(factors), NeedCode: factors.OwesCode,
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
