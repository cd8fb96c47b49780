package portal

import (
	"net/http"
	"slices"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// settingsWith shows the settings page with an alert.
func (x *Page) settingsWith(alert string, status int) error {
	factors, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	common := x.Common()
	common.Alert = alert
	return x.settingsPage(status, common, factors)
}

// takeNotice takes the message that an earlier request left for the next page, once. It leaves the message if nobody
// sees this page.
func (x *Page) takeNotice() (string, error) {
	if x.Session() == nil || x.Session().Notice == "" || x.R.Method == http.MethodHead || exchange.LoadsAhead(x.R) {
		return "", nil
	}
	taken, err := x.Take(session.TakeNotice())
	if err != nil {
		return "", err
	}
	return taken.Before.Notice, nil
}

// showSettings shows the settings page.
func showSettings(x *Page) error {
	status, err := x.Enrolled(x.Session().Identity)
	if err != nil {
		return x.StoreFailed("read the second factor", err)
	}
	notice, err := x.takeNotice()
	if err != nil {
		return x.StoreFailed("take notice", err)
	}
	common := x.Common()
	common.Status = notice
	return x.settingsPage(http.StatusOK, common, status)
}

func (x *Page) settingsPage(code int, common pages.Common, status factor.Status) error {
	view, err := settingsView(x, common, status)
	if err != nil {
		return x.StoreFailed("list the user's sessions", err)
	}
	return x.Config.Pages.Settings(x.W, code, view)
}

// behind returns the settings page that is shown behind a dialog. If a store does not answer, it returns none: the
// dialog is shown alone, so that no page says what is not known (P6).
func (x *Page) behind(status *factor.Status) *pages.SettingsView {
	if x.State() != gate.Verified {
		return nil
	}
	if status == nil {
		read, err := x.Enrolled(x.Session().Identity)
		if err != nil {
			return nil
		}
		status = &read
	}
	view, err := settingsView(x, x.Common(), *status)
	if err != nil {
		return nil
	}
	return &view
}

// settingsAfter leads to the settings page, which shows what is true now.
func (x *Page) settingsAfter(notice string) error {
	if _, err := x.Take(session.LeaveNotice(notice)); err != nil {
		return x.StoreFailed("leave a notice", err)
	}
	return x.Redirect(x.Config.Base + "/")
}

// settingsView returns everything that the settings page shows.
func settingsView(x *Page, common pages.Common, status factor.Status) (pages.SettingsView, error) {
	view := pages.SettingsView{
		Common: common, Enrolled: status.Enrolled, Since: status.Created, Used: status.Used,
		RecoveryLeft: status.RecoveryLeft, RecoveryTotal: status.RecoveryTotal, Unsaved: status.RecoveryUnsaved, Required: x.Config.RequireEveryone,
		Due: x.due(status), Exposed: len(status.Unproved) > 0, Remember: x.Config.Factors.Remember() > 0,
	}
	for _, f := range status.Factors {
		view.Factors = append(view.Factors, pages.FactorLine{
			ID: f.ID, Kind: string(f.Kind), Name: f.Name, Created: f.Created, Used: f.Used, Synced: f.Synced, To: f.To,
		})
	}
	for _, kind := range offered(x) {
		if !kind.Sent() || !slices.Contains(status.Kinds(), kind) { // of those there is one
			view.Offered = append(view.Offered, string(kind))
		}
	}
	listed, err := x.Config.Sessions.List(x.R.Context(), x.Session().Identity, x.Token)
	if err != nil {
		return view, exchange.Looking(err)
	}
	for _, s := range listed {
		view.Sessions = append(view.Sessions, pages.SessionLine{
			ID: s.ID, Current: s.Current, Waiting: s.State != gate.Verified, Browser: s.Browser, Address: s.Address, Seen: s.Seen,
		})
	}
	for _, d := range status.Devices {
		view.Trusted = append(view.Trusted, pages.TrustedLine{ID: d.ID, Browser: d.Browser, Used: d.Used, Until: d.Until})
	}
	for _, e := range status.Activity {
		view.Activity = append(view.Activity, pages.ActivityLine{
			Kind: string(e.Kind), At: e.At, Address: e.Address, Browser: e.Browser, Count: max(e.Count, 1),
		})
	}
	return view, nil
}
