package gateway

import (
	"context"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session"
)

// recordPatience is how long a request waits for the word on whether a factor is owed by now.
const recordPatience = 500 * time.Millisecond

// owesByNow looks, once a minute while a session is in use, whether its user has a factor by now, if none was proved in
// it. Whoever sets up a factor ends the user's other sessions; where the store of sessions was away in that moment, or
// the gateway was stopped, nobody did, and somebody who has only the password would go on to the end of the session's
// time. It reports whether the request was answered.
//
// Where the store of secrets does not say it soon, the session goes on as it is, as in an outage (P6).
func (x *exchange) owesByNow() (answered bool, err error) {
	if len(x.data.Proofs) > 0 {
		return false, nil
	}
	status, err := x.lookBriefly()
	if err != nil {
		x.log.DebugContext(x.r.Context(), "nobody knows whether a factor is owed by now; the session goes on",
			"app", x.config.App, "user", x.data.Identity, "error", err)
		return false, nil
	}
	if !status.Enrolled {
		return false, nil
	}
	x.log.WarnContext(x.r.Context(), "a session without a second factor outlived the set-up of one, since a store was away; it is asked for now",
		"app", x.config.App, "user", x.data.Identity)
	if _, err := x.take(session.Owe(x.data.Identity, &session.Delivery{Location: x.wanted("")}, "", x.now)); err != nil {
		return true, x.storeFailed("have the session owe a factor", err)
	}
	return true, x.askFactor()
}

// lookBriefly reads whether the user of this session has a factor, and does not wait long for it.
func (x *exchange) lookBriefly() (factor.Status, error) {
	type result struct {
		status factor.Status
		err    error
	}
	ctx, factors, user, found := context.WithoutCancel(x.r.Context()), x.config.Factors, x.data.Identity, make(chan result, 1)
	go func() {
		status, err := factors.Status(ctx, user)
		found <- result{status, err}
	}()
	patience := time.NewTimer(recordPatience)
	defer patience.Stop()
	select {
	case r := <-found:
		return r.status, r.err
	case <-patience.C:
		return factor.Status{}, context.DeadlineExceeded
	}
}
