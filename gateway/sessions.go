package gateway

import (
	"context"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// endSessions ends one of the user's sessions, or all others but this one.
func (x *passage) endSessions() error {
	ctx := context.WithoutCancel(x.R.Context())
	if x.form.id == "" {
		if err := x.Config.Sessions.DestroyOthers(ctx, x.Data.Identity, x.Token); err != nil {
			return x.StoreFailed("end the user's other sessions", err)
		}
		x.Tell(event.Event{Name: event.SessionEnded, User: x.Data.Identity, All: true})
		return x.settingsAfter(pages.NoticeSessionsEnded)
	}
	found, err := x.Config.Sessions.DestroyOne(ctx, x.Data.Identity, x.form.id)
	if err != nil {
		return x.StoreFailed("end a session", err)
	}
	if found {
		x.Tell(event.Event{Name: event.SessionEnded, User: x.Data.Identity})
	}
	return x.settingsAfter(pages.NoticeSessionEnded)
}

// settingsAfter leads to the settings page, which says what is true now.
func (x *passage) settingsAfter(notice string) error {
	if _, err := x.Take(session.LeaveNotice(notice)); err != nil {
		return x.StoreFailed("leave a notice", err)
	}
	return x.Redirect(x.Config.Base + "/")
}

// settingsView is everything that the settings page shows.
func (x *passage) settingsView(common pages.Common, status factor.Status) (pages.SettingsView, error) {
	view := pages.SettingsView{
		Common: common, Enrolled: status.Enrolled, Since: status.Created, Used: status.Used,
		RecoveryLeft: status.RecoveryLeft, RecoveryTotal: status.RecoveryTotal, Required: x.Config.RequireEveryone,
		Due: x.due(status), Remember: x.Config.Factors.Remember() > 0,
	}
	listed, err := x.Config.Sessions.List(x.R.Context(), x.Data.Identity, x.Token)
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
