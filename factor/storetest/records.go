package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"sallyport/factor"
)

// NewRecord makes a valid record of the user with everything set; seed makes its secrets differ.
func NewRecord(user string, seed byte) factor.Record {
	at := time.Date(2026, time.November, 3, 10, 20, 30, 456789000, time.UTC)
	return factor.Record{
		Schema: factor.RecordSchema,
		User:   user,
		TOTP: &factor.TOTP{
			ID: fmt.Sprintf("enrolment-%d", seed), Secret: bytes.Repeat([]byte{seed}, 20), Algorithm: factor.SHA1,
			Digits: 6, Period: 30, Step: 58_000_000 + int64(seed), Created: at, Used: at.Add(time.Minute),
		},
		Recovery: &factor.RecoverySet{
			Salt: bytes.Repeat([]byte{seed + 1}, 16), Iterations: 20_000, Total: 10, Created: at,
			Hashes: [][]byte{bytes.Repeat([]byte{seed + 2}, 32), bytes.Repeat([]byte{0}, 32)},
		},
		Throttle: factor.ThrottleState{Failures: 6, BlockedUntil: at.Add(time.Hour), LastFailure: at},
		Devices: []factor.Device{{
			ID: fmt.Sprintf("device-%d", seed), Hash: bytes.Repeat([]byte{seed + 3}, 32), Previous: bytes.Repeat([]byte{seed + 4}, 32),
			Browser: "Firefox, Linux", Created: at, Used: at.Add(time.Minute),
		}},
		Activity: []factor.Event{
			{Kind: factor.EventEnabled, At: at, Address: "192.0.2.7", Browser: "Firefox, Linux"},
			{Kind: factor.EventFailure, At: at.Add(time.Minute), Address: "2001:db8::7", Count: 6},
		},
	}
}

// NewWaiting makes a valid record of somebody who has no factor yet.
func NewWaiting(user string) factor.Record {
	at := time.Date(2026, time.November, 3, 10, 20, 30, 456789000, time.UTC)
	return factor.Record{
		Schema: factor.RecordSchema, User: user, Waiting: &factor.Waiting{Grace: at, Offered: at.Add(time.Hour)},
	}
}

// Names are users whose names try to reach another record, or to break the one they have.
func Names() []string {
	return []string{
		"bob", "Bob", "bob ", " bob", "bob/", "/bob", "../bob", "./bob", "a/b", "a%2Fb", "a\\b", "a:b", "a", "b", "ab",
		"*", "+", "?", "%", "..", ".", "-", "", "bob\x00", "bob\x00x", "\x00", "bob\n", "bob\r\n", "bob?version=1",
		"bob#x", "bob&a=b", "{{.}}", "${x}", "\"", "'", "`", "<b>", "bob@example.com", "CN=bob,O=x", "data", "metadata",
		strings.Repeat("x", 300), strings.Repeat("x", 299), strings.Repeat("ü", 150),
		"müller", "mu\u0308ller", "бob", "ſam", "sam", "K", "\u212A", "\u202Ebob", "bob\u200B", "\u00A0bob", "名前", "👩‍👩‍👧", "\uFFFD",
		"\uFEFFbob", "\U0010FFFD",
	}
}

// Invalid are records that no store may take, nor hand out, by what is wrong with them.
func Invalid(user string) map[string]factor.Record {
	invalid := map[string]factor.Record{"the zero record": {}}
	for name, spoil := range map[string]func(*factor.Record){
		"no schema":           func(r *factor.Record) { r.Schema = 0 },
		"a future schema":     func(r *factor.Record) { r.Schema = factor.RecordSchema + 1 },
		"no factor":           func(r *factor.Record) { r.TOTP = nil },
		"no seed":             func(r *factor.Record) { r.TOTP.Secret = nil },
		"an empty seed":       func(r *factor.Record) { r.TOTP.Secret = []byte{} },
		"a short seed":        func(r *factor.Record) { r.TOTP.Secret = r.TOTP.Secret[:15] },
		"no enrolment id":     func(r *factor.Record) { r.TOTP.ID = "" },
		"no algorithm":        func(r *factor.Record) { r.TOTP.Algorithm = "" },
		"MD5":                 func(r *factor.Record) { r.TOTP.Algorithm = "MD5" },
		"few digits":          func(r *factor.Record) { r.TOTP.Digits = 5 },
		"many digits":         func(r *factor.Record) { r.TOTP.Digits = 9 },
		"no period":           func(r *factor.Record) { r.TOTP.Period = 0 },
		"negative step":       func(r *factor.Record) { r.TOTP.Step = -1 },
		"short hash":          func(r *factor.Record) { r.Recovery.Hashes[0] = r.Recovery.Hashes[0][:31] },
		"empty hash":          func(r *factor.Record) { r.Recovery.Hashes[0] = nil },
		"short salt":          func(r *factor.Record) { r.Recovery.Salt = r.Recovery.Salt[:1] },
		"no work":             func(r *factor.Record) { r.Recovery.Iterations = 1 },
		"endless work":        func(r *factor.Record) { r.Recovery.Iterations = 1 << 30 },
		"more than all":       func(r *factor.Record) { r.Recovery.Total = 1 },
		"negative count":      func(r *factor.Record) { r.Throttle.Failures = -1 },
		"short trust":         func(r *factor.Record) { r.Devices[0].Hash = r.Devices[0].Hash[:31] },
		"empty trust":         func(r *factor.Record) { r.Devices[0].Hash = nil },
		"short old trust":     func(r *factor.Record) { r.Devices[0].Previous = r.Devices[0].Previous[:1] },
		"trust of nothing":    func(r *factor.Record) { r.Devices[0].ID = "" },
		"too much trust":      func(r *factor.Record) { r.Devices = slices.Repeat(r.Devices, factor.MaxDevices+1) },
		"unknown event":       func(r *factor.Record) { r.Activity[0].Kind = "party" },
		"too many events":     func(r *factor.Record) { r.Activity = slices.Repeat(r.Activity, factor.MaxActivity) },
		"both":                func(r *factor.Record) { r.Waiting = NewWaiting(user).Waiting },
		"seed and waiting":    func(r *factor.Record) { *r = NewWaiting(user); r.TOTP = NewRecord(user, 5).TOTP },
		"codes and waiting":   func(r *factor.Record) { *r = NewWaiting(user); r.Recovery = NewRecord(user, 5).Recovery },
		"waiting for nothing": func(r *factor.Record) { *r = NewWaiting(user); r.Waiting = new(factor.Waiting) },
		"a year too large":    func(r *factor.Record) { r.Throttle.BlockedUntil = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		record := NewRecord(user, 5)
		spoil(&record)
		if reflect.DeepEqual(record, NewRecord(user, 5)) {
			panic("storetest: nothing was spoilt: " + name)
		}
		invalid[name] = record
	}
	return invalid
}
