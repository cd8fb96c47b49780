package walk

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/site"
)

// telephones is a gateway for text messages that keeps the last code that came to each number.
type telephones struct {
	address string

	mu   sync.Mutex
	last map[string]string
	next int
}

// bound is the last line of a text message: the site, and the code.
var bound = regexp.MustCompile(`@localhost #(\d{6})$`)

func newTelephones(t *testing.T) *telephones {
	t.Helper()
	made := &telephones{last: map[string]string{}}
	made.address = site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := bound.FindStringSubmatch(r.FormValue("text"))
		if found == nil {
			http.Error(w, "no code", http.StatusBadRequest)
			return
		}
		made.mu.Lock()
		defer made.mu.Unlock()
		made.last[r.FormValue("to")] = found[1]
	}))
	return made
}

// global are the lines of the global block that send text messages there.
func (s *telephones) global() string {
	return "sessions memory\nsms http http://" + s.address + "/send {\nmethod POST\nbody form to={sms.to}&text={sms.text}\nsuccess status 200\n}"
}

// number is a new telephone's.
func (s *telephones) number() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return fmt.Sprintf("+3584012%05d", s.next)
}

// code is the last code that came to a number.
func (s *telephones) code(number string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[number]
}

// enrolFurther sets up a passkey and a telephone beside an authenticator, in the session in which that was set up.
func (s *stage) enrolFurther(t *testing.T, c *site.Client, factor *site.Authenticator, number string) *Further {
	t.Helper()
	key := passkeytest.New(t, "http://"+s.plain)
	c.Own("/", "/add", url.Values{"kind": {"passkey"}, "code": {factor.Code(t)}}).Wants(t, http.StatusSeeOther, c.Base+"/setup")
	asked := c.PostJSON(c.Base+"/setup/passkey/options", "{}")
	if made := c.PostJSON(c.Base+"/setup/passkey", key.Create(t, asked.Text)); made.StatusCode != http.StatusCreated {
		t.Fatalf("%s: no passkey: %d %s", s.target.Name, made.StatusCode, made.Text)
	}
	c.Own("/", "/add", url.Values{"kind": {"sms"}, "address": {number}, "code": {factor.Code(t)}}).Wants(t, http.StatusSeeOther, c.Base+"/setup")
	c.Own("/setup", "/setup/confirm", url.Values{"code": {s.telephones.code(number)}}).Wants(t, http.StatusSeeOther, c.Base+"/")
	if s.target.Secure {
		key.Origin = "https://" + s.target.Address
	}
	further := &Further{
		Number: number, Last: func() string { return s.telephones.code(number) },
		Touch: func(options string) string { return key.Get(t, options) },
	}
	var planted *passkeytest.Authenticator
	further.Create = func(options string) string {
		planted = passkeytest.New(t, key.Origin)
		return planted.Create(t, options)
	}
	further.Created = func(options string) string { return planted.Get(t, options) }
	return further
}

// TestTheWalkUsesEveryFactor is the control of the moves with other factors: each opens the attacker's own session.
func TestTheWalkUsesEveryFactor(t *testing.T) {
	s := prepare(t, variant{name: "control", knobs: loose(demo.Knobs{}), block: formLogin + asked}, 0, newTelephones(t))
	site.Start(t, s.upstream, "app walk\n"+formLogin+asked, site.Options{Level: "ERROR", Sites: s.sites, Sessions: s.telephones.global()})
	s.enrolAll(t)
	s.target.withDefaults()
	w := newWire(s.target.Address, false)
	own := s.target.Enrolled[0]
	login := as(own.Typed[0], "POST", "/login", "")
	login.Right = OwnName
	for _, kind := range []Kind{Touch, Text} {
		p := newPlay(s.target, w, Sequence{})
		p.do(login)
		if state := p.browsers[0].look(); state.State != "pending" {
			t.Fatalf("%s: the session is %+v", kind, state)
		}
		p.do(Move{Kind: kind, From: 1})
		if p.browsers[0].look().verified() {
			t.Errorf("%s: what another browser asked for opens this one", kind)
		}
		p.do(Move{Kind: kind})
		if state := p.browsers[0].look(); !state.verified() || !strings.EqualFold(s.target.accountOf(state.User), own.Typed[0]) {
			t.Errorf("%s: the session is %+v", kind, state)
		}
	}
}
