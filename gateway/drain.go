package gateway

import (
	"net/http"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/relay"
	"sallyport.example/sallyport/internal/match"
)

const (
	// drainLimit is how much is read of a body that nobody wants, in bytes, and drainTime for how long.
	drainLimit = 128 << 20
	drainTime  = 5 * time.Minute
	// drainLeast is what the server itself reads before it closes the connection.
	drainLeast = 256 << 10
)

// drain reads the body of a request that the app does not get, before it is answered. Browsers send a form to its end
// before they look for an answer: a server that answers and closes the connection shows them that the connection was
// reset, and not the login page. What is read is thrown away at once; who waits to be told to go on (Expect) is told
// no.
func drain(x *relay.Exchange) {
	r := x.R
	if !match.HasBody(r) || r.Body == nil || r.ContentLength >= 0 && (r.ContentLength <= drainLeast || r.ContentLength > drainLimit) ||
		r.Header["Expect"] != nil || r.ProtoMajor != 1 {
		return
	}
	leave, ok := x.Requests.BeginDrain(match.Network(x.Client(r)))
	if !ok {
		return
	}
	defer leave()
	piece, until := make([]byte, 32<<10), time.Now().Add(drainTime)
	for read := 0; read < drainLimit && time.Now().Before(until); {
		n, err := r.Body.Read(piece)
		if err != nil {
			return
		}
		read += n
	}
}

// forwards reports whether the app gets the request, or one of our own pages does, which reads it by itself.
func forwards(action gate.Action) bool {
	switch action {
	case gate.ServeOwn, gate.ForwardLogin, gate.ForwardStranger, gate.ForwardSuspect, gate.ForwardVerified:
		return true
	}
	return false
}

// drainRefused is drain for a request that was refused, unless it was for want of room.
func drainRefused(x *relay.Exchange, status int) {
	if status != http.StatusTooManyRequests {
		drain(x)
	}
}
