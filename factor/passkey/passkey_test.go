package passkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
)

// TestPasskeyFromSetUpToSignIn: a passkey is set up as the first factor, signs in, and is counted on.
func TestPasskeyFromSetUpToSignIn(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	if len(b.codes) != 10 {
		t.Errorf("%d recovery codes", len(b.codes))
	}
	record := b.record()
	if f := record.Factors[0]; f.Kind != factor.MethodPasskey || f.Name != "Firefox, Linux" || f.Secret != nil || record.Schema() != factor.Schema2 {
		t.Errorf("kind %s, name %q, schema %d", f.Kind, f.Name, record.Schema())
	}
	if s := b.state(); s.Count != 0 || len(s.Handle) != 32 || s.Eligible || len(s.Transports) != 1 || s.Transports[0] != "usb" {
		t.Errorf("state %+v", s)
	}
	b.clock.Advance(time.Hour)
	if err := b.signIn(alice, device); err != nil {
		t.Fatal(err)
	}
	status, err := b.Status(t.Context(), alice)
	if err != nil || !status.Used.Equal(b.clock.Now()) || b.state().Count != 1 || status.Activity[0].Kind != "sign-in-passkey" || status.Factors[0].Synced {
		t.Errorf("%+v, %v", status, err)
	}
	if method, err := b.Verify(at(site), alice, b.answer(alice, device)); err != nil || method != factor.MethodPasskey {
		t.Errorf("before a change: %s, %v", method, err)
	}
}

// TestCreationOptions: what the browser is told: RP ID, a random handle, no attestation, and which passkeys there are.
func TestCreationOptions(t *testing.T) {
	b, device := enrolled(t, passkey.Options{Name: "Example Wiki", Verification: passkey.Required})
	begun, err := b.Each().BeginAdd(at(site), alice, factor.MethodPasskey)
	if err != nil {
		t.Fatal(err)
	}
	_, offer, err := b.Each().Renew(at(site), alice, begun)
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		PublicKey struct {
			Challenge, Attestation string
			RP                     struct{ ID, Name string }
			User                   struct{ ID, Name string }
			ExcludeCredentials     []struct{ ID string }
			AuthenticatorSelection struct{ ResidentKey, UserVerification string }
			PubKeyCredParams       []struct{ Alg int }
			Timeout                int
		}
	}
	if err := json.Unmarshal([]byte(offer.Options), &told); err != nil {
		t.Fatal(err)
	}
	k := told.PublicKey
	if k.RP.ID != domain || k.RP.Name != "Example Wiki" || k.Attestation != "none" || k.AuthenticatorSelection.ResidentKey != "preferred" ||
		k.AuthenticatorSelection.UserVerification != "required" || len(k.PubKeyCredParams) != 3 || k.Timeout != 300000 || len(k.Challenge) != 43 {
		t.Errorf("%s", offer.Options)
	}
	if k.User.Name != alice || k.User.ID != encoded(b.state().Handle) || strings.Contains(string(b.state().Handle), alice) {
		t.Errorf("the user is told as %+v", k.User)
	}
	if len(k.ExcludeCredentials) != 1 || k.ExcludeCredentials[0].ID != encoded(device.ID) {
		t.Errorf("excluded: %+v", k.ExcludeCredentials)
	}
	_, request := b.ask(alice)
	var asks struct {
		PublicKey struct {
			Challenge, RPID, UserVerification string
			AllowCredentials                  []struct{ ID string }
			Timeout                           int
		}
	}
	if err := json.Unmarshal([]byte(request), &asks); err != nil || asks.PublicKey.RPID != domain || asks.PublicKey.UserVerification != "required" ||
		len(asks.PublicKey.AllowCredentials) != 1 || asks.PublicKey.Timeout != 300000 || len(asks.PublicKey.Challenge) != 43 {
		t.Errorf("%s, %v", request, err)
	}
}

// TestP4_AnswersThatLie: an attacker with a page of his own, or with a device that says what it is told to, sends
// answers that are right in all but one thing. Each is wrong; the control is what every one of them changes.
func TestP4_AnswersThatLie(t *testing.T) {
	for name, lie := range map[string]func(*passkeytest.Authenticator){
		"the control":                            nil,
		"another origin":                         func(a *passkeytest.Authenticator) { a.Origin = "https://wiki.example.org" },
		"another origin of the domain":           func(a *passkeytest.Authenticator) { a.Origin = "https://blog.example.com" },
		"another port":                           func(a *passkeytest.Authenticator) { a.Origin = site + ":8443" },
		"without TLS":                            func(a *passkeytest.Authenticator) { a.Origin = "http://wiki.example.com" },
		"a frame in another site's page":         func(a *passkeytest.Authenticator) { a.CrossOrigin = true },
		"another RP ID":                          func(a *passkeytest.Authenticator) { a.RPID = "wiki.example.com" },
		"an RP ID above":                         func(a *passkeytest.Authenticator) { a.RPID = "com" },
		"nobody was there":                       func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified },
		"another challenge":                      func(a *passkeytest.Authenticator) { a.Challenge = encoded(make([]byte, 32)) },
		"another ceremony":                       func(a *passkeytest.Authenticator) { a.Type = "payment.get" },
		"suddenly to be copied":                  func(a *passkeytest.Authenticator) { a.Flags |= passkeytest.Eligible },
		"copied, although that is not possible":  func(a *passkeytest.Authenticator) { a.Flags |= passkeytest.Backed },
		"another user's handle":                  func(a *passkeytest.Authenticator) { a.Handle = bytes.Repeat([]byte{1}, 32) },
		"another device with the passkey's name": func(a *passkeytest.Authenticator) { *a = forged(t, a) },
	} {
		t.Run(name, func(t *testing.T) {
			b, device := enrolled(t, passkey.Options{})
			if lie != nil {
				lie(device)
			}
			for range 20 {
				_, err := b.SignIn(at(site), alice, b.answer(alice, device))
				if lie == nil && err != nil || lie != nil && !errors.Is(err, factor.ErrWrongCode) {
					t.Fatal(err)
				}
			}
			// Nobody guesses a signature: such answers neither count nor keep the user out.
			if got := b.record().Throttle; got != (factor.ThrottleState{}) {
				t.Errorf("counted: %+v", got)
			}
		})
	}
}

// forged is a device with another key under the same name.
func forged(t *testing.T, a *passkeytest.Authenticator) passkeytest.Authenticator {
	other := passkeytest.New(t, a.Origin)
	other.ID, other.Handle = a.ID, a.Handle
	return *other
}

// TestP4_RegistrationsThatLie: the same with what is to be set up.
func TestP4_RegistrationsThatLie(t *testing.T) {
	for name, lie := range map[string]func(*passkeytest.Authenticator){
		"the control":                    nil,
		"another origin":                 func(a *passkeytest.Authenticator) { a.Origin = "https://wiki.example.org" },
		"a frame in another site's page": func(a *passkeytest.Authenticator) { a.CrossOrigin = true },
		"another RP ID":                  func(a *passkeytest.Authenticator) { a.RPID = "example.org" },
		"nobody was there":               func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified },
		"nobody was recognised":          func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Present },
		"another challenge":              func(a *passkeytest.Authenticator) { a.Challenge = encoded(make([]byte, 32)) },
		"an answer and no registration":  func(a *passkeytest.Authenticator) { a.Type = "webauthn.get" },
		"copied, but not to be copied":   func(a *passkeytest.Authenticator) { a.Flags |= passkeytest.Backed },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "wiki", passkey.Options{RPID: domain, Verification: passkey.Required}, factor.NewMemoryStore())
			device := passkeytest.New(t, site)
			if lie != nil {
				lie(device)
			}
			begun, err := b.Begin(at(site), alice, factor.MethodPasskey)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = b.confirm(alice, begun, device); lie == nil && err != nil || lie != nil && !errors.Is(err, factor.ErrWrongCode) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestP5_OtherPeoplesPasskeys: bob answers alice's question with his passkey, and somebody with a passkey of the same
// user in another app of the domain with that one.
func TestP5_OtherPeoplesPasskeys(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	bobs := passkeytest.New(t, site)
	b.enrol("bob", bobs)
	blog := newBench(t, "blog", passkey.Options{RPID: domain}, b.store)
	blogs := passkeytest.New(t, site)
	blog.enrol(alice, blogs)
	for name, other := range map[string]*passkeytest.Authenticator{"bob's": bobs, "the other app's": blogs} {
		if err := b.signIn(alice, other); !errors.Is(err, factor.ErrWrongCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nor does an answer to another's question help.
	theirs := b.answer("bob", bobs)
	if _, err := b.SignIn(at(site), alice, theirs); !errors.Is(err, factor.ErrProposalStale) {
		t.Errorf("bob's question: %v", err)
	}
	apps := blog.answer(alice, blogs)
	if _, err := b.SignIn(at(site), alice, apps); !errors.Is(err, factor.ErrProposalStale) {
		t.Errorf("another app's question: %v", err)
	}
	if err := b.signIn(alice, device); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestP7_AnswersAreOfOneUse: an answer is sent once more, or fifty times at once to several gateways, or after its
// time.
func TestP7_AnswersAreOfOneUse(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	device.Step = 0 // synced passkeys do not count
	answer := b.answer(alice, device)
	var wins atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			switch _, err := b.SignIn(at(site), alice, answer); {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, factor.ErrWrongCode):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d wins", wins.Load())
	}
	for after, want := range map[time.Duration]error{5*time.Minute - time.Second: nil, 5 * time.Minute: factor.ErrProposalStale, -time.Second: factor.ErrProposalStale} {
		late := b.answer(alice, device)
		b.clock.Advance(after)
		if _, err := b.SignIn(at(site), alice, late); !errors.Is(err, want) {
			t.Errorf("after %s: %v", after, err)
		}
	}
	unasked := b.answer(alice, device)
	unasked.Asked = nil
	if _, err := b.SignIn(at(site), alice, unasked); !errors.Is(err, factor.ErrWrongCode) {
		t.Errorf("nobody asked: %v", err)
	}
}

// TestRegistrationsAreOfTheirTime: the challenge of a set-up ends after five minutes, and the set-up goes on with
// another.
func TestRegistrationsAreOfTheirTime(t *testing.T) {
	b := newBench(t, "wiki", passkey.Options{RPID: domain}, factor.NewMemoryStore())
	device := passkeytest.New(t, site)
	begun, err := b.Begin(at(site), alice, factor.MethodPasskey)
	if err != nil {
		t.Fatal(err)
	}
	renewed, offer, err := b.Each().Renew(at(site), alice, begun)
	if err != nil || !renewed.Created.Equal(begun.Created) {
		t.Fatal(err)
	}
	b.clock.Advance(5 * time.Minute)
	answer := factor.Answer{Kind: factor.MethodPasskey, Text: device.Create(t, offer.Options)}
	if _, err := b.Confirm(at(site), alice, renewed, answer); !errors.Is(err, factor.ErrWrongCode) {
		t.Errorf("late: %v", err)
	}
	if _, err := b.confirm(alice, renewed, device); err != nil {
		t.Errorf("another challenge: %v", err)
	}
	if _, _, err := b.Each().Renew(at(site), "bob", renewed); !errors.Is(err, factor.ErrProposalStale) {
		t.Errorf("bob goes on with it: %v", err)
	}
}

// TestCopiedPasskey: somebody has copied a device, and uses the copy after it. Its count has gone back: it is refused,
// and the user sees it. The control is the device itself.
func TestCopiedPasskey(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	copied := device.Copy()
	for range 2 {
		if err := b.signIn(alice, device); err != nil {
			t.Fatal(err)
		}
	}
	used := b.record().Factors[0].Used
	if err := b.signIn(alice, copied); !errors.Is(err, factor.ErrCopied) {
		t.Fatalf("the copy: %v", err)
	}
	record := b.record()
	if last := record.Activity[len(record.Activity)-1]; last.Kind != factor.EventCopied || last.Browser != "Firefox, Linux" {
		t.Errorf("noted: %+v", last)
	}
	if record.Throttle != (factor.ThrottleState{}) || b.state().Count != 2 || !record.Factors[0].Used.Equal(used) {
		t.Errorf("it changed something: %+v", record.Throttle)
	}
	if _, err := b.Verify(at(site), alice, b.answer(alice, device.Copy().Copy())); err != nil {
		t.Errorf("the device itself: %v", err)
	}
}

// TestUserVerification: who only touches a key that the site wants to know its user by gets no further; where the site
// does not demand it, a touch is enough.
func TestUserVerification(t *testing.T) {
	for word, want := range map[string]error{passkey.Required: factor.ErrWrongCode, passkey.Preferred: nil, passkey.Discouraged: nil} {
		b, device := enrolled(t, passkey.Options{Verification: word})
		device.Flags = passkeytest.Present
		if err := b.signIn(alice, device); !errors.Is(err, want) {
			t.Errorf("%s: %v", word, err)
		}
		device.Flags |= passkeytest.Verified
		if err := b.signIn(alice, device); err != nil {
			t.Errorf("%s, verified: %v", word, err)
		}
	}
}

// TestSyncedPasskeys: what the device says of copies is kept, and follows it.
func TestSyncedPasskeys(t *testing.T) {
	b := newBench(t, "wiki", passkey.Options{RPID: domain}, factor.NewMemoryStore())
	device := passkeytest.New(t, site)
	device.Flags, device.Step = device.Flags|passkeytest.Eligible, 0
	device.Model = [16]byte{0xfb, 0xfc, 0x30, 0x07, 0x15, 0x4e, 0x4e, 0xcc, 0x8c, 0x0b, 0x6e, 0x02, 0x05, 0x57, 0xd7, 0xbd}
	b.enrol(alice, device)
	if s := b.state(); !s.Eligible || s.Backed || b.record().Factors[0].Name != "iCloud Keychain" {
		t.Errorf("%+v, %q", s, b.record().Factors[0].Name)
	}
	device.Flags |= passkeytest.Backed
	if err := b.signIn(alice, device); err != nil || !b.state().Backed {
		t.Errorf("backed up: %v, %+v", err, b.state())
	}
	if status, err := b.Status(t.Context(), alice); err != nil || !status.Factors[0].Synced {
		t.Errorf("%+v, %v", status, err)
	}
}

func encoded(raw []byte) string {
	text, _ := json.Marshal(raw)
	return strings.NewReplacer("+", "-", "/", "_", "=", "", `"`, "").Replace(string(text))
}
