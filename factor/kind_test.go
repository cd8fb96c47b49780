package factor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/totp"
)

// bell is a kind that works like passkeys: it asks a question, which is kept in the session, and an answer is valid
// only for that question. A factor counts its uses, and one whose count goes back is a copy. The answer consists of the
// question's number, the factor's tone and the count.
type bell struct{}

type bellState struct{ Count int }

func (bell) Name() factor.Method         { return "bell" }
func (bell) Validate() error             { return nil }
func (bell) Check(f factor.Factor) error { return json.Unmarshal(f.State, new(bellState)) }

func (bell) Judge(answer factor.Answer) factor.Judgement {
	return func(f factor.Factor, now time.Time) (factor.Factor, bool, error) {
		var state bellState
		if err := json.Unmarshal(f.State, &state); err != nil {
			return factor.Factor{}, false, factor.ErrCorrupt
		}
		question, rest, _ := strings.Cut(answer.Text, " ")
		tone, count, _ := strings.Cut(rest, " ")
		counted, _ := strconv.Atoi(count) // 0, which is never later, if it is no number
		if answer.Asked == nil || question != string(answer.Asked.State) || tone != string(f.Secret) || counted <= state.Count {
			return factor.Factor{}, false, nil
		}
		f.State, f.Used = json.RawMessage(fmt.Sprintf(`{"Count":%d}`, counted)), now
		return f, true, nil
	}
}

func (bell) Ask(env factor.Env, factors []factor.Factor) (factor.Ceremony, string, error) {
	raw := make([]byte, 4)
	if _, err := io.ReadFull(env.Random, raw); err != nil {
		return factor.Ceremony{}, "", err
	}
	number := fmt.Sprintf("1%d", int(raw[0])<<16+int(raw[1])<<8+int(raw[2]))
	return factor.Ceremony{State: json.RawMessage(number)}, fmt.Sprintf("%s of %d", number, len(factors)), nil
}

func (bell) Begin(factor.Env) (factor.Ceremony, error) {
	return factor.Ceremony{Secret: []byte("ding")}, nil
}

func (bell) Show(_ factor.Env, c factor.Ceremony) (factor.Offer, error) {
	return factor.Offer{Key: string(c.Secret)}, nil
}

func (bell) Finish(_ factor.Env, c factor.Ceremony, answer factor.Answer) (factor.Factor, bool, error) {
	return factor.Factor{State: json.RawMessage(`{"Count":0}`), Secret: c.Secret}, answer.Text == string(c.Secret), nil
}

var (
	_ factor.Enroller = bell{}
	_ factor.Asker    = bell{}
)

// withBells is a bench on which alice has an authenticator, recovery codes, and two bells.
func withBells(t *testing.T) *bench {
	t.Helper()
	b := enrolled(t, func(c *factor.Config) { c.Kinds = append(c.Kinds, bell{}) })
	record := b.record(t)
	for _, tone := range []string{"ding", "dong"} {
		record.Factors = append(record.Factors, factor.Factor{
			ID: tone, Kind: "bell", Name: "The " + tone, Created: b.clock.Now(), State: json.RawMessage(`{"Count":3}`), Secret: []byte(tone),
		})
	}
	b.put(t, record)
	return b
}

// put writes alice's record directly to the store.
func (b *bench) put(t *testing.T, record factor.Record) {
	t.Helper()
	key := factor.Key{App: b.config.App, User: alice}
	_, version, err := b.store.Get(t.Context(), key)
	if err != nil && !errors.Is(err, factor.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := b.store.Put(t.Context(), key, record, version); err != nil {
		t.Fatal(err)
	}
}

// ring asks alice the question and makes the answer of one of her bells.
func (b *bench) ring(t *testing.T, tone string, count int) factor.Answer {
	t.Helper()
	asked, prompt, err := b.Ask(t.Context(), alice, "bell")
	if err != nil {
		t.Fatal(err)
	}
	// The question is kept in the session as bytes.
	if asked, err = factor.DecodeCeremony(asked.Encode()); err != nil {
		t.Fatal(err)
	}
	number, _, _ := strings.Cut(prompt, " of 2")
	return factor.Answer{Kind: "bell", Text: fmt.Sprintf("%s %s %d", number, tone, count), Asked: &asked}
}

// TestKindThatAsks: a kind that asks questions, and of which a user has several factors, each with its own state, works
// beside the other kinds.
func TestKindThatAsks(t *testing.T) {
	b := withBells(t)
	status, err := b.Status(t.Context(), alice)
	if err != nil || len(status.Factors) != 3 || status.Factors[2].Name != "The dong" ||
		!slices.Equal(status.Methods, []factor.Method{factor.MethodTOTP, factor.MethodRecovery, "bell"}) {
		t.Fatalf("%+v, %v", status, err)
	}
	answer := b.ring(t, "dong", 7)
	if _, err := b.SignIn(firefox(t), alice, answer); err != nil {
		t.Fatal(err)
	}
	record := b.record(t)
	if got := string(record.Factors[3].State); got != `{"Count":7}` || string(record.Factors[2].State) != `{"Count":3}` ||
		record.Activity[len(record.Activity)-1].Kind != "sign-in-bell" || !record.Factors[3].Used.Equal(b.clock.Now()) {
		t.Errorf("after ringing: %s, %+v", got, record.Activity)
	}
	_, err = b.SignIn(t.Context(), alice, answer)
	wantError(t, "the same answer again", err, factor.ErrWrongCode)
	_, err = b.SignIn(t.Context(), alice, b.ring(t, "dong", 7))
	wantError(t, "a count that goes back", err, factor.ErrWrongCode)
	_, err = b.SignIn(t.Context(), alice, b.ring(t, "ding", 4))
	wantError(t, "the other bell", err, nil)
	other := b.ring(t, "ding", 9)
	other.Asked = nil
	_, err = b.SignIn(t.Context(), alice, other)
	wantError(t, "an answer to no question", err, factor.ErrWrongCode)
	method, err := b.Verify(t.Context(), alice, b.ring(t, "ding", 10))
	if err != nil || method != "bell" {
		t.Errorf("before a change: %q, %v", method, err)
	}
	method, err = b.Verify(t.Context(), alice, factor.Answer{Kind: "bell", Text: b.codes[0]})
	if err != nil || method != factor.MethodRecovery {
		t.Errorf("a recovery code was not recognised by its form: %q, %v", method, err)
	}
	// The other kinds still work.
	wantError(t, "code", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
	if got := b.record(t).Throttle.Failures; got != 0 {
		t.Errorf("%d failures", got)
	}
}

// TestP5_AnotherOnesQuestion: an answer to a question that was made for another user, app or kind proves nothing. The
// control: an answer to the user's own question does.
func TestP5_AnotherOnesQuestion(t *testing.T) {
	b := withBells(t)
	for name, change := range map[string]func(*factor.Ceremony){
		"somebody else's": func(c *factor.Ceremony) { c.User = "bob" },
		"another app's":   func(c *factor.Ceremony) { c.App = "git" },
		"another kind's":  func(c *factor.Ceremony) { c.Kind = factor.MethodTOTP },
	} {
		answer := b.ring(t, "ding", 20)
		change(answer.Asked)
		if _, err := b.SignIn(t.Context(), alice, answer); !errors.Is(err, factor.ErrProposalStale) {
			t.Errorf("%s question: %v", name, err)
		}
		if _, err := b.Verify(t.Context(), alice, answer); !errors.Is(err, factor.ErrProposalStale) {
			t.Errorf("%s question, before a change: %v", name, err)
		}
	}
	_, err := b.SignIn(t.Context(), alice, b.ring(t, "ding", 20))
	wantError(t, "her own", err, nil)
	for _, kind := range []factor.Method{"", factor.MethodTOTP, "unheard_of"} {
		_, _, err := b.Ask(t.Context(), alice, kind)
		wantError(t, "a question of "+string(kind), err, factor.ErrInvalid)
	}
	_, _, err = b.Ask(t.Context(), "bob", "bell")
	wantError(t, "a question to somebody without", err, factor.ErrNotEnrolled)
}

// TestP7_OneThrottleForAllKinds: an attacker gets no more guesses by changing the kind, or by trying a kind that the
// user does not have.
func TestP7_OneThrottleForAllKinds(t *testing.T) {
	b := withBells(t)
	answers := []func() factor.Answer{
		func() factor.Answer { return typed(b.wrong(t)) },
		func() factor.Answer { return typedCode("0000-0000-0000-0000") },
		func() factor.Answer { return b.ring(t, "bong", 50) },
	}
	for i := range 5 {
		_, err := b.SignIn(t.Context(), alice, answers[i%3]())
		wantError(t, "guess", err, factor.ErrWrongCode)
	}
	for _, right := range []factor.Answer{typed(b.code(t, b.seed, 0)), typedCode(b.codes[0]), b.ring(t, "ding", 50)} {
		_, err := b.SignIn(t.Context(), alice, right)
		wantError(t, "a right answer of "+string(right.Kind), err, factor.ErrThrottled)
	}
	// Guesses at a bell that the user does not have are counted as well.
	b = enrolled(t, func(c *factor.Config) { c.Kinds = append(c.Kinds, bell{}) })
	for range 5 {
		_, err := b.SignIn(t.Context(), alice, factor.Answer{Kind: "bell", Text: "1 ding 1"})
		wantError(t, "a bell that she does not have", err, factor.ErrWrongCode)
	}
	wantError(t, "a right code then", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), factor.ErrThrottled)
}

// TestP7_OneAnswerWinsOnce: the same answer is sent fifty times at once to many nodes, also one that two factors
// accept.
func TestP7_OneAnswerWinsOnce(t *testing.T) {
	b := withBells(t)
	record := b.record(t)
	record.Factors[3].Secret = []byte("ding")
	record.Throttle = factor.ThrottleState{}
	b.config.Throttle = factor.Throttle{Free: 100, Stop: 100}
	b.Service = factor.NewService(b.store, b.config)
	b.put(t, record)
	answer := b.ring(t, "ding", 8)
	nodes := b.nodes(7)
	var wins atomic.Int64
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			_, err := nodes[i%7].SignIn(t.Context(), alice, answer)
			switch {
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
}

// TestKindAlone: a user who has set up another kind than an authenticator is enrolled and has recovery codes; only the
// same kind can replace the factor.
func TestKindAlone(t *testing.T) {
	b := newBench(t, func(c *factor.Config) { c.Kinds = append(c.Kinds, bell{}) })
	ceremony, err := b.Begin(t.Context(), alice, "bell")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Confirm(t.Context(), alice, ceremony, factor.Answer{Text: "dong"})
	wantError(t, "wrong", err, factor.ErrWrongCode)
	codes, err := b.Confirm(t.Context(), alice, ceremony, factor.Answer{Text: "ding"})
	if err != nil || len(codes) != 10 || b.record(t).Schema() != factor.Schema2 {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	if status, err := b.Status(t.Context(), alice); err != nil || !status.Enrolled || status.RecoveryLeft != 10 {
		t.Errorf("%+v, %v", status, err)
	}
	wantError(t, "a code", verifyTOTP(t.Context(), b.Service, alice, "123456"), factor.ErrWrongCode)
	before := b.record(t).Factors[0].ID
	if ceremony, err = b.Begin(t.Context(), alice, "bell"); err != nil || ceremony.Replaces != before {
		t.Fatalf("replaces %q, %v", ceremony.Replaces, err)
	}
	if _, err = b.Confirm(t.Context(), alice, ceremony, factor.Answer{Text: "ding"}); err != nil || b.record(t).Factors[0].ID == before {
		t.Errorf("reset: %v", err)
	}
	// A set-up that replaces nothing is refused if the user is enrolled.
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil || proposal.Replaces != "" {
		t.Fatal(err)
	}
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	wantError(t, "a first set-up of the enrolled", err, factor.ErrAlreadyEnrolled)
	// A ceremony of one kind cannot replace a factor of another.
	proposal.Replaces = b.record(t).Factors[0].ID
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	wantError(t, "the reset of another kind", err, factor.ErrProposalStale)
}

// TestP6_KindsThatAreNotKnown: a node that does not know a kind, such as one of the previous version during an update,
// neither treats the user as not enrolled nor loses the factor.
func TestP6_KindsThatAreNotKnown(t *testing.T) {
	b := withBells(t)
	b.config.Kinds = kinds(totp.Parameters{})
	older := factor.NewService(b.store, b.config)
	wantError(t, "code", verifyTOTP(t.Context(), older, alice, b.code(t, b.seed, 0)), nil)
	if got := b.record(t).Factors; len(got) != 4 || string(got[3].Secret) != "dong" || got[3].Name != "The dong" {
		t.Error("a factor was lost")
	}
	record := b.record(t)
	record.Factors = record.Factors[2:]
	b.put(t, record)
	status, err := older.Status(t.Context(), alice)
	if err != nil || !status.Enrolled || len(status.Methods) != 0 || len(status.Factors) != 2 {
		t.Errorf("%+v, %v", status, err)
	}
	wantError(t, "a code", verifyTOTP(t.Context(), older, alice, b.code(t, b.seed, 1)), factor.ErrWrongCode)
	_, err = older.SignIn(t.Context(), alice, factor.Answer{Kind: "bell", Text: "1 ding 9"})
	wantError(t, "a bell", err, factor.ErrInvalid)
	proposal, err := older.Begin(t.Context(), alice, factor.MethodTOTP)
	wantError(t, "begin", err, nil)
	_, err = older.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	wantError(t, "set up over what is there", err, factor.ErrAlreadyEnrolled)
}
