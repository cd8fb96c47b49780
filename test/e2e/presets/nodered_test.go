//go:build allapps

package presets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

const nodeREDTide = "The tide comes in at seven."

// nodeRED has a bearer token, a WebSocket that anybody may open, and answers 403 to a wrong password.
var nodeRED = app{
	preset: "node-red", kind: "script, bearer token", start: apps.StartNodeRED, owner: apps.Alice, guest: apps.Bob, script: true,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.Do("POST", "/auth/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}},
			nodeREDForm(account).Encode())
	},
	reads: []read{
		{path: "/flows", text: nodeREDTide},
		{path: "/flow/aaaaaaaaaaaaaaa1", text: nodeREDTide},
		{path: "/settings", text: `"username":"alice"`},
		{path: "/settings/user"},
		{path: "/nodes", text: "node-red/inject"},
		{path: "/icons", text: "alert.svg"},
		{path: "/context/global", text: `"memory"`},
		{path: "/library/local/flows/"},
		{path: "/plugins"},
		{path: "/diagnostics", text: "nodejs"},
	},
	spellings: []string{"ALICE", "Alice", "alice ", " alice", "\uff41lice"},
	doors: []door{
		{"login as JSON", "POST", "/auth/token", jsonHeader(), `{"client_id":"node-red-editor","grant_type":"password","scope":"","username":"alice","password":"` + apps.Alice.Password + `"}`},
		{"login of its command", "POST", "/auth/token", form(), "client_id=node-red-admin&grant_type=password&scope=*&username=alice&password=" + apps.Alice.Password},
		{"login under another address", "POST", "/AUTH/token", form(), nodeREDForm(apps.Alice).Encode()},
		{"login with a slash behind", "POST", "/auth/token/", form(), nodeREDForm(apps.Alice).Encode()},
		{"login below the scripts", "POST", "/red/..%2fauth/token", form(), nodeREDForm(apps.Alice).Encode()},
		{"login as several", "POST", "/auth/token", form(), "username=bob&" + nodeREDForm(apps.Alice).Encode()},
		{"login as a list", "POST", "/auth/token", form(), strings.Replace(nodeREDForm(apps.Alice).Encode(), "username=", "username[]=", 1)},
		{"password in the address", "POST", "/auth/token?password=" + apps.Alice.Password, form(), "client_id=node-red-editor&grant_type=password&scope=&username=alice"},
		{"login by address", "GET", "/auth/token?" + nodeREDForm(apps.Alice).Encode(), nil, ""},
		{"a strategy", "GET", "/auth/strategy", nil, ""},
		{"a strategy's answer", "GET", "/auth/strategy/callback?code=x&username=alice&password=" + apps.Alice.Password, nil, ""},
		{"Basic", "GET", "/flows", basic(apps.Alice), ""},
		{"Basic on the editor", "GET", "/", basic(apps.Alice), ""},
		{"the password as a token", "GET", "/flows?access_token=" + apps.Alice.Password, http.Header{"Authorization": {"Bearer " + apps.Alice.Password}}, ""},
	},
	socket: "/comms",
	own:    []string{nodeREDTide, `"username":"alice"`, `"access_token"`},
	day:    nodeREDDay,
}

func nodeREDForm(account apps.Account) url.Values {
	return url.Values{"client_id": {"node-red-editor"}, "grant_type": {"password"}, "scope": {""}, "username": {account.Name}, "password": {account.Password}}
}

// nodeREDDay is the usual work of a user whose script has a token, also after the app has revoked it.
func nodeREDDay(t *testing.T, p *protected) {
	token := func(answer site.Answer) string {
		t.Helper()
		var body struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal([]byte(answer.Text), &body); err != nil || body.Token == "" || answer.StatusCode != http.StatusOK {
			t.Fatalf("no token: %d %s", answer.StatusCode, answer.Text)
		}
		return body.Token
	}
	with := func(token string) http.Header {
		header := asScript.Clone()
		header.Set("Authorization", "Bearer "+token)
		return header
	}
	shut := func(c *site.Client, what string, tokens ...string) {
		t.Helper()
		p.wantsClosed(t, c, what)
		for _, token := range tokens {
			for _, read := range p.reads {
				for _, got := range []site.Answer{
					c.Do("GET", read.path, with(token), ""), c.Do("GET", read.path+"?access_token="+url.QueryEscape(token), asScript, ""),
					c.Do("POST", read.path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Mode": {"cors"}}, url.Values{"access_token": {token}}.Encode()),
				} {
					if got.StatusCode != http.StatusUnauthorized {
						t.Fatalf("%s, with a token: %s answers %d", what, read.path, got.StatusCode)
					}
					p.tellsNothing(t, got, what+", with a token: "+read.path)
				}
			}
		}
	}
	open := func(c *site.Client, token string) {
		t.Helper()
		for _, read := range p.reads {
			header := with(token)
			if got := c.Do("GET", read.path, header, ""); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, read.text) {
				t.Fatalf("%s: %d without %q: %.300s", read.path, got.StatusCode, read.text, got.Text)
			}
		}
		if status := p.upgrade(t, c); status != http.StatusSwitchingProtocols {
			t.Fatalf("the WebSocket answers %d", status)
		}
	}
	signOut := func(c *site.Client, token string) {
		t.Helper()
		header := with(token)
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		c.Do("POST", "/auth/revoke", header, url.Values{"token": {token}}.Encode()).Wants(t, http.StatusOK, "")
		p.wantsState(t, c, "anonymous", "")
	}

	stranger := p.Client(t)
	for _, path := range []string{"/", "/theme", "/auth/login", "/red/red.min.js", "/vendor/vendor.js", "/favicon.ico"} {
		stranger.Get(path).Wants(t, http.StatusOK, "")
	}
	wrong := apps.Alice
	wrong.Password = "wrong-wrong"
	if got := p.signIn(t, stranger, wrong); got.StatusCode != http.StatusForbidden || !strings.Contains(got.Text, "invalid_grant") {
		t.Errorf("a wrong password: %d %s", got.StatusCode, got.Text)
	}
	p.wantsState(t, stranger, "anonymous", "")
	shut(stranger, "a wrong password")

	alice := p.Client(t)
	first := token(p.signIn(t, alice, apps.Alice))
	p.wantsState(t, alice, "verified", "alice")
	open(alice, first)
	factor, codes := alice.Enrol(1)
	// After signing out at the gateway the app's token is still valid at the app, but useless without its session.
	alice.SignOut()
	shut(alice, "signed out", first)

	withheld := p.signIn(t, alice, apps.Alice)
	p.wantsChallenge(t, withheld)
	if strings.Contains(withheld.Text, "access_token") {
		t.Fatalf("the token is in the answer: %s", withheld.Text)
	}
	p.wantsState(t, alice, "pending", "alice")
	shut(alice, "the password alone", first)
	alice.Do("POST", "/second-factor/challenge", asScript, `{"code":"000000x"}`).Wants(t, http.StatusUnprocessableEntity, "")
	alice.Do("GET", "/second-factor/resume", asScript, "").Wants(t, http.StatusUnauthorized, "")
	shut(alice, "a wrong code", first)

	alice.Do("POST", "/second-factor/challenge", asScript, fmt.Sprintf(`{"code":%q}`, factor.Code(t))).Wants(t, http.StatusNoContent, "")
	second := token(alice.Do("GET", "/second-factor/resume", asScript, ""))
	open(alice, second)

	const flow = `[{"id":"bbbbbbbbbbbbbbb1","type":"tab","label":"Pier"},{"id":"bbbbbbbbbbbbbbb2","type":"comment","z":"bbbbbbbbbbbbbbb1","name":"` + nodeREDTide + `","x":9,"y":9,"wires":[]}]`
	alice.Do("POST", "/flow", with(second), `{"label":"Quay","nodes":[{"id":"ccccccccccccccc2","type":"comment","name":"The tide goes out at one.","x":9,"y":9,"wires":[]}]}`).Wants(t, http.StatusOK, "")
	if got := alice.Do("GET", "/flows", with(second), ""); !strings.Contains(got.Text, "The tide goes out at one.") {
		t.Errorf("nothing was written: %d %s", got.StatusCode, got.Text)
	}

	// Bob is signed in as himself. Alice's token is useless to him in a header, with any scheme, and in the address.
	bob := p.Client(t)
	his := token(p.signIn(t, bob, apps.Bob))
	if got := bob.Do("GET", "/settings", with(his), ""); !strings.Contains(got.Text, `"username":"bob"`) {
		t.Errorf("bob: %d %s", got.StatusCode, got.Text)
	}
	for _, lent := range []string{first, second} {
		for _, read := range p.reads {
			for _, got := range []site.Answer{
				bob.Do("GET", read.path, with(lent), ""), bob.Do("GET", read.path+"?access_token="+url.QueryEscape(lent), asScript, ""),
				bob.Do("GET", read.path+"?access_token="+url.QueryEscape(lent), with(his), ""), bob.Do("GET", read.path, http.Header{"Authorization": {"bearer  " + lent}}, ""),
			} {
				p.isNotTheOwners(t, got, "bob with alice's token")
			}
		}
		if got := bob.Do("POST", "/flows", with(lent), flow); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("bob writes with alice's token: %d", got.StatusCode)
		}
	}
	p.wantsState(t, bob, "verified", "bob")
	p.wantsChallenge(t, p.signIn(t, bob, apps.Alice))
	shut(bob, "bob after alice's password", his, second)

	signOut(alice, second)
	shut(alice, "signed out by the app's own way", second, first)
	p.wantsChallenge(t, p.signIn(t, alice, apps.Alice))
	alice.Do("POST", "/second-factor/recovery", asScript, fmt.Sprintf(`{"code":%q}`, codes[0])).Wants(t, http.StatusNoContent, "")
	third := token(alice.Do("GET", "/second-factor/resume", asScript, ""))
	open(alice, third)
	for _, secret := range []string{first, second, third, apps.Alice.Password} {
		if log := p.Log(); strings.Contains(log, secret) || strings.Contains(log, url.QueryEscape(secret)) {
			t.Errorf("%.4s… is in the log", secret)
		}
	}
}
