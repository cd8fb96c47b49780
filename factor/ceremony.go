package factor

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

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
