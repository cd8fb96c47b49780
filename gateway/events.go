package gateway

import (
	"errors"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
)

// Sessions that end in more than one place.
var (
	signedOutOfApp = event.Event{Name: event.SignedOut, Reason: event.ReasonApp}
	endedByApp     = event.Event{Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonApp}
	ofTwoUsers     = event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonTwoUsers, Setting: "identity",
	}
)

// tellRefused tells of a code that opened nothing, and of what follows.
func (x *passage) tellRefused(err error, as event.Event) {
	as.Name, as.User = event.ChallengeFailed, x.Data.Identity
	var throttled *factor.ThrottledError
	if errors.As(err, &throttled) {
		as.Outcome, as.Reason = event.Refused, event.ReasonThrottled
		if throttled.Stopped {
			as.Reason = event.ReasonStopped
		}
	} else if as.Reason != event.ReasonSetUp {
		x.StoreWorks(underway.StoreSecrets, true) // it has the count
	}
	x.Tell(as)
	var wrong *factor.WrongCodeError
	switch {
	case !errors.As(err, &wrong):
	case wrong.Stopped:
		x.Tell(event.Event{Name: event.Stopped, User: as.User, Method: as.Method})
	default:
		x.Tell(event.Event{Name: event.Throttled, User: as.User, Method: as.Method, Until: wrong.Until})
	}
}
