package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// office is what operators have around them: two gateways in front of one app, which share what they keep, each with a
// help desk; and what the gateways send notices to. With files there is one gateway, since a file has one process, and
// it is both.
type office struct {
	walkOfSecrets
	gateways   [2]*ledger
	desks      [2]*site.Site
	mails      *servers.Mailpit
	hook       *site.Receiver
	telephones *site.Telephones
	// vault and sessions are nil with files.
	vault    *vaultSecrets
	sessions *sessionServer

	// notices is how many the user was sent so far; uncounted is how many of them the gateways that run do not count,
	// by kind, since one of them was killed.
	notices   int
	uncounted map[string]float64
	// api are the admin API's answers.
	api strings.Builder
}

// officeBlock has all notices, and challenges and throttles that a test can wait for.
const officeBlock = ledgerBlock + `
		recheck 1s
		pending 8s
		remember 30d
		throttle {
			free  1
			delay 1s
			stop  2
		}
		factors totp passkey sms
		sms {
			address user
		}
		mail {
			address json /email
		}
		notify mail
		change_password /account/password
		brand {
			help "Call the help desk, extension 100"
		}
`

// onEachStore runs a test with files, with Vault and Redis, and with Vault and PostgreSQL.
func onEachStore(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		line, _ := inFile(t)
		o := newOffice(t, 1, site.Options{Sessions: line})
		test(t, o)
	})
	onEachSessionServer(t, func(t *testing.T, s *sessionServer) {
		v := newVault(t, true, vault.Options{})
		o := newOffice(t, 2, site.Options{Secrets: v.line(), Sessions: s.line("timeout 10s")})
		o.vault, o.sessions = v, s
		test(t, o)
	})
}

// deskPassword opens the help desk to Grace.
const deskPassword = "open sesame, says Grace"

// newOffice starts it, with so many gateways.
func newOffice(t *testing.T, gateways int, options site.Options) *office {
	t.Helper()
	o := &office{mails: servers.StartMailpit(t, servers.MailOptions{}), hook: site.NewReceiver(t), telephones: site.NewTelephones(t)}
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 2000}})
	t.Cleanup(app.Close)
	app.SetMail("alice", "alice@example.com")
	upstream := site.Serve(t, app)
	hash, err := bcrypt.GenerateFromPassword([]byte(deskPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	// Browsers have no passkeys for an address of numbers.
	options.Block, options.Host = "log", "localhost"
	options.Sessions += "\n" + mailed(o.mails.SMTP) + "\n" + o.telephones.Line()
	for i := range gateways {
		desk := freeSite(t)
		options.Sites = desk.URL + " {\n\tlog\n\tbasic_auth {\n\t\tgrace " + string(hash) + "\n\t}\n" +
			"\tsecond_factor_desk {\n\t\tapps ledger\n\t\toperator {http.auth.user.id}\n\t}\n}\n"
		gateway := &ledger{site.Start(t, upstream, officeBlock+o.hook.Line(), options), app}
		for at := i; at < len(o.gateways); at++ {
			o.gateways[at], o.desks[at] = gateway, desk
		}
	}
	o.walkOfSecrets = walkOfSecrets{t: t, l: o.gateways[0], c: o.gateways[0].Client(t), secrets: map[string]string{
		deskPassword: "operator's password", site.HookSecret: "secret of the webhook", "alice@example.com": "address", "alice@new.example.com": "address", hers: "address",
	}}
	return o
}

// at has the walking browser go to one of the gateways from now on, with all its cookies, as a load balancer does.
func (o *office) at(i int) {
	o.l = o.gateways[i]
	o.c.Site = o.l.Site
}

// told waits until alice was told of an event, by mail to that address, and the webhook's receiver as well; and looks
// that neither was told of anything else.
func (o *office) told(event, actor, to, subject string, parts ...string) {
	o.t.Helper()
	o.notices++
	wantsNotice(o.t, o.mails, o.notices, to, subject, parts...)
	within(o.t, time.Minute, "the webhook tells of "+event, func() bool { return len(o.hook.Came()) >= o.notices })
	all := o.hook.Came()
	if last := all[len(all)-1]; len(all) != o.notices || last.Event != event || last.App != "ledger" || last.User != "alice" || last.Actor != actor {
		o.t.Fatalf("notice %d of %d is %+v, want %s by %s", o.notices, len(all), last, event, actor)
	}
}

// call asks the admin API of a gateway, and wants an answer of that status. A body makes it a POST.
func (o *office) call(i int, path, body string, status int) string {
	o.t.Helper()
	got, text := o.ask(i, path, body)
	if got != status {
		o.t.Fatalf("%s: %d %s, want %d", path, got, text, status)
	}
	return text
}

// ask asks the admin API of a gateway. A body makes it a POST.
func (o *office) ask(i int, path, body string) (status int, answer string) {
	o.t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(o.gateways[i].Folder, "admin.sock"))
	}}}
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(o.t.Context(), method, "http://admin/second_factor/"+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	if !strings.HasSuffix(path, "/code") && !strings.HasSuffix(path, "/reset") { // whose answers are codes
		o.api.Write(text)
	}
	return response.StatusCode, string(text)
}

// account is what the admin API says of alice.
func (o *office) account(i int) (account shownUser) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.call(i, "apps/ledger/users/alice", "", http.StatusOK)), &account); err != nil {
		o.t.Fatal(err)
	}
	return account
}

var deskCode = regexp.MustCompile(`<code id="code"[^>]*>([0-9-]+)</code>`)

// press has Grace do something for alice, at the desk of a gateway; code is what it shows her, where it makes one.
func (o *office) press(i int, act string) (code string) {
	o.t.Helper()
	grace := o.desks[i].Client(o.t)
	grace.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("grace:"+deskPassword))}}
	if found := grace.Get("/?app=ledger&name=al"); !strings.Contains(found.Text, "/user?app=ledger&amp;name=alice") {
		o.t.Fatalf("search: %d %.500s", found.StatusCode, found.Text)
	}
	page := grace.Get("/" + act + "?app=ledger&name=alice")
	token := site.Find(o.t, site.OwnToken, page.Text)
	o.secret("the desk's form token", token)
	answer := grace.Post("/"+act, url.Values{"app": {"ledger"}, "name": {"alice"}, "reason": {"she telephoned"}, "csrf_token": {token}})
	answer.Wants(o.t, http.StatusSeeOther, "")
	for _, cookie := range answer.Cookies() {
		o.secret("the desk's cookie", cookie.Value)
	}
	done := grace.Get(answer.Location()).Wants(o.t, http.StatusOK, "")
	if act != "code" && act != "reset" {
		return ""
	}
	code = site.Find(o.t, deskCode, done.Text)
	o.secret("operator's code", code)
	o.secret("operator's code", strings.ReplaceAll(code, "-", ""))
	return code
}

// events are how often the audit logs of all gateways tell of each event.
func (o *office) events() map[string]int {
	told := make(map[string]int)
	for i, gateway := range o.gateways {
		if i > 0 && gateway == o.gateways[0] {
			continue
		}
		for line := range strings.Lines(gateway.Log()) {
			var entry struct{ Logger, Event string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Logger == "second_factor.audit" {
				told[entry.Event]++
			}
		}
	}
	return told
}

// sent is how many notices of a kind the gateways count as sent.
func (o *office) sent(kind string) float64 {
	o.t.Helper()
	return o.counted(`sallyport_notices_total{app="ledger",kind="` + kind + `",outcome="sent"}`)
}

// counted is the sum over all gateways of a metric's series.
func (o *office) counted(series string) (sum float64) {
	o.t.Helper()
	for i, gateway := range o.gateways {
		if i > 0 && gateway == o.gateways[0] {
			continue
		}
		for line := range strings.Lines(gateway.Admin(o.t, "/metrics")) {
			var value float64
			if rest, found := strings.CutPrefix(line, series+" "); found {
				if _, err := fmt.Sscan(rest, &value); err != nil {
					o.t.Fatal(line, err)
				}
				sum += value
			}
		}
	}
	return sum
}
