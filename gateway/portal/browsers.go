package portal

import (
	"errors"
	"net/http"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
)

// forgetBrowsers has one trusted browser, or all of them, be trusted no longer.
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
