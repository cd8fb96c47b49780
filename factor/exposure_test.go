package factor_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// unproved is a sign-in without a factor, from a place.
func (b *bench) unproved(session, block string) factor.Unproved {
	return factor.Unproved{Session: session, At: b.clock.Now(), Block: block, Address: "192.0.2.7", Browser: "Chrome, Windows"}
}

// note notes a sign-in without a factor, and reports whether it waits.
func (b *bench) note(t testing.TB, session, block string) bool {
	t.Helper()
	waits, err := factor.NoteUnproved(t.Context(), b.Service, alice, b.unproved(session, block))
	if err != nil {
		t.Fatal(err)
	}
	return waits
}

// expose ends the wait of a sign-in, and reports whether the user must be told.
func (b *bench) expose(t testing.TB, session string) bool {
	t.Helper()
	_, news, err := factor.ExposeUnproved(t.Context(), b.Service, alice, session, b.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return news
}

// prove signs in with a code, in a session.
func (b *bench) prove(t testing.TB, session string, pending time.Duration) factor.Watch {
	t.Helper()
	b.clock.Advance(30 * time.Second)
	watch := factor.Watch{Session: session, Over: b.clock.Now().Add(-pending)}
	ctx := factor.WithOrigin(t.Context(), factor.Origin{Watch: &watch})
	if err := verifyTOTP(ctx, b.Service, alice, b.code(t, b.seed, 0)); err != nil {
		t.Fatal(err)
	}
	return watch
}

func (b *bench) asked(t testing.TB) int {
	t.Helper()
	status, err := b.Status(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	return len(status.Unproved)
}

// TestUnproved: the user is told of a sign-in whose factor was not proved, once a day for each place, and not of one
// whose factor was.
func TestUnproved(t *testing.T) {
	t.Parallel()
	b := enrolled(t)
	if !b.note(t, "hers", "192.0.2.0/24") || !b.note(t, "his", "192.0.2.0/24") {
		t.Error("the sign-ins do not wait")
	}
	if watch := b.prove(t, "hers", time.Hour); watch.Asks || len(watch.Told) != 0 || b.expose(t, "hers") {
		t.Error("the user is told of a sign-in whose factor was proved")
	}
	if b.asked(t) != 0 || !b.expose(t, "his") || b.expose(t, "his") || b.asked(t) != 1 {
		t.Error("the user is not told exactly once of a sign-in whose factor was not proved")
	}
	if b.note(t, "again", "192.0.2.0/24") || !b.note(t, "elsewhere", "198.51.100.0/24") || !b.expose(t, "elsewhere") {
		t.Error("the user is not told once for each place")
	}
	if watch := b.prove(t, "next", time.Hour); !watch.Asks {
		t.Error("the user is not asked")
	}
	if err := factor.AnswerUnproved(t.Context(), b.Service, alice); err != nil {
		t.Fatal(err)
	}
	if watch := b.prove(t, "next", time.Hour); watch.Asks || b.asked(t) != 0 || b.note(t, "the same day", "192.0.2.0/24") {
		t.Error("the user's answer was not kept")
	}
	b.clock.Advance(25 * time.Hour)
	if !b.note(t, "the next day", "192.0.2.0/24") || !b.expose(t, "the next day") {
		t.Error("the user is not told again on another day")
	}
}

// TestUnprovedIsFoundAtTheProof: the next proof tells of a sign-in without a factor of which no gateway has told, but
// not of one whose factor may still be proved.
func TestUnprovedIsFoundAtTheProof(t *testing.T) {
	t.Parallel()
	b := enrolled(t)
	b.note(t, "old", "192.0.2.0/24")
	b.note(t, "old too", "192.0.2.0/24")
	b.clock.Advance(20 * time.Minute)
	b.note(t, "new", "198.51.100.0/24")
	watch := b.prove(t, "hers", 10*time.Minute)
	if len(watch.Told) != 1 || watch.Told[0].Session != "old" || !watch.Asks || b.asked(t) != 1 {
		t.Errorf("told %+v", watch.Told)
	}
	if watch := b.prove(t, "hers", 10*time.Minute); len(watch.Told) != 0 {
		t.Errorf("told again: %+v", watch.Told)
	}
	if b.expose(t, "old") || !b.expose(t, "new") {
		t.Error("the proof tells of a sign-in that was told already, or not of the one that was not")
	}
}

// TestUnprovedBounds: an attacker who has the password cannot make a record grow, and a wrong code settles nothing.
// Nothing is noted for a user without a factor, who owes none.
func TestUnprovedBounds(t *testing.T) {
	t.Parallel()
	b := enrolled(t)
	waiting := 0
	for i := range 100 {
		if b.note(t, "s"+strconv.Itoa(i), "192.0."+strconv.Itoa(i)+".0/24") {
			waiting++
		}
	}
	if waiting != 16 {
		t.Errorf("%d wait", waiting)
	}
	watch := factor.Watch{Session: "s0", Over: b.clock.Now().Add(-time.Hour)}
	ctx := factor.WithOrigin(t.Context(), factor.Origin{Watch: &watch})
	if err := verifyTOTP(ctx, b.Service, alice, "000000"); err == nil || !b.expose(t, "s0") {
		t.Error("a wrong code has settled something")
	}
	for name, one := range map[string]factor.Unproved{"no session": b.unproved("", "x"), "long": b.unproved("s", string(make([]byte, 100)))} {
		if waits, err := factor.NoteUnproved(t.Context(), b.Service, alice, one); waits || err != nil {
			t.Errorf("%s: %v %v", name, waits, err)
		}
	}
	if waits, err := factor.NoteUnproved(t.Context(), b.Service, "bob", b.unproved("s", "x")); waits || err != nil {
		t.Errorf("bob: %v %v", waits, err)
	}
}

// TestP7_ExposedOnce: several gateways find at the same moment that the factor of a sign-in was not proved. Only one
// tells the user, since repeated warnings would make her trust them less.
func TestP7_ExposedOnce(t *testing.T) {
	t.Parallel()
	b := enrolled(t)
	b.note(t, "his", "192.0.2.0/24")
	b.note(t, "his too", "192.0.2.0/24")
	var news atomic.Int32
	var all sync.WaitGroup
	for i := range 40 {
		gateway := factor.NewService(b.store, b.config)
		session := "his"
		if i%2 == 0 {
			session = "his too"
		}
		all.Go(func() {
			if _, told, err := factor.ExposeUnproved(context.Background(), gateway, alice, session, b.clock.Now()); err != nil {
				t.Error(err)
			} else if told {
				news.Add(1)
			}
		})
	}
	all.Wait()
	if news.Load() != 1 {
		t.Errorf("told %d times", news.Load())
	}
}

// TestContact: the contact is stored with a proof and not with a wrong code, it survives a reset by an operator, and
// the address that it replaces is returned.
func TestContact(t *testing.T) {
	t.Parallel()
	b := enrolled(t)
	contact := func() factor.Contact {
		status, err := b.Status(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		return status.Contact
	}
	moved := ""
	from := func(address string) context.Context {
		return factor.WithOrigin(t.Context(), factor.Origin{Contact: factor.Contact{Mail: address, Language: "de"}, Moved: &moved})
	}
	if err := verifyTOTP(from("thief@example.org"), b.Service, alice, "000000"); err == nil || contact().Mail != "" {
		t.Errorf("after a wrong code: %+v", contact())
	}
	for _, test := range []struct{ address, kept, moved string }{
		{"ada@example.com", "ada@example.com", ""},
		{"ada@example.com", "ada@example.com", ""},
		{"", "ada@example.com", ""},
		{"not an address", "ada@example.com", ""},
		{"new@example.com", "new@example.com", "ada@example.com"},
	} {
		b.clock.Advance(30 * time.Second)
		if err := verifyTOTP(from(test.address), b.Service, alice, b.code(t, b.seed, 0)); err != nil {
			t.Fatal(err)
		}
		if contact().Mail != test.kept || moved != test.moved {
			t.Errorf("%q: kept %+v, moved %q", test.address, contact(), moved)
		}
	}
	if _, err := b.Help().Reset(t.Context(), alice, time.Hour); err != nil {
		t.Fatal(err)
	}
	if contact() != (factor.Contact{Mail: "new@example.com", Language: "de"}) {
		t.Errorf("after a reset: %+v", contact())
	}
}
