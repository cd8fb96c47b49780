package factor

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
)

// MaxActivity is how many events a record keeps; the oldest go first.
const MaxActivity = 20

// maxOrigin is the longest text of an Origin, in bytes.
const maxOrigin = 80

// Origin says where a request comes from, for the user's list of events. It decides nothing, except that a trusted
// browser must not turn into another kind of browser.
type Origin struct {
	// Address is the client's, without a port.
	Address string
	// Browser is a short name of the kind of browser, such as "Firefox, Linux".
	Browser string
	// Contact is how the user can be reached. The record keeps it with every event except a wrong code, which anybody
	// may have typed.
	Contact Contact
	// Moved is set to the address that Contact replaced in the record; empty if it replaced none. Nil: the caller does
	// not need it.
	Moved *string
	// Watch says which sign-ins without a factor a proof settles; nil: none.
	Watch *Watch
}

// Contact is how a user can be reached, also where there is no session to ask: when an operator has done something.
type Contact struct {
	// Mail is the e-mail address that the app named last. A store may seal it in addition to the record's own
	// protection.
	Mail string `json:"mail,omitempty"`
	// Language is the tag of the language that the user reads.
	Language string `json:"language,omitempty"`
}

// maxLanguage is the longest tag of a language (RFC 5646, 4.4.1).
const maxLanguage = 35

func (c *Contact) valid() bool {
	return match.IsMailAddress(c.Mail) && len(c.Language) <= maxLanguage && utf8.ValidString(c.Language)
}

// reachable notes how the user can be reached.
func (r *Record) reachable(origin Origin) {
	if origin.Moved != nil {
		*origin.Moved = ""
	}
	if !origin.Contact.valid() {
		return
	}
	if r.Contact != nil && r.Contact.Mail != origin.Contact.Mail && origin.Moved != nil {
		*origin.Moved = r.Contact.Mail
	}
	r.Contact = &origin.Contact
}

type originKey struct{}

// WithOrigin returns a context with which the Service notes where a request comes from.
func WithOrigin(ctx context.Context, origin Origin) context.Context {
	origin.Address, origin.Browser = short(origin.Address), short(origin.Browser)
	return context.WithValue(ctx, originKey{}, origin)
}

func originOf(ctx context.Context) Origin {
	origin, _ := ctx.Value(originKey{}).(Origin)
	return origin
}

// short limits a text that a client may have chosen to a length, and to characters that a list can show.
func short(text string) string {
	kept := make([]byte, 0, min(len(text), maxOrigin))
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			continue
		}
		if len(kept)+utf8.RuneLen(r) > maxOrigin {
			break
		}
		kept = utf8.AppendRune(kept, r)
	}
	return string(kept)
}

// EventKind is what happened.
type EventKind string

// The events in a record's activity.
const (
	// EventTOTP is a sign-in with a one-time code.
	EventTOTP EventKind = "sign-in-totp"
	// EventRecovery is a sign-in with a recovery code.
	EventRecovery EventKind = "sign-in-recovery"
	// EventTrusted is a sign-in from a trusted browser, without a code.
	EventTrusted EventKind = "sign-in-trusted"
	// EventFailure is a wrong code, or several of them from the same address in a row.
	EventFailure EventKind = "failure"
	// EventEnabled is a set-up.
	EventEnabled EventKind = "enabled"
	// EventReset is an authenticator that replaced another one.
	EventReset EventKind = "reset"
	// EventCodes are new recovery codes.
	EventCodes EventKind = "codes"
	// EventForgotten is a user who ended the trust in a browser, or in all of them.
	EventForgotten EventKind = "forgotten"
	// EventMisused is a trusted browser that is trusted no longer because its secret was shown twice: somebody may have
	// a copy.
	EventMisused EventKind = "misused"
	// EventOperatorReset is an operator who took all factors away.
	EventOperatorReset EventKind = "operator-reset"
	// EventOperatorCode is a code that an operator made.
	EventOperatorCode EventKind = "operator-code"
	// EventOperatorUnlock is an operator who reset the count of wrong codes.
	EventOperatorUnlock EventKind = "operator-unlock"
	// EventOperatorSignOut is an operator who ended all sessions of the user.
	EventOperatorSignOut EventKind = "operator-sign-out"
	// EventOperatorCodeUsed is a sign-in with a code that an operator made.
	EventOperatorCodeUsed EventKind = "sign-in-operator"
)

var eventKinds = []EventKind{
	EventTOTP, EventRecovery, EventTrusted, EventFailure, EventEnabled, EventReset, EventCodes, EventForgotten, EventMisused,
	EventOperatorReset, EventOperatorCode, EventOperatorUnlock, EventOperatorSignOut, EventOperatorCodeUsed,
}

// EventKinds are all kinds of events.
func EventKinds() []EventKind { return slices.Clone(eventKinds) }

// signInWith is the event of a sign-in with this kind of factor.
func signInWith(kind Method) EventKind { return EventKind("sign-in-" + kind) }

// known reports whether the kind of event exists: those above, and a sign-in with any kind of factor.
func (k EventKind) known() bool {
	kind, signIn := strings.CutPrefix(string(k), "sign-in-")
	return slices.Contains(eventKinds, k) || signIn && Method(kind).wellFormed()
}

// Event is one line of a record's activity.
type Event struct {
	// Kind is what happened.
	Kind EventKind `json:"kind"`
	// At is when, or the last time of several.
	At time.Time `json:"at"`
	// Address and Browser are where it came from; empty when unknown.
	Address string `json:"address,omitempty"`
	Browser string `json:"browser,omitempty"`
	// Count is how many failures this one line stands for; 0 means one. For an event that made recovery codes, 1 means
	// that the user has confirmed having saved them. The field has this second meaning because every version stores it.
	Count int `json:"count,omitempty"`
}

func (e Event) validate() error {
	switch {
	case !e.Kind.known():
		return corrupt("unknown kind of event")
	case !storable(e.At):
		return corrupt("impossible time")
	case len(e.Address) > maxOrigin || len(e.Browser) > maxOrigin || !utf8.ValidString(e.Address) || !utf8.ValidString(e.Browser):
		return corrupt("bad text in an event")
	case e.Count < 0:
		return corrupt("negative count of an event")
	}
	return nil
}

// happened notes an event. Failures in a row from one address share one line; otherwise guessing would push everything
// else out.
func (r *Record) happened(ctx context.Context, kind EventKind, now time.Time) {
	origin := originOf(ctx)
	if kind != EventFailure {
		r.reachable(origin)
		r.settle(origin.Watch, now)
	}
	event := Event{Kind: kind, At: now, Address: origin.Address, Browser: origin.Browser}
	events := slices.Clone(r.Activity)
	if last := len(events) - 1; kind == EventFailure && last >= 0 && events[last].Kind == kind && events[last].Address == event.Address {
		event.Count = max(events[last].Count, 1) + 1
		events[last] = event
	} else {
		events = append(events, event)
	}
	r.Activity = events
	for len(r.Activity) > MaxActivity {
		oldest := 0
		if r.unsaved() == oldest {
			oldest++ // it stays until the user has saved the codes
		}
		r.Activity = slices.Delete(r.Activity, oldest, oldest+1)
	}
}

// unsaved returns the index of the event that made the user's recovery codes, if the user has not confirmed having
// saved them; else, and if the event is no longer in the record, -1.
func (r *Record) unsaved() int {
	for at, event := range slices.Backward(r.Activity) {
		if event.Kind == EventEnabled || event.Kind == EventCodes {
			if event.Count == 0 {
				return at
			}
			return -1
		}
	}
	return -1
}

// SavedRecoveryCodes notes that the user has saved the recovery codes that were made last. It writes nothing if that is
// known already. ErrNotEnrolled if there is no record.
func (s *Service) SavedRecoveryCodes(ctx context.Context, user string) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		at := record.unsaved()
		if at < 0 {
			return verdict{keep: true}, nil
		}
		record.Activity = slices.Clone(record.Activity)
		record.Activity[at].Count = 1
		return verdict{next: record}, nil
	})
}
