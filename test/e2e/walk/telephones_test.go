package walk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/site"
)

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
	c.Own("/setup", "/setup/confirm", url.Values{"code": {s.telephones.Code(number)}}).Wants(t, http.StatusSeeOther, c.Base+"/")
	if s.target.Secure {
		key.Origin = "https://" + s.target.Address
	}
	further := &Further{
		Number: number, Last: func() string { return s.telephones.Code(number) },
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
	s := prepare(t, variant{name: "control", knobs: loose(demo.Knobs{}), block: formLogin + asked}, 0, site.NewTelephones(t))
	site.Start(t, s.upstream, "app walk\n"+formLogin+asked, site.Options{Level: "ERROR", Sites: s.sites, Sessions: sending(s.telephones)})
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
