package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// here is the origin of the house.
const here = "https://example.com"

// withPasskeys makes a house at which passkeys can be set up: its clients come over TLS.
func withPasskeys(t *testing.T, change func(*exchange.Config), offered ...factor.Method) *house {
	t.Helper()
	h := newHouse(t, func(config *exchange.Config) {
		factors := factor.NewService(factor.NewMemoryStore(), factor.Config{
			App: "ledger", Now: config.Now, Offered: offered,
			Kinds: []factor.Kind{totp.New("", totp.Parameters{}), passkey.New(passkey.Options{RPID: "example.com"}), recovery.New(1000)},
		})
		config.Factors, config.Secure = factors, func(*http.Request) bool { return true }
		if change != nil {
			change(config)
		}
	})
	h.factors = h.site.Config.Factors
	return h
}

// says sends a script's document.
func (v *visitor) says(path, document string) *httptest.ResponseRecorder {
	v.h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/second-factor"+path, strings.NewReader(document))
	r.Header.Set("Content-Type", "application/json")
	return v.send(r)
}

// with adds members to a document.
func with(t *testing.T, document string, members map[string]string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(document), &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		all[name] = value
	}
	changed, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(changed)
}

// options asks for options, which have to come.
func (v *visitor) options(path string) string {
	v.h.t.Helper()
	w := v.says(path+"/options", "{}")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		v.h.t.Fatalf("options of %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// makes goes on with a set-up that is under way.
func (v *visitor) makes(device *passkeytest.Authenticator, name string) *httptest.ResponseRecorder {
	v.h.t.Helper()
	return v.says("/setup/passkey", with(v.h.t, device.Create(v.h.t, v.options("/setup/passkey")), map[string]string{"name": name}))
}

// uses answers with a passkey where the visitor is.
func (v *visitor) uses(device *passkeytest.Authenticator) *httptest.ResponseRecorder {
	v.h.t.Helper()
	return v.says("/challenge/passkey", device.Get(v.h.t, v.options("/challenge/passkey")))
}

// withKey is a house at which alice has a passkey as her first factor.
func withKey(t *testing.T, change func(*exchange.Config)) (*house, *passkeytest.Authenticator) {
	t.Helper()
	h := withPasskeys(t, change)
	device, v := passkeytest.New(t, here), h.visitor(gate.Verified)
	wants(t, v.post("/setup", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	if w := v.makes(device, ""); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	h.clock.Advance(time.Minute)
	return h, device
}

func document(t *testing.T, w *httptest.ResponseRecorder) (d struct{ ID, Name, Next, Type, Detail, State string }) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return d
}

// TestPasskeyAtThePortal: set up as the first factor, with recovery codes; used at the challenge, by our page and by
// another script; a second one added with the first; renamed; and removed.
func TestPasskeyAtThePortal(t *testing.T) {
	h := withPasskeys(t, nil)
	device, v := passkeytest.New(t, here), h.visitor(gate.Verified)
	if page := v.get("/").Body.String(); strings.Contains(page, "/add") {
		t.Error("a further factor is offered to who has none")
	}
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	if page := v.get("/setup").Body.String(); !strings.Contains(page, `id="qr"`) || !strings.Contains(page, "Use a passkey instead") {
		t.Error("the set-up begins with another kind, or has no way to passkeys")
	}
	wants(t, v.post("/setup", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	w := v.get("/setup")
	if page := w.Body.String(); !strings.Contains(page, `id="add-passkey"`) || !strings.Contains(page, "Use an authenticator app instead") ||
		!strings.Contains(page, "<noscript>") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "connect-src 'self'") {
		t.Errorf("the page is\n%s", page)
	}
	w = v.makes(device, "Blue key")
	made := document(t, w)
	if w.Code != http.StatusCreated || made.Name != "Blue key" || made.ID == "" || made.Next != "/second-factor/recovery-codes" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if codes := recoveryCode.FindAllString(v.get("/recovery-codes").Body.String(), -1); len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
	page := v.get("/").Body.String()
	if !strings.Contains(page, `data-factor="`+made.ID+`" data-kind="passkey" data-synced="false"`) || !strings.Contains(page, "Blue key") ||
		strings.Contains(page, "Reset Token") || !strings.Contains(page, `id="open-add-passkey"`) {
		t.Errorf("the settings page is\n%s", page)
	}
	if h.events[len(h.events)-1].Name != event.FactorAdded || h.events[len(h.events)-1].Method != "passkey" {
		t.Errorf("%+v", h.events)
	}

	waiting := h.visitor(gate.Pending)
	page = waiting.get("/challenge").Body.String()
	if !strings.Contains(page, `id="way" data-kind="passkey"`) || !strings.Contains(page, `id="use-passkey"`) || strings.Contains(page, `id="ways"`) || strings.Contains(page, `name="code"`) {
		t.Errorf("the challenge is\n%s", page)
	}
	if w := waiting.uses(device); w.Code != http.StatusOK || document(t, w).Next != "/wanted" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	waiting.wantsState(gate.Verified)
	if got := waiting.session(); got.Method() != "passkey" || got.Asked != nil {
		t.Errorf("%+v", got)
	}

	// The first proves that it is alice who adds a second one.
	wants(t, waiting.post("/add", url.Values{"kind": {"passkey"}}), http.StatusUnprocessableEntity, "")
	if w := waiting.uses(device); w.Code != http.StatusNoContent {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	wants(t, waiting.post("/add", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	second := passkeytest.New(t, here)
	w = waiting.makes(second, "Green key")
	if added := document(t, w); w.Code != http.StatusCreated || added.Next != "/second-factor/" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if v.session() != nil {
		t.Error("the other session has not ended")
	}
	other := document(t, w).ID
	if w := waiting.uses(second); w.Code != http.StatusNoContent {
		t.Fatalf("the second: %d", w.Code)
	}
	wants(t, waiting.post("/factors/"+other+"/rename", url.Values{"name": {"Red key"}}), http.StatusSeeOther, "/second-factor/")
	if page := waiting.get("/").Body.String(); !strings.Contains(page, "Red key") || !strings.Contains(page, "It has its new name") {
		t.Error("it has not its new name")
	}
	if w := waiting.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	wants(t, waiting.post("/factors/"+other+"/remove", nil), http.StatusSeeOther, "/second-factor/")
	if page := waiting.get("/").Body.String(); strings.Contains(page, other) || !h.told(event.FactorRemoved) {
		t.Error("it is not removed")
	}
	gone := h.visitor(gate.Pending)
	if w := gone.uses(second); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the removed one: %d", w.Code)
	}
	gone.wantsState(gate.Pending)
}

// TestP5_PasskeysNeedAProof: somebody at an unlocked screen, or with only a password, wants a passkey of his own in the
// account, or the user's out of it. Without a fresh proof nothing of that begins, whichever door is tried.
func TestP5_PasskeysNeedAProof(t *testing.T) {
	h, device := withKey(t, nil)
	id := h.first()
	for _, state := range []gate.State{gate.Pending, gate.Verified} {
		v := h.visitor(state)
		for _, path := range []string{"/setup/passkey/options", "/setup/passkey"} {
			want := http.StatusConflict
			if state == gate.Pending {
				want = http.StatusUnauthorized
			}
			if w := v.says(path, "{}"); w.Code != want {
				t.Errorf("%s, %s: %d", state, path, w.Code)
			}
		}
		v.post("/setup", url.Values{"kind": {"passkey"}})
		for _, path := range []string{"/add", "/factors/" + id + "/rename", "/factors/" + id + "/remove", "/disable", "/recovery-codes"} {
			v.post(path, url.Values{"kind": {"passkey"}, "name": {"mine"}})
		}
		if data := v.session(); len(data.Proposal) > 0 {
			t.Errorf("%s: something is under way", state)
		}
	}
	if status, err := h.factors.Status(t.Context(), "alice"); err != nil || len(status.Factors) != 1 || status.Factors[0].Name == "mine" {
		t.Errorf("%+v, %v", status, err)
	}
	// A proof serves one change, for five minutes.
	v := h.visitor(gate.Verified)
	if w := v.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	h.clock.Advance(5 * time.Minute)
	wants(t, v.post("/add", url.Values{"kind": {"passkey"}}), http.StatusUnprocessableEntity, "")
	if w := v.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	wants(t, v.post("/add", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	wants(t, v.post("/factors/"+id+"/remove", nil), http.StatusUnprocessableEntity, "")
	// What is under way ends with the time of a set-up, however often its challenge is made anew.
	for range 3 {
		h.clock.Advance(4 * time.Minute)
		v.options("/setup/passkey")
	}
	h.clock.Advance(4 * time.Minute)
	if w := v.says("/setup/passkey/options", "{}"); w.Code != http.StatusConflict {
		t.Errorf("after a quarter of an hour: %d", w.Code)
	}
}

// first is the ID of alice's first factor.
func (h *house) first() string {
	h.t.Helper()
	status, err := h.factors.Status(h.t.Context(), "alice")
	if err != nil || len(status.Factors) == 0 {
		h.t.Fatalf("%+v, %v", status, err)
	}
	return status.Factors[0].ID
}

// TestP7_QuestionsAreAnsweredOnce: an answer that was taken on the way is sent again, in the same session, in another
// one, and in another tab that was asked anew meanwhile.
func TestP7_QuestionsAreAnsweredOnce(t *testing.T) {
	h, device := withKey(t, nil)
	device.Step = 0
	v := h.visitor(gate.Pending)
	first := device.Get(t, v.options("/challenge/passkey"))
	second := device.Get(t, v.options("/challenge/passkey"))
	if w := v.says("/challenge/passkey", first); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the tab that was asked first: %d", w.Code)
	}
	if w := v.says("/challenge/passkey", second); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("after a wrong answer: %d", w.Code)
	}
	third := device.Get(t, v.options("/challenge/passkey"))
	elsewhere := h.visitor(gate.Pending)
	elsewhere.options("/challenge/passkey")
	if w := elsewhere.says("/challenge/passkey", third); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("in another session: %d", w.Code)
	}
	if w := v.says("/challenge/passkey", third); w.Code != http.StatusOK {
		t.Fatalf("the control: %d %s", w.Code, w.Body)
	}
	if w := v.says("/challenge/passkey", third); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("again, for a change: %d", w.Code)
	}
	if !v.session().Ahead().IsZero() {
		t.Error("it counts as a proof for a change")
	}
	late := h.visitor(gate.Pending)
	answer := device.Get(t, late.options("/challenge/passkey"))
	h.clock.Advance(5 * time.Minute)
	if w := late.says("/challenge/passkey", answer); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("late: %d", w.Code)
	}
	late.wantsState(gate.Pending)
}

// TestPasskeyDocuments: what scripts send is JSON, and nothing else counts in its place: a form of another site's page
// can have any body, but not that type.
func TestPasskeyDocuments(t *testing.T) {
	h, device := withKey(t, nil)
	for _, path := range []string{"/challenge/passkey/options", "/challenge/passkey"} {
		v := h.visitor(gate.Pending)
		wants(t, v.post(path, nil), http.StatusForbidden, "")
		foreign := httptest.NewRequest(http.MethodPost, "/second-factor"+path, strings.NewReader("{}"))
		foreign.Header.Set("Content-Type", "application/json")
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		if w := v.send(foreign); w.Code != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, w.Code)
		}
		if w := v.says(path, strings.Repeat(" ", 17<<10)); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, too large: %d", path, w.Code)
		}
		for _, body := range []string{"[]", `{"a":1} {}`, `{"name":1}`, "\xff"} {
			if w := v.says(path, body); w.Code != http.StatusBadRequest {
				t.Errorf("%s with %q: %d", path, body, w.Code)
			}
		}
	}
	// Where a form changes something, JSON does not stand in for its token.
	v := h.visitor(gate.Verified)
	if w := v.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	for _, path := range []string{"/add", "/disable", "/setup", "/recovery-codes", "/factors/" + h.first() + "/remove"} {
		if w := v.says(path, `{"kind":"passkey"}`); w.Code != http.StatusForbidden {
			t.Errorf("%s by JSON: %d", path, w.Code)
		}
	}
	if !h.enrolled() {
		t.Error("a script has disabled it")
	}
	for _, id := range []string{"nobody", "recovery", "..", "%2e"} {
		if w := v.get("/factors/" + id + "/remove"); w.Code != http.StatusNotFound {
			t.Errorf("factor %q: %d", id, w.Code)
		}
	}
}

// TestPasskeysAndCodes: with both, the challenge shows what worked last, and the other behind it; the wait after wrong
// codes does not hold a passkey up, and a stop does; a copy is refused and told.
func TestPasskeysAndCodes(t *testing.T) {
	h := withPasskeys(t, nil)
	key, _ := h.enrol()
	v := h.visitor(gate.Verified)
	wants(t, v.post("/add", url.Values{"kind": {"passkey"}, "code": {h.code(key)}}), http.StatusSeeOther, "/second-factor/setup")
	device := passkeytest.New(t, here)
	h.clock.Advance(time.Second)
	if w := v.makes(device, ""); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	copied := device.Copy()
	shows := func(v *visitor, path, way, other string) {
		t.Helper()
		page := v.get(path).Body.String()
		if !strings.Contains(page, `id="way" data-kind="`+way+`"`) || !strings.Contains(page, `href="/second-factor/challenge?kind=`+other+`" data-kind="`+other+`"`) {
			t.Errorf("%s shows\n%.3000s", path, page)
		}
	}
	waiting := h.visitor(gate.Pending)
	shows(waiting, "/challenge", "passkey", "totp")
	shows(waiting, "/challenge?kind=totp", "totp", "passkey")
	shows(waiting, "/challenge?kind=odd", "passkey", "totp")
	h.clock.Advance(time.Minute)
	wants(t, waiting.post("/challenge", url.Values{"code": {h.code(key)}, "kind": {"totp"}}), http.StatusSeeOther, "/wanted")
	waiting = h.visitor(gate.Pending)
	shows(waiting, "/challenge", "totp", "passkey")

	for range 5 {
		wants(t, waiting.post("/challenge", url.Values{"code": {"000000"}}), http.StatusUnprocessableEntity, "")
	}
	wants(t, waiting.post("/challenge", url.Values{"code": {"000000"}}), http.StatusTooManyRequests, "")
	shows(waiting, "/challenge?kind=passkey", "passkey", "totp")
	if w := waiting.uses(device); w.Code != http.StatusOK {
		t.Errorf("a passkey while codes wait: %d", w.Code)
	}
	status, err := h.factors.Status(t.Context(), "alice")
	if err != nil || !status.Blocked() {
		t.Errorf("the wait is over: %v", err)
	}
	if w := h.visitor(gate.Pending).uses(device); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	stolen := h.visitor(gate.Pending)
	w := stolen.uses(copied)
	if d := document(t, w); w.Code != http.StatusUnprocessableEntity || !strings.HasSuffix(d.Type, "/passkey-copied") || !h.told(event.PasskeyCopied) {
		t.Errorf("the copy: %d %s", w.Code, w.Body)
	}
	stolen.wantsState(gate.Pending)
	if page := v.get("/"); strings.Contains(page.Body.String(), `data-event="passkey_copied"`) != (page.Code == http.StatusOK) {
		t.Error("the activity does not tell of the copy")
	}
}

// TestKindsThatAreNotOffered: a kind that was taken out goes on to work and can be removed, and is set up by nobody.
func TestKindsThatAreNotOffered(t *testing.T) {
	h := withPasskeys(t, nil, factor.MethodPasskey)
	v := h.visitor(gate.Verified)
	wants(t, v.post("/setup", url.Values{"kind": {"totp"}}), http.StatusBadRequest, "")
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	if page := v.get("/setup").Body.String(); !strings.Contains(page, `id="add-passkey"`) || strings.Contains(page, "app instead") {
		t.Error("the only kind is not the one that is set up")
	}
	device := passkeytest.New(t, here)
	if w := v.makes(device, ""); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	wants(t, v.get("/reset"), http.StatusNotFound, "")

	plain := withPasskeys(t, func(config *exchange.Config) { config.Secure = func(*http.Request) bool { return false } })
	v = plain.visitor(gate.Verified)
	wants(t, v.post("/setup", url.Values{"kind": {"passkey"}}), http.StatusBadRequest, "")
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	if page := v.get("/setup").Body.String(); strings.Contains(page, "Use a passkey") {
		t.Error("without TLS a passkey is offered")
	}
}

// TestLastPasskeyIsRequired: where everyone must have a factor, the last one is not removed.
func TestLastPasskeyIsRequired(t *testing.T) {
	h, device := withKey(t, func(config *exchange.Config) { config.RequireEveryone = true })
	id := h.first()
	v := h.visitor(gate.Verified)
	if w := v.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	wants(t, v.post("/factors/"+id+"/remove", nil), http.StatusForbidden, "")
	if !h.enrolled() {
		t.Fatal("it is removed")
	}
	free, device := withKey(t, nil)
	v = free.visitor(gate.Verified)
	if w := v.uses(device); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	wants(t, v.post("/factors/"+free.first()+"/remove", nil), http.StatusSeeOther, "/second-factor/")
	if free.enrolled() || !free.told(event.FactorsDisabled) {
		t.Error("with the last one two-factor authentication is not disabled")
	}
}

// TestP5_OperatorsCodeAndPasskeys: who has lost the only passkey signs in with an operator's code, and sets another
// factor up with it, once; it takes none away.
func TestP5_OperatorsCodeAndPasskeys(t *testing.T) {
	h, _ := withKey(t, nil)
	issued, err := h.factors.Help().MakeCode(t.Context(), "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	v := h.visitor(gate.Pending)
	wants(t, v.post("/recovery", url.Values{"code": {issued.Code}}), http.StatusSeeOther, "/second-factor/setup")
	wants(t, v.get("/setup"), http.StatusSeeOther, "/second-factor/add")
	wants(t, v.post("/factors/"+h.first()+"/remove", nil), http.StatusUnprocessableEntity, "")
	wants(t, v.post("/add", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	if w := v.makes(passkeytest.New(t, here), ""); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := v.session(); !got.Helped().IsZero() || got.Method() != "passkey" {
		t.Errorf("%+v", got.Proofs)
	}
	wants(t, v.post("/add", url.Values{"kind": {"passkey"}}), http.StatusUnprocessableEntity, "")
}

// TestP7_TwoFirstFactors: two sessions of somebody without a factor set one up each. The second is not added to the
// first, of which that session has no proof.
func TestP7_TwoFirstFactors(t *testing.T) {
	h := withPasskeys(t, nil)
	one, two := h.visitor(gate.Enrolling), h.visitor(gate.Enrolling)
	for _, v := range []*visitor{one, two} {
		wants(t, v.post("/setup", url.Values{"kind": {"passkey"}}), http.StatusSeeOther, "/second-factor/setup")
	}
	other := passkeytest.New(t, here)
	late := other.Create(t, two.options("/setup/passkey"))
	if w := one.makes(passkeytest.New(t, here), ""); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	one.wantsState(gate.Verified)
	if w := two.says("/setup/passkey", late); w.Code == http.StatusCreated {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if status, err := h.factors.Status(t.Context(), "alice"); err != nil || len(status.Factors) != 1 {
		t.Errorf("%+v, %v", status, err)
	}
	if data := two.session(); data != nil && data.State == gate.Verified {
		t.Error("the other session is verified")
	}
}
