package session

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

// lawful says of each step in which states it may be taken, whether only for the user that it names, whether the token
// changes, and in which state it leaves the session; "" means the state that it was in.
var lawful = []struct {
	step    func(user string, in gate.State) Step
	from    string
	owned   bool
	rotates bool
	to      gate.State
	stays   bool
}{
	{step: func(user string, _ gate.State) Step {
		return SignIn(Arrival{User: user, State: gate.Pending, At: start})
	}, from: "apev", rotates: true, to: gate.Pending},
	{step: func(user string, _ gate.State) Step {
		return SignIn(Arrival{User: user, State: gate.Verified, At: start})
	}, from: "apev", rotates: true, to: gate.Verified},
	{step: func(user string, _ gate.State) Step { return Owe(user, nil, "", start) }, from: "v", owned: true, rotates: true, to: gate.Pending},
	{step: func(user string, _ gate.State) Step { return OweEnrolment(user, start) }, from: "p", owned: true, rotates: true, to: gate.Enrolling},
	{step: func(user string, _ gate.State) Step { return LoseEnrolment(user, gate.Enrolling, start) }, from: "e", owned: true, rotates: true, to: gate.Pending},
	{step: func(user string, _ gate.State) Step { return LoseEnrolment(user, gate.Verified, start) }, from: "v", owned: true, rotates: true, stays: true},
	{step: func(user string, _ gate.State) Step { return LoseEnrolment(user, gate.Pending, start) }, from: "", owned: true, rotates: true},
	{step: func(user string, _ gate.State) Step { return Prove(Passing{User: user, From: gate.Pending, At: start}) }, from: "p", owned: true, rotates: true, to: gate.Verified},
	{step: func(user string, _ gate.State) Step {
		return Prove(Passing{User: user, From: gate.Enrolling, At: start})
	}, from: "e", owned: true, rotates: true, to: gate.Verified},
	{step: func(user string, _ gate.State) Step {
		return Prove(Passing{User: user, From: gate.Anonymous, At: start})
	}, from: "", owned: true, rotates: true},
	{step: func(user string, _ gate.State) Step {
		return Prove(Passing{User: user, From: gate.Verified, At: start})
	}, from: "", owned: true, rotates: true},
	{step: func(user string, _ gate.State) Step {
		return ChangeFactors(Enrolment{User: user, From: gate.Verified, At: start})
	}, from: "v", owned: true, rotates: true, to: gate.Verified},
	{step: func(user string, _ gate.State) Step {
		return ChangeFactors(Enrolment{User: user, From: gate.Enrolling, At: start})
	}, from: "e", owned: true, rotates: true, to: gate.Verified},
	{step: func(user string, _ gate.State) Step {
		return ChangeFactors(Enrolment{User: user, From: gate.Pending, At: start})
	}, from: "", owned: true, rotates: true},
	{step: func(string, gate.State) Step { return KeepGuest(Cookies{}, custody.Jar{}, false) }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return ClaimGuest() }, from: "apev", rotates: true, stays: true},
	{step: func(string, gate.State) Step { return KeepRetry(nil, nil) }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return DoubtGuest() }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return ReviewGuest(Cookies{}, true, true) }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return ForgetGuest() }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return Hold(Cookies{}, custody.Jar{}, true) }, from: "v", stays: true},
	{step: func(string, gate.State) Step { return ClaimCheck(start, start.Add(time.Hour)) }, from: "v", stays: true},
	{step: func(user string, _ gate.State) Step { return Vouch(user, custody.Jar{}, Cookies{At: start}) }, from: "v", owned: true, stays: true},
	{step: func(string, gate.State) Step { return Unsettle(Cookies{}) }, from: "apev", stays: true},
	{step: func(user string, _ gate.State) Step { return BindTokens(user, []string{"token"}, start) }, from: "v", owned: true, stays: true},
	{step: func(string, gate.State) Step { return Raise(start, start, time.Minute) }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return Settle() }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return LeaveNotice("enabled") }, from: "v", stays: true},
	{step: func(string, gate.State) Step { return TakeNotice() }, from: "apev", stays: true},
	{step: func(string, gate.State) Step { return TakeCodes() }, from: "v", stays: true},
	{step: func(string, gate.State) Step { return TakeDelivery() }, from: "v", stays: true},
	{step: func(string, gate.State) Step { return Offer(nil) }, from: "v", stays: true},
	{step: func(user string, _ gate.State) Step { return Propose(user, []byte("seed")) }, from: "ev", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return Freshen(user, Proof{Method: "totp", At: start}) }, from: "v", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return ProveAhead(user, Proof{Method: "passkey", At: start}) }, from: "v", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return UseAhead(user) }, from: "v", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return Ask(user, []byte("question")) }, from: "pv", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return TakeAsked(user) }, from: "pv", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return KeepSent(user, []byte("code")) }, from: "pv", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return DropSent(user) }, from: "pv", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return TakeProposal(user, nil, []byte("left")) }, from: "ev", owned: true, stays: true},
	{step: func(user string, _ gate.State) Step { return DropDevice(user) }, from: "p", owned: true, stays: true},
}

// TestP5_StepsAreLawful: every step in every state, for the session's own user and for another one. An unlawful step
// writes nothing, and no step but a sign-in gives a session another user.
func TestP5_StepsAreLawful(t *testing.T) {
	letters := map[gate.State]string{gate.Anonymous: "a", gate.Pending: "p", gate.Enrolling: "e", gate.Verified: "v"}
	for _, law := range lawful {
		for state, letter := range letters {
			for _, user := range []string{"alice", "mallory"} {
				step := law.step(user, state)
				f := newFixture(t)
				data := Data{State: state, Identity: "alice", Custody: Custody{Checked: start}, Errand: Errand{Notice: "old", Codes: []string{"code"}, Delivery: &Delivery{}}}
				token := mustCreate(t, f.Manager, data)
				taken, err := f.Take(t.Context(), token, step)
				want := strings.Contains(law.from, letter) && (!law.owned || user == "alice")
				if !want {
					if !errors.Is(err, ErrUnlawful) || !errors.Is(err, ErrGone) {
						t.Errorf("%s of %s from %s: %v", step, user, state, err)
					}
					if left := mustLoad(t, f.Manager, token); left.State != state || left.Notice != "old" || left.Identity != "alice" {
						t.Errorf("%s of %s from %s has changed the session", step, user, state)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s of %s from %s: %v", step, user, state, err)
					continue
				}
				left := mustLoad(t, f.Manager, taken.Token)
				to := law.to
				if law.stays {
					to = state
				}
				if left.State != to || step.rotates != law.rotates || (taken.Token != token) != law.rotates {
					t.Errorf("%s from %s: leads to %s, another token: %v", step, state, left.State, taken.Token != token)
				}
				if left.Identity != "alice" && step.name != "sign in" {
					t.Errorf("%s has made it %s's", step, left.Identity)
				}
				if law.rotates {
					mustBeDead(t, f.Manager, token)
				}
			}
		}
	}
}

// TestP5_SignInLeavesNothing: of the earlier user nothing is left except the page first asked for.
func TestP5_SignInLeavesNothing(t *testing.T) {
	f := newFixture(t)
	before := *fullData(t)
	before.State, before.App, before.Raising = gate.Verified, "", new(start)
	before.Created, before.Seen, before.Since = f.clock.Now(), f.clock.Now(), f.clock.Now()
	token := mustCreate(t, f.Manager, before)
	at := f.clock.Now()
	taken, err := f.Take(t.Context(), token, SignIn(Arrival{User: "bob", State: gate.Pending, At: at}))
	if err != nil {
		t.Fatal(err)
	}
	got := *mustLoad(t, f.Manager, taken.Token)
	want := Data{
		App: got.App, Host: before.Host, State: gate.Pending, Identity: "bob", Created: got.Created, Since: got.Since, Seen: got.Seen, Form: got.Form,
		Granted: before.Granted, Custody: Custody{Checked: got.Checked}, Errand: Errand{Next: before.Next},
	}
	if !reflect.DeepEqual(got, want) || got.Form == before.Form {
		t.Errorf("%#v\n%#v", got, want)
	}
}

// TestStepsThatChangeNothing: such steps write nothing, and report that.
func TestStepsThatChangeNothing(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{State: gate.Verified, Identity: "alice", Custody: Custody{Checked: start, Raising: new(start)}})
	for _, step := range []Step{
		TakeNotice(), TakeCodes(), TakeDelivery(), ClaimCheck(start.Add(time.Second), start), Raise(start, start, time.Minute),
	} {
		taken, err := f.Take(t.Context(), token, step)
		if err != nil || taken.Done || taken.Token != token || taken.Before == nil || taken.After == nil {
			t.Errorf("%s: %+v, %v", step, taken, err)
		}
	}
	if taken, err := f.Take(t.Context(), token, ClaimCheck(start, start.Add(time.Second))); err != nil || !taken.Done {
		t.Errorf("the control: %v, %v", taken, err)
	}
}

// TestProofs: the first proof is the session's method. The last proof that is not a trusted browser's says when a
// factor was proved. One proof of each method is kept.
func TestProofs(t *testing.T) {
	trusted := Proof{Method: "totp", At: start, Trusted: true}
	data := Data{State: gate.Verified, Proofs: []Proof{trusted}}
	if data.Method() != "totp" || !data.Proved().IsZero() {
		t.Errorf("trusted: %s, %v", data.Method(), data.Proved())
	}
	later := start.Add(time.Hour)
	data.Proofs = proved(data.Proofs, Proof{Method: "recovery", At: later})
	if data.Method() != "totp" || !data.Proved().Equal(later) || len(data.Proofs) != 2 {
		t.Errorf("and a recovery code: %v", data.Proofs)
	}
	again := proved(data.Proofs, Proof{Method: "totp", At: later})
	if len(again) != 2 || again[0].Trusted || !slices.Equal(data.Proofs[:1], []Proof{trusted}) {
		t.Errorf("a code: %v of %v", again, data.Proofs)
	}
	for want, data := range map[string]Data{"": {State: gate.Pending}, None: {State: gate.Verified}} {
		if data.Method() != want || !data.Proved().IsZero() {
			t.Errorf("%s: %q", data.State, data.Method())
		}
	}
}

// TestOweKeepsTheErrand: if a factor is owed after all, the session keeps the page that was asked for first and the
// withheld answer, and loses its proofs.
func TestOweKeepsTheErrand(t *testing.T) {
	f := newFixture(t)
	delivery := &Delivery{Location: "/home"}
	token := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice", Errand: Errand{Next: "/page?a=1", Delivery: delivery}})
	passed, err := f.Take(t.Context(), token, Prove(Passing{User: "alice", From: gate.Pending, At: start}))
	if err != nil || passed.After.Next != "" || passed.After.Delivery != nil {
		t.Fatalf("%+v, %v", passed.After, err)
	}
	before := passed.Before
	owed, err := f.Take(t.Context(), passed.Token, Owe("alice", before.Delivery, before.Next, start))
	if err != nil || owed.After.State != gate.Pending || owed.After.Proofs != nil {
		t.Fatalf("%+v, %v", owed.After, err)
	}
	left := mustLoad(t, f.Manager, owed.Token)
	if got := Destination(left.Delivery, left.Next); got != "/home" || left.Next != "/page?a=1" {
		t.Errorf("it leads to %q, and %q was asked for first", got, left.Next)
	}
}
