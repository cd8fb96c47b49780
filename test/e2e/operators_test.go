package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// user runs a command of `sallyport user` against the gateway, like an operator at its machine, and returns its output
// and status.
func (l *ledger) user(t testing.TB, arguments ...string) (printed string, status int) {
	t.Helper()
	reach := []string{arguments[0], "--address", "unix/" + filepath.Join(l.Folder, "admin.sock")}
	return userAt(t, append(reach, arguments[1:]...)...)
}

func userAt(t testing.TB, arguments ...string) (printed string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, site.Binary(t), append([]string{"user"}, arguments...)...)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	if command.ProcessState.ExitCode() != 0 {
		return said.String(), command.ProcessState.ExitCode()
	}
	return out.String(), 0
}

// does requires that a command succeeds, and reads its JSON.
func (l *ledger) does(t testing.TB, into any, arguments ...string) {
	t.Helper()
	printed, status := l.user(t, append([]string{arguments[0], "--json"}, arguments[1:]...)...)
	if status != 0 || json.Unmarshal([]byte(printed), into) != nil {
		t.Fatalf("%q: status %d, %s", arguments, status, printed)
	}
}

// madeCode is the JSON of `reset` and `code`.
type madeCode struct {
	Code    string    `json:"code"`
	Expires time.Time `json:"expires"`
}

// listedUser is a user in the JSON of `list`.
type listedUser struct{ App, User, State string }

// shownUser has the parts of the JSON of `show` that the tests check.
type shownUser struct {
	App, User, State string
	Factors          []struct{ ID, Kind string }
	RecoveryCodes    struct{ Left int } `json:"recovery_codes"`
	Sessions         []struct{ ID, State string }
	Activity         []struct{ Event string }
}

// TestP1_OperatorsResets: two gateways share one Vault and their sessions. An operator at one of them resets alice. All
// her sessions end at both, her password alone opens nothing at either, and the code opens the set-up once; after that
// her new authenticator is asked for. The control: before the reset, her session and her authenticator work.
func TestP1_OperatorsResets(t *testing.T) {
	t.Parallel()
	onEachSessionServer(t, func(t *testing.T, s *sessionServer) {
		v := newVault(t, true, vault.Options{})
		gateways := twoGateways(t, new(flowing), site.Options{Secrets: v.line(), Sessions: s.line("timeout 10s")})
		c, old := gateways[0].verified(t, "alice", demo.AlicePassword)
		c.Get("/files").Wants(t, http.StatusOK, "")
		var listed struct{ Users []listedUser }
		gateways[1].does(t, &listed, "list", "--state", "enrolled")
		if len(listed.Users) != 1 || listed.Users[0].User != "alice" || listed.Users[0].App != "ledger" {
			t.Fatalf("list: %+v", listed)
		}
		var account shownUser
		gateways[1].does(t, &account, "show", "ledger", "alice")
		if account.State != "enrolled" || len(account.Factors) != 1 || account.Factors[0].Kind != "totp" || account.RecoveryCodes.Left != 10 || len(account.Sessions) != 1 {
			t.Fatalf("show: %+v", account)
		}
		var made madeCode
		gateways[1].does(t, &made, "reset", "ledger", "alice", "--reason", "lost phone")
		within(t, time.Second, "the session ends at the other gateway", func() bool { return c.Get("/files").StatusCode == http.StatusSeeOther })
		for _, gateway := range gateways {
			thief := gateway.Client(t)
			signIn(t, thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/setup")
			thief.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/setup")
			thief.Own("/setup", "/setup", url.Values{"enrolment_code": {"1111-2222-3333-4444-5555"}}).Wants(t, http.StatusUnprocessableEntity, "")
			thief.Own("/setup", "/setup", url.Values{}).Wants(t, http.StatusUnprocessableEntity, "")
		}
		owner := gateways[0].Client(t)
		signIn(t, owner, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/setup")
		owner.Own("/setup", "/setup", url.Values{"enrolment_code": {made.Code}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
		again := gateways[1].Client(t)
		signIn(t, again, "alice", demo.AlicePassword)
		again.Own("/setup", "/setup", url.Values{"enrolment_code": {made.Code}}).Wants(t, http.StatusUnprocessableEntity, "")
		fresh := site.NewAuthenticator(site.Find(t, site.Secret, owner.Get("/second-factor/setup").Text), skew)
		owner.Own("/setup", "/setup/confirm", url.Values{"code": {fresh.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
		owner.Get("/files").Wants(t, http.StatusOK, "")
		next := gateways[1].challenged(t, "alice", demo.AlicePassword)
		next.Pass(old).Wants(t, http.StatusUnprocessableEntity, "")
		next.Pass(fresh).Wants(t, http.StatusSeeOther, "/")

		gateways[0].does(t, &made, "code", "ledger", "alice", "--reason", "again", "--for", "1h")
		lost := gateways[0].challenged(t, "alice", demo.AlicePassword)
		lost.Own("/recovery", "/recovery", url.Values{"code": {made.Code}}).Wants(t, http.StatusSeeOther, "/second-factor/reset")
		gateways[1].challenged(t, "alice", demo.AlicePassword).Own("/recovery", "/recovery", url.Values{"code": {made.Code}}).Wants(t, http.StatusUnprocessableEntity, "")
		gateways[1].does(t, &account, "show", "ledger", "alice")
		if !slices.ContainsFunc(account.Activity, func(e struct{ Event string }) bool { return e.Event == "operator-reset" }) {
			t.Errorf("the activity does not show the reset: %+v", account.Activity)
		}
		gateways[1].does(t, new(struct{}), "sign-out", "ledger", "alice", "--reason", "stolen laptop")
		within(t, time.Second, "the other session ends", func() bool { return lost.Get("/files").StatusCode == http.StatusSeeOther })
		for _, gateway := range gateways {
			if log := gateway.Log(); strings.Contains(log, made.Code) || strings.Contains(log, strings.ReplaceAll(made.Code, "-", "")) {
				t.Error("the code is in the log")
			}
		}
		if !strings.Contains(gateways[1].Log(), `"actor":"operator:`) {
			t.Error("the log does not say who did it")
		}
		direct, status := userAt(t, "list", "--config", filepath.Join(gateways[0].Folder, "Caddyfile"))
		if status != 0 || !strings.Contains(direct, "alice") {
			t.Errorf("on the stores directly: status %d, %s", status, direct)
		}
	})
}

// TestOperatorsCommands tests the commands on a secrets file, with names that try to reach another record, and without
// a running gateway.
func TestOperatorsCommands(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	config := filepath.Join(l.Folder, "Caddyfile")
	if said, status := l.user(t, "list"); status != 1 || !strings.Contains(said, "nobody matches") {
		t.Errorf("an empty list: status %d, %s", status, said)
	}
	l.verified(t, "alice", demo.AlicePassword)
	names := []string{"../x", "*", "a/b", strings.Repeat("x", 300), "名前 \u202e", "alice\n", "-rf", "%2e%2e%2falice", "ALICE"}
	for _, name := range names {
		l.does(t, new(madeCode), "code", "--reason", "x", "--", "ledger", name)
		var account shownUser
		if l.does(t, &account, "show", "--", "ledger", name); account.User != name || account.State != "waiting" {
			t.Errorf("%q: %+v", name, account)
		}
	}
	for _, act := range []string{"show", "reset", "unlock", "sign-out"} {
		arguments := []string{act, "ledger", "nobody"}
		if act != "show" {
			arguments = append(arguments, "--reason", "x")
		}
		if said, status := l.user(t, arguments...); status != 1 || !strings.Contains(said, "nothing is known") {
			t.Errorf("%s of nobody: status %d, %s", act, status, said)
		}
		if said, status := l.user(t, append(slices.Clone(arguments[:1]), append([]string{"git"}, arguments[2:]...)...)...); status != 1 || !strings.Contains(said, "no such app") {
			t.Errorf("%s at another app: status %d, %s", act, status, said)
		}
	}
	if said, status := l.user(t, "reset", "ledger", "alice"); status != 1 || !strings.Contains(said, "--reason") {
		t.Errorf("without a reason: status %d, %s", status, said)
	}
	if said, status := userAt(t, "list", "--config", config); status != 1 || !strings.Contains(said, "in use") {
		t.Errorf("--config beside the gateway: status %d, %s", status, said)
	}
	l.Stop()
	if said, status := l.user(t, "list"); status != 1 || !strings.Contains(said, "--config") {
		t.Errorf("without a gateway: status %d, %s", status, said)
	}
	printed, status := userAt(t, "list", "--config", config, "--json")
	var listed struct{ Users []listedUser }
	if json.Unmarshal([]byte(printed), &listed) != nil || status != 0 || len(listed.Users) != len(names)+1 {
		t.Errorf("--config: status %d, %s", status, printed)
	}
	if printed, status := userAt(t, "reset", "--config", config, "ledger", "alice", "--open", "--reason", "left"); status != 0 || strings.Contains(printed, "-") && digits.MatchString(printed) {
		t.Errorf("--open: status %d, %s", status, printed)
	}
	l.Run()
	signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	l.Stop()
	if err := os.Remove(filepath.Join(l.Folder, "secrets.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(l.Folder, "secrets.db.key")); err != nil {
		t.Fatal(err)
	}
	if _, status := userAt(t, "list", "--config", config); status != 1 {
		t.Errorf("a missing file: status %d", status)
	}
	if _, err := os.Stat(filepath.Join(l.Folder, "secrets.db")); err == nil {
		t.Error("a missing file was made")
	}
}

// freeSite is another site, with an address of its own, that a gateway can serve too.
func freeSite(t *testing.T) *site.Site {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return &site.Site{Address: address, URL: "http://" + address}
}

var digits = regexp.MustCompile(`\d{4}-\d{4}`)

// TestDesk tests the help desk behind Caddy's own sign-in, and behind second_factor itself.
func TestDesk(t *testing.T) {
	t.Parallel()
	plain, second := freeSite(t), freeSite(t)
	hash, err := exec.CommandContext(t.Context(), site.Binary(t), "hash-password", "--plaintext", "open sesame").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(hash))
	auth := "basic_auth {\n\t\tgrace " + lines[len(lines)-1] + "\n\t}"
	l := newLedger(t, demo.Knobs{}, "", site.Options{Sites: plain.URL + ` {
	` + auth + `
	second_factor_desk {
		apps     ledger
		operator {http.auth.user.id}
	}
	respond "next" 404
}
` + second.URL + ` {
	` + auth + `
	second_factor {
		app desk
		login * {
			username placeholder {http.auth.user.id}
		}
	}
	second_factor_desk {
		apps     ledger
		operator {http.second_factor.user}
	}
	respond "next" 404
}
`})
	l.verified(t, "alice", demo.AlicePassword)
	if got := plain.Client(t).Get("/"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.StatusCode)
	}
	for _, desk := range []*site.Site{plain, second} {
		at, grace := desk.URL, desk.Client(t)
		grace.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("grace:open sesame"))}}
		if got := grace.Get("/?app=ledger&name=al"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "/user?app=ledger&amp;name=alice") {
			t.Fatalf("%s: search: %d %.500s", at, got.StatusCode, got.Text)
		}
		page := grace.Get("/code?app=ledger&name=alice")
		token := site.Find(t, regexp.MustCompile(`name="csrf_token" value="([^"]+)"`), page.Text)
		got := grace.Post("/code", url.Values{"app": {"ledger"}, "name": {"alice"}, "reason": {"lost"}, "csrf_token": {token}})
		if got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d %.500s", at, got.StatusCode, got.Text)
		}
		code := site.Find(t, regexp.MustCompile(`<code id="code"[^>]*>([0-9-]+)</code>`), grace.Get(got.Location()).Text)
		if again := grace.Get(got.Location()); digits.MatchString(again.Text) {
			t.Errorf("%s: shown twice", at)
		}
		c := l.challenged(t, "alice", demo.AlicePassword)
		c.Own("/recovery", "/recovery", url.Values{"code": {code}}).Wants(t, http.StatusSeeOther, "/second-factor/reset")
		if got := grace.Get("/elsewhere"); got.StatusCode != http.StatusNotFound || !strings.Contains(got.Text, "next") {
			t.Errorf("%s: another address: %d", at, got.StatusCode)
		}
	}
	if !strings.Contains(l.Log(), `"actor":"operator:grace"`) {
		t.Error("the log does not say which operator it was")
	}
}
