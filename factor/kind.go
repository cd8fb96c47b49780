package factor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// Method is the name of a kind of factor, and so the method by which a session was verified.
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

// standsAlone reports whether a factor of this kind is a second factor by itself. Recovery codes are not: they replace
// a factor that was lost.
func (m Method) standsAlone() bool { return m != MethodRecovery }

// Kind is one way to prove oneself. It uses no store and sends nothing; what it needs to remember it puts into the
// factor. A kind shows its further abilities by implementing Enroller, Maker, Asker, Counter or Recogniser. Safe for
// concurrent use.
type Kind interface {
	// Name is the kind's name in records. It never changes.
	Name() Method
	// Validate checks the kind's settings (ErrInvalid).
	Validate() error
	// Check checks a stored factor of this kind (ErrCorrupt). Its error quotes no value.
	Check(Factor) error
	// Judge prepares the judgement of one answer.
	Judge(Answer) Judgement
}

// Judgement judges one factor of the kind. It may be called for several factors, and again with a fresh reading of each
// after a conflict, so a kind keeps expensive results in it. If the answer is right, next is the factor to store, with
// the answer used up. It shares no changed memory with the factor that was read. A kind whose answers are used up may
// return a *UsedCodeError if this answer was the last accepted one.
type Judgement func(f Factor, now time.Time) (next Factor, right bool, err error)

// Enroller is a kind that users set up by proving that they have it.
type Enroller interface {
	Kind
	// Begin makes the ceremony that is kept in the session until the set-up is confirmed. It sets Secret and State
	// only.
	Begin(Env) (Ceremony, error)
	// Show returns what the user sees of the ceremony; it may be called again. ErrInvalid if the ceremony cannot be
	// used.
	Show(Env, Ceremony) (Offer, error)
	// Finish makes the factor, without ID and times, if the answer proves that the user has it.
	Finish(Env, Ceremony, Answer) (f Factor, right bool, err error)
}

// Maker is a kind that is generated for users and shown to them once.
type Maker interface {
	Kind
	// Make makes a factor and returns what is shown of it.
	Make(Env) (f Factor, shown []string, err error)
}

// Asker is a kind whose answer belongs to a question, which is kept in the session.
type Asker interface {
	Kind
	// Ask makes the question for a user with these factors of the kind. It sets Secret and State only. prompt is what
	// is shown or sent.
	Ask(env Env, factors []Factor) (ceremony Ceremony, prompt string, err error)
}

// Counter is a kind with a limited number of answers.
type Counter interface {
	Kind
	// Left returns how many answers are left, and how many there were. A factor with none left can prove nothing.
	Left(Factor) (left, total int)
}

// Recogniser is a kind whose answers are recognised by their form, whatever kind they were given for.
type Recogniser interface {
	Kind
	Recognises(text string) bool
}

// Env is what a kind gets besides what it judges.
type Env struct {
	// App and User are those for whom it works.
	App, User string
	// Now is the current time.
	Now time.Time
	// Random is the source of seeds and codes.
	Random io.Reader
}

// Answer is what a user gives as a proof.
type Answer struct {
	// Kind is the kind that the answer is for.
	Kind Method
	// Text is what was typed, or what the browser sends on the user's behalf.
	Text string
	// Asked is the question in the session, for an Asker.
	Asked *Ceremony
}

// Offer is what is shown to a user who sets up a factor. A kind sets the fields that it has.
type Offer struct {
	// URI is for a QR code, and Key the same for typing. Both contain a secret.
	URI, Key string
	// Digits, Algorithm and Period say how one-time codes are computed.
	Digits    int
	Algorithm string
	Period    time.Duration
}

// kind returns the configured kind of that name.
func (c Config) kind(name Method) (Kind, bool) {
	at := slices.IndexFunc(c.Kinds, func(k Kind) bool { return k.Name() == name })
	if at < 0 {
		return nil, false
	}
	return c.Kinds[at], true
}

// maxCeremony is the size of the longest encoded ceremony in bytes. It leaves room for the longest names.
const maxCeremony = 8 << 10

// Ceremony is kept in a session until the user has answered. It is a factor that is being set up, which the record does
// not have before Service.Confirm, or a question that was asked. Only its kind understands State and Secret.
type Ceremony struct {
	// Kind is the kind that made it.
	Kind Method
	// App and User are those for whom it was made; nobody else can use it.
	App, User string
	// Replaces is the ID of the factor that would be replaced; empty for a first set-up and for a question.
	Replaces string
	// Created is when it was made.
	Created time.Time
	// State is what the kind must remember: JSON.
	State json.RawMessage
	// Secret is a seed that is not enrolled yet.
	Secret []byte
	// Claim shows that the user has given an enrolment code (Help.Claim); empty where none was owed.
	Claim string
}

// schema2Ceremony is the stored form. As with records, the lowest schema that can hold it is written, because sessions
// are shared with nodes of the previous version.
type schema2Ceremony struct {
	Schema   int             `json:"schema"`
	Kind     Method          `json:"kind"`
	App      string          `json:"app"`
	User     string          `json:"user"`
	Replaces string          `json:"replaces,omitempty"`
	Created  time.Time       `json:"created"`
	State    json.RawMessage `json:"state,omitempty"`
	Secret   []byte          `json:"secret,omitempty"`
	Claim    string          `json:"claim,omitempty"`
}

// Validate returns ErrInvalid if the ceremony cannot be kept.
func (c Ceremony) Validate() error {
	switch {
	case !c.Kind.wellFormed():
		return badCeremony("bad kind")
	case c.User == "" || !utf8.ValidString(c.User) || !utf8.ValidString(c.App):
		return badCeremony("bad name")
	case len(c.Replaces) > maxID || !utf8.ValidString(c.Replaces) || len(c.Claim) > maxID || !utf8.ValidString(c.Claim):
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

// Encode returns the ceremony as bytes for the session. They may contain a seed. An invalid ceremony encodes to nil,
// which DecodeCeremony refuses.
func (c Ceremony) Encode() []byte {
	if c.Validate() != nil {
		return nil
	}
	var layout any
	if old, ok := c.schema1(); ok {
		layout = old
	} else {
		layout = schema2Ceremony{Schema2, c.Kind, c.App, c.User, c.Replaces, c.Created, c.State, c.Secret, c.Claim}
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
			Claim: l.Claim,
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
