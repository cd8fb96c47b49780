package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/session"
)

// mayRaise reports whether a request of a verified session may raise it without a sign. A query may do so too, by
// fields whose names nobody described, and so may a path that was not seen to be harmless.
func (x *passage) mayRaise() bool { return x.Data.InPlace && (!x.Plain() || !x.knowsAddress()) }

// besideRaise reports whether the answer that has come may be to whom another request of the session is signing in at
// this moment. Then it waits for the app's word, as the other one's does. One that comes later than that finds its
// session gone: it is cut, or disowned where the other one was at another gateway.
//
// A mere page load may have signed somebody in itself. So it is asked about as well, unless it brings what belongs to a
// page (pictures, fonts, styles and scripts) from an address that was seen to be harmless, and carries no header that
// could be the credential.
func (x *passage) besideRaise(header http.Header) bool {
	if x.Suspect || x.State() != gate.Verified || !x.Data.InPlace {
		return x.Suspect
	}
	if !belongsToPage(header) || x.HasMoreHeaders() || x.Raising.Any(x.Token) || x.Config.Sessions.Remote() && x.raisedElsewhere() {
		x.Suspect = true
	}
	return x.Suspect
}

// belongsToPage reports whether an answer's type is one that pages load besides themselves.
func belongsToPage(header http.Header) bool {
	media := upstream.MediaType(header)
	kind, _, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "font", "audio", "video":
		return true
	}
	switch media {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm":
		return true
	}
	return false
}

// settled says that the answer to a request of a session that may be raised has been decided. What a tunnel carries
// from there on is looked at by nobody.
func (x *passage) settled(status int) {
	if x.filter.early && status != http.StatusSwitchingProtocols && !upstream.IsEventStream(x.W.Header()) {
		g, v := x.Gateway, x.visit
		v.Answering(func() {
			g.unmark(context.Background(), v)
			v.Lapse()
		})
		return
	}
	x.unmark(x.R.Context(), x.visit)
	x.visit.Answered()
	if status == http.StatusSwitchingProtocols {
		x.visit.Leave()
	}
}

// settledEarly is called behind a request. Where that was settled before its answer was whole, what the app did after
// that is asked about before the session's next use.
func (x *passage) settledEarly() {
	if !x.filter.early || x.State() != gate.Verified {
		return
	}
	if x.visit.Raises && x.R.Context().Err() != nil {
		x.Raising.Linger(x.Token) // the app may be at it still
	}
	x.askBeforeNextUse()
}

// askBeforeNextUse is unsettle where nobody waits for an answer any more.
func (x *passage) askBeforeNextUse() {
	if err := x.unsettle(nil); err != nil && !errors.Is(err, session.ErrGone) {
		x.StoreFails(err)
		x.Log.ErrorContext(x.R.Context(), "store failed; the identity check could not be asked for",
			"setting", "sessions", "app", x.Config.App, "error", err)
	}
}
