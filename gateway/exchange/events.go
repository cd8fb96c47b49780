package exchange

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/pages"
)

const (
	// markPurpose is what the key of marks is for, and markSize is how many bytes of the hash are shown. Without the
	// key an event has no mark.
	markPurpose = "sallyport sessions in events"
	markSize    = 12
)

// Tell emits a security event and fills in what the request says of it. Every event goes through here, once, after the
// write that makes it true (P7).
func (x *Exchange) Tell(e event.Event) {
	e.App, e.At, e.Client = x.Config.App, x.Config.Now(), x.Client(x.R)
	e.Session = Mark(x)
	if x.Config.RequestID != nil {
		e.Request = x.Config.RequestID(x.R)
	}
	if e.Actor == "" {
		e.Actor = e.Name.Actor()
	}
	if e.Outcome == "" {
		e.Outcome = e.Name.Outcome()
	}
	emit(x.R.Context(), x.Site, e, personOf(x, e))
	if moved := x.moved; moved != "" {
		x.moved = ""
		e = event.Event{
			Name: event.AddressChanged, App: e.App, At: e.At, User: e.User, Client: e.Client, Session: e.Session, Request: e.Request,
			Actor: event.AddressChanged.Actor(), Outcome: event.AddressChanged.Outcome(),
		}
		person := personOf(x, e)
		person.Mail, person.Before = moved, true
		emit(x.R.Context(), x.Site, e, person)
	}
}

// Announce emits an event that no request brings about: its own time has come.
func (s *Site) Announce(ctx context.Context, e event.Event, person event.Person) {
	e.App, e.At, e.Actor, e.Outcome = s.Config.App, s.Config.Now(), e.Name.Actor(), e.Name.Outcome()
	emit(ctx, s, e, person)
}

// emit passes an event to the sink, which gets it even if the client has left.
func emit(ctx context.Context, s *Site, e event.Event, person event.Person) {
	s.Config.Events.Emit(event.WithPerson(context.WithoutCancel(ctx), person), e)
}

// personOf is how the user of an event can be reached, if that is the session's.
func personOf(x *Exchange, e event.Event) event.Person {
	if x.data == nil || e.User == "" || x.data.Identity != e.User {
		return event.Person{}
	}
	return event.Person{Mail: x.data.Mail, Language: pages.Language(x.Config.Pages, Languages(x.R)), Browser: x.Origin().Browser}
}

// Mark is what events call the request's session; empty without one. It is made from when and where the session
// began, which outlasts its tokens. The key keeps readers of a log from finding the session by that time.
func Mark(x *Exchange) string {
	if x.data == nil {
		return ""
	}
	keys, err := Keys(context.WithoutCancel(x.R.Context()), x.Site, markPurpose)
	if err != nil {
		return ""
	}
	mark := hmac.New(sha256.New, keys[0])
	began := binary.BigEndian.AppendUint64(nil, uint64(x.data.Created.UnixNano()))
	mark.Write(began)
	mark.Write([]byte(x.data.App + "\x00" + x.data.Host))
	return base64.RawURLEncoding.EncodeToString(mark.Sum(nil)[:markSize])
}
