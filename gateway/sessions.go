package gateway

import (
	"context"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// endSessions ends one of the user's sessions, or all others but this one.
func (x *exchange) endSessions() error {
	ctx := context.WithoutCancel(x.r.Context())
	if x.form.id == "" {
		if err := x.config.Sessions.DestroyOthers(ctx, x.data.Identity, x.token); err != nil {
			return x.storeFailed("end the user's other sessions", err)
		}
		x.tell(event.Event{Name: event.SessionEnded, User: x.data.Identity, All: true})
		return x.settingsAfter(pages.NoticeSessionsEnded)
	}
	found, err := x.config.Sessions.DestroyOne(ctx, x.data.Identity, x.form.id)
	if err != nil {
		return x.storeFailed("end a session", err)
	}
	if found {
		x.tell(event.Event{Name: event.SessionEnded, User: x.data.Identity})
	}
	return x.settingsAfter(pages.NoticeSessionEnded)
}

// settingsAfter leads to the settings page, which says what is true now.
func (x *exchange) settingsAfter(notice string) error {
	if _, err := x.take(session.LeaveNotice(notice)); err != nil {
		return x.storeFailed("leave a notice", err)
	}
	return x.redirect(x.config.Base + "/")
}

// settingsView is everything that the settings page shows.
func (x *exchange) settingsView(common pages.Common, status factor.Status) (pages.SettingsView, error) {
	view := pages.SettingsView{
		Common: common, Enrolled: status.Enrolled, Since: status.Created, Used: status.Used,
		RecoveryLeft: status.RecoveryLeft, RecoveryTotal: status.RecoveryTotal, Required: x.config.RequireEveryone,
		Due: x.due(status), Remember: x.config.Factors.Remember() > 0,
	}
	listed, err := x.config.Sessions.List(x.r.Context(), x.data.Identity, x.token)
	if err != nil {
		return view, looking(err)
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
