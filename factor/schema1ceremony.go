package factor

import (
	"encoding/json"
	"time"
)

// schema1Proposal is how the version before keeps the set-up of an authenticator in a session. It is frozen, as schema
// 1 of records is.
type schema1Proposal struct {
	Schema int    `json:"schema"`
	App    string `json:"app"`
	User   string `json:"user"`
	Secret []byte `json:"secret"`
	schema1ProposalState
	Replaces string    `json:"replaces,omitempty"`
	Created  time.Time `json:"created"`
}

// schema1ProposalState is the state of an authenticator that is being set up, in the fields of schema 1.
type schema1ProposalState struct {
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period"`
	Skew      int    `json:"skew"`
}

// schema1 is the ceremony in the layout of schema 1; ok is false where that would lose something.
func (c Ceremony) schema1() (layout schema1Proposal, ok bool) {
	layout = schema1Proposal{
		Schema: Schema1, App: c.App, User: c.User, Secret: c.Secret, Replaces: c.Replaces, Created: c.Created,
	}
	ok = c.Kind == MethodTOTP && DecodeStrictly(c.State, &layout.schema1ProposalState) == nil
	return layout, ok
}

// ceremony reads the layout. Its error means that a state cannot be written as JSON, which does not happen.
func (l schema1Proposal) ceremony() (Ceremony, error) {
	state, err := json.Marshal(l.schema1ProposalState)
	if err != nil {
		return Ceremony{}, err
	}
	return Ceremony{
		Kind: MethodTOTP, App: l.App, User: l.User, Replaces: l.Replaces, Created: l.Created, State: state, Secret: l.Secret,
	}, nil
}

func (l schema1Proposal) validate() error {
	if why := schema1Bounds(l.Secret, l.Algorithm, l.Digits, l.Period); why != "" {
		return badCeremony(why)
	}
	if l.Skew < 0 || l.Skew > 10 {
		return badCeremony("bad skew")
	}
	return nil
}
