package factor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/internal/sendlimit"
)

// Messenger is a kind whose codes are sent to the user. It writes the message, and sends nothing. Whoever can read the
// user's messages has the codes, so such a factor is no proof for a change where the user has a stronger one
// (Method.Sent).
type Messenger interface {
	Kind
	// Lifetime is how long a code is good for.
	Lifetime() time.Duration
	// Write makes a code for a user with this factor. The ceremony has State and Secret only. ErrAddress if there is no
	// address that it could be sent to.
	Write(env Env, f Factor) (Ceremony, Message, error)
	// Prove makes the code of a set-up, which an earlier one's place it takes.
	Prove(env Env, ceremony Ceremony) (Ceremony, Message, error)
	// To returns where a code would be sent now, masked; empty if there is no address.
	To(env Env, f Factor) string
	// Typed reports whether users say themselves where codes are sent.
	Typed() bool
}

// Message is what is sent to the user.
type Message struct {
	// To is the address, and Masked as much of it as may be shown.
	To, Masked string
	// Code is the code.
	Code string
	// Kind is the kind of factor, and Lifetime is how long the code is good for.
	Kind     Method
	Lifetime time.Duration
}

const redactedMessage = "factor.Message{redacted}"

// String shows no secret.
func (Message) String() string { return redactedMessage }

// GoString shows no secret.
func (Message) GoString() string { return redactedMessage }

// Format shows no secret, whatever the verb.
func (Message) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redactedMessage)) }

// Sent reports whether codes of this kind are sent. Such a factor is weaker than the others: NIST SP 800-63B-4, 3.1.3,
// does not count e-mail at all, and restricts telephone numbers.
func (m Method) Sent() bool { return m == MethodMail || m == MethodSMS }

// The strengths of factors, the weakest first. Recovery codes have none: they replace what was lost.
const (
	strengthNone = iota
	strengthSent
	strengthCode
	// strengthBound is that of a factor whose answers a page in between cannot pass on.
	strengthBound
)

// strength is how strong a kind of factor is.
func (m Method) strength() int {
	switch {
	case !m.standsAlone():
		return strengthNone
	case m.Sent():
		return strengthSent
	case m == MethodPasskey:
		return strengthBound
	}
	return strengthCode
}

// strongest is the strength of the strongest of these kinds.
func strongest(has []Method) (most int) {
	for _, kind := range has {
		most = max(most, kind.strength())
	}
	return most
}

// Proves reports whether a factor of the kind is a proof for a change of the factors of somebody who has these: a sent
// code is one only if there is nothing stronger. Recovery codes replace what was lost, and do not count as stronger.
func Proves(name Method, has []Method) bool { return !name.Sent() || strongest(has) <= strengthSent }

// Fallback says which ways of somebody who has several factors serve a sign-in.
type Fallback string

// The fallbacks.
const (
	// FallbackAny: all of them.
	FallbackAny Fallback = "any"
	// FallbackSame: those that are as strong as the strongest.
	FallbackSame Fallback = "same"
	// FallbackNone: those of the one kind that is the strongest; of two kinds as strong, the one that was set up first.
	FallbackNone Fallback = "none"
)

func (f Fallback) valid() bool {
	return f == "" || f == FallbackAny || f == FallbackSame || f == FallbackNone
}

// of is the fallback that holds for somebody with these factors. Whoever has two passkeys can lose one, and needs no
// weaker way.
func (f Fallback) of(has []Method) Fallback {
	passkeys := 0
	for _, kind := range has {
		if kind == MethodPasskey {
			passkeys++
		}
	}
	switch {
	case f != "":
		return f
	case passkeys >= 2:
		return FallbackSame
	}
	return FallbackAny
}

// Serves decides whether an answer of the kind serves a sign-in of somebody who has these factors: one entry each, in
// the order in which they were set up. Recovery codes always do; where they lead says Restores.
func (f Fallback) Serves(name Method, has []Method) bool {
	switch {
	case name == MethodRecovery:
		return true
	case f.of(has) == FallbackAny:
		return true
	case f.of(has) == FallbackSame:
		return name.strength() >= strongest(has)
	}
	at := slices.IndexFunc(has, func(kind Method) bool { return kind.strength() == strongest(has) })
	return at < 0 || has[at] == name
}

// Restores decides whether a recovery code of somebody who has these factors leads to setting up again, as a code of an
// operator does, and not to the app: where no weaker way serves, and a passkey was lost.
func (f Fallback) Restores(has []Method) bool {
	return f.of(has) != FallbackAny && strongest(has) == strengthBound
}

// FallbackOf is the fallback that the service was configured with.
func FallbackOf(s *Service) Fallback { return s.config.Fallback }

// kinds are those of the record's factors.
func (r Record) kinds() (names []Method) {
	for _, f := range r.Factors {
		names = append(names, f.Kind)
	}
	return names
}

// Kinds are those of the user's factors.
func (s *Status) Kinds() (names []Method) {
	for i := range s.Factors {
		names = append(names, s.Factors[i].Kind)
	}
	return names
}

// Sending is what became of a code that was asked for.
type Sending struct {
	// Ceremony is kept in the session: for a sign-in or a change in which the code is to be typed, or in place of the
	// set-up for which it is.
	Ceremony Ceremony
	// To is where it was sent, masked.
	To string
	// Expires is for how long the code is good, and Retry how long the user has to wait for the next one.
	Expires, Retry time.Duration
}

// ErrUnsure says that a message may have been sent, and may not.
var ErrUnsure = errors.New("factor: it is not known whether the message was sent")

// Deliver sends a message while the user waits for it. Its error is ErrUnsure if it may have been sent all the same.
type Deliver func(ctx context.Context, message Message) error

// SendCode sends a code of the kind to a user who is to be asked for it. It is counted, in the record, before it is
// sent, so that the limits hold over all sessions and nodes; one that certainly was not sent is given back. The error
// is ErrNotEnrolled if the user has no factor of the kind, ErrAddress, a *ThrottledError if no code would be judged,
// a *LimitedError, or Deliver's.
func SendCode(ctx context.Context, s *Service, user string, name Method, deliver Deliver) (Sending, error) {
	kind, err := messenger(s, name)
	if err != nil {
		return Sending{}, err
	}
	return sending(ctx, s, user, kind, deliver, func(record *Record, exists bool) (Ceremony, Message, error) {
		at := record.first(name)
		if !exists || at < 0 {
			return Ceremony{}, Message{}, ErrNotEnrolled
		}
		env := envOf(ctx, s, user, name)
		ceremony, message, err := kind.Write(env, record.Factors[at])
		ceremony.Kind, ceremony.App, ceremony.User, ceremony.Created = name, env.App, env.User, env.Now.UTC()
		return ceremony, message, err
	})
}

// SendProof sends the code by which a user proves an address that is being set up. Errors are like those of SendCode,
// and ErrProposalStale if the set-up is another user's.
func SendProof(ctx context.Context, s *Service, user string, ceremony Ceremony, deliver Deliver) (Sending, error) {
	kind, err := messenger(s, ceremony.Kind)
	if err != nil {
		return Sending{}, err
	}
	env := envOf(ctx, s, user, ceremony.Kind)
	if !ceremony.of(env) {
		return Sending{}, ErrProposalStale
	}
	return sending(ctx, s, user, kind, deliver, func(record *Record, exists bool) (Ceremony, Message, error) {
		if !exists && record.Waiting == nil {
			record.User, record.Waiting = user, new(Waiting)
		}
		next, message, err := kind.Prove(env, ceremony)
		ceremony.State, ceremony.Secret = next.State, next.Secret
		return ceremony, message, err
	})
}

// sending counts a message, sends it, and gives it back if it was not sent. write may be called several times; the last
// one counts.
func sending(
	ctx context.Context, s *Service, user string, kind Messenger, deliver Deliver, write func(*Record, bool) (Ceremony, Message, error),
) (Sending, error) {
	var sent Sending
	var message Message
	var at time.Time
	err := s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		now := s.config.Now().UTC()
		if throttled := s.throttled(record, now); throttled != nil {
			return verdict{}, throttled
		}
		if next := record.Sending.Next(s.config.Sending, now); next.After(now) {
			return verdict{}, &LimitedError{Until: next}
		}
		var err error
		if sent.Ceremony, message, err = write(&record, exists); err != nil {
			return verdict{}, err
		}
		record.Sending = record.Sending.Add(now)
		at, sent.Retry = now, record.Sending.Next(s.config.Sending, now).Sub(now)
		return verdict{next: record}, nil
	})
	if err != nil {
		return Sending{}, err
	}
	message.Kind, message.Lifetime = kind.Name(), kind.Lifetime()
	sent.To, sent.Expires = message.Masked, message.Lifetime
	// A client that hangs up must not have a message given back that goes out.
	if err := deliver(context.WithoutCancel(ctx), message); err != nil {
		giveBack(ctx, s, user, at, errors.Is(err, ErrUnsure))
		return Sending{}, err
	}
	return sent, nil
}

// giveBack takes a message out of the count that was not sent. If the store cannot be asked, it stays counted.
func giveBack(ctx context.Context, s *Service, user string, at time.Time, unsure bool) {
	_ = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists && record.Waiting == nil {
			return verdict{keep: true}, nil
		}
		record.Sending = record.Sending.GiveBack(at, unsure)
		return verdict{next: record}, nil
	})
}

func messenger(s *Service, name Method) (Messenger, error) {
	kind, _ := s.config.kind(name)
	able, ok := kind.(Messenger)
	if !ok {
		return nil, fmt.Errorf("%w: there is no such kind of factor, or it sends nothing", ErrInvalid)
	}
	return able, nil
}

// TypesAddress reports whether users who set up a factor of the kind say where its codes are sent.
func TypesAddress(s *Service, name Method) bool {
	kind, err := messenger(s, name)
	return err == nil && kind.Typed()
}

// Lifetime is how long a code of the kind is good, or another question can be answered.
func Lifetime(s *Service, name Method) time.Duration {
	kind, _ := s.config.kind(name)
	return lifetime(kind)
}

// WithTyped returns a context in which the user has typed the address of a factor that is being set up.
func WithTyped(ctx context.Context, address string) context.Context {
	origin := originOf(ctx)
	origin.Typed = address
	return context.WithValue(ctx, originKey{}, origin)
}

// to is where a code of the kind would be sent now, masked; empty if it sends none.
func to(kind Kind, env Env, f Factor) string {
	if able, ok := kind.(Messenger); ok {
		return able.To(env, f)
	}
	return ""
}

// lifetime is how long a question of the kind can be answered.
func lifetime(kind Kind) time.Duration {
	if able, ok := kind.(Messenger); ok {
		return able.Lifetime()
	}
	return QuestionLifetime
}

// finish has a kind make the factor of a set-up. Whoever sets one up has not been shown a sent code, and may be
// guessing it for somebody else's address: wrong ones are counted like any others, and none is judged while none is.
func finish(ctx context.Context, s *Service, kind Enroller, env Env, ceremony Ceremony, answer Answer) (f Factor, right bool, err error) {
	if _, sent := kind.(Messenger); !sent {
		return kind.Finish(env, ceremony, answer)
	}
	err = s.change(ctx, env.User, func(record Record, exists bool) (verdict, error) {
		if !exists {
			record = counting(record, env.User)
		}
		return judged(ctx, s, record, attempt{keeps: true}, func(*Record, time.Time) (bool, error) {
			f, right, err = kind.Finish(env, ceremony, answer)
			return right, err
		})
	})
	return f, right && err == nil, err
}

// counting is the record of somebody without a factor, in a form that can count wrong codes.
func counting(record Record, user string) Record {
	if record.User = user; record.Waiting == nil {
		record.Waiting = new(Waiting)
	}
	if record.Sending == nil && record.Code == nil && !record.reset() {
		record.Sending = new(sendlimit.Log)
	}
	return record
}

// emptied is what is left of a record when its factors are gone: nothing, but for what was sent lately. Else whoever
// sets up and disables in turns has any number of messages sent.
func emptied(s *Service, record Record) verdict {
	if record.Sending.Recent(s.config.Now()) {
		return verdict{next: Record{User: record.User, Waiting: new(Waiting), Sending: record.Sending}}
	}
	return verdict{remove: true}
}
