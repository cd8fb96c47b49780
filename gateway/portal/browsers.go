package portal

import (
	"context"
	"errors"
	"net/http"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
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
