package portal

import (
	"context"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/pages"
)

// endSessions ends one of the user's sessions, or all others but this one.
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
