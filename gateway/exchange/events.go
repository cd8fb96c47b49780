package exchange

import (
	"context"

	"sallyport.example/sallyport/event"
)

// Tell tells of a security event, with what the request and the event's name say of it. Every event goes through here,
// once, and after the write that makes it true (P7).
func (x *Exchange) Tell(e event.Event) {
	e.App, e.At, e.Client = x.Config.App, x.Config.Now(), x.Client(x.R)
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	// A sink that looks at the context has to hear of it also where the client has left.
	x.Config.Events.Emit(context.WithoutCancel(x.R.Context()), e)
}
