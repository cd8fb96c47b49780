package session

import (
	"slices"
	"time"

	"sallyport.example/sallyport/gate"
)

// Arrival is what a sign-in brings.
type Arrival struct {
	// User is the account that the app named.
	User string
	// State is the state that the password alone leads to: pending, enrolling or verified.
	State gate.State
	// Proofs are those of a trusted browser, if it makes the session verified.
	Proofs []Proof
	// Custody is what the app gave for the sign-in.
	Custody
	// Granted are the names of the cookies that the browser gets.
	Granted []string
	// Next is the page that was requested first; empty keeps the existing one.
	Next string
	// Delivery is the withheld answer. A verified session has none: its answer was not withheld.
	Delivery *Delivery
	// Device is the ID of the trusted browser that may prove itself; see Errand.
	Device string
	// Origin is where the login came from.
	Origin *Origin
	// At is the time of the sign-in.
	At time.Time
}

// SignIn gives the session an identity: it is the only step that does. It removes everything of an earlier sign-in
// except the page requested first (P5).
func SignIn(with Arrival) Step {
	return Step{name: "sign in", from: anyState, rotates: true, apply: func(data *Data) error {
		next := with.Next
		if next == "" {
			next = data.Next
		}
		data.State, data.Identity, data.Proofs = with.State, with.User, with.Proofs
		data.Custody, data.Stranger = with.Custody, Stranger{}
		data.Checked = with.At
		data.Granted = granted(slices.DeleteFunc(slices.Clone(data.Granted), with.Held.Holds), with.Granted)
		data.Errand = Errand{Next: next, Device: with.Device}
		if with.State != gate.Verified {
			data.Delivery = with.Delivery
		}
		data.Since, data.Seen, data.Origin = with.At, with.At, with.Origin
		return nil
	}}
}

// Owe makes a verified session owe a factor: somebody enrolled meanwhile, or the browser is not trusted any more. The
// delivery and the next page are kept until the factor is proved.
func Owe(user string, delivery *Delivery, next string, at time.Time) Step {
	return Step{name: "owe a factor", from: inVerified, user: user, of: true, rotates: true, apply: func(data *Data) error {
		data.State, data.Proofs, data.Since = gate.Pending, nil, at
		data.Errand = Errand{Next: next, Delivery: delivery}
		return nil
	}}
}

// OweEnrolment makes a session whose user has no factor any more, and must have one, set one up.
func OweEnrolment(user string, at time.Time) Step {
	return Step{name: "owe an enrolment", from: inPending, user: user, of: true, rotates: true, apply: func(data *Data) error {
		data.State, data.Since, data.Device, data.Asked, data.Sent = gate.Enrolling, at, "", nil, nil
		return nil
	}}
}

// LoseEnrolment ends the set-up in a session in the state from, because another one was confirmed first. A user who has
// not proved a factor yet must prove that one now.
func LoseEnrolment(user string, from gate.State, at time.Time) Step {
	return Step{name: "lose an enrolment", from: only(inEnrolment, from), user: user, of: true, rotates: true, apply: func(data *Data) error {
		data.Proposal = nil
		if data.State == gate.Enrolling {
			data.State, data.Since = gate.Pending, at
		}
		return nil
	}}
}

// Passing is how a challenge was passed.
type Passing struct {
	// User is for whom the factor was proved, and From the state that the session had then.
	User string
	From gate.State
	// Proof is nil if no factor is owed.
	Proof *Proof
	// Helped: the proof was a code that an operator made, and serves one change of the factors.
	Helped bool
	// Notice is a message for the next page.
	Notice string
	// Waits: the withheld answer waits until a script takes it.
	Waits bool
	// Next is where to go on from a page that is shown first; empty if there is no such page. Trusts is the question
	// that the page asks.
	Next, Trusts string
	// At is the time of the proof.
	At time.Time
}

// Prove makes a waiting session verified. The factor was proved for the user that the session had when the code was
// sent. If another sign-in has replaced that user meanwhile, nothing was proved for the new one (P5).
func Prove(with Passing) Step {
	return Step{
		name: "prove", from: only([]gate.State{gate.Pending, gate.Enrolling}, with.From), user: with.User, of: true, rotates: true,
		apply: func(data *Data) error {
			data.State, data.Since, data.Seen, data.Proofs = gate.Verified, with.At, with.At, nil
			if with.Proof != nil {
				data.Proofs = []Proof{*with.Proof}
			}
			if with.Helped {
				data.Proofs = append(data.Proofs, Proof{Method: Operator, At: with.At})
			}
			errand := Errand{Codes: data.Codes, Notice: data.Notice, Next: with.Next, Trusts: with.Trusts}
			if with.Waits {
				errand.Delivery = data.Delivery
			}
			if with.Notice != "" {
				errand.Notice = with.Notice
			}
			data.Errand = errand
			return nil
		},
	}
}

// Enrolment is the result of a change of the user's factors.
type Enrolment struct {
	// User is whose factors were changed, and From the state that the session had then: verified, or enrolling.
	User string
	From gate.State
	// Proof is what the change proved; nil if no factor is left.
	Proof *Proof
	// Codes are new recovery codes, to be shown once.
	Codes []string
	// Notice is a message for the next page.
	Notice string
	// At is the time of the change.
	At time.Time
}

// ChangeFactors is the step of the session in which the user's factors were changed. If that was the required set-up,
// the session is verified now, and Next is where the user wanted to go.
func ChangeFactors(with Enrolment) Step {
	return Step{name: "change factors", from: only(inEnrolment, with.From), user: with.User, of: true, rotates: true, apply: func(data *Data) error {
		if data.State == gate.Enrolling {
			data.State, data.Since, data.Seen = gate.Verified, with.At, with.At
			data.Next, data.Delivery = Destination(data.Delivery, data.Next), nil
		}
		data.Proofs = nil
		if with.Proof != nil {
			data.Proofs = []Proof{*with.Proof}
		}
		data.Proposal, data.Codes, data.Notice, data.Trusts, data.Asked, data.Sent = nil, with.Codes, with.Notice, "", nil, nil
		return nil
	}}
}

// Destination returns where the browser goes after the factor: where the app had sent it, else the page requested
// first.
func Destination(delivery *Delivery, next string) string {
	if delivery != nil && delivery.Location != "" {
		return delivery.Location
	}
	if next != "" {
		return next
	}
	return "/"
}

// only returns the one state if it is among the states; else none, so that the step is never lawful.
func only(among []gate.State, state gate.State) []gate.State {
	if slices.Contains(among, state) {
		return []gate.State{state}
	}
	return nil
}
