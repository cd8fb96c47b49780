package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/sentcode"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

const (
	mailbox = "alice@example.com"
	masked  = "a•••@example.com"
	phone   = "+358401234567"
)

// postal is a house that sends codes, and what was sent.
type postal struct {
	*house
	mutex sync.Mutex
	sent  []exchange.Letter
	fails error
}

// withSentCodes makes a house at which codes are sent: by e-mail to what the app says, by text message to what users
// say.
func withSentCodes(t *testing.T, offered ...factor.Method) *postal {
	t.Helper()
	p := new(postal)
	p.house = newHouse(t, func(config *exchange.Config) {
		config.Factors = factor.NewService(factor.NewMemoryStore(), factor.Config{
			App: "ledger", Now: config.Now, Offered: offered, Kinds: []factor.Kind{
				totp.New("", totp.Parameters{}), sentcode.Mail(sentcode.Options{}), sentcode.SMS(sentcode.Options{Typed: true}), recovery.New(1000),
			},
		})
		config.SendCode = func(_ context.Context, letter exchange.Letter) error {
			p.mutex.Lock()
			defer p.mutex.Unlock()
			if p.fails == nil {
				p.sent = append(p.sent, letter)
			}
			return p.fails
		}
	})
	p.factors = p.site.Config.Factors
	return p
}

// last is the letter that was sent last.
func (p *postal) last() exchange.Letter {
	p.t.Helper()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.sent) == 0 {
		p.t.Fatal("nothing was sent")
	}
	return p.sent[len(p.sent)-1]
}

// visitor makes a visitor to whom the app gives an e-mail address.
func (p *postal) visitor(state gate.State) *visitor {
	p.t.Helper()
	data := session.Data{Host: "example.com", State: state, Created: p.clock.Now(), Since: p.clock.Now(), Seen: p.clock.Now(), Identity: "alice"}
	data.Next, data.Mail = "/wanted", mailbox
	token, err := storetest.Create(p.t.Context(), p.site.Config.Sessions, data)
	if err != nil {
		p.t.Fatal(err)
	}
	return &visitor{p.house, token}
}

// setUp sets a first factor up, and waits until another code may be sent.
func (p *postal) setUp(kind, address string) {
	p.t.Helper()
	v := p.visitor(gate.Verified)
	wants(p.t, v.post("/setup", url.Values{"kind": {kind}, "address": {address}}), http.StatusSeeOther, "/second-factor/setup")
	wants(p.t, v.post("/setup/confirm", url.Values{"code": {p.last().Code}}), http.StatusSeeOther, "/second-factor/recovery-codes")
	p.clock.Advance(time.Hour)
}

// page fails the test unless a page holds each of these.
func page(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %.1500s", w.Code, status, w.Body)
	}
	for _, part := range parts {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("no %s in %.3000s", part, w.Body)
		}
	}
}

// TestSetUpByMail: the way of a first factor that is sent, from the button below the QR code to the settings page.
func TestSetUpByMail(t *testing.T) {
	p := withSentCodes(t)
	v := p.visitor(gate.Verified)
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	page(t, v.get("/setup"), http.StatusOK, `id="qr"`, "Use e-mail instead", "Use a text message instead")
	wants(t, v.post("/setup", url.Values{"kind": {"mail"}}), http.StatusSeeOther, "/second-factor/setup")
	page(t, v.get("/setup"), http.StatusOK, `id="sent-to">`+masked, `name="code"`, "Confirm", "weaker")
	if sent := p.last(); sent.To != mailbox || sent.Host != "example.com" || sent.Kind != factor.MethodMail {
		t.Errorf("sent to %s, for %s", sent.To, sent.Host)
	}
	page(t, v.post("/setup/confirm", url.Values{"code": {"x"}}), http.StatusUnprocessableEntity, `role="alert"`, `id="sent-to"`)
	wants(t, v.post("/setup/confirm", url.Values{"code": {p.last().Code}}), http.StatusSeeOther, "/second-factor/recovery-codes")
	page(t, v.get("/"), http.StatusOK, `data-kind="mail"`, masked, "weaker")
	if body := v.get("/").Body.String(); strings.Contains(body, mailbox) || strings.Contains(body, "Add e-mail") {
		t.Error("the page shows the address, or offers a second one")
	}
	if !p.told(event.CodeSent) || !p.told(event.FactorAdded) {
		t.Errorf("events: %+v", p.events)
	}
}

// TestSetUpByText: the user says the number. What is none gets the field back with a message, and nothing is sent.
func TestSetUpByText(t *testing.T) {
	p := withSentCodes(t)
	v := p.visitor(gate.Verified)
	wants(t, v.post("/setup", url.Values{"kind": {"sms"}}), http.StatusSeeOther, "/second-factor/setup")
	page(t, v.get("/setup"), http.StatusOK, `name="address"`, `type="tel"`)
	page(t, v.post("/setup", url.Values{"kind": {"sms"}, "address": {"040 123"}}), http.StatusUnprocessableEntity, `role="alert"`, `value="040 123"`)
	if len(p.sent) != 0 {
		t.Error("something was sent")
	}
	wants(t, v.post("/setup", url.Values{"kind": {"sms"}, "address": {phone}}), http.StatusSeeOther, "/second-factor/setup")
	page(t, v.get("/setup"), http.StatusOK, `id="sent-to">••• 67`)
	// Another one at once.
	page(t, v.post("/setup", url.Values{"kind": {"sms"}}), http.StatusTooManyRequests, `role="alert"`, `name="code"`)
	wants(t, v.post("/setup/confirm", url.Values{"code": {p.last().Code}}), http.StatusSeeOther, "/second-factor/recovery-codes")
}

// TestChallengeBySentCode: the page, the form and the script's way.
func TestChallengeBySentCode(t *testing.T) {
	p := withSentCodes(t)
	p.setUp("mail", "")
	v := p.visitor(gate.Pending)
	page(t, v.get("/challenge"), http.StatusOK, `id="way" data-kind="mail"`, `id="sent-to">`+masked, `action="/second-factor/challenge/send"`, "weaker", "/second-factor/recovery")
	before := len(p.sent)
	page(t, v.post("/challenge/send", url.Values{"kind": {"mail"}}), http.StatusOK, `role="status"`, `name="code"`, `name="kind" value="mail"`)
	page(t, v.post("/challenge", url.Values{"kind": {"mail"}, "code": {"000"}}), http.StatusUnprocessableEntity, `role="alert"`, `name="code"`)
	if w := v.post("/challenge/send", url.Values{"kind": {"mail"}}); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "30" || !strings.Contains(w.Body.String(), `name="code"`) {
		t.Errorf("a second one at once: %d, %q", w.Code, w.Header().Get("Retry-After"))
	}
	if len(p.sent) != before+1 {
		t.Errorf("%d were sent", len(p.sent)-before)
	}
	wants(t, v.post("/challenge", url.Values{"kind": {"mail"}, "code": {p.last().Code}}), http.StatusSeeOther, "/wanted")
	v.wantsState(gate.Verified)
	if data := v.session(); data.Method() != "mail" || data.Sent != nil {
		t.Errorf("verified by %s", data.Method())
	}

	p.clock.Advance(time.Hour)
	script := p.visitor(gate.Pending)
	var answer struct {
		Kind, To string
		Expires  int `json:"expires_in"`
		Retry    int `json:"retry_in"`
	}
	w := script.says("/challenge/send", `{"kind":"mail"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || answer.Kind != "mail" || answer.To != masked || answer.Expires != 600 || answer.Retry != 30 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := script.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), problemLimited) || w.Header().Get("Retry-After") == "" {
		t.Errorf("at once: %d %s", w.Code, w.Body)
	}
	for _, kind := range []string{"sms", "totp", "passkey", ""} {
		if w := script.says("/challenge/send", `{"kind":"`+kind+`"}`); w.Code < 400 || w.Code >= 500 || w.Code == http.StatusTooManyRequests {
			t.Errorf("%q: %d", kind, w.Code)
		}
	}
	if w := script.says("/challenge", `{"kind":"mail","code":"`+p.last().Code+`"}`); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestP7_SentCodeOfAnotherBrowser is an attack: whoever has the password asks for a code, or has the user read one out,
// and types it in another browser. It is wrong there, and counts; in the browser that asked it is right.
func TestP7_SentCodeOfAnotherBrowser(t *testing.T) {
	p := withSentCodes(t)
	p.setUp("mail", "")
	asking, other := p.visitor(gate.Pending), p.visitor(gate.Pending)
	if w := asking.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	code := p.last().Code
	for range 2 {
		if w := other.says("/challenge", `{"kind":"mail","code":"`+code+`"}`); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("in another browser: %d %s", w.Code, w.Body)
		}
	}
	other.wantsState(gate.Pending)
	if status, err := p.factors.Status(t.Context(), "alice"); err != nil || status.Activity[0].Count != 2 {
		t.Errorf("counted: %+v %v", status.Activity, err)
	}
	if w := asking.says("/challenge", `{"kind":"mail","code":"`+code+`"}`); w.Code != http.StatusNoContent {
		t.Errorf("in the browser that asked: %d %s", w.Code, w.Body)
	}
	if w := asking.says("/challenge", `{"kind":"mail","code":"`+code+`"}`); w.Code == http.StatusNoContent {
		t.Error("it opens something a second time")
	}
}

// TestSenderAway: a sender that fails is said, another way is offered, nothing is counted, and the code is in no event.
func TestSenderAway(t *testing.T) {
	p := withSentCodes(t)
	p.setUp("mail", "")
	v := p.visitor(gate.Pending)
	p.fails = errors.New("mail: 192.0.2.1:465: the server cannot be reached")
	for range 7 { // more than an hour has
		page(t, v.post("/challenge/send", url.Values{"kind": {"mail"}}), http.StatusServiceUnavailable, `role="alert"`, "/second-factor/recovery")
	}
	if w := v.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), problemSender) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	last := p.events[len(p.events)-1]
	if last.Name != event.CodeSent || last.Outcome != event.Failed || !strings.Contains(last.Detail, "cannot be reached") {
		t.Errorf("the event is %+v", last)
	}
	p.fails = nil
	if w := v.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusOK {
		t.Errorf("after that: %d %s", w.Code, w.Body)
	}
}

// TestSentCodeEnds: a code is good for its lifetime and no longer; what is typed later is told and not counted.
func TestSentCodeEnds(t *testing.T) {
	p := withSentCodes(t)
	p.setUp("mail", "")
	v := p.visitor(gate.Pending)
	v.says("/challenge/send", `{"kind":"mail"}`)
	p.clock.Advance(10 * time.Minute)
	late := p.visitor(gate.Pending)
	if w := v.says("/challenge", `{"kind":"mail","code":"`+p.last().Code+`"}`); w.Code == http.StatusNoContent {
		t.Error("a code is good after its time")
	}
	late.says("/challenge/send", `{"kind":"mail"}`)
	p.clock.Advance(9 * time.Minute)
	if w := late.says("/challenge", `{"kind":"mail","code":"`+p.last().Code+`"}`); w.Code != http.StatusNoContent {
		t.Errorf("within its time: %d %s", w.Code, w.Body)
	}
}

// TestProofBySentCode: whoever has nothing stronger confirms a change by a code that was sent, and comes back to the
// page that asked.
func TestProofBySentCode(t *testing.T) {
	p := withSentCodes(t)
	p.setUp("mail", "")
	v := p.visitor(gate.Verified)
	page(t, v.get("/disable"), http.StatusOK, `action="/second-factor/challenge/send"`, `name="from" value="/disable`)
	wants(t, v.post("/challenge/send", url.Values{"kind": {"mail"}, "from": {"/disable?kind=&factor="}}), http.StatusSeeOther, "/second-factor/disable?proof=mail")
	page(t, v.get("/disable?proof=mail"), http.StatusOK, `name="proof" value="mail"`, `id="sent-to"`, `name="code"`)
	page(t, v.post("/disable", url.Values{"proof": {"mail"}, "code": {"000000x"}}), http.StatusUnprocessableEntity, `role="alert"`)
	wants(t, v.post("/disable", url.Values{"proof": {"mail"}, "code": {p.last().Code}}), http.StatusSeeOther, "/second-factor/")
	if p.enrolled() {
		t.Error("the factor is still there")
	}
	for from, want := range map[string]string{"//evil.example": "/", "/factors/a\\b/remove": "/", "/nowhere": "/", "": "/", "/add?kind=sms&x=y": "/add?kind=sms&proof=mail"} {
		again := p.setUpAgain()
		wants(t, again.post("/challenge/send", url.Values{"kind": {"mail"}, "from": {from}}), http.StatusSeeOther, "/second-factor"+want)
		if err := p.factors.Disable(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
	}
}

// setUpAgain is setUp a day later.
func (p *postal) setUpAgain() *visitor {
	p.clock.Advance(24 * time.Hour)
	p.setUp("mail", "")
	return p.visitor(gate.Verified)
}

// TestSentCodeTakesNothingStrongerAway is an attack: whoever has the password and the mailbox of a user with an
// authenticator signs in by e-mail and removes, resets, renames or adds a factor, makes recovery codes, or disables
// all of them. No code is sent for that, one that was sent for the sign-in does not serve, and `reauth` is no way
// round it.
func TestSentCodeTakesNothingStrongerAway(t *testing.T) {
	p := withSentCodes(t)
	p.site.Config.Reauth = time.Hour
	p.setUp("mail", "")
	owner := p.visitor(gate.Pending)
	owner.says("/challenge/send", `{"kind":"mail"}`)
	wants(t, owner.post("/challenge", url.Values{"kind": {"mail"}, "code": {p.last().Code}}), http.StatusSeeOther, "/wanted")
	// Within reauth, nothing stronger.
	wants(t, owner.post("/add", url.Values{"kind": {"totp"}}), http.StatusSeeOther, "/second-factor/setup")
	key := find(t, secretKey, owner.get("/setup"))
	wants(t, owner.post("/setup/confirm", url.Values{"code": {p.code(key)}}), http.StatusSeeOther, "/second-factor/")
	status, err := p.factors.Status(t.Context(), "alice")
	if err != nil || len(status.Factors) != 2 {
		t.Fatalf("%v %+v", err, status.Factors)
	}
	p.clock.Advance(time.Hour)

	thief := p.visitor(gate.Pending)
	thief.says("/challenge/send", `{"kind":"mail"}`)
	code := p.last().Code
	if w := thief.says("/challenge", `{"kind":"mail","code":"`+code+`"}`); w.Code != http.StatusNoContent {
		t.Fatalf("the sign-in itself: %d %s", w.Code, w.Body)
	}
	p.clock.Advance(10 * time.Minute)
	before := len(p.sent)
	if w := thief.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusForbidden || len(p.sent) != before {
		t.Errorf("a code for a proof: %d %s", w.Code, w.Body)
	}
	for _, f := range status.Factors {
		for _, path := range []string{"/factors/" + f.ID + "/remove", "/factors/" + f.ID + "/rename", "/disable", "/reset", "/recovery-codes", "/add"} {
			for _, proof := range []url.Values{{}, {"proof": {"mail"}, "code": {code}}, {"code": {code}}} {
				if w := thief.post(path, proof); w.Code < 400 {
					t.Errorf("%s: %d to %s", path, w.Code, w.Header().Get("Location"))
				}
			}
		}
	}
	if after, err := p.factors.Status(t.Context(), "alice"); err != nil || len(after.Factors) != 2 || after.Factors[1].ID != status.Factors[1].ID {
		t.Errorf("the factors are %+v", after.Factors)
	}
	if err := p.factors.Help().Unblock(t.Context(), "alice"); err != nil { // the thief's guesses
		t.Fatal(err)
	}
	p.clock.Advance(time.Minute)
	wants(t, p.visitor(gate.Verified).post("/disable", url.Values{"code": {p.code(key)}}), http.StatusSeeOther, "/second-factor/")
}

// TestNotOfferedWithoutAddress: somebody for whom the app names no address is not offered codes by e-mail.
func TestNotOfferedWithoutAddress(t *testing.T) {
	p := withSentCodes(t)
	v := p.house.visitor(gate.Verified)
	v.post("/setup", nil)
	if body := v.get("/setup").Body.String(); strings.Contains(body, "Use e-mail instead") || !strings.Contains(body, "Use a text message instead") {
		t.Errorf("offered: %.3000s", body)
	}
	if w := v.post("/setup", url.Values{"kind": {"mail"}}); w.Code != http.StatusBadRequest {
		t.Errorf("asked for: %d", w.Code)
	}
	p.setUp("mail", "")
	without := p.house.visitor(gate.Pending)
	if w := without.says("/challenge/send", `{"kind":"mail"}`); w.Code != http.StatusConflict {
		t.Errorf("at the challenge: %d %s", w.Code, w.Body)
	}
}

// TestFurtherBySentCode: codes by text message beside what the user has: the proof first, then the number.
func TestFurtherBySentCode(t *testing.T) {
	p := withSentCodes(t)
	key, _ := p.enrol()
	v := p.visitor(gate.Verified)
	page(t, v.get("/add?kind=sms"), http.StatusOK, `name="code"`)
	if w := v.post("/setup", url.Values{"kind": {"sms"}, "address": {phone}}); w.Code != http.StatusConflict || len(p.sent) != 0 {
		t.Errorf("without a proof: %d", w.Code)
	}
	wants(t, v.post("/add", url.Values{"kind": {"sms"}, "code": {p.code(key)}}), http.StatusSeeOther, "/second-factor/setup")
	page(t, v.get("/setup"), http.StatusOK, `name="address"`)
	wants(t, v.post("/setup", url.Values{"kind": {"sms"}, "address": {phone}}), http.StatusSeeOther, "/second-factor/setup")
	wants(t, v.post("/setup/confirm", url.Values{"code": {p.last().Code}, "name": {"Work"}}), http.StatusSeeOther, "/second-factor/")
	page(t, v.get("/"), http.StatusOK, `data-kind="sms"`, "Work", "••• 67")
}
