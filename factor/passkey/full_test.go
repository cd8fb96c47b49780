package passkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/internal/sendlimit"
)

// TestFullRecord: a user has as many factors as there may be, with the largest passkeys that are taken, as many trusted
// browsers, events and messages, and texts as long as they may be. The record still fits into its 64 KiB, so that wrong
// codes are counted in it, and the user signs in.
func TestFullRecord(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	record := b.record()
	key, err := webauthncbor.Marshal(map[int]any{1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, 2<<10-20), -2: []byte{1, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(record.Factors[0].State, &state); err != nil {
		t.Fatal(err)
	}
	state["key"], state["last"] = key, bytes.Repeat([]byte{0xff}, 32)
	state["transports"] = []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}
	id, name, long := strings.Repeat("f", 32), strings.Repeat("n", 64), strings.Repeat("b", 80)
	for i := range passkey.Most - 1 {
		state["credential"] = append(bytes.Repeat([]byte{0xff}, 1022), byte(i))
		content, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		record.Factors = append(record.Factors, factor.Factor{
			Kind: factor.MethodPasskey, ID: id[1:] + string(rune('0'+i)), Name: name, Created: b.clock.Now(), Used: b.clock.Now(), State: content,
		})
	}
	for i := range 5 {
		record.Factors = append(record.Factors, factor.Factor{
			Kind: factor.MethodTOTP, ID: id[1:] + string(rune('a'+i)), Name: name, Created: b.clock.Now(), Used: b.clock.Now(), Secret: make([]byte, 64),
			State: json.RawMessage(`{"algorithm":"SHA512","digits":8,"period":30,"step":9223372036854775}`),
		})
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for range factor.MaxDevices {
		record.Devices = append(record.Devices, factor.Device{
			ID: id, Hash: make([]byte, 32), Previous: make([]byte, 32), Key: point, Browser: long, Created: b.clock.Now(), Used: b.clock.Now(),
		})
	}
	record.Activity = nil
	for range factor.MaxActivity {
		record.Activity = append(record.Activity, factor.Event{Kind: factor.EventCopied, At: b.clock.Now(), Address: long, Browser: long, Count: 1000000})
	}
	record.Sending = &sendlimit.Log{Since: b.clock.Now()}
	for range 100 {
		record.Sending.Sent = append(record.Sending.Sent, sendlimit.Sent{At: b.clock.Now().Add(time.Nanosecond), Unsure: true})
	}
	for _, kind := range []factor.Method{factor.MethodMail, factor.MethodSMS} {
		record.Factors = append(record.Factors, factor.Factor{
			Kind: kind, ID: string(kind) + id[4:], Name: name, Created: b.clock.Now(), Used: b.clock.Now(), Secret: make([]byte, 32),
			State: json.RawMessage(`{"address":"` + strings.Repeat("a", 200) + `","last":"` + strings.Repeat("A", 44) + `"}`),
		})
	}
	for range 16 {
		record.Unproved = append(record.Unproved, factor.Unproved{Session: id[:16], At: b.clock.Now(), Block: long[:40], Address: long[:40], Browser: long})
	}
	record.Contact = &factor.Contact{Mail: strings.Repeat("a", 200) + "@example.com", Language: "en"}
	document, err := factor.EncodeRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	if room := 64<<10 - len(document); room < 1<<10 {
		t.Errorf("%d bytes are left", room)
	}
	_, version, err := b.store.Get(t.Context(), factor.Key{App: "wiki", User: alice})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Put(t.Context(), factor.Key{App: "wiki", User: alice}, record, version); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SignIn(at(site), alice, factor.Answer{Kind: factor.MethodRecovery, Text: "AAAA-AAAA-AAAA-AAAA"}); !errors.Is(err, factor.ErrWrongCode) {
		t.Errorf("a wrong code: %v", err)
	}
	if got := b.record().Throttle.Failures; got != 1 {
		t.Errorf("%d wrong codes are counted", got)
	}
	if err := b.signIn(alice, device); err != nil {
		t.Errorf("a passkey: %v", err)
	}
}
