package sentcode_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/sendlimit"
)

// TestTenThousandCodes is an attack: whoever has the password asks for ten thousand codes, for both kinds, at several
// nodes and at once, to annoy the user, to run up a bill, or to have more codes to guess. What goes out is what the
// limits allow, over all of them; the record stays small.
func TestTenThousandCodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	if _, err := b.Each().BeginAdd(at(mailbox), alice, factor.MethodSMS); err != nil {
		t.Fatal(err)
	}
	nodes := []*factor.Service{b.Service, factor.NewService(b.store, b.config), factor.NewService(b.store, b.config)}
	before := b.count()
	const asked = 10_000
	for begun := range asked / 100 {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				node := nodes[i%len(nodes)]
				if _, err := factor.SendCode(at(mailbox), node, alice, factor.MethodMail, b.deliver); err != nil && !errors.Is(err, factor.ErrLimited) {
					t.Error(err)
				}
				if i != 0 {
					return
				}
				// A set-up's messages are counted with the others.
				set, err := node.Each().BeginReset(at(mailbox), alice, factor.MethodMail, "x")
				if err == nil || !errors.Is(err, factor.ErrNoSuchFactor) {
					t.Errorf("%v %v", set, err)
				}
			})
		}
		all.Wait()
		if begun%2 == 1 {
			b.clock.Advance(time.Minute)
		}
	}
	if sent := b.count() - before; sent != 5 { // in fifty minutes
		t.Errorf("%d of %d went out", sent, asked)
	}
	if document, err := factor.EncodeRecord(b.record()); err != nil || len(document) > 8<<10 {
		t.Errorf("the record has %d bytes: %v", len(document), err)
	}
}

// TestLimitsAreOfTheAccount: messages of set-ups count too, and switching off, an operator's reset and setting up anew
// bring no new ones. Else whoever has a password, and no factor is set up, has any number of messages sent to any
// number of a kind that costs.
func TestLimitsAreOfTheAccount(t *testing.T) {
	t.Parallel()
	end := map[string]func(b *bench) error{
		"disabled": func(b *bench) error { return b.Disable(t.Context(), alice) },
		"removed": func(b *bench) error {
			_, _, err := b.Each().Remove(t.Context(), alice, b.record().Factors[0].ID, false)
			return err
		},
		"opened": func(b *bench) error { return b.Help().Open(t.Context(), alice) },
		"begun anew": func(*bench) error {
			return nil
		},
	}
	for name, end := range end {
		b := newBench(t)
		sent := 0
		for range 100 {
			begun, err := b.Begin(at(mailbox), alice, factor.MethodSMS)
			if err != nil {
				t.Fatal(err)
			}
			got, err := factor.SendProof(at(mailbox), b.Service, alice, begun, b.deliver)
			b.clock.Advance(5 * time.Minute)
			if errors.Is(err, factor.ErrLimited) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if sent++; name == "begun anew" {
				continue
			}
			if _, err := b.Confirm(at(mailbox), alice, got.Ceremony, factor.Answer{Kind: factor.MethodSMS, Text: b.last().Code}); err == nil {
				t.Fatal("a code is good after its time")
			}
			b.clock.Advance(-5 * time.Minute)
			if _, err := b.Confirm(at(mailbox), alice, got.Ceremony, factor.Answer{Kind: factor.MethodSMS, Text: b.last().Code}); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(5 * time.Minute)
			if err := end(b); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if sent != 20 { // 500 minutes are less than a day
			t.Errorf("%s: %d went out", name, sent)
		}
		b.clock.Advance(24 * time.Hour)
		if begun := b.begin(alice, factor.MethodSMS); begun.Kind != factor.MethodSMS {
			t.Errorf("%s: none goes out a day later", name)
		}
	}
}

// TestNothingIsLeft: what was sent is forgotten a day later, with the factors.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	b.clock.Advance(24 * time.Hour)
	if err := b.Disable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.store.Get(t.Context(), factor.Key{App: "wiki", User: alice}); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("a record is left: %v", err)
	}
	b.enrol(alice, factor.MethodMail)
	b.clock.Advance(-30 * time.Minute)
	if err := b.Disable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	status, err := b.Status(t.Context(), alice)
	if err != nil || status.Enrolled || !status.Bare() {
		t.Errorf("what was sent stands for a factor: %v, %+v", err, status)
	}
	if _, err := b.BeginGrace(t.Context(), alice); err != nil {
		t.Errorf("no grace beside what was sent: %v", err)
	}
	if b.record().Sending == nil {
		t.Error("a grace has the limits forgotten")
	}
}

// TestFailedMessages: what certainly was not sent costs the user nothing. What may have been sent costs a message, and
// no wait. Either way there is an end of trying.
func TestFailedMessages(t *testing.T) {
	t.Parallel()
	ask := func(b *bench) error {
		_, err := factor.SendCode(at(mailbox), b.Service, alice, factor.MethodMail, b.deliver)
		return err
	}
	for name, c := range map[string]struct {
		err   error
		tries int
	}{"refused": {errors.New("no"), 50}, "unsure": {errors.Join(factor.ErrUnsure, errors.New("slow")), 5}} {
		b := newBench(t)
		b.enrol(alice, factor.MethodMail)
		b.fails = c.err
		tries := 0
		for ; !errors.Is(ask(b), factor.ErrLimited); tries++ {
			if tries > 1000 {
				t.Fatalf("%s: there is no end of it", name)
			}
		}
		if tries != c.tries || b.record().Throttle.Failures != 0 {
			t.Errorf("%s: %d tries, %+v", name, tries, b.record().Throttle)
		}
	}
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	b.fails = errors.New("no")
	if err := ask(b); !errors.Is(err, b.fails) {
		t.Fatal(err)
	}
	b.fails = nil
	if err := ask(b); err != nil {
		t.Errorf("after a failure: %v", err)
	}
	if err := ask(b); !errors.Is(err, factor.ErrLimited) {
		t.Errorf("after one that was sent: %v", err)
	}
}

// TestHangingUpGivesNothingBack is an attack: a client leaves while its message is on the way, so that it is taken for
// one that was not sent.
func TestHangingUpGivesNothingBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	ctx, leave := context.WithCancel(at(mailbox))
	_, err := factor.SendCode(ctx, b.Service, alice, factor.MethodMail, func(ctx context.Context, message factor.Message) error {
		leave()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return b.deliver(ctx, message)
	})
	var limited *factor.LimitedError
	if _, again := factor.SendCode(at(mailbox), b.Service, alice, factor.MethodMail, b.deliver); err != nil || !errors.As(again, &limited) {
		t.Errorf("%v, then %v", err, again)
	} else if !limited.Until.Equal(b.clock.Now().Add(30 * time.Second)) {
		t.Errorf("the next one is at %s", limited.Until)
	}
}

// TestP7_GuessesAreCounted is an attack: codes are guessed at a sign-in, and at a set-up for an address that is not the
// attacker's. Each wrong one counts in the account's throttle, whatever kind it was for; while none is judged, none is
// sent either, and the right one of a set-up is not judged.
func TestP7_GuessesAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	begun := b.begin(alice, factor.MethodSMS)
	code := b.last().Code
	answer := func(text string) error {
		_, err := b.Confirm(at(mailbox), alice, begun, factor.Answer{Kind: factor.MethodSMS, Text: text})
		return err
	}
	for range 5 {
		if err := answer(other(code)); !errors.Is(err, factor.ErrWrongCode) {
			t.Fatal(err)
		}
	}
	if err := answer(code); !errors.Is(err, factor.ErrThrottled) {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
	if _, err := factor.SendProof(at(mailbox), b.Service, alice, begun, b.deliver); !errors.Is(err, factor.ErrThrottled) {
		t.Errorf("another code: %v", err)
	}
	b.clock.Advance(30 * time.Second)
	if err := answer(code); err != nil {
		t.Errorf("the right code after the wait: %v", err)
	}
	b.clock.Advance(time.Hour)
	mine := b.ask(factor.MethodSMS)
	for i := range 5 {
		wrong := factor.Answer{Kind: factor.MethodTOTP, Text: "000000"}
		if i%2 == 0 {
			wrong = factor.Answer{Kind: factor.MethodSMS, Text: other(mine.Text), Asked: mine.Asked}
		}
		if err := b.signIn(wrong); !errors.Is(err, factor.ErrWrongCode) {
			t.Fatal(err)
		}
	}
	if err := b.signIn(mine); !errors.Is(err, factor.ErrThrottled) {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
	if _, err := factor.SendCode(at(mailbox), b.Service, alice, factor.MethodSMS, b.deliver); !errors.Is(err, factor.ErrThrottled) {
		t.Errorf("another code: %v", err)
	}
	b.clock.Advance(30 * time.Second)
	if err := b.signIn(mine); err != nil || b.record().Throttle.Failures != 0 {
		t.Errorf("the right code after the wait: %v", err)
	}
}

// TestSentCodesProveLittle is an attack: whoever has the password and the mailbox of a user with an authenticator
// changes that user's factors by a code that was sent. It is no proof there, is not looked at and not counted; where
// there is nothing stronger it is one.
func TestSentCodesProveLittle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrol(alice, factor.MethodMail)
	if method, err := b.Verify(at(mailbox), alice, b.ask(factor.MethodMail)); err != nil || method != factor.MethodMail {
		t.Errorf("where there is nothing stronger: %v", err)
	}
	record := b.record()
	record.Factors = append(record.Factors, factor.Factor{ID: "key", Kind: "unknown", Created: b.clock.Now()})
	_, version, _ := b.store.Get(t.Context(), factor.Key{App: "wiki", User: alice})
	if _, err := b.store.Put(t.Context(), factor.Key{App: "wiki", User: alice}, record, version); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	mine := b.ask(factor.MethodMail)
	for _, text := range []string{mine.Text, other(mine.Text)} {
		if _, err := b.Verify(at(mailbox), alice, factor.Answer{Kind: factor.MethodMail, Text: text, Asked: mine.Asked}); !errors.Is(err, factor.ErrTooWeak) {
			t.Errorf("where there is something stronger: %v", err)
		}
	}
	if failures := b.record().Throttle.Failures; failures != 0 {
		t.Errorf("%d were counted", failures)
	}
	if err := b.signIn(mine); err != nil {
		t.Errorf("at a sign-in: %v", err)
	}
}

// TestLimitsAreSettings: other limits hold in the same way, and what cannot be is refused.
func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *factor.Config) { c.Sending = sendlimit.Limits{Delay: time.Second, Hour: 2, Day: 3} })
	b.enrol(alice, factor.MethodMail)
	b.ask(factor.MethodMail)
	b.clock.Advance(time.Second)
	b.ask(factor.MethodMail)
	b.clock.Advance(time.Hour)
	if _, err := factor.SendCode(at(mailbox), b.Service, alice, factor.MethodMail, b.deliver); !errors.Is(err, factor.ErrLimited) {
		t.Errorf("a fourth one: %v", err)
	}
	b.config.Sending.Hour = 1000
	if err := b.config.Validate(); !errors.Is(err, factor.ErrInvalid) {
		t.Errorf("a thousand an hour: %v", err)
	}
}
