package portal

import (
	"context"
	"errors"
	"net/http"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
)

// forgetBrowsers ends the trust in one browser, or in all.
func forgetBrowsers(x *Page) error {
	notice := pages.NoticeBrowserForgotten
	forget := func() (bool, error) {
		return x.Config.Factors.ForgetDevice(x.Noting(), x.Session().Identity, x.form.id)
	}
	if x.form.id == "" {
		notice = pages.NoticeBrowsersForgotten
		forget = func() (bool, error) { return x.Config.Factors.ForgetDevices(x.Noting(), x.Session().Identity) }
	}
	switch forgotten, err := forget(); {
	case errors.Is(err, factor.ErrNotEnrolled):
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case err != nil:
		return x.StoreFailed("forget a trusted browser", err)
	case forgotten:
		x.StoreWorks(underway.StoreSecrets, true)
		x.Tell(event.Event{
			Name: event.BrowserForgotten, User: x.Session().Identity, Method: event.MethodTrusted, All: x.form.id == "",
		})
	}
	return x.settingsAfter(notice)
}

// endSessions ends one of the user's sessions, or all of them except this one.
func endSessions(x *Page) error {
	ctx := context.WithoutCancel(x.R.Context())
	if x.form.id == "" {
		if err := x.Config.Sessions.DestroyOthers(ctx, x.Session().Identity, x.Token); err != nil {
			return x.StoreFailed("end the user's other sessions", err)
		}
		x.Tell(event.Event{Name: event.SessionEnded, User: x.Session().Identity, All: true})
		return x.settingsAfter(pages.NoticeSessionsEnded)
	}
	found, err := x.Config.Sessions.DestroyOne(ctx, x.Session().Identity, x.form.id)
	if err != nil {
		return x.StoreFailed("end a session", err)
	}
	if found {
		x.Tell(event.Event{Name: event.SessionEnded, User: x.Session().Identity})
	}
	return x.settingsAfter(pages.NoticeSessionEnded)
}

// showExposed asks whose the sign-ins were that came to nothing, and afterwards names the way to change the password.
func showExposed(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	view := pages.ExposedView{Common: x.Common(), Change: x.Config.ChangePassword}
	for _, one := range status.Unproved {
		view.SignIns = append(view.SignIns, pages.ExposedLine{At: one.At, Address: one.Address, Browser: one.Browser})
	}
	if len(view.SignIns) == 0 && !x.R.URL.Query().Has(pages.ChangedQuery) {
		return x.Redirect(x.Config.Base + "/")
	}
	return view.Show(x.Config.Pages, x.W, http.StatusOK)
}

// answerExposed takes the user's word for whose the sign-ins were. If they were another's, whoever that is may be in by
// other ways too: all other sessions and all trusted browsers end.
func answerExposed(x *Page) error {
	user := x.Session().Identity
	switch x.form.whose {
	case "continue":
		return goOn(x)
	case "mine":
	case "other":
		if err := x.Config.Sessions.DestroyOthers(context.WithoutCancel(x.R.Context()), user, x.Token); err != nil {
			return x.StoreFailed("end the user's other sessions", err)
		}
		x.Tell(event.Event{Name: event.SessionEnded, User: user, All: true})
		switch forgotten, err := x.Config.Factors.ForgetDevices(x.Noting(), user); {
		case errors.Is(err, factor.ErrNotEnrolled):
		case err != nil:
			return x.StoreFailed("forget the trusted browsers", err)
		case forgotten:
			x.StoreWorks(underway.StoreSecrets, true)
			x.Tell(event.Event{Name: event.BrowserForgotten, User: user, Method: event.MethodTrusted, All: true})
		}
	default:
		return x.Fail(http.StatusBadRequest, pages.ErrorRequest)
	}
	if err := factor.AnswerUnproved(x.R.Context(), x.Config.Factors, user); err != nil {
		return x.StoreFailed("note whose a sign-in was", err)
	}
	if x.form.whose == "other" {
		return x.Redirect(x.Config.Base + signin.ExposedPath + "?" + pages.ChangedQuery)
	}
	return goOn(x)
}
