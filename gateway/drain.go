package gateway

import (
	"net/http"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/relay"
	"sallyport.example/sallyport/internal/match"
)

const (
	// drainLimit is how many bytes of a body are read and discarded at most, and drainTime for how long.
	drainLimit = 128 << 20
	drainTime  = 5 * time.Minute
	// drainLeast is how many bytes the server itself reads before it closes the connection.
	drainLeast = 256 << 10
)

// drain reads the body of a request that the app does not get, before the request is answered. Browsers send a form to
// its end before they look for an answer. If a server answers and closes the connection earlier, they show that the
// connection was reset instead of the login page. What is read is thrown away at once. A client that waits to be told
// to go on (Expect) is not told to.
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

// forwards reports whether the app gets the request, or one of our own pages, which reads the body itself.
func forwards(action gate.Action) bool {
	switch action {
	case gate.ServeOwn, gate.ForwardLogin, gate.ForwardStranger, gate.ForwardSuspect, gate.ForwardVerified:
		return true
	}
	return false
}

// drainRefused is drain for a refused request. A request that was refused because there is no room is not drained.
func drainRefused(x *relay.Exchange, status int) {
	if status != http.StatusTooManyRequests {
		drain(x)
	}
}
