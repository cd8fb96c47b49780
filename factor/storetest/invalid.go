package storetest

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"sallyport.example/sallyport/factor"
)

// Invalid returns records that no store may accept or return, by what is wrong with them.
func Invalid(user string) map[string]factor.Record {
	invalid := map[string]factor.Record{"the zero record": {}, "only a user": {User: user}}
	for name, spoil := range map[string]func(*factor.Record){
		"no factor":           func(r *factor.Record) { r.Factors = nil },
		"recovery codes only": func(r *factor.Record) { r.Factors = r.Factors[1:] },
		"no enrolment id":     func(r *factor.Record) { r.Factors[0].ID = "" },
		"no kind":             func(r *factor.Record) { r.Factors[0].Kind = "" },
		"no kind at all":      func(r *factor.Record) { r.Factors[0].Kind = factor.MethodNone },
		"a strange kind":      func(r *factor.Record) { r.Factors[0].Kind = "TOTP" },
		"a broken name":       func(r *factor.Record) { r.Factors[0].Name = "\xff" },
		"a broken state":      func(r *factor.Record) { r.Factors[0].State = json.RawMessage("{") },
		"an id twice":         func(r *factor.Record) { r.Factors[1].ID = r.Factors[0].ID },
		"too many factors":    func(r *factor.Record) { r.Factors = slices.Repeat(r.Factors, 100) },
		"two sets of codes": func(r *factor.Record) {
			second := r.Factors[1]
			second.ID = "other"
			r.Factors = append(r.Factors, second)
		},
		"no seed":          func(r *factor.Record) { r.Factors[0].Secret = nil },
		"an empty seed":    func(r *factor.Record) { r.Factors[0].Secret = []byte{} },
		"a short seed":     func(r *factor.Record) { r.Factors[0].Secret = r.Factors[0].Secret[:15] },
		"no algorithm":     app(func(a *authenticator) { a.Algorithm = "" }),
		"MD5":              app(func(a *authenticator) { a.Algorithm = "MD5" }),
		"few digits":       app(func(a *authenticator) { a.Digits = 5 }),
		"many digits":      app(func(a *authenticator) { a.Digits = 9 }),
		"no period":        app(func(a *authenticator) { a.Period = 0 }),
		"negative step":    app(func(a *authenticator) { a.Step = -1 }),
		"short hash":       set(func(c *codes) { c.Hashes[0] = c.Hashes[0][:31] }),
		"empty hash":       set(func(c *codes) { c.Hashes[0] = nil }),
		"short salt":       set(func(c *codes) { c.Salt = c.Salt[:1] }),
		"no work":          set(func(c *codes) { c.Iterations = 1 }),
		"endless work":     set(func(c *codes) { c.Iterations = 1 << 30 }),
		"more than all":    set(func(c *codes) { c.Total = 1 }),
		"negative count":   func(r *factor.Record) { r.Throttle.Failures = -1 },
		"short trust":      func(r *factor.Record) { r.Devices[0].Hash = r.Devices[0].Hash[:31] },
		"empty trust":      func(r *factor.Record) { r.Devices[0].Hash = nil },
		"short old trust":  func(r *factor.Record) { r.Devices[0].Previous = r.Devices[0].Previous[:1] },
		"trust of nothing": func(r *factor.Record) { r.Devices[0].ID = "" },
		"too much trust":   func(r *factor.Record) { r.Devices = slices.Repeat(r.Devices, factor.MaxDevices+1) },
		"unknown event":    func(r *factor.Record) { r.Activity[0].Kind = "party" },
		"too many events":  func(r *factor.Record) { r.Activity = slices.Repeat(r.Activity, factor.MaxActivity) },
		"both":             func(r *factor.Record) { r.Waiting = NewWaiting(user).Waiting },
		"a factor and waiting": func(r *factor.Record) {
			*r = NewWaiting(user)
			r.Factors = NewRecord(user, 5).Factors[:1]
		},
		"codes and waiting": func(r *factor.Record) {
			*r = NewWaiting(user)
			r.Factors = NewRecord(user, 5).Factors[1:]
		},
		"waiting for nothing": func(r *factor.Record) { *r = NewWaiting(user); r.Waiting = new(factor.Waiting) },
		"a year too large":    func(r *factor.Record) { r.Throttle.BlockedUntil = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a far enrolment":     func(r *factor.Record) { r.Factors[0].Created = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		record := NewRecord(user, 5)
		spoil(&record)
		if reflect.DeepEqual(record, NewRecord(user, 5)) {
			panic("storetest: the record was not changed: " + name)
		}
		invalid[name] = record
	}
	return invalid
}

// app damages the state of the authenticator, and set that of the recovery codes.
func app(spoil func(*authenticator)) func(*factor.Record) {
	return func(r *factor.Record) { r.Factors[0].State = spoilt(r.Factors[0].State, spoil) }
}

func set(spoil func(*codes)) func(*factor.Record) {
	return func(r *factor.Record) { r.Factors[1].State = spoilt(r.Factors[1].State, spoil) }
}

func spoilt[T any](state json.RawMessage, spoil func(*T)) json.RawMessage {
	content := new(T)
	if err := json.Unmarshal(state, content); err != nil {
		panic(err)
	}
	spoil(content)
	return encode(content)
}
