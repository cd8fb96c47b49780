package exchange

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"sallyport.example/sallyport/event"
)

const (
	// markPurpose is what the key of marks is for, and markSize is how many bytes of the hash are shown.
	markPurpose = "sallyport sessions in events"
	markSize    = 12
	// markPatience is how long an event waits for that key at most. Without the key the event has no mark.
	markPatience = 500 * time.Millisecond
)

// Tell emits a security event and fills in what the request says of it. Every event goes through here, once, after the
// write that makes it true (P7).
func (x *Exchange) Tell(e event.Event) {
	e.App, e.At, e.Client = x.Config.App, x.Config.Now(), x.Client(x.R)
	e.Session = sessionMark(x)
	if x.Config.RequestID != nil {
		e.Request = x.Config.RequestID(x.R)
	}
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	// The sink gets the event even if the client has left.
	x.Config.Events.Emit(context.WithoutCancel(x.R.Context()), e)
}

// sessionMark returns the name that events use for the request's session. It is made from when and where the session
// began, which does not change with the tokens. The key prevents a reader of a log from finding the session by that
// time.
func sessionMark(x *Exchange) string {
	if x.data == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.R.Context()), markPatience)
	defer cancel()
	keys, err := x.Config.Sessions.Keys(ctx, markPurpose)
	if err != nil {
		return ""
	}
	mark := hmac.New(sha256.New, keys[0])
	began := binary.BigEndian.AppendUint64(nil, uint64(x.data.Created.UnixNano())) //nolint:gosec // its bits, whatever the sign
	mark.Write(began)
	mark.Write([]byte(x.data.App + "\x00" + x.data.Host))
	return base64.RawURLEncoding.EncodeToString(mark.Sum(nil)[:markSize])
}
