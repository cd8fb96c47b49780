package session

import (
	"encoding/binary"
	"time"

	"sallyport.example/sallyport/gate"
)

// The version before knew one method and one time of a session's proofs. What it could say is stored as it was, so that
// gateways of both can share a store while one takes the other's place; what it could not, all of it a second proof in
// one session, follows behind a flag.

// proofsBefore is what the version before knew of the proofs, and all of them where that is not enough.
func proofsBefore(data *Data) (method string, at time.Time, all []Proof) {
	if len(data.Proofs) == 0 {
		if data.State == gate.Verified {
			method = None
		}
		return method, at, nil
	}
	first := data.Proofs[0]
	method, at = first.Method, data.Proved()
	if got := proofsOf(method, at, data.Since); len(data.Proofs) != 1 || len(got) != 1 || got[0].Trusted != first.Trusted || !got[0].At.Equal(first.At) {
		all = data.Proofs
	}
	return method, at, all
}

// proofsOf is the way back.
func proofsOf(method string, at, since time.Time) []Proof {
	switch {
	case method == "" || method == None:
		return nil
	case at.IsZero():
		return []Proof{{Method: method, At: since, Trusted: true}}
	}
	return []Proof{{Method: method, At: at}}
}

func appendProofs(to []byte, proofs []Proof) []byte {
	to = binary.AppendUvarint(to, uint64(len(proofs)))
	for _, proof := range proofs {
		to = appendString(to, proof.Method)
		to = append(appendTime(to, proof.At), flags(proof.Trusted))
	}
	return to
}

func (r *reader) proofs() []Proof {
	count := r.uvarint()
	if count > uint64(len(r.rest)) { // each takes a byte at least; ask for no memory on a liar's word
		r.fail()
		return nil
	}
	proofs := make([]Proof, count)
	for i := range proofs {
		proofs[i].Method, proofs[i].At = r.string(), r.time()
		trusted := r.byte()
		proofs[i].Trusted = trusted == 1
		r.broken = r.broken || trusted > 1
	}
	return proofs
}
