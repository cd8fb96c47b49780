package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sallyport.example/sallyport/factor"
)

// at is the time in the records of this package.
var at = time.Date(2026, time.November, 3, 10, 20, 30, 456789000, time.UTC)

// The states of the kinds that schema 1 knows, as far as a store may see them.
type (
	authenticator struct {
		Algorithm string `json:"algorithm"`
		Digits    int    `json:"digits"`
		Period    int    `json:"period"`
		Step      int64  `json:"step"`
	}
	codes struct {
		Salt       []byte   `json:"salt"`
		Iterations int      `json:"iterations"`
		Hashes     [][]byte `json:"hashes"`
		Total      int      `json:"total"`
	}
)

// NewRecord makes a valid record of the user with everything set that schema 1 can hold; seed makes its secrets differ.
// Its first factor is an authenticator (SHA1, 6 digits, 30 seconds).
func NewRecord(user string, seed byte) factor.Record {
	return factor.Record{
		User: user,
		Factors: []factor.Factor{
			{
				ID: fmt.Sprintf("enrolment-%d", seed), Kind: factor.MethodTOTP, Secret: bytes.Repeat([]byte{seed}, 20),
				State:   encode(authenticator{Algorithm: "SHA1", Digits: 6, Period: 30, Step: 58_000_000 + int64(seed)}),
				Created: at, Used: at.Add(time.Minute),
			},
			{
				ID: "recovery", Kind: factor.MethodRecovery, Created: at,
				State: encode(codes{
					Salt: bytes.Repeat([]byte{seed + 1}, 16), Iterations: 20_000, Total: 10,
					Hashes: [][]byte{bytes.Repeat([]byte{seed + 2}, 32), bytes.Repeat([]byte{0}, 32)},
				}),
			},
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

// Address is the e-mail address in the records that have one.
const Address = "alice@mail.example.com"

// NewReady is like NewRecord, for a user who can sign in with a code at once.
func NewReady(user string, seed byte) factor.Record {
	record := NewRecord(user, seed)
	record.Throttle = factor.ThrottleState{}
	record.Factors[0].State = encode(authenticator{Algorithm: "SHA1", Digits: 6, Period: 30})
	return record
}

// NewMixed makes a valid record that only schema 2 can hold: several factors, with names, with and without a secret,
// and of unknown kinds, which a store keeps like any other; and the user's e-mail address.
func NewMixed(user string, seed byte) factor.Record {
	record := NewRecord(user, seed)
	record.Factors[0].Name = "Telephone <old>"
	record.Factors = append(record.Factors,
		factor.Factor{
			ID: fmt.Sprintf("second-%d", seed), Kind: factor.MethodTOTP, Name: "Tablet", Secret: bytes.Repeat([]byte{seed + 5}, 32),
			State: encode(authenticator{Algorithm: "SHA256", Digits: 8, Period: 60}), Created: at.Add(time.Hour),
		},
		factor.Factor{
			ID: fmt.Sprintf("key-%d", seed), Kind: "unheard_of", Created: at, Used: at,
			State: encode(map[string]any{"public": seed, "nested": map[string]any{"count": 1 << 40, "text": "ü<&>"}}),
		},
		factor.Factor{ID: fmt.Sprintf("bare-%d", seed), Kind: "bare", Created: at},
		factor.Factor{
			ID: fmt.Sprintf("sealed-%d", seed), Kind: "unheard_of", Created: at, Secret: bytes.Repeat([]byte{seed + 6}, 200),
		},
	)
	record.Activity = append(record.Activity, factor.Event{Kind: "sign-in-unheard_of", At: at})
	record.Contact = &factor.Contact{Mail: Address, Language: "pt-BR"}
	return record
}

// NewWaiting makes a valid record of a user who has no factor yet.
func NewWaiting(user string) factor.Record {
	return factor.Record{User: user, Waiting: &factor.Waiting{Grace: at, Offered: at.Add(time.Hour)}}
}

// NewReset makes a valid record of a user whose account an operator has reset, and who has typed a wrong code since.
func NewReset(user string, seed byte) factor.Record {
	return factor.Record{
		User: user, Waiting: &factor.Waiting{Grace: at, Reset: at.Add(time.Hour)},
		Code:     &factor.Code{Hash: bytes.Repeat([]byte{seed}, 32), Expires: at.Add(25 * time.Hour)},
		Throttle: factor.ThrottleState{Failures: 1, LastFailure: at},
		Activity: []factor.Event{{Kind: factor.EventOperatorReset, At: at.Add(time.Hour)}},
		Contact:  &factor.Contact{Mail: Address},
	}
}

// NewCoded makes a valid record of a user with a factor for whom an operator has made a code.
func NewCoded(user string, seed byte) factor.Record {
	record := NewRecord(user, seed)
	record.Code = &factor.Code{Hash: bytes.Repeat([]byte{seed + 7}, 32), Expires: at.Add(25 * time.Hour)}
	record.Activity = append(record.Activity, factor.Event{Kind: factor.EventOperatorCode, At: at.Add(time.Hour)})
	return record
}

// encode writes a state; what this package passes can be written.
func encode(state any) json.RawMessage {
	content, err := json.Marshal(state)
	if err != nil {
		panic(err)
	}
	return content
}

// Names returns users' names that attack a store: they try to reach another record, or to break their own.
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
