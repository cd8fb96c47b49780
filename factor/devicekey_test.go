package factor_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// browserKey is a key as a browser's script makes it.
type browserKey struct {
	*ecdsa.PrivateKey
	t testing.TB
}

func newBrowserKey(t testing.TB) browserKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return browserKey{key, t}
}

// raw is the result of exportKey("raw").
func (k browserKey) raw() []byte {
	raw, err := k.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	return raw
}

// signs is the result of sign() for this text, in base64url.
func (k browserKey) signs(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	r, s, err := ecdsa.Sign(rand.Reader, k.PrivateKey, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// session is a proof that lacks its signature.
func session(nonce string) factor.Proof {
	return factor.Proof{Host: "wiki.example", Base: "/second-factor", Nonce: nonce}
}

// trusts is the proof that the key is there, signsIn the one that stands in for a code.
func (k browserKey) trusts(p factor.Proof) factor.Proof {
	p.Signature = k.signs("sallyport trusted browser", "trust", p.Host, p.Base, p.Nonce, "")
	return p
}

func (k browserKey) signsIn(p factor.Proof, device string) factor.Proof {
	p.Signature = k.signs("sallyport trusted browser", "sign in", p.Host, p.Base, p.Nonce, device)
	return p
}

// keyed is a bench on which alice trusts her Firefox, which has a key.
func keyed(t testing.TB) (b *bench, credential string, key browserKey) {
	t.Helper()
	b = enrolled(t, func(c *factor.Config) { c.Remember = fortnight })
	key = newBrowserKey(t)
	public, err := factor.NewDeviceKey(factor.EncodeDeviceKey(key.raw()), key.trusts(session("first")))
	if err != nil {
		t.Fatal(err)
	}
	credential, err = b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{Key: public})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	return b, credential, key
}

func TestDeviceKey(t *testing.T) {
	b, credential, key := keyed(t)
	for _, nonce := range []string{"second", "third"} {
		next, err := b.UseDevice(firefox(t), alice, credential, key.signsIn(session(nonce), factor.DeviceID(credential)))
		if err != nil || next == credential || factor.DeviceID(next) != factor.DeviceID(credential) {
			t.Fatalf("%q, %v", next, err)
		}
		credential = next
		b.clock.Advance(24 * time.Hour)
	}
	if devices := b.status(t).Devices; len(devices) != 1 || !bytes.Equal(devices[0].Key, key.raw()) {
		t.Errorf("devices: %+v", devices)
	}
	// The trust counts from the code, also with a key.
	b.clock.Advance(fortnight - 49*time.Hour)
	if _, err := b.UseDevice(firefox(t), alice, credential, key.signsIn(session("late"), factor.DeviceID(credential))); !errors.Is(err, factor.ErrNotTrusted) {
		t.Errorf("after the trust's end: %v", err)
	}
}

// TestP5_CopiedTrustWithAKey: the cookie of a browser that has a key opens nothing by itself. Sending it without a
// proof changes nothing, because browsers sometimes lose what they store.
func TestP5_CopiedTrustWithAKey(t *testing.T) {
	b, credential, key := keyed(t)
	before := b.record(t)
	for range 3 {
		if next, err := b.UseDevice(firefox(t), alice, credential, session("thief")); !errors.Is(err, factor.ErrNotTrusted) || next != "" {
			t.Fatalf("the cookie alone: %q, %v", next, err)
		}
	}
	if after := b.record(t); !reflect.DeepEqual(before, after) {
		t.Error("the record changed")
	}
	if _, err := b.UseDevice(firefox(t), alice, credential, key.signsIn(session("good"), factor.DeviceID(credential))); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// TestP5_ForgedProof: an invalid proof together with a valid cookie is no accident. It ends the trust, and does not
// count as a wrong code.
func TestP5_ForgedProof(t *testing.T) {
	good := session("good")
	for name, forge := range map[string]func(key browserKey, id string) (proof factor.Proof){
		"another key":     func(_ browserKey, id string) factor.Proof { return newBrowserKey(t).signsIn(good, id) },
		"another device":  func(key browserKey, _ string) factor.Proof { return key.signsIn(good, strings.Repeat("0", 32)) },
		"another purpose": func(key browserKey, _ string) factor.Proof { return key.trusts(good) },
		"another session": func(key browserKey, id string) factor.Proof {
			return factor.Proof{Signature: key.signsIn(session("other"), id).Signature, Host: good.Host, Base: good.Base, Nonce: good.Nonce}
		},
		"another site": func(key browserKey, id string) factor.Proof {
			proof := key.signsIn(good, id)
			proof.Host = "evil.example"
			return proof
		},
		"another base": func(key browserKey, id string) factor.Proof {
			proof := key.signsIn(good, id)
			proof.Base = "/other"
			return proof
		},
		"another context": func(key browserKey, id string) factor.Proof {
			proof := good
			proof.Signature = key.signs("a browser", "sign in", good.Host, good.Base, good.Nonce, id)
			return proof
		},
		"no nonce": func(key browserKey, id string) factor.Proof { return key.signsIn(session(""), id) },
		"nothing": func(browserKey, string) factor.Proof {
			proof := good
			proof.Signature = "x"
			return proof
		},
		"zeros": func(browserKey, string) factor.Proof {
			proof := good
			proof.Signature = strings.Repeat("A", 86)
			return proof
		},
		"padded": func(key browserKey, id string) factor.Proof {
			proof := key.signsIn(good, id)
			proof.Signature += "=="
			return proof
		},
		"over two lines": func(key browserKey, id string) factor.Proof {
			proof := key.signsIn(good, id)
			proof.Signature = proof.Signature[:43] + "\n" + proof.Signature[43:]
			return proof
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, credential, key := keyed(t)
			id := factor.DeviceID(credential)
			if next, err := b.UseDevice(firefox(t), alice, credential, forge(key, id)); !errors.Is(err, factor.ErrNotTrusted) || next != "" {
				t.Errorf("%q, %v", next, err)
			}
			if record := b.record(t); len(record.Devices) != 0 || record.Activity[len(record.Activity)-1].Kind != factor.EventMisused || record.Throttle.Failures != 0 {
				t.Errorf("devices %d, %d failures, activity %v", len(record.Devices), record.Throttle.Failures, record.Activity)
			}
			if _, err := b.UseDevice(firefox(t), alice, credential, key.signsIn(good, id)); !errors.Is(err, factor.ErrNotTrusted) {
				t.Errorf("the right proof afterwards: %v", err)
			}
		})
	}
}

// TestKeyIsNotAll: the rules for the rotating secret also hold for a browser with a key, because whoever copies a
// browser's whole profile has both.
func TestKeyIsNotAll(t *testing.T) {
	use := func(b *bench, ctx context.Context, credential string, key browserKey) (string, error) {
		return b.UseDevice(ctx, alice, credential, key.signsIn(session("good"), factor.DeviceID(credential)))
	}
	t.Run("the secret before", func(t *testing.T) {
		b, credential, key := keyed(t)
		next, err := use(b, firefox(t), credential, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := use(b, firefox(t), credential, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Errorf("at once: %v", err)
		}
		if next, err = use(b, firefox(t), next, key); err != nil {
			t.Errorf("the present one: %v", err)
		}
		b.clock.Advance(time.Hour)
		if _, err := use(b, firefox(t), credential, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Errorf("later: %v", err)
		}
		if _, err := use(b, firefox(t), next, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Errorf("and the trust stands: %v", err)
		}
	})
	t.Run("another kind of browser", func(t *testing.T) {
		b, credential, key := keyed(t)
		if _, err := use(b, chrome(t), credential, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Error(err)
		}
	})
	t.Run("while wrong codes are counted", func(t *testing.T) {
		b, credential, key := keyed(t)
		for range 5 {
			wantError(t, "wrong", verifyTOTP(t.Context(), b.Service, alice, "000000"), factor.ErrWrongCode)
		}
		if _, err := use(b, firefox(t), credential, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Error(err)
		}
	})
	t.Run("removed", func(t *testing.T) {
		b, credential, key := keyed(t)
		if _, err := b.ForgetDevices(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		if _, err := use(b, firefox(t), credential, key); !errors.Is(err, factor.ErrNotTrusted) {
			t.Error(err)
		}
	})
}

// TestTrustInstead: when a browser is trusted anew, its earlier credentials end. Otherwise a copy of all its cookies
// could sign in without the key, by an older cookie that has none.
func TestTrustInstead(t *testing.T) {
	b, old := trusting(t)
	public := newBrowserKey(t).raw()
	other, err := b.SignInAndTrust(chrome(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	trust := factor.Trust{Key: public, Instead: []string{old, "unknown.secret", ""}}
	if _, err := b.SignInAndTrust(firefox(t), alice, typed("000000"), trust); !errors.Is(err, factor.ErrWrongCode) || len(b.record(t).Devices) != 2 {
		t.Errorf("a wrong code: %v, %d devices", err, len(b.record(t).Devices))
	}
	if _, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), trust); err != nil {
		t.Fatal(err)
	}
	b.wantNoTrust(firefox(t), t, old)
	b.wantTrust(chrome(t), t, other)
	if devices := b.record(t).Devices; len(devices) != 2 || !bytes.Equal(devices[1].Key, public) {
		t.Errorf("devices: %d", len(devices))
	}
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// TestNewDeviceKey: a key is a point of the curve, in its only valid spelling, and the browser proves that it has the
// private key.
func TestNewDeviceKey(t *testing.T) {
	key := newBrowserKey(t)
	good := key.trusts(session("good"))
	if got, err := factor.NewDeviceKey(factor.EncodeDeviceKey(key.raw()), good); err != nil || !bytes.Equal(got, key.raw()) {
		t.Errorf("%v, %v", got, err)
	}
	off := key.raw()
	off[64] ^= 1
	compressed := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y)
	// The last character encodes two bits of the key and four unused ones.
	spelled := factor.EncodeDeviceKey(key.raw())
	spelled = spelled[:86] + string(base64URL[strings.IndexByte(base64URL, spelled[86])+1])
	hybrid := append([]byte{6 + key.raw()[64]&1}, key.raw()[1:]...)
	for name, text := range map[string]string{
		"nothing": "", "another spelling": spelled, "another's": factor.EncodeDeviceKey(newBrowserKey(t).raw()), "off the curve": factor.EncodeDeviceKey(off),
		"infinity": factor.EncodeDeviceKey([]byte{0}), "zeros": factor.EncodeDeviceKey(make([]byte, 65)), "hybrid": factor.EncodeDeviceKey(hybrid),
		"compressed": factor.EncodeDeviceKey(compressed), "padded": factor.EncodeDeviceKey(key.raw()) + "=", "longer": factor.EncodeDeviceKey(append(key.raw(), 0)),
		"standard base64": base64.StdEncoding.EncodeToString(key.raw()), "DER": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" + factor.EncodeDeviceKey(key.raw()[1:]),
	} {
		if got, err := factor.NewDeviceKey(text, good); err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, proof := range map[string]factor.Proof{
		"no proof": session("good"), "for a sign-in": key.signsIn(session("good"), ""), "of another session": {
			Signature: key.trusts(session("other")).Signature, Host: good.Host, Base: good.Base, Nonce: good.Nonce,
		},
	} {
		if got, err := factor.NewDeviceKey(factor.EncodeDeviceKey(key.raw()), proof); err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestDeviceKeyInTheRecord: a record from before browsers had keys reads as it did. A record with an invalid key is
// damaged; its browser must not pass as one that needs no proof.
func TestDeviceKeyInTheRecord(t *testing.T) {
	b, _, key := keyed(t)
	record := b.record(t)
	document, err := factor.EncodeRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	stored := `,"key":"` + base64.StdEncoding.EncodeToString(key.raw()) + `"`
	if !strings.Contains(string(document), stored) {
		t.Fatalf("the key is not in %s", document)
	}
	older, err := factor.DecodeRecord([]byte(strings.Replace(string(document), stored, "", 1)))
	if err != nil || len(older.Devices) != 1 || older.Devices[0].Key != nil {
		t.Errorf("without a key: %v, %v", older.Devices, err)
	}
	for _, bad := range []string{`,"key":""`, `,"key":"AA=="`, `,"key":"` + base64.StdEncoding.EncodeToString(make([]byte, 65)) + `"`} {
		if _, err := factor.DecodeRecord([]byte(strings.Replace(string(document), stored, bad, 1))); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	record.Devices[0].Key = []byte{4}
	if _, err := factor.EncodeRecord(record); !errors.Is(err, factor.ErrCorrupt) {
		t.Errorf("a bad key is written: %v", err)
	}
}

func FuzzNewDeviceKey(f *testing.F) {
	key := newBrowserKey(f)
	good := key.trusts(session("good"))
	f.Add(factor.EncodeDeviceKey(key.raw()), good.Signature)
	f.Add("", "")
	f.Add(strings.Repeat("A", 87), strings.Repeat("A", 86))
	f.Add("BA"+strings.Repeat("_", 85), strings.Repeat("_", 86))
	f.Fuzz(func(t *testing.T, text, signature string) {
		proof := session("good")
		proof.Signature = signature
		got, err := factor.NewDeviceKey(text, proof)
		if (err == nil) != (got != nil) {
			t.Fatalf("%v, %v", got, err)
		}
		if err != nil {
			return
		}
		if factor.EncodeDeviceKey(got) != text {
			t.Errorf("%q has another spelling: %q", text, factor.EncodeDeviceKey(got))
		}
		if _, err := ecdh.P256().NewPublicKey(got); err != nil {
			t.Errorf("%q is not on the curve: %v", text, err)
		}
	})
}
