package session

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

// set returns cookies that an answer set a moment after start.
func set(lines ...string) Cookies {
	return Cookies{Held: custody.Changes(lines), Host: "app.example", Path: "/", At: start.Add(time.Second)}
}

// jarOf makes a jar of cookies.
func jarOf(t *testing.T, lines ...string) custody.Jar {
	t.Helper()
	jar, err := set(lines...).into(custody.Jar{})
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// taken returns a session after a step.
func taken(t *testing.T, data Data, step Step) Data {
	t.Helper()
	if err := step.take(&data); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	return data
}

// tooMuch returns cookies that do not fit into custody.
func tooMuch() Cookies { return set("big=" + strings.Repeat("x", custody.MaxSize)) }

func wantsJar(t *testing.T, what string, jar custody.Jar, names ...string) {
	t.Helper()
	if got := jar.Names(); !slices.Equal(got, names) {
		t.Errorf("%s: %v, want %v", what, got, names)
	}
}

// TestP5_HeldCookiesAreAskedAbout: what an answer set is kept in a verified session, with the time of the question if
// the app was asked about this very jar. If another answer was faster, and nobody has asked about both together, the
// app is asked before the next use. Cookies that do not fit change nothing.
func TestP5_HeldCookiesAreAskedAbout(t *testing.T) {
	asked := jarOf(t, "sid=1")
	before := Data{State: gate.Verified, Custody: Custody{Held: asked, Checked: start}, Granted: []string{"theme"}}
	more := set("tick=1")
	more.Granted = []string{"theme", "lang"}

	after := taken(t, before, Hold(more, asked, true))
	wantsJar(t, "hold", after.Held, "sid", "tick")
	if !after.Checked.Equal(start) || !slices.Equal(after.Granted, []string{"theme", "lang"}) {
		t.Errorf("hold: %v %v", after.Checked, after.Granted)
	}
	for asks, want := range map[bool]time.Time{true: {}, false: start} {
		after = taken(t, before, Hold(more, custody.Jar{}, asks))
		wantsJar(t, "hold another's", after.Held, "sid", "tick")
		if !after.Checked.Equal(want) {
			t.Errorf("asks %v: it was asked about %v", asks, after.Checked)
		}
	}
	for _, step := range []Step{Hold(tooMuch(), asked, true), Vouch("", asked, tooMuch())} {
		left := before
		if err := step.take(&left); !errors.Is(err, ErrOverflow) || !left.Held.Equal(asked) || !left.Checked.Equal(start) {
			t.Errorf("%s: %v, and %v is left", step, err, left.Held.Names())
		}
	}
}

// TestP5_VouchedForIsWhatWasAsked: the app's word counts for the jar that it was asked about, and for what it set with
// its answer. If cookies came meanwhile of which nobody knows whose they are, it counts for nothing. Cookies that are
// already known do not matter.
func TestP5_VouchedForIsWhatWasAsked(t *testing.T) {
	asked := jarOf(t, "sid=1")
	before := Data{State: gate.Verified, Identity: "carol", Custody: Custody{Held: asked}}
	after := taken(t, before, Vouch("carol", asked, set("tick=1")))
	wantsJar(t, "vouch", after.Held, "sid", "tick")
	if !after.Checked.Equal(start.Add(time.Second)) {
		t.Errorf("checked at %v", after.Checked)
	}
	if err := Vouch("carol", jarOf(t, "sid=2"), set()).take(&before); !errors.Is(err, errNothing) || !before.Checked.IsZero() {
		t.Errorf("another jar: %v", err)
	}
	before.Checked = start
	if after = taken(t, before, Vouch("carol", jarOf(t, "sid=2"), set())); !after.Checked.After(start) {
		t.Error("another jar, of which it is known whose it is, is not vouched for")
	}
}

// TestP5_UnsettledIsAskedAbout: the session keeps the cookies that came, and the app is asked before its next use. If
// they do not fit, the session is left with a jar that the app does not know.
func TestP5_UnsettledIsAskedAbout(t *testing.T) {
	before := Data{State: gate.Verified, Custody: Custody{Held: jarOf(t, "sid=1"), Checked: start}}
	after := taken(t, before, Unsettle(set("sid=2", "tick=1")))
	if wantsJar(t, "unsettle", after.Held, "sid", "tick"); !after.Checked.IsZero() {
		t.Errorf("checked at %v", after.Checked)
	}
	after = taken(t, before, Unsettle(tooMuch()))
	if wantsJar(t, "too much", after.Held); !after.Checked.IsZero() {
		t.Errorf("checked at %v", after.Checked)
	}
	claimed := taken(t, before, ClaimCheck(start, start.Add(time.Minute)))
	if !claimed.Checked.Equal(start.Add(time.Minute)) {
		t.Errorf("claimed: %v", claimed.Checked)
	}
}

// TestP5_TokensAndRaises: tokens are bound, and the first one becomes the session's. A raise is noted, and removed
// again.
func TestP5_TokensAndRaises(t *testing.T) {
	before := Data{State: gate.Verified, Identity: "carol"}
	after := taken(t, before, BindTokens("carol", []string{"first-token", "second-token"}, start))
	if !after.Bonds.Token("first-token") || !after.Bonds.Token("second-token") || after.Token != "first-token" || !after.Checked.Equal(start) {
		t.Errorf("%s %q %v", after.Bonds, after.Token, after.Checked)
	}
	after = taken(t, before, Raise(start, start.Add(-time.Second), time.Minute))
	if after.Raising == nil || !after.Raising.Equal(start.Add(-time.Second)) {
		t.Fatalf("%v", after.Raising)
	}
	for at, want := range map[time.Duration]bool{0: true, 58 * time.Second: true, time.Hour: false, -58 * time.Second: true, -time.Hour: false} {
		if got := after.Raised(start.Add(at), time.Minute); got != want {
			t.Errorf("%v later: %v", at, got)
		}
	}
	if err := Raise(start, start, time.Minute).take(&after); !errors.Is(err, errNothing) {
		t.Errorf("beside another: %v", err)
	}
	if after = taken(t, after, Settle()); after.Raising != nil {
		t.Error("it is still there")
	}
}

// TestP5_StrangersCookies: what an answer set is kept for a stranger, and cookies that a request had taken out come
// back if nothing took their place. A verified session has no stranger's cookies. While the page of a failed login is
// open, only another login page begins afresh.
func TestP5_StrangersCookies(t *testing.T) {
	retry := &Retry{Jar: jarOf(t, "form=1"), For: "mark"}
	back := jarOf(t, "back=1")
	names := set("sid=1")
	names.Granted = []string{"lang"}
	for what, test := range map[string]struct {
		before   Data
		step     Step
		guest    []string
		hasRetry bool
	}{
		"kept":               {Data{}, KeepGuest(names, custody.Jar{}, false), []string{"sid"}, false},
		"comes back":         {Data{}, KeepGuest(set(), back, false), []string{"back"}, false},
		"comes back, more":   {Data{}, KeepGuest(names, back, false), []string{"back", "sid"}, false},
		"another is there":   {Data{Stranger: Stranger{Guest: jarOf(t, "new=1")}}, KeepGuest(names, back, false), []string{"new", "sid"}, false},
		"verified":           {Data{State: gate.Verified}, KeepGuest(names, back, false), nil, false},
		"a failed login":     {Data{Stranger: Stranger{Retry: retry}}, KeepGuest(names, back, false), nil, true},
		"another page":       {Data{Stranger: Stranger{Retry: retry}}, KeepGuest(names, custody.Jar{}, true), []string{"sid"}, false},
		"a page of nothing":  {Data{Stranger: Stranger{Retry: retry}}, KeepGuest(set(), custody.Jar{}, true), nil, true},
		"too much":           {Data{Stranger: Stranger{Guest: back}}, KeepGuest(tooMuch(), custody.Jar{}, false), nil, false},
		"claimed":            {Data{Stranger: Stranger{Guest: back, Doubt: true, Retry: retry}}, ClaimGuest(), nil, false},
		"failed":             {Data{}, KeepRetry(retry, []string{"lang"}), nil, true},
		"failed, and loaded": {Data{Stranger: Stranger{Guest: back}}, KeepRetry(retry, []string{"lang"}), []string{"back"}, false},
		"nobody's":           {Data{Stranger: Stranger{Guest: back, Doubt: true}}, ReviewGuest(names, true, true), []string{"back", "sid"}, false},
		"somebody's":         {Data{Stranger: Stranger{Guest: back, Doubt: true}}, ReviewGuest(names, false, true), nil, false},
		"verified meanwhile": {Data{State: gate.Verified, Stranger: Stranger{Guest: back}}, ReviewGuest(names, true, true), nil, false},
		"forgotten":          {Data{Stranger: Stranger{Guest: back, Doubt: true}}, ForgetGuest(), nil, false},
	} {
		after := taken(t, test.before, test.step)
		if !slices.Equal(after.Guest.Names(), test.guest) || (after.Retry != nil) != test.hasRetry || after.Doubt {
			t.Errorf("%s: %v, retry %v, doubt %v", what, after.Guest.Names(), after.Retry != nil, after.Doubt)
		}
		if wants := strings.HasPrefix(test.step.String(), "keep") && !strings.Contains(what, "nothing") && what != "comes back" && what != "too much"; wants && !slices.Equal(after.Granted, []string{"lang"}) {
			t.Errorf("%s: the browser may send %v", what, after.Granted)
		}
	}
	doubted := taken(t, Data{Stranger: Stranger{Guest: back}}, DoubtGuest())
	if !doubted.Doubt {
		t.Error("no doubt")
	}
	if left := taken(t, doubted, ReviewGuest(set(), true, false)); !left.Doubt {
		t.Error("an answer that came before the doubt has ended it")
	}
	if left := taken(t, Data{Stranger: Stranger{Guest: back}}, ReviewGuest(set(), true, false)); left.Doubt {
		t.Error("it doubts")
	}
}

// TestP5_SignInKeepsItsOwn: a sign-in brings its cookies, names, page, answer and device. A verified session withholds
// no answer. The browser may not send a name that is held now.
func TestP5_SignInKeepsItsOwn(t *testing.T) {
	delivery := &Delivery{Location: "/home"}
	with := Arrival{
		User: "carol", State: gate.Pending, Custody: Custody{Held: jarOf(t, "sid=1")}, Granted: []string{"lang"}, Delivery: delivery, Device: "browser", At: start,
	}
	before := Data{Granted: []string{"theme", "SID"}, Errand: Errand{Next: "/first"}}
	after := taken(t, before, SignIn(with))
	if !slices.Equal(after.Granted, []string{"theme", "lang"}) || after.Delivery != delivery || after.Next != "/first" || after.Device != "browser" ||
		!after.Checked.Equal(start) || !after.Since.Equal(start) || !after.Seen.Equal(start) {
		t.Errorf("%+v", after)
	}
	with.Next, with.State = "/second", gate.Verified
	if after = taken(t, before, SignIn(with)); after.Next != "/second" || after.Delivery != nil {
		t.Errorf("verified: %+v", after.Errand)
	}
}

// TestP5_ProofsOfAStep: a step that proves something leaves that proof and no other, and the errand that goes on from
// there.
func TestP5_ProofsOfAStep(t *testing.T) {
	old, proof := []Proof{{Method: "old", At: start}}, Proof{Method: "totp", At: start}
	delivery := &Delivery{Location: "/home"}
	errand := Errand{Next: "/next", Delivery: delivery, Codes: []string{"code"}, Notice: "old", Proposal: []byte("seed"), Device: "browser"}
	pending := Data{State: gate.Pending, Identity: "carol", Proofs: old, Errand: errand}

	after := taken(t, pending, Prove(Passing{User: "carol", From: gate.Pending, Proof: &proof, Notice: "new", Waits: true, At: start}))
	if !slices.Equal(after.Proofs, []Proof{proof}) || after.Delivery != delivery || after.Notice != "new" || after.Next != "" || after.Proposal != nil || after.Device != "" {
		t.Errorf("proved: %+v %+v", after.Proofs, after.Errand)
	}
	after = taken(t, pending, Prove(Passing{User: "carol", From: gate.Pending, At: start}))
	if after.Proofs != nil || after.Delivery != nil || after.Notice != "old" || !slices.Equal(after.Codes, []string{"code"}) {
		t.Errorf("nothing was owed: %+v %+v", after.Proofs, after.Errand)
	}

	enrolling := pending
	enrolling.State = gate.Enrolling
	changed := Enrolment{User: "carol", From: gate.Enrolling, Proof: &proof, Codes: []string{"fresh"}, Notice: "new", At: start}
	after = taken(t, enrolling, ChangeFactors(changed))
	if !slices.Equal(after.Proofs, []Proof{proof}) || after.Next != "/home" || after.Delivery != nil || after.Proposal != nil || after.Codes[0] != "fresh" || after.Notice != "new" {
		t.Errorf("enrolled: %+v %+v", after.Proofs, after.Errand)
	}
	verified := pending
	verified.State, verified.Since = gate.Verified, start.Add(-time.Hour)
	changed.From, changed.Proof = gate.Verified, nil
	after = taken(t, verified, ChangeFactors(changed))
	if after.Proofs != nil || after.Next != "/next" || after.Delivery != delivery || !after.Since.Equal(start.Add(-time.Hour)) {
		t.Errorf("disabled: %+v %+v %v", after.Proofs, after.Errand, after.Since)
	}
	if after = taken(t, enrolling, LoseEnrolment("carol", gate.Enrolling, start)); after.Proposal != nil || after.State != gate.Pending {
		t.Errorf("lost: %+v", after)
	}
	if after = taken(t, verified, Freshen("carol", proof)); len(after.Proofs) != 2 {
		t.Errorf("freshened: %+v", after.Proofs)
	}
}

// TestErrandsOfAStep: what is left in a session is taken out once.
func TestErrandsOfAStep(t *testing.T) {
	full := Data{State: gate.Verified, Identity: "carol", Errand: Errand{
		Next: "/next", Delivery: &Delivery{Location: "/home"}, Codes: []string{"code"}, Notice: "old",
	}}
	if after := taken(t, full, LeaveNotice("new")); after.Notice != "new" {
		t.Error("no notice is left")
	}
	if after := taken(t, full, TakeNotice()); after.Notice != "" {
		t.Error("the notice is still there")
	}
	if after := taken(t, full, TakeCodes()); after.Codes != nil || after.Notice != "" || after.Next != "/next" {
		t.Errorf("codes: %+v", after.Errand)
	}
	chosen := full
	chosen.Next = ""
	if after := taken(t, chosen, TakeCodes()); after.Codes != nil || after.Notice != "old" {
		t.Errorf("codes of a choice: %+v", after.Errand)
	}
	chosen.Trusts = "mark"
	for _, before := range []Data{full, chosen} {
		if after := taken(t, before, GoOn("carol")); after.Next != "" || after.Trusts != "" || after.Codes == nil {
			t.Errorf("gone on: %+v", after.Errand)
		}
	}
	if after := taken(t, full, TakeDelivery()); after.Delivery != nil {
		t.Error("the answer is still there")
	}
	for want, delivery := range map[string]*Delivery{"/elsewhere": {Location: "/elsewhere"}, "/next": nil} {
		if after := taken(t, full, Offer(delivery)); after.Next != want {
			t.Errorf("offered: %q", after.Next)
		}
	}
	if got := Destination(&Delivery{}, ""); got != "/" {
		t.Errorf("nowhere leads to %q", got)
	}
	if after := taken(t, full, Propose("carol", []byte("seed"))); string(after.Proposal) != "seed" || after.Next != "" {
		t.Error("nothing is proposed")
	}
	if after := taken(t, Data{State: gate.Pending, Identity: "carol", Errand: Errand{Device: "x"}}, DropDevice("carol")); after.Device != "" {
		t.Error("the browser may prove itself again")
	}
}

// TestP7_QuestionsAndProofsAreOfOneUse: a question is answered once, a proof that was given ahead serves one change,
// and the challenge of a set-up comes out once. Whatever else proves something, or changes the factors, ends all of
// them.
func TestP7_QuestionsAndProofsAreOfOneUse(t *testing.T) {
	proof := Proof{Method: "passkey", At: start}
	before := Data{State: gate.Verified, Identity: "carol", Proofs: []Proof{{Method: "totp", At: start.Add(-time.Hour)}}}
	asked := taken(t, before, Ask("carol", []byte("question")))
	if after := taken(t, asked, TakeAsked("carol")); string(asked.Asked) != "question" || after.Asked != nil {
		t.Errorf("asked %q, left %q", asked.Asked, after.Asked)
	}
	if err := TakeAsked("carol").take(&before); !errors.Is(err, errNothing) {
		t.Errorf("there is no question: %v", err)
	}
	ahead := taken(t, before, ProveAhead("carol", proof))
	if !ahead.Ahead().Equal(start) || !ahead.Proved().Equal(start) || ahead.Method() != "totp" || !before.Ahead().IsZero() {
		t.Errorf("ahead: %+v", ahead.Proofs)
	}
	used := taken(t, ahead, UseAhead("carol"))
	if !used.Ahead().IsZero() || len(used.Proofs) != 2 || ahead.Ahead().IsZero() {
		t.Errorf("used: %+v", used.Proofs)
	}
	if err := UseAhead("carol").take(&used); !errors.Is(err, errNothing) {
		t.Errorf("used again: %v", err)
	}
	ahead.Asked, ahead.Sent = []byte("question"), []byte("code")
	changed := taken(t, ahead, ChangeFactors(Enrolment{User: "carol", From: gate.Verified, Proof: &proof, At: start}))
	if !changed.Ahead().IsZero() || changed.Asked != nil || changed.Sent != nil {
		t.Errorf("changed: %+v", changed)
	}
	proposed := taken(t, before, Propose("carol", []byte("challenge")))
	if err := TakeProposal("carol", []byte("another"), nil).take(&proposed); !errors.Is(err, errNothing) {
		t.Errorf("another proposal: %v", err)
	}
	if after := taken(t, proposed, TakeProposal("carol", []byte("challenge"), []byte("next"))); string(after.Proposal) != "next" {
		t.Errorf("left: %q", after.Proposal)
	}
	waiting := Data{State: gate.Pending, Identity: "carol", Errand: Errand{Asked: []byte("question"), Sent: []byte("code")}}
	if after := taken(t, waiting, TakeAsked("carol")); string(after.Sent) != "code" {
		t.Error("a passkey that was asked for takes a code away that was sent")
	}
	if after := taken(t, waiting, DropSent("carol")); after.Sent != nil || after.Asked == nil {
		t.Errorf("the code is still there, or the question is not: %+v", after.Errand)
	}
	if after := taken(t, waiting, KeepSent("carol", []byte("another"))); string(after.Sent) != "another" {
		t.Errorf("kept: %q", after.Sent)
	}
	for _, step := range []Step{Prove(Passing{User: "carol", From: gate.Pending, At: start}), OweEnrolment("carol", start)} {
		if after := taken(t, waiting, step); after.Asked != nil || after.Sent != nil {
			t.Errorf("%s: the question is still there", step)
		}
	}
}

// TestGrantedIsBounded: a browser may have a bounded number of the app's cookies, each name once.
func TestGrantedIsBounded(t *testing.T) {
	var names []string
	for i := range 2 * maxGranted {
		names = append(names, "n"+strings.Repeat("x", i), "n")
	}
	list := append(make([]string, 0, 2*maxGranted), "first")
	got := granted(list, names)
	if len(got) != maxGranted || got[0] != "first" || slices.Index(got[2:], "n") >= 0 || list[:2][1] != "" {
		t.Errorf("%d names", len(got))
	}
	data := &Data{Granted: got}
	if !data.Knows([]string{"first", "n"}) || data.Knows([]string{"first", "other"}) || (*Data)(nil).Knows([]string{"first"}) || !(*Data)(nil).Knows(nil) {
		t.Error("what is known of them is wrong")
	}
}

// TestBesideSessions: a value beside an app's sessions is made once for that app, and is not another app's.
func TestBesideSessions(t *testing.T) {
	f := newFixture(t)
	shared := f.Manager.shared
	type key struct{}
	of := func(app string) any {
		return shared.Manager(Config{App: app}).Beside(key{}, func() any { return new(int) })
	}
	if of("ledger") != of("ledger") {
		t.Error("it is made anew")
	}
	if of("ledger") == of("wiki") {
		t.Error("it is another app's")
	}
}
