package presets

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/site"
)

// challenge is the address of the challenge.
const challenge = "/second-factor/challenge"

// protected is an app behind a gateway that is configured with its preset.
type protected struct {
	*site.Site
	app
}

// TestPresets is the suite: it tests what must hold with every preset, against the real app.
func TestPresets(t *testing.T) {
	for _, a := range all {
		t.Run(a.preset, func(t *testing.T) {
			t.Parallel()
			running := a.start(t)
			row := newRow(t, a, running)
			row.open = openDoors(t, a, running)
			front := func(t *testing.T) *protected {
				lines := "app " + a.preset + "\n\t\tpreset " + a.preset + "\n" + a.more
				return &protected{Site: site.Start(t, running.Address, lines, site.Options{}), app: a}
			}
			day := (*protected).walk
			if a.day != nil {
				day = func(p *protected, t *testing.T) { a.day(t, p) }
			}
			t.Run("walk", func(t *testing.T) { day(front(t), t) })
			t.Run("spellings", func(t *testing.T) { front(t).trySpellings(t) })
			t.Run("doors", func(t *testing.T) { front(t).tryDoors(t) })
			t.Run("random", func(t *testing.T) { row.walked = a.walkAtRandom(t, running).Sequences })
			row.done(t)
		})
	}
}

// walk is the usual work of a user who sets up a factor: signing in without one and with one, working, signing out.
func (p *protected) walk(t *testing.T) {
	c := p.Client(t)
	p.wantsClosed(t, c, "a stranger")

	wrong := p.owner
	wrong.Password = "not-" + p.owner.Password
	p.tellsNothing(t, p.signIn(t, c, wrong), "a wrong password")
	p.wantsState(t, c, "anonymous", "")
	p.wantsClosed(t, c, "a wrong password")

	p.signIn(t, c, p.owner)
	p.wantsState(t, c, "verified", p.owner.Name)
	p.wantsOpen(t, c)
	authenticator, codes := c.Enrol(1)
	p.leave(t, c)
	p.wantsClosed(t, c, "signed out")

	answer := p.signIn(t, c, p.owner)
	p.wantsChallenge(t, answer)
	p.tellsNothing(t, answer, "a withheld login")
	p.wantsState(t, c, "pending", p.owner.Name)
	p.wantsClosed(t, c, "the password alone")
	c.Own("/challenge", "/challenge", url.Values{"code": {"not a code"}}).Wants(t, http.StatusUnprocessableEntity, "")
	p.wantsClosed(t, c, "a wrong code")

	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
	p.wantsState(t, c, "verified", p.owner.Name)
	p.wantsOpen(t, c)
	if p.write != nil {
		p.write(t, c)
	}

	token := c.Token()
	p.leave(t, c)
	p.wantsClosed(t, c, "signed out again")
	thief := p.Client(t)
	thief.SetCookie("sallyport", token)
	p.wantsClosed(t, thief, "a token that is over")

	p.wantsChallenge(t, p.signIn(t, c, p.owner))
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "")
	p.wantsOpen(t, c)
}

// leave signs out in the app's own way, which ends the gateway's session too.
func (p *protected) leave(t testing.TB, c *site.Client) {
	t.Helper()
	if p.signOut == nil {
		c.SignOut()
	} else {
		p.signOut(t, c)
	}
	p.wantsState(t, c, "anonymous", "")
}

// trySpellings: however the owner's name is spelt, if the app accepts it as hers, her factor is asked for.
func (p *protected) trySpellings(t *testing.T) {
	p.enrolOwner(t)
	for _, name := range p.spellings {
		account := p.owner
		account.Name = name
		c := p.Client(t)
		p.tellsNothing(t, p.signIn(t, c, account), name)
		p.mustNotBeIn(t, c, name)
	}
}

// tryDoors: an attacker has the owner's password and tries every other door with it: as a stranger, in a session that
// owes the factor after the password was typed, and in a session that is verified with a factor of his own.
func (p *protected) tryDoors(t *testing.T) {
	p.enrolOwner(t)
	var guest *site.Client
	var codes []string
	if p.guest.Name != "" {
		guest = p.Client(t)
		p.signIn(t, guest, p.guest)
		p.wantsState(t, guest, "verified", p.guest.Name)
		_, codes = guest.Enrol(1)
	}
	for _, door := range p.doors {
		stranger := p.Client(t)
		p.tellsNothing(t, stranger.Do(door.method, door.path, door.header.Clone(), door.body), door.name)
		p.mustNotBeIn(t, stranger, door.name)

		pending := p.Client(t)
		p.wantsChallenge(t, p.signIn(t, pending, p.owner))
		p.tellsNothing(t, pending.Do(door.method, door.path, door.header.Clone(), door.body), door.name)
		p.mustNotBeIn(t, pending, door.name)

	}
	if guest == nil {
		return
	}
	for _, of := range append(fixed(p.doors), p.guestDoors...) {
		door := of(t, guest)
		p.isNotTheOwners(t, guest.Do(door.method, door.path, door.header.Clone(), door.body), door.name)
		state, user := p.status(t, guest)
		if state != "verified" {
			// Whosever the app's session is now, the guest's factor opens only the guest's account.
			p.wantsClosed(t, guest, door.name)
			if len(codes) == 0 {
				t.Fatal("more doors than recovery codes end the guest's session")
			}
			if user != p.guest.Name {
				p.mustNotBeIn(t, guest, door.name)
				guest = p.Client(t)
				p.wantsChallenge(t, p.signIn(t, guest, p.guest))
			}
			guest.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "")
			codes = codes[1:]
			_, user = p.status(t, guest)
		}
		if user != p.guest.Name {
			t.Fatalf("%s: the guest's session is verified for %q", door.name, user)
		}
		for _, read := range p.reads {
			p.isNotTheOwners(t, guest.Do("GET", read.path, read.header.Clone(), ""), door.name)
		}
	}
}

// fixed are doors that are the same for everybody.
func fixed(doors []door) (made []func(testing.TB, *site.Client) door) {
	for _, d := range doors {
		made = append(made, func(testing.TB, *site.Client) door { return d })
	}
	return made
}

func (p *protected) enrolOwner(t testing.TB) {
	t.Helper()
	owner := p.Client(t)
	p.signIn(t, owner, p.owner)
	p.wantsState(t, owner, "verified", p.owner.Name)
	owner.Enrol(1)
}

// wantsChallenge: the login of a user who owes a factor is withheld, and answered in the form that its sender
// understands.
func (p *protected) wantsChallenge(t testing.TB, answer site.Answer) {
	t.Helper()
	if !p.script {
		answer.Wants(t, http.StatusSeeOther, challenge)
		return
	}
	answer.Wants(t, http.StatusUnauthorized, "")
	var problem struct{ Type, Challenge string }
	if err := json.Unmarshal([]byte(answer.Text), &problem); err != nil || problem.Challenge != challenge ||
		problem.Type != "https://sallyport.invalid/second-factor-required" {
		t.Fatalf("%v in %s", err, answer.Text)
	}
}

func (p *protected) status(t testing.TB, c *site.Client) (state, user string) {
	t.Helper()
	var status struct{ State, User string }
	if text := c.Status(); json.Unmarshal([]byte(text), &status) != nil {
		t.Fatalf("no status: %s", text)
	}
	return status.State, status.User
}

func (p *protected) wantsState(t testing.TB, c *site.Client, state, user string) {
	t.Helper()
	if gotState, gotUser := p.status(t, c); gotState != state || gotUser != user {
		t.Fatalf("the session is %s of %q, want %s of %q", gotState, gotUser, state, user)
	}
}

// wantsOpen reads everything.
func (p *protected) wantsOpen(t testing.TB, c *site.Client) {
	t.Helper()
	for _, read := range p.reads {
		answer := c.Do("GET", read.path, read.header.Clone(), "")
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Text, read.text) {
			t.Fatalf("%s: %d to %q, without %q: %.1500s", read.path, answer.StatusCode, answer.Location(), read.text, answer.Text)
		}
	}
	if p.socket != "" {
		if status := p.upgrade(t, c); status != http.StatusSwitchingProtocols {
			t.Fatalf("the WebSocket answers %d", status)
		}
	}
}

// wantsClosed tries to read everything, as a page and as a script, and to open the WebSocket.
func (p *protected) wantsClosed(t testing.TB, c *site.Client, who string) {
	t.Helper()
	for _, read := range p.reads {
		for _, header := range []http.Header{read.header, {"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}} {
			answer := c.Do("GET", read.path, header.Clone(), "")
			if status := answer.StatusCode; status != http.StatusSeeOther && status != http.StatusUnauthorized {
				t.Fatalf("%s: %s answers %d", who, read.path, status)
			}
			p.tellsNothing(t, answer, who+": "+read.path)
		}
	}
	if p.socket != "" {
		if status := p.upgrade(t, c); status == http.StatusSwitchingProtocols || status == http.StatusOK {
			t.Fatalf("%s: the WebSocket answers %d", who, status)
		}
	}
}

// mustNotBeIn: after an attempt the session is not verified, and everything is closed.
func (p *protected) mustNotBeIn(t testing.TB, c *site.Client, what string) {
	t.Helper()
	switch state, user := p.status(t, c); {
	case state == "anonymous", state == "pending" && (user == p.owner.Name || user == p.guest.Name):
	default:
		t.Fatalf("%s: the session is %s of %q", what, state, user)
	}
	p.wantsClosed(t, c, what)
}

// tellsNothing: an answer has no protected content, and no credential of the app's.
func (p *protected) tellsNothing(t testing.TB, answer site.Answer, what string) {
	t.Helper()
	for _, read := range p.reads {
		if read.text != "" && strings.Contains(answer.Text, read.text) {
			t.Errorf("%s: %q is readable: %d %.600s", what, read.text, answer.StatusCode, answer.Text)
		}
	}
	p.hasNoSession(t, answer, what)
}

// isNotTheOwners: an answer to the guest has nothing of the owner's.
func (p *protected) isNotTheOwners(t testing.TB, answer site.Answer, what string) {
	t.Helper()
	for _, text := range p.own {
		if strings.Contains(answer.Text, text) {
			t.Errorf("%s: the guest reads %q", what, text)
		}
	}
	p.hasNoSession(t, answer, what)
}

func (p *protected) hasNoSession(t testing.TB, answer site.Answer, what string) {
	t.Helper()
	for _, cookie := range answer.Cookies() {
		if p.sessions != nil && cookie.Value != "" && cookie.MaxAge >= 0 && p.sessions.MatchString(cookie.Name) {
			t.Errorf("%s: the app's session cookie %s came out", what, cookie.Name)
		}
	}
}

// upgrade asks for the WebSocket, and returns the status of the answer.
func (p *protected) upgrade(t testing.TB, c *site.Client) int {
	t.Helper()
	conn, err := net.Dial("tcp", p.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: sallyport=%s\r\n\r\n", p.socket, p.Address, p.URL, c.Token()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the WebSocket: %v", err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
