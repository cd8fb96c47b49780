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

// Data is everything that the gateway knows about one browser. Only Steps change it; the result of Load is shared and
// must only be read. Fields that are emptied together are in a group, so that a step cannot forget one of them. Times
// come back from the store in UTC, to the nanosecond.
//
// Printing it shows no secret (P9): the formats of fmt, slog and encoding/json all get String.
type Data struct {
	// App the session belongs to. The Manager sets it; no other app's Manager accepts the session.
	App string
	// Host is the host at which the session began. The session is valid at no other. It is in lower case, without a
	// port.
	Host string
	// State is the state that the session is in.
	State gate.State
	// Identity is the account that the app says is signed in. Empty while anonymous.
	Identity string
	// Proofs are the factors that were proved, first the one that made the session verified. Empty if none was owed,
	// and in every state but verified.
	Proofs []Proof
	// Created is when the session began.
	Created time.Time
	// Since is when the current state began. The Manager sets it if a step changes the state and leaves Since
	// unchanged.
	Since time.Time
	// Seen is when the session was last known to be in use, to the minute; see Manager.Touch. A change of state is use.
	Seen time.Time
	// Form is the CSRF token of the session's forms: 26 characters, 130 bits. Each new session and each new session
	// token gets a new one.
	Form string
	// Granted are the names of the cookies that the app itself gave the browser in this session.
	Granted []string
	// Origin is where the login came from; nil if unknown. Its fields are never changed: it is replaced as a whole.
	Origin *Origin

	Stranger
	Custody
	Errand
}

// Stranger is the data of a session in which nobody has signed in.
type Stranger struct {
	// Guest is custody of the cookies that the app set for the stranger.
	Guest custody.Jar
	// Doubt: the app may have signed somebody in with Guest since. The app is asked before Guest goes with a request
	// again.
	Doubt bool
	// Retry is what a failed login left; nil if there is nothing.
	Retry *Retry
}

// Custody is what one accepted sign-in brought, and what is known about it.
type Custody struct {
	// Held is custody of the cookies that the app set.
	Held custody.Jar
	// Bonds recognise credentials that the browser itself may send to the app. They are bound to this session, and
	// replace the cookies in Held or come in addition to them.
	Bonds custody.Bonds
	// Token is the bearer token that the app issued last. It is used to ask the app who is signed in. At most
	// custody.MaxToken bytes.
	Token string
	// Mail is the user's e-mail address, as the app named it at the sign-in; empty if it named none.
	Mail string
	// Phone is the user's telephone number, likewise.
	Phone string
	// Checked is when the app was last asked who is signed in. After a failed check it is zero, and the app has to be
	// asked before the next use.
	Checked time.Time
	// InPlace: the app may sign somebody else in under its existing cookies, without setting another one.
	InPlace bool
	// Raising is when a request went to the app that may sign somebody else in and is not settled yet; nil if there is
	// none. It is stored so that other gateways that share the store see it.
	Raising *time.Time
}

// Errand is what the user is in the middle of doing.
type Errand struct {
	// Next is the address that was requested first. It never leaves the server.
	Next string
	// Delivery is the withheld answer to a login; nil if there is none.
	Delivery *Delivery
	// Codes are new recovery codes that wait to be shown, once.
	Codes []string
	// Notice is the key of a message for the next page, shown once.
	Notice string
	// Proposal is a proposed factor that waits for its confirmation, encoded by package factor.
	Proposal []byte
	// Asked is a question that the user was asked, encoded by package factor. It can be answered once, in the state in
	// which it was asked.
	Asked []byte
	// Sent is a code that was sent to the user, as package factor encodes it; likewise. A passkey that is asked for
	// meanwhile does not take its place.
	Sent []byte
	// Device is the ID of the trusted browser that may prove itself in this session instead of a code. A login with a
	// password sets it if the browser showed its cookie. Empty in every state except pending.
	Device string
	// Trusts is set after a challenge while the user is asked whether to trust this browser. It is package factor's
	// mark of the factors that existed when one was proved. Empty if nothing is asked, and in every state except
	// verified.
	Trusts string
}

// Origin is where a login came from, for the user's own list of sessions. It decides nothing except which waiting
// sessions end first if there are too many.
type Origin struct {
	// Address is the client's, without a port; Browser is the browser's name.
	Address, Browser string
}

// from returns the Origin; empty if unknown.
func (d *Data) from() Origin {
	if d.Origin == nil {
		return Origin{}
	}
	return *d.Origin
}

// Retry is what the app set with the answer to a failed login. It is sent only with another attempt under the same
// name.
type Retry struct {
	Jar custody.Jar
	// For is a mark of the name.
	For string
}

// Delivery is an app's answer to a login, withheld until the factor is passed.
type Delivery struct {
	// Location as the app sent it; empty if the answer was not a redirect.
	Location string
	// Cookies are raw Set-Cookie lines that the browser may have.
	Cookies []string
	// TokenHeader is the header in which the answer carried a bearer token, and Token its value. Both are empty if
	// there was none.
	TokenHeader, Token string
	// Status, ContentType and ContentEncoding of the answer.
	Status          int
	ContentType     string
	ContentEncoding string
	// Headers are further headers of the answer for the app's own script: alternately names and values.
	Headers []string
	// Body is kept for clients that do not load a page, at most MaxDelivery bytes.
	Body []byte
}

// String returns what a log may contain: app, state and method.
func (d Data) String() string {
	return "session(app=" + strconv.Quote(d.App) + " state=" + d.State.String() + " method=" + strconv.Quote(d.Method()) + ")"
}

// GoString is String, so that %#v shows no secret either.
func (d Data) GoString() string { return d.String() }

// LogValue is String for log/slog.
func (d Data) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON is String in quotes. Sessions are stored by the codec alone, and loggers print unknown types as JSON.
func (d Data) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, d.String()), nil }

// String returns the status only.
func (d Delivery) String() string { return "delivery(status=" + strconv.Itoa(d.Status) + ")" }

// GoString is String.
func (d Delivery) GoString() string { return d.String() }

// LogValue is String for log/slog.
func (d Delivery) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON is String in quotes.
func (d Delivery) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, d.String()), nil }

// None is the method of a verified session in which no factor was owed.
const None = "none"

// Operator is the method of a proof that stands beside the one that made the session verified: an operator's code.
const Operator = "operator"

// Ahead is the method of a proof that stands beside others: a factor that was proved ahead of a change of factors, and
// serves one.
const Ahead = "ahead"

// Proof is a factor that was proved in a session.
type Proof struct {
	// Method is the kind of factor: totp, passkey, recovery.
	Method string
	// At is when it was proved. A trusted browser's proof is as old as the sign-in.
	At time.Time
	// Trusted: a trusted browser replaced the factor, and nobody proved it at that time.
	Trusted bool
}

// Method is how the factor that made the session verified was proved: totp, passkey or recovery, or none if none was
// owed. Empty until verified.
func (d *Data) Method() string {
	switch {
	case d.State != gate.Verified:
		return ""
	case len(d.Proofs) == 0:
		return None
	}
	return d.Proofs[0].Method
}

// Proved is when the user last proved a factor in this session. Trusted proofs do not count. Zero if there is none.
func (d *Data) Proved() time.Time {
	var last time.Time
	for _, proof := range d.Proofs {
		if !proof.Trusted && proof.At.After(last) {
			last = proof.At
		}
	}
	return last
}

// Helped is when the session was verified by an operator's code with which nothing has been changed yet. Zero if there
// is none.
func (d *Data) Helped() time.Time { return d.proofBy(Operator) }

// Ahead is when a factor was proved for a change of factors that was not made yet. Zero if there is none.
func (d *Data) Ahead() time.Time { return d.proofBy(Ahead) }

// proofBy is when a method was proved; zero if it was not.
func (d *Data) proofBy(method string) time.Time {
	for _, proof := range d.Proofs {
		if proof.Method == method {
			return proof.At
		}
	}
	return time.Time{}
}

// proved adds a proof. It keeps the newest of each method.
func proved(proofs []Proof, with Proof) []Proof {
	proofs = slices.Clone(proofs)
	at := slices.IndexFunc(proofs, func(proof Proof) bool { return proof.Method == with.Method })
	if at < 0 {
		return append(proofs, with)
	}
	proofs[at] = with
	return proofs
}

// trustsSign begins the text that is stored in place of a device's ID while the user is asked whether to trust the
// browser. No device's ID begins so, and a verified session has no device. The previous version looks at the device in
// pending sessions only, so to it such a session is like any other.
const trustsSign = "?"

func deviceOrTrusts(data *Data) string {
	if data.Trusts != "" {
		return trustsSign + data.Trusts
	}
	return data.Device
}

// The previous version stored one method and one time of a session's proofs. What it can express is stored in its form,
// so that gateways of both versions can share a store during an upgrade. The rest, such as a second proof, follows
// after a flag.

// proofsBefore returns the proofs as the previous version stores them, and all of them if that is not enough.
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

// proofsOf is the reverse of proofsBefore.
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
	if count > uint64(len(r.rest)) { // each takes a byte at least; a forged count must not allocate memory
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
