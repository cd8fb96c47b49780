package factor

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"
)

// Schema 1 has the layout of two kinds built in, because there were no others when it was made. It is frozen: its
// contents and bounds are what the previous version reads and writes, whatever the kinds learn later. Only here does
// the core look into the state of a factor, which otherwise only the factor's kind understands.

// schema1Record is the layout of schema 1.
type schema1Record struct {
	Schema   int              `json:"schema"`
	User     string           `json:"user"`
	TOTP     *schema1TOTP     `json:"totp,omitempty"`
	Recovery *schema1Recovery `json:"recovery,omitempty"`
	Throttle ThrottleState    `json:"throttle,omitzero"`
	Devices  []Device         `json:"devices,omitempty"`
	Activity []Event          `json:"activity,omitempty"`
	Waiting  *Waiting         `json:"waiting,omitempty"`
}

type schema1TOTP struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
	schema1TOTPState
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`
}

// schema1TOTPState is the state of an authenticator in the fields of schema 1.
type schema1TOTPState struct {
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period"`
	Step      int64  `json:"step"`
}

type schema1Recovery struct {
	schema1RecoveryState
	Created time.Time `json:"created"`
}

// schema1RecoveryState is the state of a set of recovery codes in the fields of schema 1.
type schema1RecoveryState struct {
	Salt       []byte   `json:"salt"`
	Iterations int      `json:"iterations"`
	Hashes     [][]byte `json:"hashes"`
	Total      int      `json:"total"`
}

// recoveryID is the ID of every set of recovery codes: there is only one, and schema 1 gives it no ID.
const recoveryID = string(MethodRecovery)

// schema1EventKinds are the events that the previous version can read.
var schema1EventKinds = []EventKind{
	EventTOTP, EventRecovery, EventTrusted, EventFailure, EventEnabled, EventReset, EventCodes, EventForgotten, EventMisused,
}

// schema1 returns the record in the layout of schema 1; ok is false if that would lose something. A record that has the
// layout's shape but is outside its bounds is damaged, and not written in a higher schema (validate).
func (r Record) schema1() (layout schema1Record, ok bool) {
	layout = schema1Record{
		Schema: Schema1, User: r.User, Throttle: r.Throttle, Devices: r.Devices, Activity: r.Activity, Waiting: r.Waiting,
	}
	if r.Code != nil || r.Contact != nil || len(r.Unproved) > 0 || r.Sending != nil || r.Waiting != nil && !r.Waiting.Reset.IsZero() {
		return schema1Record{}, false
	}
	for _, event := range r.Activity {
		if !slices.Contains(schema1EventKinds, event.Kind) {
			return schema1Record{}, false
		}
	}
	for _, f := range r.Factors {
		switch {
		case f.Name != "":
			return schema1Record{}, false
		case f.Kind == MethodTOTP && layout.TOTP == nil:
			layout.TOTP = &schema1TOTP{ID: f.ID, Secret: f.Secret, Created: f.Created, Used: f.Used}
			if DecodeStrictly(f.State, &layout.TOTP.schema1TOTPState) != nil {
				return schema1Record{}, false
			}
		case f.Kind == MethodRecovery && layout.Recovery == nil && f.ID == recoveryID && f.Secret == nil && f.Used.IsZero():
			layout.Recovery = &schema1Recovery{Created: f.Created}
			if DecodeStrictly(f.State, &layout.Recovery.schema1RecoveryState) != nil {
				return schema1Record{}, false
			}
		default:
			return schema1Record{}, false
		}
	}
	return layout, true
}

// record returns the layout's record. Its error means that a state cannot be written as JSON, which does not happen.
func (l schema1Record) record() (Record, error) {
	record := Record{User: l.User, Throttle: l.Throttle, Devices: l.Devices, Activity: l.Activity, Waiting: l.Waiting}
	if t := l.TOTP; t != nil {
		state, err := json.Marshal(t.schema1TOTPState)
		if err != nil {
			return Record{}, err
		}
		record.Factors = append(record.Factors, Factor{
			ID: t.ID, Kind: MethodTOTP, Created: t.Created, Used: t.Used, State: state, Secret: t.Secret,
		})
	}
	if s := l.Recovery; s != nil {
		state, err := json.Marshal(s.schema1RecoveryState)
		if err != nil {
			return Record{}, err
		}
		record.Factors = append(record.Factors, Factor{
			ID: recoveryID, Kind: MethodRecovery, Created: s.Created, State: state,
		})
	}
	return record, nil
}

// validate checks the bounds of schema 1, in addition to those of every record.
func (l schema1Record) validate() error {
	if t := l.TOTP; t != nil {
		if t.Step < 0 {
			return corrupt("negative step")
		}
		if why := schema1Bounds(t.Secret, t.Algorithm, t.Digits, t.Period); why != "" {
			return corrupt(why)
		}
	}
	if l.Recovery != nil {
		return l.Recovery.validate()
	}
	return nil
}

// schema1Bounds returns what is wrong with a seed and its parameters; empty if nothing is.
func schema1Bounds(secret []byte, algorithm string, digits, period int) string {
	switch {
	case len(secret) < 16 || len(secret) > 128:
		return "bad length of the seed"
	case algorithm != "SHA1" && algorithm != "SHA256" && algorithm != "SHA512":
		return "unknown algorithm"
	case digits < 6 || digits > 8:
		return "bad number of digits"
	case period < 1 || period > 3600:
		return "bad period"
	}
	return ""
}

func (s *schema1Recovery) validate() error {
	switch {
	case len(s.Salt) < 16 || len(s.Salt) > 64:
		return corrupt("bad length of the salt")
	case s.Iterations < 1_000 || s.Iterations > 5_000_000:
		return corrupt("bad number of iterations")
	case s.Total < 1 || s.Total > 100 || len(s.Hashes) > s.Total:
		return corrupt("bad number of recovery codes")
	}
	for _, hash := range s.Hashes {
		if len(hash) != sha256.Size {
			return corrupt("bad length of a recovery hash")
		}
	}
	return nil
}

// schema1Proposal is how the previous version keeps the set-up of an authenticator in a session. It is frozen, as
// schema 1 of records is.
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

// schema1 returns the ceremony in the layout of schema 1; ok is false if that would lose something.
func (c Ceremony) schema1() (layout schema1Proposal, ok bool) {
	layout = schema1Proposal{
		Schema: Schema1, App: c.App, User: c.User, Secret: c.Secret, Replaces: c.Replaces, Created: c.Created,
	}
	ok = c.Kind == MethodTOTP && c.Claim == "" && c.Beside == "" && DecodeStrictly(c.State, &layout.schema1ProposalState) == nil
	return layout, ok
}

// ceremony returns the layout's ceremony. Its error means that a state cannot be written as JSON, which does not
// happen.
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
