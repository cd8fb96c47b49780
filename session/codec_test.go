package session

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

func fullData(t testing.TB) *Data {
	t.Helper()
	return &Data{
		App: "wiki", Host: "wiki.example.com", State: gate.Enrolling, Identity: "Zoë <z@example.com>",
		Proofs:  []Proof{{Method: "recovery", At: start.Add(-time.Nanosecond), Trusted: true}},
		Granted: []string{"theme", ""}, Form: "JBSWY3DPEHPK3PXPJBSWY3DPEH",
		Created: start, Seen: start.Add(time.Hour), Since: start.Add(-time.Nanosecond),
		Origin:   &Origin{Address: "192.0.2.1", Browser: "Firefox, Linux"},
		Stranger: Stranger{Guest: jar(t, "csrf=1; HttpOnly")},
		Custody: Custody{
			Held:  jar(t, "sid=café; Path=/a; Max-Age=60", "other=; Domain=example.com"),
			Bonds: custody.Bonds{}.BindBasic("Basic YTpi").BindToken("one").BindToken("two"), Token: "two",
			Checked: time.Unix(0, 0).UTC(),
		},
		Errand: Errand{Next: "/page?a=1#b", Delivery: &Delivery{
			Location: "/home", Cookies: []string{"theme=dark; Path=/"}, Status: 200, ContentType: "application/json", ContentEncoding: "gzip", Headers: []string{"X-App-Redirect", "/home"},
			TokenHeader: "X-Token", Token: "two",
			Body: []byte("{\"ok\":true}\x00\xff"),
		}, Proposal: []byte{0, 1, 2, 0xff}, Codes: []string{"abcd-efgh-jkmn-pqrs", "x"}, Notice: "enabled", Device: "0123456789abcdef", Asked: []byte("question"), Sent: []byte("code")},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	for name, data := range map[string]*Data{
		"full":           fullData(t),
		"empty":          {},
		"mail":           {Custody: Custody{Mail: "ada@example.com", InPlace: true, Raising: new(start)}},
		"asked":          {State: gate.Pending, Custody: Custody{Mail: "ada@example.com"}, Errand: Errand{Asked: []byte{0, 1, 0xff}}},
		"sent":           {State: gate.Pending, Custody: Custody{Phone: "+358401234567"}, Errand: Errand{Sent: []byte{0, 1, 0xff}}},
		"raised":         {Custody: Custody{InPlace: true, Raising: new(start)}},
		"proof":          {Proofs: []Proof{{Method: "totp", At: start}}},
		"two proofs":     {Proofs: []Proof{{Method: "totp", At: start, Trusted: true}, {Method: "recovery", At: start.Add(time.Hour)}}},
		"old proof":      {Proofs: []Proof{{Method: "totp", At: start, Trusted: true}}, Since: start.Add(time.Hour)},
		"retry":          {Stranger: Stranger{Retry: &Retry{Jar: jar(t, "SID=1; Path=/"), For: "mark"}}},
		"trust is asked": {State: gate.Verified, Errand: Errand{Next: "/a", Trusts: "00ff"}},
		"empty delivery": {Errand: Errand{Delivery: &Delivery{}}},
		"negative":       {Errand: Errand{Delivery: &Delivery{Status: -1}}, Created: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)},
		"far":            {Created: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			stored, err := encode(data, start)
			if err != nil {
				t.Fatal(err)
			}
			got, deadline, err := decode(stored)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, *data) || !got.Checked.Equal(data.Checked) || !deadline.Equal(start) {
				t.Errorf("got %#v and %v", *got, deadline)
			}
			state, app, identity, ok := peek(stored)
			if !ok || state != data.State || string(app) != data.App || string(identity) != data.Identity {
				t.Errorf("peek = %v, %q, %q, %v", state, app, identity, ok)
			}
		})
	}
}

// TestP6_DamageIsNoSession: a bit that flips on a disk must not make a pending session verified, or change its
// identity.
func TestP6_DamageIsNoSession(t *testing.T) {
	stored, err := encode(fullData(t), start)
	if err != nil {
		t.Fatal(err)
	}
	for at := range stored {
		for bit := range 8 {
			damaged := append([]byte(nil), stored...)
			damaged[at] ^= 1 << bit
			if _, _, err := decode(damaged); !errors.Is(err, errUndecodable) {
				t.Fatalf("byte %d, bit %d: %v", at, bit, err)
			}
		}
		if _, _, err := decode(stored[:at]); !errors.Is(err, errUndecodable) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	}
	if _, _, err := decode(append(append([]byte(nil), stored...), 0)); !errors.Is(err, errUndecodable) {
		t.Errorf("with a byte more: %v", err)
	}
}

// withSum adds the checksum to a stored form that was made by hand.
func withSum(text string) []byte {
	return binary.LittleEndian.AppendUint32([]byte(text), crc32.Checksum([]byte(text), castagnoli))
}

func TestDecodeRefuses(t *testing.T) {
	stored, err := encode(&Data{App: "wiki"}, start)
	if err != nil {
		t.Fatal(err)
	}
	body := string(stored[:len(stored)-checksumSize])
	if _, _, err := decode(withSum(body)); err != nil {
		t.Fatal(err)
	}
	name := body[:len("\xb5\x00\x04wiki\x00")]
	leap := string(binary.AppendUvarint(nil, uint64(time.Second)))
	for name, text := range map[string]string{
		"a second's billion": name + "\x00" + leap + body[len(name)+len(appendTime(nil, start)):],
		"huge list":          body[:len(body)-4] + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + "\x00\x00\x00",
		"nothing":            "",
		"the version before": "\xb4" + body[1:],
		"a later version":    "\xb6" + body[1:],
		"no state":           body[:1] + "\x04" + body[2:],
		"more":               body + "\x00",
		"less":               body[:len(body)-1],
		"delivery flag":      body[:len(body)-1] + "\x02",
		"huge string":        body[:2] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"endless number":     body[:2] + strings.Repeat("\xff", 20),
		"too long":           body[:2] + strings.Repeat("x", MaxEncoded),
	} {
		if data, _, err := decode(withSum(text)); !errors.Is(err, errUndecodable) || data != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, garbage := range [][]byte{nil, {}, {codecVersion}, []byte("gob"), []byte(`{"State":3}`)} {
		if _, _, err := decode(garbage); !errors.Is(err, errUndecodable) {
			t.Errorf("%q: %v", garbage, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		data *Data
		want error
	}{
		"state":    {&Data{State: 4}, ErrInvalid},
		"delivery": {&Data{Errand: Errand{Delivery: &Delivery{Body: make([]byte, MaxDelivery+1)}}}, ErrTooLarge},
		"all":      {&Data{Errand: Errand{Next: strings.Repeat("x", MaxEncoded)}}, ErrTooLarge},
	} {
		if stored, err := encode(test.data, start); !errors.Is(err, test.want) || stored != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := encode(&Data{Errand: Errand{Delivery: &Delivery{Body: make([]byte, MaxDelivery)}}}, start); err != nil {
		t.Errorf("a delivery of %d bytes: %v", MaxDelivery, err)
	}
	for _, values := range []map[string]any{nil, {dataKey: "text"}, {dataKey: (*Data)(nil)}} {
		if _, err := (codec{}).Encode(start, values); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// FuzzDecode: whatever a store returns, decoding neither panics nor trusts a length, and what it accepts means the same
// after another round. The checksum is corrected, because otherwise no input would get past it.
func FuzzDecode(f *testing.F) {
	for _, data := range []*Data{{}, fullData(f), {App: "wiki", State: gate.Verified, Granted: []string{"a"}}} {
		stored, err := encode(data, start)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(stored[:len(stored)-checksumSize]))
	}
	f.Add("\xb1\x03\x04wiki")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, _ = decode([]byte(text))
		data, deadline, err := decode(withSum(text))
		if err != nil {
			if data != nil {
				t.Fatal("data beside an error")
			}
			return
		}
		if state, app, identity, ok := peek([]byte(text)); !ok || state != data.State || string(app) != data.App ||
			string(identity) != data.Identity {
			t.Fatal("peek reads another session than decode")
		}
		again, err := encode(data, deadline)
		if errors.Is(err, ErrTooLarge) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		same, sameDeadline, err := decode(again)
		if err != nil || !reflect.DeepEqual(*same, *data) || !sameDeadline.Equal(deadline) {
			t.Fatalf("%v: %#v became %#v", err, *data, *same)
		}
	})
}
