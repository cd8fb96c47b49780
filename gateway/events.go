package gateway

import (
	"context"
	"errors"
	"sync"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
)

// Sessions that end in more than one place.
var (
	signedOutOfApp = event.Event{Name: event.SignedOut, Reason: event.ReasonApp}
	endedByApp     = event.Event{Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonApp}
	ofTwoUsers     = event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonTwoUsers, Setting: "identity",
	}
)

// tell tells of a security event, with what the request and the event's name say of it. Every event goes through here,
// once, and after the write that makes it true (P7).
func (x *exchange) tell(e event.Event) {
	e.App, e.At, e.Client = x.config.App, x.config.Now(), x.client()
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	// A sink that looks at the context has to hear of it also where the client has left.
	x.config.Events.Emit(context.WithoutCancel(x.r.Context()), e)
}

// tellRefused tells of a code that opened nothing, and of what follows.
func (x *exchange) tellRefused(err error, as event.Event) {
	as.Name, as.User = event.ChallengeFailed, x.data.Identity
	var throttled *factor.ThrottledError
	if errors.As(err, &throttled) {
		as.Outcome, as.Reason = event.Refused, event.ReasonThrottled
		if throttled.Stopped {
			as.Reason = event.ReasonStopped
		}
	} else if as.Reason != event.ReasonSetUp {
		x.storeWorks(storeSecrets, true) // it has the count
	}
	x.tell(as)
	var wrong *factor.WrongCodeError
	switch {
	case !errors.As(err, &wrong):
	case wrong.Stopped:
		x.tell(event.Event{Name: event.Stopped, User: as.User, Method: as.Method})
	default:
		x.tell(event.Event{Name: event.Throttled, User: as.User, Method: as.Method, Until: wrong.Until})
	}
}

// maxEnded is how many ended sessions are remembered: more than requests are under way with one.
const maxEnded = 4096

// ended are the tokens of sessions that ended lately. Of several requests of one session that find its end at the same
// time, each ends it and one tells. A request that comes later finds no session. Safe for concurrent use; the zero
// value is empty.
type ended struct {
	mutex  sync.Mutex
	tokens map[string]struct{}
	order  []string // the oldest first, as a ring once it is full
	next   int
}

// first reports whether the session's end is told of for the first time.
func (e *ended) first(token string) bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if _, known := e.tokens[token]; known {
		return false
	}
	if e.tokens == nil {
		e.tokens = make(map[string]struct{})
	}
	if len(e.order) < maxEnded {
		e.order = append(e.order, token)
	} else {
		delete(e.tokens, e.order[e.next])
		e.order[e.next] = token
		e.next = (e.next + 1) % maxEnded
	}
	e.tokens[token] = struct{}{}
	return true
}
