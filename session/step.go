package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/gate"
)

// ErrUnlawful is returned by Take if the session is no longer in a state that the step begins at, or no longer the
// user's. It wraps ErrGone, because to the caller that session is gone. Nothing was written.
var ErrUnlawful = fmt.Errorf("%w: it has changed meanwhile", ErrGone)

// errNothing is returned by a step that has nothing to change.
var errNothing = errors.New("the step changes nothing")

// Step is one lawful change of a session. Only this package makes steps. Each names the states and the user that it is
// lawful for, what it empties, and whether the token rotates. A step is pure: it uses no clock and no store, so that it
// can be taken again on what another process has stored meanwhile.
type Step struct {
	name string
	// from are the states that it is lawful in.
	from []gate.State
	// user is whose session it has to be, where of is true.
	user string
	of   bool
	// rotates: the token is a new one afterwards (P8).
	rotates bool
	// apply changes the session. An error leaves it as it was.
	apply func(*Data) error
}

// Raw is a step that makes any change; the token rotates if rotates is true. It is for the suites that test stores and
// managers. house_steps_test.go keeps it out of everything else.
func Raw(rotates bool, change func(*Data) error) Step {
	return Step{name: "raw", from: anyState, rotates: rotates, apply: change}
}

// String is the step's name, for errors and tests.
func (s Step) String() string { return s.name }

var (
	anyState    = []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling, gate.Verified}
	inVerified  = []gate.State{gate.Verified}
	inPending   = []gate.State{gate.Pending}
	inQuestion  = []gate.State{gate.Pending, gate.Verified}
	inEnrolment = []gate.State{gate.Verified, gate.Enrolling}
)

// lawful returns ErrUnlawful if the step does not begin at the session's state, or is another user's.
func (s Step) lawful(data *Data) error {
	if !slices.Contains(s.from, data.State) || s.of && data.Identity != s.user {
		return fmt.Errorf("%w: %s from %s", ErrUnlawful, s.name, data.State)
	}
	return nil
}

// take applies the step.
func (s Step) take(data *Data) error {
	if err := s.lawful(data); err != nil {
		return err
	}
	return s.apply(data)
}

// Taken is the result of a step.
type Taken struct {
	// Token is the session's token now.
	Token string
	// Done reports whether the step changed anything. If not, nothing was written, and After equals Before.
	Done bool
	// Before is the session as the step found it, and After as it was stored. Both must only be read.
	Before, After *Data
}

// Take is the only way to change a session: it reads the session anew, takes the step, and stores the result. Within
// this process, steps of one session are taken one after the other; if another process was quicker, which only a
// Swapper can tell, the step is taken again. A client that hangs up stops nothing. Of several steps that rotate the
// same token one succeeds.
//
// Take returns ErrGone if the token is not alive, and ErrUnlawful if the step is not lawful. Any other error wraps
// ErrStore, is ErrTooLarge, or comes from the step. Nothing is written if there is an error. Safe for concurrent use.
func (m *Manager) Take(ctx context.Context, token string, step Step) (Taken, error) {
	taken := Taken{Token: token, Done: true}
	change := func(data *Data) error {
		before := *data
		taken.Before = &before
		return step.take(data)
	}
	var err error
	if step.rotates {
		taken.Token, taken.After, err = m.renew(ctx, token, change)
	} else {
		taken.After, err = m.update(ctx, token, change)
	}
	switch {
	case errors.Is(err, errNothing):
		return Taken{Token: token, Before: taken.Before, After: taken.Before}, nil
	case err != nil:
		return Taken{}, err
	}
	return taken, nil
}

// Begin makes a stranger's session at a host, at a time, and takes its first step. Errors are like those of Take,
// except for ErrGone.
func (m *Manager) Begin(ctx context.Context, host string, at time.Time, step Step) (Taken, error) {
	data := Data{Host: host, State: gate.Anonymous, Created: at, Since: at, Seen: at}
	before := data
	if err := step.take(&data); err != nil && !errors.Is(err, errNothing) {
		return Taken{}, err
	}
	token, err := m.create(ctx, &data)
	if err != nil {
		return Taken{}, err
	}
	return Taken{Token: token, Done: true, Before: &before, After: &data}, nil
}

// LeaveNotice leaves a message for the next page.
func LeaveNotice(notice string) Step {
	return Step{name: "leave a notice", from: inVerified, apply: func(data *Data) error {
		data.Notice = notice
		return nil
	}}
}

// TakeNotice removes the message; it is in Taken.Before.
func TakeNotice() Step {
	return Step{name: "take the notice", from: anyState, apply: func(data *Data) error {
		if data.Notice == "" {
			return errNothing
		}
		data.Notice = ""
		return nil
	}}
}

// TakeCodes takes new recovery codes out, which are shown once. They are in Taken.Before, with the message. The page to
// go on to stays until that is done (GoOn). If there is none, the settings page comes next, and says the message too.
func TakeCodes() Step {
	return Step{name: "take the recovery codes", from: inVerified, apply: func(data *Data) error {
		if len(data.Codes) == 0 {
			return errNothing
		}
		data.Codes = nil
		if data.Next != "" {
			data.Notice = ""
		}
		return nil
	}}
}

// TakeDelivery removes the withheld answer, once; it is in Taken.Before.
func TakeDelivery() Step {
	return Step{name: "take the withheld answer", from: inVerified, apply: func(data *Data) error {
		if data.Delivery == nil {
			return errNothing
		}
		data.Delivery = nil
		return nil
	}}
}

// Offer keeps the destination of the app's answer while the user is offered a factor.
func Offer(delivery *Delivery) Step {
	return Step{name: "offer", from: inVerified, apply: func(data *Data) error {
		data.Next = Destination(delivery, data.Next)
		return nil
	}}
}

// GoOn ends a page that is shown before the wanted one; where to go is in Taken.Before. Taken.Done reports whether the
// page's question was still open: it can be answered once.
func GoOn(user string) Step {
	return Step{name: "go on", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		if data.Trusts == "" && data.Next == "" {
			return errNothing
		}
		data.Trusts, data.Next = "", ""
		return nil
	}}
}

// Propose keeps a factor that waits for its confirmation. Nothing changes for the user before that.
func Propose(user string, proposal []byte) Step {
	return Step{name: "propose", from: inEnrolment, user: user, of: true, apply: func(data *Data) error {
		data.Proposal = proposal
		if data.State == gate.Verified {
			data.Next = "" // who came by choice stays on the settings page
		}
		return nil
	}}
}

// Freshen notes that the user has just proved a factor once more.
func Freshen(user string, with Proof) Step {
	return Step{name: "freshen", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		data.Proofs = proved(data.Proofs, with)
		return nil
	}}
}

// ProveAhead notes that the user has just proved a factor for a change of factors that comes next.
func ProveAhead(user string, with Proof) Step {
	return Step{name: "prove ahead of a change", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		data.Proofs = proved(proved(data.Proofs, with), Proof{Method: Ahead, At: with.At})
		return nil
	}}
}

// UseAhead uses such a proof up. Taken.Done reports whether there was one.
func UseAhead(user string) Step {
	return Step{name: "use the proof for a change", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		if data.Ahead().IsZero() {
			return errNothing
		}
		data.Proofs = slices.DeleteFunc(slices.Clone(data.Proofs), func(proof Proof) bool { return proof.Method == Ahead })
		return nil
	}}
}

// Ask keeps a question that the user was asked, in place of an earlier one.
func Ask(user string, question []byte) Step {
	return Step{name: "ask", from: inQuestion, user: user, of: true, apply: func(data *Data) error {
		data.Asked = question
		return nil
	}}
}

// KeepSent keeps a code that was sent to the user, in place of an earlier one. It waits for the right answer: a wrong
// one is counted in the user's record, and leaves it.
func KeepSent(user string, code []byte) Step {
	return Step{name: "keep a code that was sent", from: inQuestion, user: user, of: true, apply: func(data *Data) error {
		data.Sent = code
		return nil
	}}
}

// DropSent drops such a code when it has been used.
func DropSent(user string) Step {
	return Step{name: "drop a code that was sent", from: inQuestion, user: user, of: true, apply: func(data *Data) error {
		data.Sent = nil
		return nil
	}}
}

// TakeAsked takes the question out, so that it is answered once; it is in Taken.Before.
func TakeAsked(user string) Step {
	return Step{name: "take the question", from: inQuestion, user: user, of: true, apply: func(data *Data) error {
		if len(data.Asked) == 0 {
			return errNothing
		}
		data.Asked = nil
		return nil
	}}
}

// TakeProposal takes a factor out that waits for its confirmation, and keeps what is left of its set-up in its place.
// Taken.Done reports whether it was still that one.
func TakeProposal(user string, proposal, left []byte) Step {
	return Step{name: "take the proposal", from: inEnrolment, user: user, of: true, apply: func(data *Data) error {
		if !bytes.Equal(data.Proposal, proposal) {
			return errNothing
		}
		data.Proposal = left
		return nil
	}}
}

// DropDevice ends a trusted browser's only attempt to prove itself.
func DropDevice(user string) Step {
	return Step{name: "drop the device", from: inPending, user: user, of: true, apply: func(data *Data) error {
		data.Device = ""
		return nil
	}}
}
