package session

import (
	"slices"
	"time"

	"sallyport.example/sallyport/gate"
)

// None is the method of a verified session in which no factor was owed.
const None = "none"

// Proof is a factor that was proved in a session.
type Proof struct {
	// Method is the kind of factor: totp, recovery.
	Method string
	// At is when. A trusted browser's proof is as old as the sign-in.
	At time.Time
	// Trusted: a trusted browser stood for the factor, and nobody proved it just then.
	Trusted bool
}

// Method is how the factor was proved that made the session verified: totp, recovery, or none where none was owed.
// Empty until verified.
func (d *Data) Method() string {
	switch {
	case d.State != gate.Verified:
		return ""
	case len(d.Proofs) == 0:
		return None
	}
	return d.Proofs[0].Method
}

// Proved is when a factor was last proved in this session by whoever sits there; zero where it never was.
func (d *Data) Proved() time.Time {
	var last time.Time
	for _, proof := range d.Proofs {
		if !proof.Trusted && proof.At.After(last) {
			last = proof.At
		}
	}
	return last
}

// proved adds a proof to those that there are. One of each method is kept, the newest.
func proved(proofs []Proof, with Proof) []Proof {
	proofs = slices.Clone(proofs)
	at := slices.IndexFunc(proofs, func(proof Proof) bool { return proof.Method == with.Method })
	if at < 0 {
		return append(proofs, with)
	}
	proofs[at] = with
	return proofs
}
