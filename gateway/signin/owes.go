package signin

import (
	"context"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
)

// recordPatience is how long a request waits to learn whether a factor is owed meanwhile.
const recordPatience = 500 * time.Millisecond

// OwesByNow checks whether the user of a session in which no factor was proved has one by now. It is called once a
// minute while the session is in use. Setting up a factor ends the user's other sessions. If the session store was
// unreachable at that moment, or the gateway was stopped, they did not end, and somebody who has only the password
// could use one for the rest of its lifetime.
//
// If the secrets store does not answer soon, the session goes on as it is, as in an outage (P6).
func (x *Exchange) OwesByNow() exchange.Answer {
	if len(x.Session().Proofs) > 0 {
		return nil
	}
	status, err := lookBriefly(x)
	if err != nil {
		x.Log.DebugContext(x.R.Context(), "nobody knows whether a factor is owed by now; the session goes on",
			"app", x.Config.App, "user", x.Session().Identity, "error", err)
		return nil
	}
	if NoFactor(status) {
		return nil
	}
	x.Log.WarnContext(x.R.Context(), "a session without a second factor outlived the set-up of one, since a store was away; it is asked for now",
		"app", x.Config.App, "user", x.Session().Identity)
	if _, err := x.Take(session.Owe(x.Session().Identity, &session.Delivery{Location: x.Wanted("")}, "", x.Now)); err != nil {
		return func() error { return x.StoreFailed("have the session owe a factor", err) }
	}
	return x.AskFactor
}

// lookBriefly reads whether the session's user has a factor. It waits for recordPatience at most.
func lookBriefly(x *Exchange) (factor.Status, error) {
	type result struct {
		status factor.Status
		err    error
	}
	ctx, factors, user, found := context.WithoutCancel(x.R.Context()), x.Config.Factors, x.Session().Identity, make(chan result, 1)
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
