package exchange

import (
	"context"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// LoadSession loads the session of the browser's token. The request is a stranger's if there is no token, or if the
// token is dead or another host's.
func (x *Exchange) LoadSession() error {
	token, apart, foreign := x.ShownToken(x.R)
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
	x.Token, x.data, x.Apart = token, data, apart
	return nil
}

// Take takes a step in the session that this request came with, or in a new anonymous one. It returns session.ErrGone
// if the session has ended meanwhile, or is no longer in a state from which the step is lawful. If the step rotates the
// token, the old one is dead afterwards (P8).
//
// If another site may have sent the request without the browser's session cookie, the request begins no session: a new
// cookie in its answer would replace that one, and sign the user out, or in as somebody else.
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
	x.Token, x.data = taken.Token, taken.After
	if taken.Token != before {
		if before != "" {
			x.Above.Follow(taken.Token, taken.After.Identity)
		}
		setToken(x, taken.Token)
	}
	return taken, nil
}

// JoinSession makes the session of another request of this browser that of this request, and hands the browser its
// token. The request must have none of its own.
func JoinSession(x *Exchange, token string, data *session.Data) {
	x.Token, x.data = token, data
	setToken(x, token)
}

// Blind reports whether another site may have sent the request without the browser's session cookie. A login that the
// operator allows from another site does not count.
func (x *Exchange) Blind() bool { return x.Place != gate.Login && gate.Blind(x.R) }

// End destroys the session and emits the event. The request goes on as a stranger's.
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
	x.Token, x.data = "", nil
	x.Above.Release()
	ClearToken(x)
	return nil
}

// ForgetPages makes the browser forget what it keeps of the app's pages if the session has ended with this request.
// Otherwise the next person at that browser could go back and see them.
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

// Destroy ends the session in the store and emits the event, unless nobody was signed in. If several requests end the
// session at the same time, the event is emitted once.
func (x *Exchange) Destroy(as event.Event) error {
	if err := x.Config.Sessions.Destroy(context.WithoutCancel(x.R.Context()), x.Token); err != nil {
		x.Above.Untold()
		return err
	}
	x.Unresolved.Forget(x.Token)
	x.StoreWorks(underway.StoreSessions, true)
	if x.data != nil && x.data.Identity != "" && x.EndedLately.First(x.Token) {
		as.User = x.data.Identity
		x.Tell(as)
	}
	return nil
}
