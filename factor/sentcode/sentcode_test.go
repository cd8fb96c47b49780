package sentcode_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/sentcode"
)

// TestSetUpAndSignIn: an address is proved by the code that was sent to it, and then opens each sign-in by another one.
func TestSetUpAndSignIn(t *testing.T) {
	t.Parallel()
	for kind, want := range map[factor.Method]factor.Message{
		factor.MethodMail: {To: mailbox, Masked: "a•••@example.com", Lifetime: 10 * time.Minute},
		factor.MethodSMS:  {To: phone, Masked: "••• 67", Lifetime: 5 * time.Minute},
	} {
		b := newBench(t)
		begun := b.begin(alice, kind)
		first := b.last()
		if first.To != want.To || first.Masked != want.Masked || first.Lifetime != want.Lifetime || first.Kind != kind || len(first.Code) != 6 {
			t.Errorf("%s: sent %q to %q (%q) for %s", kind, first.Code, first.To, first.Masked, first.Lifetime)
		}
		if offer, err := b.Show(begun); err != nil || offer.To != want.Masked {
			t.Errorf("%s: shown %q: %v", kind, offer.To, err)
		}
		confirmed, err := b.Confirm(at(mailbox), alice, begun, factor.Answer{Kind: kind, Text: " " + first.Code[:3] + "-" + first.Code[3:]})
		if err != nil || len(confirmed.Codes) == 0 {
			t.Fatalf("%s: %v", kind, err)
		}
		b.clock.Advance(time.Minute)
		if err := b.signIn(b.ask(kind)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		status, err := b.Status(at(mailbox), alice)
		if err != nil || len(status.Factors) != 1 || status.Factors[0].To != want.Masked || status.Activity[0].Kind != factor.EventKind("sign-in-"+kind) {
			t.Errorf("%s: %v: %+v", kind, err, status)
		}
		if b.record().Schema() != factor.Schema2 {
			t.Errorf("%s is written in schema 1", kind)
		}
	}
}

// TestP7_SentCodesAreOfOneUseAndOneQuestion is an attack: whoever reads a code over somebody's shoulder, or gets one
// sent in a session of her own, uses it in another session, at another account, for another kind, a second time, or
// after its time. Each is wrong, and counted; the control is the code in the session that asked.
func TestP7_SentCodesAreOfOneUseAndOneQuestion(t *testing.T) {
	t.Parallel()
	const kind = factor.MethodMail
	for name, attack := range map[string]func(b *bench, mine factor.Answer) error{
		"in another session": func(b *bench, mine factor.Answer) error {
			b.clock.Advance(2 * time.Minute)
			theirs := b.ask(kind)
			if theirs.Text == mine.Text { // one in a million
				mine.Text = other(mine.Text)
			}
			theirs.Text = mine.Text
			return b.signIn(theirs)
		},
		"where nothing was asked": func(b *bench, mine factor.Answer) error {
			return b.signIn(factor.Answer{Kind: kind, Text: mine.Text})
		},
		"a second time": func(b *bench, mine factor.Answer) error {
			if err := b.signIn(mine); err != nil {
				b.t.Fatal(err)
			}
			return b.signIn(mine)
		},
		"a wrong one": func(b *bench, mine factor.Answer) error {
			mine.Text = other(mine.Text)
			return b.signIn(mine)
		},
		"none": func(b *bench, mine factor.Answer) error {
			mine.Text = ""
			return b.signIn(mine)
		},
		"that of the set-up": func(b *bench, mine factor.Answer) error {
			mine.Text = b.sent[0].Code
			return b.signIn(mine)
		},
	} {
		b := newBench(t)
		b.enrol(alice, kind)
		mine := b.ask(kind)
		before := b.record().Throttle.Failures
		if err := attack(b, mine); !errors.Is(err, factor.ErrWrongCode) || b.record().Throttle.Failures != before+1 {
			t.Errorf("%s: %v, %d counted", name, err, b.record().Throttle.Failures-before)
		}
	}
	for name, attack := range map[string]func(b *bench, mine *factor.Answer) error{
		"after its time":             func(b *bench, mine *factor.Answer) error { b.clock.Advance(10 * time.Minute); return b.signIn(*mine) },
		"before it was asked for":    func(b *bench, mine *factor.Answer) error { b.clock.Advance(-time.Second); return b.signIn(*mine) },
		"for another kind":           func(b *bench, mine *factor.Answer) error { mine.Kind = factor.MethodSMS; return b.signIn(*mine) },
		"at another account":         func(b *bench, mine *factor.Answer) error { mine.Asked.User = "bob"; return b.signIn(*mine) },
		"at another app":             func(b *bench, mine *factor.Answer) error { mine.Asked.App = "mail"; return b.signIn(*mine) },
		"by somebody without factor": func(b *bench, mine *factor.Answer) error { _, err := b.SignIn(at(mailbox), "bob", *mine); return err },
	} {
		b := newBench(t)
		b.enrol(alice, kind)
		mine := b.ask(kind)
		if err := attack(b, &mine); !errors.Is(err, factor.ErrProposalStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := newBench(t)
	b.enrol(alice, kind)
	mine := b.ask(kind)
	b.clock.Advance(10*time.Minute - time.Nanosecond)
	if err := b.signIn(mine); err != nil {
		t.Errorf("in its session and in time: %v", err)
	}
}

// TestP7_QuestionOfAnotherFactor is an attack: a question that was asked before the factor was replaced is kept, and
// answered afterwards.
func TestP7_QuestionOfAnotherFactor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	mine := b.ask(factor.MethodMail)
	b.clock.Advance(5 * time.Minute)
	reset := b.begin(alice, factor.MethodMail)
	if reset.Replaces == "" {
		t.Fatal("the second set-up replaces nothing")
	}
	if _, err := b.Confirm(at(mailbox), alice, reset, factor.Answer{Kind: factor.MethodMail, Text: b.last().Code}); err != nil {
		t.Fatal(err)
	}
	if err := b.signIn(mine); !errors.Is(err, factor.ErrWrongCode) {
		t.Errorf("a question of the factor before: %v", err)
	}
}

// TestOneOfEach: a user has one factor of each of these kinds.
func TestOneOfEach(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	if _, err := b.Each().BeginAdd(at(mailbox), alice, factor.MethodMail); !errors.Is(err, factor.ErrTooMany) {
		t.Errorf("a second address: %v", err)
	}
	if _, err := b.Each().BeginAdd(at(mailbox), alice, factor.MethodSMS); err != nil {
		t.Errorf("a number beside it: %v", err)
	}
}

// TestP9_NoCodeIsKept: neither the session nor the record has the code, nor what it could be found by alone; and no
// message prints itself.
func TestP9_NoCodeIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	mine := b.ask(factor.MethodMail)
	record, err := factor.EncodeRecord(b.record())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(record), mine.Text) || strings.Contains(string(mine.Asked.Encode()), mine.Text) || mine.Asked.Secret != nil {
		t.Error("the code is kept, or the key beside its hash")
	}
	message := b.last()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{message, &message, mine} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, message.Code) || strings.Contains(text, "alice@") {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

// TestAddressOfTheApp: where the app says the address, what it says now counts. One that is malformed, or that the app
// names no more, gets no code.
func TestAddressOfTheApp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	for address, want := range map[string]string{"new@example.org": "n•••@example.org", "ab@example.org": "•••@example.org", "": "", "a@b\r\nBcc: c@d": "", "Ada <a@b.c>": ""} {
		b.clock.Advance(time.Hour)
		before := b.count()
		sent, err := factor.SendCode(at(address), b.Service, alice, factor.MethodMail, b.deliver)
		status, failed := b.Status(at(address), alice)
		switch {
		case failed != nil || status.Factors[0].To != want:
			t.Errorf("%q: %v, %+v", address, failed, status.Factors)
		case want == "" && (!errors.Is(err, factor.ErrAddress) || b.count() != before):
			t.Errorf("%q: %v", address, err)
		case want != "" && (err != nil || sent.To != want || b.last().To != address):
			t.Errorf("%q: %v: %q", address, err, sent.To)
		}
		if _, err := b.Each().BeginReset(at(address), alice, factor.MethodMail, status.Factors[0].ID); (want == "") != errors.Is(err, factor.ErrAddress) {
			t.Errorf("%q: a set-up: %v", address, err)
		}
	}
}

// TestTypedAddress: where the user says the address, the proved one counts, whatever the app says; spaces between the
// digits of a number are none of it.
func TestTypedAddress(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		phone: phone, " +358 40-123 4567\u00a0": phone, "+358 (40) 123.4567": phone, "0401234567": "", "+358401234567,+1555": "", mailbox: "",
	} {
		b := newBench(t)
		ctx := factor.WithOrigin(t.Context(), factor.Origin{Typed: typed, Addresses: map[factor.Method]string{factor.MethodSMS: "+15550000000"}})
		begun, err := b.Begin(ctx, alice, factor.MethodSMS)
		if want == "" {
			if !errors.Is(err, factor.ErrAddress) {
				t.Errorf("%q: %v", typed, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		sent, err := factor.SendProof(ctx, b.Service, alice, begun, b.deliver)
		if err != nil || b.last().To != want {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		if _, err := b.Confirm(ctx, alice, sent.Ceremony, factor.Answer{Kind: factor.MethodSMS, Text: b.last().Code}); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Hour)
		if b.ask(factor.MethodSMS); b.last().To != want {
			t.Errorf("%q: a code goes to %q", typed, b.last().To)
		}
	}
}

// TestNoAddressYet: a set-up can begin before the user has said the address; nothing is sent then, and no code is
// right.
func TestNoAddressYet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := factor.WithTyped(at(mailbox), "")
	begun, err := b.Begin(ctx, alice, factor.MethodSMS)
	if err != nil {
		t.Fatal(err)
	}
	if offer, err := b.Show(kept(t, begun)); err != nil || offer.To != "" {
		t.Errorf("shown %q: %v", offer.To, err)
	}
	if _, err := factor.SendProof(ctx, b.Service, alice, kept(t, begun), b.deliver); !errors.Is(err, factor.ErrAddress) || b.count() != 0 {
		t.Errorf("sent to nobody: %v", err)
	}
	for _, code := range []string{"", "000000"} {
		if _, err := b.Confirm(ctx, alice, begun, factor.Answer{Kind: factor.MethodSMS, Text: code}); !errors.Is(err, factor.ErrWrongCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// TestSettings: a lifetime that cannot be.
func TestSettings(t *testing.T) {
	t.Parallel()
	for lifetime, good := range map[time.Duration]bool{
		0: true, time.Second: true, 10 * time.Minute: true, 10*time.Minute + 1: false, time.Second - 1: false, -1: false,
	} {
		for _, kind := range []*sentcode.Kind{sentcode.Mail(sentcode.Options{Lifetime: lifetime}), sentcode.SMS(sentcode.Options{Lifetime: lifetime})} {
			if err := kind.Validate(); (err == nil) != good {
				t.Errorf("%s: %v", lifetime, err)
			}
		}
	}
}

// TestDamage: what is stored and cannot be used is damage, and never wrong or right.
func TestDamage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	good := b.record().Factors[0]
	kind := sentcode.Mail(sentcode.Options{})
	if err := kind.Check(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f *factor.Factor){
		"no key":         func(f *factor.Factor) { f.Secret = nil },
		"a short key":    func(f *factor.Factor) { f.Secret = f.Secret[:16] },
		"no state":       func(f *factor.Factor) { f.State = nil },
		"no address":     func(f *factor.Factor) { f.State = []byte(`{"address":""}`) },
		"another field":  func(f *factor.Factor) { f.State = []byte(`{"address":"a@example.com","x":1}`) },
		"a short hash":   func(f *factor.Factor) { f.State = []byte(`{"address":"a@example.com","last":"AAAA"}`) },
		"two mailboxes":  func(f *factor.Factor) { f.State = []byte(`{"address":"a@example.com,b@example.com"}`) },
		"another header": func(f *factor.Factor) { f.State = []byte(`{"address":"a@example.com\r\nBcc: b@example.com"}`) },
	} {
		f := good
		change(&f)
		if err := kind.Check(f); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
