package exchange

import (
	"context"

	"sallyport.example/sallyport/event"
)

// Tell emits a security event and fills in what the request says of it. Every event goes through here, once, after the
// write that makes it true (P7).
func (x *Exchange) Tell(e event.Event) {
	e.App, e.At, e.Client = x.Config.App, x.Config.Now(), x.Client(x.R)
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	// The sink gets the event even if the client has left.
	x.Config.Events.Emit(context.WithoutCancel(x.R.Context()), e)
}
