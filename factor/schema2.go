package factor

import (
	"bytes"
	"encoding/json"
	"time"
)

// schema2Record is the layout of schema 2.
type schema2Record struct {
	Schema   int             `json:"schema"`
	User     string          `json:"user"`
	Factors  []schema2Factor `json:"factors,omitempty"`
	Throttle ThrottleState   `json:"throttle,omitzero"`
	Devices  []Device        `json:"devices,omitempty"`
	Activity []Event         `json:"activity,omitempty"`
	Waiting  *Waiting        `json:"waiting,omitempty"`
}

type schema2Factor struct {
	ID      string          `json:"id"`
	Kind    Method          `json:"kind"`
	Name    string          `json:"name,omitempty"`
	Created time.Time       `json:"created"`
	Used    time.Time       `json:"used,omitzero"`
	State   json.RawMessage `json:"state,omitempty"`
	Secret  []byte          `json:"secret,omitempty"`
}

func (r Record) schema2() schema2Record {
	layout := schema2Record{
		Schema: Schema2, User: r.User, Throttle: r.Throttle, Devices: r.Devices, Activity: r.Activity, Waiting: r.Waiting,
	}
	for _, f := range r.Factors {
		f.State = canonical(f.State)
		layout.Factors = append(layout.Factors, schema2Factor(f))
	}
	return layout
}

// canonical is the one spelling of a JSON text, with the names of an object in order. A store may hand a state out in
// another spelling than it got, as Vault does, and two records that mean the same must not look different. What is no
// JSON stays as it is; Validate refuses it.
func canonical(state json.RawMessage) json.RawMessage {
	if len(state) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(state))
	decoder.UseNumber() // no number loses a digit
	var content any
	if decoder.Decode(&content) != nil {
		return state
	}
	spelt, err := json.Marshal(content)
	if err != nil {
		return state
	}
	return spelt
}

func (l schema2Record) record() Record {
	record := Record{User: l.User, Throttle: l.Throttle, Devices: l.Devices, Activity: l.Activity, Waiting: l.Waiting}
	for _, f := range l.Factors {
		record.Factors = append(record.Factors, Factor(f))
	}
	return record
}
