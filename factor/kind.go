package factor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// Method is a kind of factor, and so what a session was verified with.
type Method string

// The methods.
const (
	// MethodTOTP is a time-based one-time code.
	MethodTOTP Method = "totp"
	// MethodRecovery is a recovery code.
	MethodRecovery Method = "recovery"
	// MethodNone says that no factor was owed.
	MethodNone Method = "none"
)

// maxMethod is the longest name of a kind, in bytes.
const maxMethod = 32

// wellFormed reports whether the text can be the name of a kind in a record.
func (m Method) wellFormed() bool {
	if m == "" || m == MethodNone || len(m) > maxMethod {
		return false
	}
	for _, c := range []byte(m) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// standsAlone reports whether a factor of this kind is a second factor by itself. Recovery codes are not: they stand in
// for a factor that was lost.
func (m Method) standsAlone() bool { return m != MethodRecovery }

// Kind is one way to prove oneself. It touches no store and sends nothing; what it needs to remember it puts into the
// factor. What else a kind can do, it says by implementing Enroller, Maker, Asker, Counter or Recogniser. Safe for
// concurrent use.
type Kind interface {
	// Name is the kind's name in records. It never changes.
	Name() Method
	// Validate says what is wrong with the kind's settings (ErrInvalid).
	Validate() error
	// Check says what is wrong with a stored factor of this kind (ErrCorrupt). Its words quote no value.
	Check(Factor) error
	// Judge prepares the judgement of one answer.
	Judge(Answer) Judgement
}

// Judgement judges one factor of the kind. It may be called for several factors, and again with a fresh reading of each
// after a conflict, so a kind keeps what was expensive to compute in it. next is the factor as it is to be stored where
// the answer is right, with the answer used up. It shares no changed memory with the factor that was read. A kind whose
// answers are used up may say with a *UsedCodeError that this one was the last.
type Judgement func(f Factor, now time.Time) (next Factor, right bool, err error)

// Enroller is a kind that people set up by proving that they have it.
type Enroller interface {
	Kind
	// Begin makes what waits in the session until the set-up is confirmed. It fills in Secret and State only.
	Begin(Env) (Ceremony, error)
	// Show is what the person is shown of it, also a second time. ErrInvalid where it cannot be used.
	Show(Env, Ceremony) (Offer, error)
	// Finish makes the factor, without ID and times, where the answer proves that the person has it.
	Finish(Env, Ceremony, Answer) (f Factor, right bool, err error)
}

// Maker is a kind that is made for people and shown to them once.
type Maker interface {
	Kind
	// Make makes a factor and what is to be shown of it.
	Make(Env) (f Factor, shown []string, err error)
}

// Asker is a kind whose answer belongs to a question, which waits in the session.
type Asker interface {
	Kind
	// Ask makes the question to somebody with these factors of the kind. It fills in Secret and State only. prompt is
	// what is shown or sent.
	Ask(env Env, factors []Factor) (ceremony Ceremony, prompt string, err error)
}

// Counter is a kind whose factors are used up.
type Counter interface {
	Kind
	// Left is how many answers of how many are left. Without any the factor can prove nothing.
	Left(Factor) (left, total int)
}

// Recogniser is a kind whose answers are known by their form, whatever kind they are said to be of.
type Recogniser interface {
	Kind
	Recognises(text string) bool
}

// Env is what a kind is told beside what it judges.
type Env struct {
	// App and User say for whom.
	App, User string
	// Now is the time.
	Now time.Time
	// Random is the source of seeds and codes.
	Random io.Reader
}

// Answer is what somebody gives to prove himself.
type Answer struct {
	// Kind is which way of proving it is meant for.
	Kind Method
	// Text is what was typed, or what the browser says in the user's place.
	Text string
	// Asked is the question that the session holds, for an Asker.
	Asked *Ceremony
}

// Offer is what is shown to somebody who sets up a factor. A kind fills in what it has.
type Offer struct {
	// URI is for a QR code, and Key the same for typing. Both hold a secret.
	URI, Key string
	// Digits, Algorithm and Period say how one-time codes are computed.
	Digits    int
	Algorithm string
	Period    time.Duration
}

// kind finds a kind that was handed in.
func (c Config) kind(name Method) (Kind, bool) {
	at := slices.IndexFunc(c.Kinds, func(k Kind) bool { return k.Name() == name })
	if at < 0 {
		return nil, false
	}
	return c.Kinds[at], true
}

// maxCeremony is the longest encoded ceremony in bytes: room for the longest names.
const maxCeremony = 8 << 10

// Ceremony is what waits in a session until somebody has done his part: a factor that is being set up, and of which the
// record knows nothing before Service.Confirm, or a question that was asked. Only its kind understands State and
// Secret.
type Ceremony struct {
	// Kind is whose it is.
	Kind Method
	// App and User say for whom it was made; it is of use to nobody else.
	App, User string
	// Replaces is the ID of the factor that would be replaced; empty for a first set-up and for a question.
	Replaces string
	// Created is when it was made.
	Created time.Time
	// State is what the kind has to remember: JSON.
	State json.RawMessage
	// Secret is a seed that is not enrolled yet.
	Secret []byte
}

// schema2Ceremony is the stored form. As with records, the lowest schema is written that can hold it: sessions are
// shared with nodes of the version before.
type schema2Ceremony struct {
	Schema   int             `json:"schema"`
	Kind     Method          `json:"kind"`
	App      string          `json:"app"`
	User     string          `json:"user"`
	Replaces string          `json:"replaces,omitempty"`
	Created  time.Time       `json:"created"`
	State    json.RawMessage `json:"state,omitempty"`
	Secret   []byte          `json:"secret,omitempty"`
}

// Validate reports whether the ceremony can be kept (ErrInvalid).
func (c Ceremony) Validate() error {
	switch {
	case !c.Kind.wellFormed():
		return badCeremony("bad kind")
	case c.User == "" || !utf8.ValidString(c.User) || !utf8.ValidString(c.App):
		return badCeremony("bad name")
	case len(c.Replaces) > maxID || !utf8.ValidString(c.Replaces):
		return badCeremony("bad enrolment id")
	case !storable(c.Created):
		return badCeremony("impossible time")
	case len(c.State) > 0 && !json.Valid(c.State):
		return badCeremony("its state is not JSON")
	}
	if old, ok := c.schema1(); ok {
		return old.validate()
	}
	return nil
}

// Encode turns the ceremony into bytes for the session. They may hold a seed. A ceremony that is not valid encodes to
// nil, which DecodeCeremony refuses.
func (c Ceremony) Encode() []byte {
	if c.Validate() != nil {
		return nil
	}
	var layout any
	if old, ok := c.schema1(); ok {
		layout = old
	} else {
		layout = schema2Ceremony{Schema2, c.Kind, c.App, c.User, c.Replaces, c.Created, c.State, c.Secret}
	}
	encoded, err := json.Marshal(layout)
	if err != nil || len(encoded) > maxCeremony {
		return nil
	}
	return encoded
}

// DecodeCeremony reads what Encode wrote; ErrInvalid for anything else.
func DecodeCeremony(encoded []byte) (Ceremony, error) {
	unreadable := badCeremony("cannot be read")
	var head *struct {
		Schema int `json:"schema"`
	}
	if len(encoded) > maxCeremony || json.Unmarshal(encoded, &head) != nil || head == nil {
		return Ceremony{}, unreadable
	}
	var c Ceremony
	switch head.Schema {
	case Schema1:
		var layout schema1Proposal
		if DecodeStrictly(encoded, &layout) != nil {
			return Ceremony{}, unreadable
		}
		var err error
		if c, err = layout.ceremony(); err != nil {
			return Ceremony{}, unreadable
		}
	case Schema2:
		var l schema2Ceremony
		if DecodeStrictly(encoded, &l) != nil {
			return Ceremony{}, unreadable
		}
		c = Ceremony{
			Kind: l.Kind, App: l.App, User: l.User, Replaces: l.Replaces, Created: l.Created, State: l.State, Secret: l.Secret,
		}
	default:
		return Ceremony{}, unreadable
	}
	if err := c.Validate(); err != nil {
		return Ceremony{}, err
	}
	return c, nil
}

// of reports whether the ceremony was made for this user.
func (c Ceremony) of(env Env) bool { return c.App == env.App && c.User == env.User }

func badCeremony(why string) error { return fmt.Errorf("%w: ceremony: %s", ErrInvalid, why) }
