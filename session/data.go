package session

import (
	"encoding/binary"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

// MaxDelivery is the largest Delivery.Body, in bytes.
const MaxDelivery = 16 << 10

// Data is all that the gateway knows of one browser. It is changed by Steps only: what Load returned is shared, and
// read. What lives and dies together stands in a group, which a step can empty without forgetting a field. Times come
// back from the store in UTC, to the nanosecond.
//
// Printing it shows no secret (P9): the formats of fmt, slog and encoding/json all get String.
type Data struct {
	// App the session belongs to. The Manager sets it; no other app's Manager accepts the session.
	App string
	// Host is the one that the session began at, and is good for: as browsers name it, without a port, in lower case.
	Host string
	// State is how far the session has come.
	State gate.State
	// Identity is the account that the app says is signed in. Empty while anonymous.
	Identity string
	// Proofs are the factors that were proved: first the one that made the session verified. None where none was owed,
	// and in every state but verified.
	Proofs []Proof
	// Created is when the session began.
	Created time.Time
	// Since is when the present state began. The Manager sets it when a change of state leaves it as it was.
	Since time.Time
	// Seen is when the session was last known to be in use, to the minute; see Manager.Touch. A change of state is use.
	Seen time.Time
	// Form is the CSRF token of the session's forms: 26 characters, 130 bits. A new session has a new one, and so has a
	// new token.
	Form string
	// Granted are the names of the cookies that the app itself gave the browser in this session.
	Granted []string
	// Origin is where the login came from; nil where nobody knows. It is not changed, but replaced.
	Origin *Origin

	Stranger
	Custody
	Errand
}

// Stranger is what belongs to whoever has not signed in.
type Stranger struct {
	// Guest is custody of what the app gave the stranger.
	Guest custody.Jar
	// Doubt: nobody knows whether the app took Guest for signed in meanwhile. It is asked before Guest goes with a
	// request again.
	Doubt bool
	// Retry is what a login that failed leaves; nil where nothing is left of any.
	Retry *Retry
}

// Custody is what one accepted sign-in brought, and what is known of it.
type Custody struct {
	// Held is custody of what the app gave.
	Held custody.Jar
	// Bonds recognise the credentials that the browser may send to the app itself: bound to this session, they replace
	// or join the cookies in Held.
	Bonds custody.Bonds
	// Token is the bearer token that the app issued last, for asking it who is signed in; at most custody.MaxToken
	// bytes.
	Token string
	// Checked is when the app was last asked who is signed in; zero where it has to be asked before the next use.
	Checked time.Time
	// InPlace: the app may sign somebody else in under the cookies that it gave, without a sign.
	InPlace bool
	// Raising is when a request went to the app that may sign somebody else in, and that is not settled yet; nil where
	// none is. It is for gateways that share a store.
	Raising *time.Time
}

// Errand is what the session is in the middle of.
type Errand struct {
	// Next is the address that was first asked for. It never leaves the server.
	Next string
	// Delivery is the withheld answer to a login; nil when there is none.
	Delivery *Delivery
	// Codes are new recovery codes that wait to be shown, once.
	Codes []string
	// Notice is the key of a message for the next page, shown once.
	Notice string
	// Proposal is a proposed factor that waits for its confirmation, encoded by package factor.
	Proposal []byte
	// Device is the ID of the trusted browser that may prove itself in this session in place of a code: set by a login
	// with a password that showed its cookie, and empty in every state but pending.
	Device string
	// Trusts is open after a challenge: whether this browser is to be trusted. It is factor's mark of the factors that
	// were there when one was proved; empty where nothing is asked, and in every state but verified.
	Trusts string
}

// Origin is where a login came from, for the user's own list of sessions. It decides nothing but whose waiting sessions
// end first where there are too many.
type Origin struct {
	// Address is the client's, without a port; Browser is what it is called.
	Address, Browser string
}

// from is Origin, empty where nobody knows.
func (d *Data) from() Origin {
	if d.Origin == nil {
		return Origin{}
	}
	return *d.Origin
}

// Retry is what the app set with the answer to a login that failed: for another try with the same name, and for nothing
// else.
type Retry struct {
	Jar custody.Jar
	// For is a mark of the name.
	For string
}

// Delivery is an app's answer to a login, withheld until the factor is passed.
type Delivery struct {
	// Location as the app sent it; empty when the answer was no redirect.
	Location string
	// Cookies are raw Set-Cookie lines that the browser may have.
	Cookies []string
	// TokenHeader is the header in which the answer carried a bearer token, and Token its value; empty where it did
	// not.
	TokenHeader, Token string
	// Status, ContentType and ContentEncoding of the answer.
	Status          int
	ContentType     string
	ContentEncoding string
	// Headers are further ones of the answer that are for the app's own script: names and values by turns.
	Headers []string
	// Body is kept for clients that are no page loads, at most MaxDelivery bytes.
	Body []byte
}

// String names what may stand in a log: app, state and method.
func (d Data) String() string {
	return "session(app=" + strconv.Quote(d.App) + " state=" + d.State.String() + " method=" + strconv.Quote(d.Method()) + ")"
}

// GoString is String, so that %#v shows no secret either.
func (d Data) GoString() string { return d.String() }

// LogValue is String for log/slog.
func (d Data) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON is String in quotes: a session is stored by the codec alone, and JSON is how loggers print what they do
// not know.
func (d Data) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, d.String()), nil }

// String names the status only.
func (d Delivery) String() string { return "delivery(status=" + strconv.Itoa(d.Status) + ")" }

// GoString is String.
func (d Delivery) GoString() string { return d.String() }

// LogValue is String for log/slog.
func (d Delivery) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON is String in quotes.
func (d Delivery) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, d.String()), nil }

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
