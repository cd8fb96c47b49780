package sentcode_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/sentcode"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/internal/testclock"
)

const (
	alice   = "alice"
	mailbox = "alice@example.com"
	phone   = "+358401234567"
)

// bench is a service at which users set up sent codes, and what was sent.
type bench struct {
	*factor.Service
	t      *testing.T
	store  *factor.MemoryStore
	clock  *testclock.Clock
	config factor.Config

	mutex sync.Mutex
	sent  []factor.Message
	fails error
}

func newBench(t *testing.T, change ...func(*factor.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: factor.NewMemoryStore(), clock: testclock.New(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))}
	b.config = factor.Config{App: "wiki", Now: b.clock.Now, Kinds: []factor.Kind{
		totp.New("", totp.Parameters{}), sentcode.Mail(sentcode.Options{}), sentcode.SMS(sentcode.Options{Typed: true}), recovery.New(1000),
	}}
	for _, c := range change {
		c(&b.config)
	}
	b.Service = factor.NewService(b.store, b.config)
	return b
}

// deliver keeps a message, or fails.
func (b *bench) deliver(_ context.Context, message factor.Message) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.fails == nil {
		b.sent = append(b.sent, message)
	}
	return b.fails
}

// last is the message that was sent last.
func (b *bench) last() factor.Message {
	b.t.Helper()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.sent) == 0 {
		b.t.Fatal("nothing was sent")
	}
	return b.sent[len(b.sent)-1]
}

func (b *bench) count() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return len(b.sent)
}

// at is a request of a user whom the app gives this e-mail address.
func at(address string) context.Context {
	return factor.WithOrigin(context.Background(), factor.Origin{
		Addresses: map[factor.Method]string{factor.MethodMail: address}, Typed: phone,
	})
}

// kept is a ceremony that has been in a session.
func kept(t *testing.T, c factor.Ceremony) factor.Ceremony {
	t.Helper()
	back, err := factor.DecodeCeremony(c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// begin begins a set-up and sends its code.
func (b *bench) begin(user string, kind factor.Method) factor.Ceremony {
	b.t.Helper()
	begun, err := b.Begin(at(mailbox), user, kind)
	if err != nil {
		b.t.Fatal(err)
	}
	sent, err := factor.SendProof(at(mailbox), b.Service, user, kept(b.t, begun), b.deliver)
	if err != nil {
		b.t.Fatal(err)
	}
	return kept(b.t, sent.Ceremony)
}

// enrol sets a user's first factor up, and waits until another code may be sent.
func (b *bench) enrol(user string, kind factor.Method) factor.Ceremony {
	b.t.Helper()
	begun := b.begin(user, kind)
	if _, err := b.Confirm(at(mailbox), user, begun, factor.Answer{Kind: kind, Text: b.last().Code}); err != nil {
		b.t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	return begun
}

// ask has a code sent to alice, and returns the answer that she would give.
func (b *bench) ask(kind factor.Method) factor.Answer {
	b.t.Helper()
	sent, err := factor.SendCode(at(mailbox), b.Service, alice, kind, b.deliver)
	if err != nil {
		b.t.Fatal(err)
	}
	asked := kept(b.t, sent.Ceremony)
	return factor.Answer{Kind: kind, Text: b.last().Code, Asked: &asked}
}

// signIn is a sign-in of alice's with an answer.
func (b *bench) signIn(answer factor.Answer) error {
	_, err := b.SignIn(at(mailbox), alice, answer)
	return err
}

// record is alice's record.
func (b *bench) record() factor.Record {
	b.t.Helper()
	record, _, err := b.store.Get(context.Background(), factor.Key{App: "wiki", User: alice})
	if err != nil {
		b.t.Fatal(err)
	}
	return record
}

// other is a code that is not this one.
func other(code string) string { return code[:5] + string('0'+(code[5]-'0'+1)%10) }
