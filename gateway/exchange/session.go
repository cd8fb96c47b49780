package exchange

import (
	"context"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// LoadSession finds the session that the browser's token stands for. No token, a dead token and one of another host are
// the same: anonymous.
func (x *Exchange) LoadSession() error {
	token, apart, foreign := x.shownToken(x.R)
	x.Apart, x.Showed = apart || foreign, token != "" && !foreign
	if token == "" {
		return nil
	}
	data, err := x.Config.Sessions.Load(x.R.Context(), token)
	if err != nil {
		return Looking(err)
	}
	if x.StoreWorks(underway.StoreSessions, false); data == nil || data.Host != HostOf(x.R) {
		return nil
	}
	x.Token, x.Data, x.Apart = token, data, apart
	return nil
}

// Adopt has a request take part in a session that another request of the same browser has just begun, and the browser
// get its cookie. It reports whether there is such a session, and it is the right one; where the store fails there is
// none.
func Adopt(x *Exchange, token string, is func(*session.Data) bool) bool {
	data, err := x.Config.Sessions.Load(x.R.Context(), token)
	if err != nil || data == nil || data.State == gate.Verified || data.Host != HostOf(x.R) || !is(data) {
		return false
	}
	x.Token, x.Data = token, data
	setToken(x, token)
	return true
}

// Take takes a step in the session that this request came with, or in a new anonymous one where it came with none.
// session.ErrGone is returned where the session ended meanwhile, or is no longer in the state that the step begins at:
// then there is nobody left to take it for. Where the token changes with it, the old one is dead from here on (P8).
//
// A request that may be another site's, sent without the cookie that the browser has, remembers nothing: a new cookie
// in its answer would take the place of that one, and sign the user out, or in as somebody else.
func (x *Exchange) Take(step session.Step) (session.Taken, error) {
	ctx := context.WithoutCancel(x.R.Context())
	var taken session.Taken
	var err error
	switch {
	case x.Token != "":
		taken, err = x.Config.Sessions.Take(ctx, x.Token, step)
	case x.Blind():
		err = session.ErrGone
	default:
		taken, err = x.Config.Sessions.Begin(ctx, HostOf(x.R), x.Now, step)
	}
	if err != nil {
		return session.Taken{}, err
	}
	if taken.Done {
		x.StoreWorks(underway.StoreSessions, true)
	}
	before := x.Token
	x.Token, x.Data = taken.Token, taken.After
	if taken.Token != before {
		if before != "" {
			x.Above.Follow(taken.Token, taken.After.Identity)
		}
		setToken(x, taken.Token)
	}
	return taken, nil
}

// Blind reports whether the request may be another site's, sent without the cookie that the browser has. A login that
// the operator lets come from there is not among them.
func (x *Exchange) Blind() bool { return x.Place != gate.Login && gate.Blind(x.R) }

// End destroys the session, and tells the event; the request goes on as a stranger's.
func (x *Exchange) End(as event.Event) error {
	if x.Token == "" {
		return nil
	}
	if err := x.Destroy(as); err != nil {
		return err
	}
	if x.State() == gate.Verified {
		x.Over = true
		ForgetPages(x)
	}
	x.Token, x.Data = "", nil
	x.Above.Release()
	ClearToken(x)
	return nil
}

// ForgetPages has the browser forget what it keeps of the app's pages, if the session has ended with this request: or
// whoever sits there next would see them by a look back.
func ForgetPages(x *Exchange) {
	if !x.Over {
		return
	}
	h := x.W.Header()
	for _, line := range h["Clear-Site-Data"] {
		if strings.Contains(line, `"cache"`) || strings.Contains(line, `"*"`) {
			return
		}
	}
	h.Add("Clear-Site-Data", `"cache"`)
}

// Destroy ends the session in the store. Whose session was none's is no event, and one that several requests end at the
// same time is one.
func (x *Exchange) Destroy(as event.Event) error {
	if err := x.Config.Sessions.Destroy(context.WithoutCancel(x.R.Context()), x.Token); err != nil {
		x.Above.Untold()
		return err
	}
	x.Unresolved.Forget(x.Token)
	x.StoreWorks(underway.StoreSessions, true)
	if x.Data != nil && x.Data.Identity != "" && x.EndedLately.First(x.Token) {
		as.User = x.Data.Identity
		x.Tell(as)
	}
	return nil
}
