package session

import (
	"slices"
	"time"

	"sallyport.example/sallyport/gate"
)

// Arrival is what a sign-in brings.
type Arrival struct {
	// User is whom the app names.
	User string
	// State is what the password alone is good for: pending, enrolling or verified.
	State gate.State
	// Proofs are what a trusted browser stands for, where it makes the session verified.
	Proofs []Proof
	// Custody is what the app gave for the sign-in.
	Custody
	// Granted are the names of the cookies that the browser gets.
	Granted []string
	// Next is the page that was asked for first; empty leaves it as it was.
	Next string
	// Delivery is the withheld answer. A verified session has none: it was not withheld.
	Delivery *Delivery
	// Device is the ID of the trusted browser that may prove itself; see Errand.
	Device string
	// Origin is where it came from.
	Origin *Origin
	// At is when.
	At time.Time
}

// SignIn gives the session an identity: the only step that does. Whatever an earlier sign-in left goes, but the page
// first asked for (P5).
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

// Owe has a verified session owe a factor after all: somebody enrolled meanwhile, or the browser is not trusted any
// more. What it was to lead to is kept for when the factor is proved.
func Owe(user string, delivery *Delivery, next string, at time.Time) Step {
	return Step{name: "owe a factor", from: inVerified, user: user, of: true, rotates: true, apply: func(data *Data) error {
		data.State, data.Proofs, data.Since = gate.Pending, nil, at
		data.Errand = Errand{Next: next, Delivery: delivery}
		return nil
	}}
}

// OweEnrolment has a session whose user has no factor any more, and must have one, set one up.
func OweEnrolment(user string, at time.Time) Step {
	return Step{name: "owe an enrolment", from: inPending, user: user, of: true, rotates: true, apply: func(data *Data) error {
		data.State, data.Since, data.Device = gate.Enrolling, at, ""
		return nil
	}}
}

// LoseEnrolment ends the set-up in a session in the state from, where another one was confirmed first. Whoever has not
// proved a factor yet has to prove that one now.
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
	// Proof is nil where no factor is owed.
	Proof *Proof
	// Notice is a message for the next page.
	Notice string
	// Waits: the withheld answer waits to be taken by a script.
	Waits bool
	// Next is where to go on to from a page that comes before; empty where none does. Trusts is the question that such
	// a page asks.
	Next, Trusts string
	// At is when.
	At time.Time
}

// Prove makes a session verified that waited for it. The factor was proved for the user that the session had when the
// code was sent; where another sign-in has taken its place meanwhile, nothing was proved for that one (P5).
func Prove(with Passing) Step {
	return Step{
		name: "prove", from: only([]gate.State{gate.Pending, gate.Enrolling}, with.From), user: with.User, of: true, rotates: true,
		apply: func(data *Data) error {
			data.State, data.Since, data.Seen, data.Proofs = gate.Verified, with.At, with.At, nil
			if with.Proof != nil {
				data.Proofs = []Proof{*with.Proof}
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

// Enrolment is what a change of the user's factors came to.
type Enrolment struct {
	// User is whose factors were changed, and From the state that the session had then: verified, or enrolling.
	User string
	From gate.State
	// Proof is what the change proved; nil where no factor is left.
	Proof *Proof
	// Codes are new recovery codes, to be shown once.
	Codes []string
	// Notice is a message for the next page.
	Notice string
	// At is when.
	At time.Time
}

// ChangeFactors is the step of the session in which the user's factors were changed. Where that was the set-up that she
// owed, it is verified now, and Next is where she wanted to go.
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
		data.Proposal, data.Codes, data.Notice, data.Trusts = nil, with.Codes, with.Notice, ""
		return nil
	}}
}

// Destination is where the browser goes after the factor: where the app had sent it, else the page first asked for.
func Destination(delivery *Delivery, next string) string {
	if delivery != nil && delivery.Location != "" {
		return delivery.Location
	}
	if next != "" {
		return next
	}
	return "/"
}

// only is the one state, where it is among the states; else none, so that the step is never lawful.
func only(among []gate.State, state gate.State) []gate.State {
	if slices.Contains(among, state) {
		return []gate.State{state}
	}
	return nil
}
