package tap

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Live is a header that the tap itself obeys, and takes away: `X-Csrf-Tap: live:200` makes an answer go on for so many
// milliseconds, as that of an app which pushes to a page whatever the session's user may see at that moment: what the
// app shows at Front, to the request's cookies with those that the answer sets. It is a header, since gateways take the
// query off a stranger's request.
const Live = "X-Csrf-Tap"

// liveEvery is the time between two pieces of such an answer.
const liveEvery = 25 * time.Millisecond

// living reports for how long an answer is to go on, and takes the order off the request.
func living(r *http.Request) time.Duration {
	text, wanted := strings.CutPrefix(r.Header.Get(Live), "live:")
	delete(r.Header, Live)
	number, err := strconv.Atoi(text)
	if !wanted || err != nil || number < 0 || number > 5000 {
		return 0
	}
	return time.Duration(number) * time.Millisecond
}

// alive is an answer that goes on: it has no length that its head could tell.
type alive struct {
	http.ResponseWriter
	goesOn bool
}

// WriteHeader implements [http.ResponseWriter].
func (a *alive) WriteHeader(status int) {
	h := a.Header()
	if a.goesOn = status == http.StatusOK && h["Content-Encoding"] == nil; a.goesOn {
		delete(h, "Content-Length")
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap serves [http.ResponseController].
func (a *alive) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// goOn sends what the app shows to the credentials, until the time is over or the client has left.
func (t *Tap) goOn(a *alive, r *http.Request, credentials http.Header, patience time.Duration) {
	if !a.goesOn || r.Method != http.MethodGet {
		return
	}
	over, next := time.After(patience), time.NewTicker(liveEvery)
	defer next.Stop()
	for {
		_, _ = io.WriteString(a, t.front(r.Context(), r.Host, credentials))
		if http.NewResponseController(a).Flush() != nil {
			return
		}
		select {
		case <-next.C:
		case <-over:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// front returns what the app shows at Front.
func (t *Tap) front(ctx context.Context, host string, credentials http.Header) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.upstream.String()+t.Front, nil)
	if err != nil {
		panic("tap: Front is no address: " + err.Error())
	}
	request.Host = host
	request.Header = http.Header{"Accept": {"text/html"}}
	for _, name := range []string{"Cookie", "User-Agent", "Authorization"} {
		if values := credentials[name]; values != nil {
			request.Header[name] = values
		}
	}
	answer, err := t.client.RoundTrip(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return string(body)
}
