package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP9_OperatorsSeeEverythingButSecrets: an attacker reads all that operators read: the logs at DEBUG, audit lines
// among them, the metrics, the admin API's answers, the users' notices and what goes to the webhook's receiver. In one
// walk everything happens that can happen to an account, at two gateways in turn, and none of it has a password, a
// code, a seed, a hash, a token, a held cookie, an address or a name that was typed and not accepted, except that the
// user's own mail is addressed to her. The control: every event is told, counted and, where the user is to know, sent,
// once, whichever gateway it happened at, and by whichever face of the operators' service.
func TestP9_OperatorsSeeEverythingButSecrets(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, o *office) {
		phone := o.hersAlone()
		phone = o.exposed(phone)
		phone = o.helped(phone)
		o.further(phone)
		o.ended(phone)
		o.away()
		o.wantsAll()
		o.wantsQuiet()
	})
}

// hersAlone is what alice does herself.
func (o *office) hersAlone() *site.Authenticator {
	const alice = "alice@example.com"
	o.t.Helper()
	o.signIn("alice", "a-wrong-password-of-alice")
	o.secret("name that was not accepted", "typed-into-the-wrong-field")
	o.signIn("typed-into-the-wrong-field", "nothing-much")
	o.note(o.c.Post("/login", url.Values{"username": {"alice", "bob"}, "password": {demo.AlicePassword}})).Wants(o.t, http.StatusBadRequest, "")
	o.signIn("alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/")
	o.own("/", "/setup", "").Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	phone := o.key(o.get("/second-factor/setup").Text)
	o.own("/setup", "/setup/confirm", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/second-factor/recovery-codes")
	o.told("factor_added", "user", alice, "A second factor was added to your account", "/account/password")

	o.at(1)
	o.own("/recovery-codes", "/recovery-codes", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "")
	codes := site.RecoveryCodes(o.t, o.get("/second-factor/recovery-codes").Text)
	for _, code := range codes {
		o.secret("recovery code", code)
		o.secret("recovery code", strings.ReplaceAll(code, "-", ""))
	}
	o.told("recovery_codes_made", "user", alice, "New recovery codes were made")
	o.own("/", "/logout", "")

	o.at(0)
	o.signIn("alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/second-factor/challenge")
	o.at(1)
	o.own("/recovery", "/recovery", codes[0]).Wants(o.t, http.StatusSeeOther, "")
	o.told("recovery_code_used", "user", alice, "A recovery code was used", "9")
	o.own("/", "/logout", "")

	o.signIn("alice", demo.AlicePassword)
	o.at(0)
	o.c.Own("/challenge", "/challenge", url.Values{"code": {phone.Code(o.t)}, "trust": {"yes"}}).Wants(o.t, http.StatusSeeOther, "/")
	o.told("browser_trusted", "user", alice, "A browser is trusted from now on")
	o.own("/", "/logout", "")
	o.at(1)
	o.signIn("alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/")
	o.own("/", "/browsers", "").Wants(o.t, http.StatusSeeOther, "/second-factor/")

	o.own("/reset", "/reset", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	o.at(0)
	phone = o.key(o.get("/second-factor/setup").Text)
	o.own("/setup", "/setup/confirm", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/second-factor/")
	o.told("factor_reset", "user", alice, "A second factor of your account was replaced")
	o.own("/", "/logout", "")

	o.l.app.SetMail("alice", "alice@new.example.com")
	o.signIn("alice", demo.AlicePassword)
	o.at(1)
	o.own("/challenge", "/challenge", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/")
	o.told("address_changed", "gateway", alice, "Your e-mail address was changed")
	return phone
}

const newAddress = "alice@new.example.com"

// exposed is what happens when somebody has her password: she is told, once, though both gateways have seen him, and is
// asked at whichever she comes to next; so she is when the gateway that saw him is gone.
func (o *office) exposed(phone *site.Authenticator) *site.Authenticator {
	o.t.Helper()
	const subject = "Somebody knows your password"
	thief := o.gateways[1].ClientFrom(o.t, "127.0.9.1")
	signIn(o.t, thief, "alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/second-factor/challenge")
	o.told("password_exposed", "gateway", newAddress, subject, "127.0.9.1", "/account/password")
	other := o.c
	o.c = o.gateways[0].Client(o.t)
	o.at(0)
	o.signIn("alice", demo.AlicePassword)
	ask := func() {
		o.t.Helper()
		form := url.Values{"code": {phone.Code(o.t)}, "then": {"ask"}}
		o.c.Own("/challenge", "/challenge", form).Wants(o.t, http.StatusSeeOther, "/second-factor/exposed")
	}
	ask()
	o.at(1)
	if page := o.get("/second-factor/exposed"); !strings.Contains(page.Text, "127.0.9.1") {
		o.t.Errorf("the question does not say from where: %s", page.Text)
	}
	o.c.Own("/exposed", "/exposed", url.Values{"whose": {"other"}}).Wants(o.t, http.StatusSeeOther, "/second-factor/exposed?ended")
	other.Site = o.gateways[0].Site
	within(o.t, time.Second, "her other session ends at the other gateway", func() bool {
		return other.Get("/files").StatusCode == http.StatusSeeOther
	})

	thief = o.gateways[1].ClientFrom(o.t, "127.0.10.1")
	signIn(o.t, thief, "alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/second-factor/challenge")
	began := time.Now()
	o.gateways[1].Kill()
	if o.gateways[0] == o.gateways[1] {
		o.gateways[1].Run()
	}
	o.c = o.gateways[0].Client(o.t)
	o.at(0)
	within(o.t, time.Minute, "his challenge is over", func() bool { return time.Since(began) > 10*time.Second })
	o.signIn("alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/second-factor/challenge")
	ask()
	o.told("password_exposed", "gateway", newAddress, subject, "127.0.10.1")
	o.c.Own("/exposed", "/exposed", url.Values{"whose": {"mine"}}).Wants(o.t, http.StatusSeeOther, "")
	if o.gateways[0] != o.gateways[1] {
		o.gateways[1].Run()
	}
	// Here each of these is counted: the last one was told of by a gateway that ran.
	within(o.t, time.Minute, "the last notice is counted", func() bool { return o.sent("mail") > 0 && o.sent("webhook") == o.sent("mail") })
	o.uncounted = map[string]float64{"mail": float64(o.notices) - o.sent("mail"), "webhook": float64(o.notices) - o.sent("webhook")}
	return phone
}

// helped is what operators do for her, each by another face of their service and at another gateway than she is at.
func (o *office) helped(phone *site.Authenticator) *site.Authenticator {
	o.t.Helper()
	o.own("/", "/logout", "")
	o.at(1)
	o.signIn("alice", demo.AlicePassword)
	wrong := otherThan(o.t, phone.Key, skew)
	o.own("/challenge", "/challenge", wrong).Wants(o.t, http.StatusUnprocessableEntity, "")
	o.note(o.c.PostJSON("/second-factor/challenge", `{"code":"`+wrong+`"}`)).Wants(o.t, http.StatusTooManyRequests, "")
	within(o.t, time.Minute, "the last wrong code that is judged", func() bool {
		return o.note(o.c.PostJSON("/second-factor/challenge", `{"code":"`+wrong+`"}`)).StatusCode == http.StatusUnprocessableEntity
	})
	o.told("stopped", "gateway", newAddress, "Too many wrong codes")
	if state := o.account(0).State; state != "stopped" {
		o.t.Fatalf("the other gateway says that she is %s", state)
	}
	o.c = o.l.Client(o.t) // the challenge may be over
	o.signIn("alice", demo.AlicePassword)
	o.own("/challenge", "/challenge", phone.Code(o.t)).Wants(o.t, http.StatusTooManyRequests, "")
	if answer := o.call(0, "apps/ledger/users/alice/unlock", `{"reason":"it was her","operator":"carol"}`, http.StatusOK); strings.TrimSpace(answer) != "{}" {
		o.t.Errorf("unlock: %s", answer)
	}
	o.own("/challenge", "/challenge", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/")

	// A code from the desk, then signed out by a command at the other gateway.
	code := o.press(0, "code")
	o.c = o.l.Client(o.t)
	o.signIn("alice", demo.AlicePassword)
	o.own("/recovery", "/recovery", "1111-2222-3333-4444-5555").Wants(o.t, http.StatusUnprocessableEntity, "")
	within(o.t, time.Minute, "a code is judged again", func() bool {
		return o.own("/recovery", "/recovery", code).Location() == "/second-factor/reset"
	})
	o.gateways[0].does(o.t, new(struct{}), "sign-out", "ledger", "alice", "--reason", "stolen laptop", "--by", "carol")
	within(o.t, time.Second, "her session ends at the other gateway", func() bool { return o.get("/files").StatusCode == http.StatusSeeOther })

	// Reset at the desk of one gateway while she is in at the other.
	o.at(0)
	o.signIn("alice", demo.AlicePassword)
	o.own("/challenge", "/challenge", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/files")
	enrolment := o.press(1, "reset")
	within(o.t, time.Second, "her session ends at the other gateway", func() bool { return o.get("/files").StatusCode == http.StatusSeeOther })
	o.told("operator_reset", "operator:grace", newAddress, "An administrator took your second factors away", "extension 100")
	// A new browser: one that holds a token that is worth nothing gets the port into the next one's name, for it may be
	// another port's, and the other gateway of the test has another port.
	o.c = o.l.Client(o.t)
	o.signIn("alice", demo.AlicePassword).Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	o.at(1)
	o.c.Own("/setup", "/setup", url.Values{"enrolment_code": {enrolment}}).Wants(o.t, http.StatusSeeOther, "/second-factor/setup")
	phone = o.key(o.get("/second-factor/setup").Text)
	o.own("/setup", "/setup/confirm", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/second-factor/recovery-codes")
	o.told("factor_added", "user", newAddress, "A second factor was added to your account")
	for _, code := range site.RecoveryCodes(o.t, o.get("/second-factor/recovery-codes").Text) {
		o.secret("recovery code", code)
	}
	for _, event := range o.account(0).Activity {
		if event.Event == "operator-reset" {
			return phone
		}
	}
	o.t.Errorf("the activity does not tell of the operator: %+v", o.account(0).Activity)
	return phone
}

// ended are the ways in which sessions and factors end.
func (o *office) ended(phone *site.Authenticator) {
	o.t.Helper()
	second := o.gateways[0].challenged(o.t, "alice", demo.AlicePassword)
	second.Pass(phone).Wants(o.t, http.StatusSeeOther, "/")
	o.own("/", "/sessions", "").Wants(o.t, http.StatusSeeOther, "/second-factor/") // ends the second
	o.hashes()
	o.own("/disable", "/disable", phone.Code(o.t)).Wants(o.t, http.StatusSeeOther, "/second-factor/")
	o.told("factors_disabled", "user", newAddress, "Two-factor authentication was disabled")
	o.l.app.SwitchSessions("alice", "bob")
	within(o.t, time.Minute, "the app's session is bob's", func() bool {
		return strings.Contains(o.get("/api/entries").Text, "bob") || o.events()["identity_changed"] > 0
	})
	o.l.app.EndSessions("bob")
	within(o.t, time.Minute, "the app's session is over", func() bool { return o.get("/files").StatusCode == http.StatusSeeOther })
}

// away are stores that do not answer for a while, and what load balancers and operators are told then. A file does not
// go away.
func (o *office) away() {
	o.t.Helper()
	if o.vault == nil {
		return
	}
	// health waits until a gateway says of a store what is so; it looks once a second.
	health := func(i int, setting string, status int, want string) {
		o.t.Helper()
		within(o.t, secondsToLog, fmt.Sprintf("gateway %d says that %s are %s", i, setting, want), func() bool {
			var said struct {
				Status string
				Stores map[string]struct{ Status, Since, Reason string }
			}
			got, answer := o.ask(i, "health", "")
			if err := json.Unmarshal([]byte(answer), &said); err != nil || len(said.Stores) != 2 {
				o.t.Fatalf("health: %s, %v", answer, err)
			}
			store := said.Stores[setting]
			return got == status && said.Status == want && store.Status == want && (want == "ok") == (store.Since == "" && store.Reason == "")
		})
	}
	for setting, trouble := range map[string]struct{ begin, end func() }{
		"secrets": {o.vault.Seal, o.vault.Unseal}, "sessions": {o.sessions.network.Down, o.sessions.network.Up},
	} {
		for i, gateway := range o.gateways {
			health(i, setting, http.StatusOK, "ok")
			o.c = gateway.Client(o.t)
			o.get("/login").Wants(o.t, http.StatusOK, "")
		}
		trouble.begin()
		for i, gateway := range o.gateways {
			for range 2 {
				c := gateway.Client(o.t)
				if page := c.Get("/login"); page.StatusCode == http.StatusOK {
					c.Post("/login", url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(o.t, csrfField, page.Text)}}).Wants(o.t, http.StatusServiceUnavailable, "")
				}
			}
			within(o.t, secondsToLog, setting+" are away", func() bool {
				return strings.Contains(gateway.Log(), `"event":"store_unavailable"`)
			})
			health(i, setting, http.StatusServiceUnavailable, "unavailable")
		}
		trouble.end()
		for _, gateway := range o.gateways {
			within(o.t, secondsToLog, setting+" are back", func() bool {
				c := gateway.Client(o.t)
				page := c.Get("/login")
				return page.StatusCode == http.StatusOK && signIn(o.t, c, "bob", demo.BobPassword).StatusCode == http.StatusSeeOther
			})
		}
	}
}

// hashes reads alice's document in Vault, and takes note of all in it that is worth something to an attacker.
func (o *office) hashes() {
	o.t.Helper()
	if o.vault == nil {
		return
	}
	listed, err := o.vault.Client().Logical().List("secret/metadata/sallyport/ledger")
	if err != nil || listed == nil || len(listed.Data["keys"].([]any)) != 1 {
		o.t.Fatalf("%v, %v", listed, err)
	}
	read, err := o.vault.Client().Logical().Read(fmt.Sprint("secret/data/sallyport/ledger/", listed.Data["keys"].([]any)[0]))
	if err != nil {
		o.t.Fatal(err)
	}
	found := 0
	var look func(name string, value any)
	look = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				look(name, inner)
			}
		case []any:
			for _, inner := range value {
				look(name, inner)
			}
		case string:
			if len(value) >= 16 && !slices.Contains([]string{"at", "created", "used", "id", "browser", "session", "last_failure", "kind"}, name) {
				o.secret("hash or seal of the record, at "+name, value)
				found++
			}
		}
	}
	look("", read.Data["data"])
	if found < 10 {
		o.t.Errorf("%d secrets in the record: %v", found, read.Data["data"])
	}
}

var auditRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .* \\| `[a-z:]+` \\| `[a-z]+` \\|")

// wantsAll fails the test unless each event of docs/audit.md was told, and the metrics count what was sent.
func (o *office) wantsAll() {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		o.t.Fatal(err)
	}
	told := o.events()
	rows := auditRow.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 25 {
		o.t.Fatalf("docs/audit.md has %d events", len(rows))
	}
	for _, row := range rows {
		event := row[1]
		switch {
		case o.vault == nil && strings.HasPrefix(event, "store_"): // a file does not go away
		case told[event] == 0:
			o.t.Errorf("%s was not told: %v", event, slices.Sorted(maps.Keys(told)))
		}
	}
	if o.vault != nil && (told["store_unavailable"] != 4 || told["store_recovered"] != 4) {
		o.t.Errorf("two stores were away, at two gateways: told %d times, and %d times that they are back", told["store_unavailable"], told["store_recovered"])
	}
	if told["password_exposed"] != 2 {
		o.t.Errorf("a password was exposed %d times", told["password_exposed"])
	}
	for kind, uncounted := range o.uncounted {
		within(o.t, time.Minute, "all notices by "+kind+" are counted", func() bool { return o.sent(kind)+uncounted == float64(o.notices) })
	}
	if mails, err := o.mails.Messages(); err != nil || len(mails) != o.notices || len(o.hook.Came()) != o.notices {
		o.t.Errorf("%d mails and %d notices at the webhook, want %d (%v)", len(mails), len(o.hook.Came()), o.notices, err)
	}
}

// wantsQuiet fails the test if any of what operators read has a secret.
func (o *office) wantsQuiet() {
	o.t.Helper()
	for _, received := range o.l.app.Received() {
		request := http.Request{Header: received.Header}
		for _, cookie := range request.Cookies() {
			if cookie.Name == demo.SessionCookie {
				o.secrets[cookie.Value] = "held cookie"
			}
		}
	}
	for i := range o.gateways {
		o.call(i, "apps", "", http.StatusOK)
		o.call(i, "apps/ledger/users", "", http.StatusOK)
		o.call(i, "apps/ledger/users/nobody", "", http.StatusNotFound)
	}
	if !strings.Contains(o.api.String(), `"alice"`) {
		o.t.Errorf("the API says nothing of alice: %s", o.api.String())
	}
	o.clean("the admin API", o.api.String())
	o.clean("the webhook's notices", o.hook.Text())
	mails, err := o.mails.Messages()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, mail := range mails {
		o.clean("the mail "+mail.Subject, mail.Text+mail.HTML)
		o.clean("the mail "+mail.Subject+" as it came", mail.Raw, "address")
	}
	for i, gateway := range o.gateways {
		if i > 0 && gateway == o.gateways[0] {
			continue
		}
		o.clean("the metrics", gateway.Admin(o.t, "/metrics"))
		o.clean("the configuration", gateway.Admin(o.t, "/config/"))
		gateway.Stop()
		o.clean("the log", gateway.Log())
	}
}
