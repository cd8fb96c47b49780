package presets

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login/presets"
	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// raising is what must be known about an app to measure whether it sets another session cookie at each sign-in.
type raising struct {
	// setUp prepares the running app for more ways in than it has by default.
	setUp func(testing.TB, *apps.App)
	// page is the login's page.
	page string
	// first are ways in which the attacker signs in to her own account, besides the app's usual one.
	first []entry
	// ways are ways in which she then signs the owner in, besides the doors of the suite.
	ways []entry
	// silent says that the app renews its cookie, but that the preset leaves the word `renews` to the site.
	silent bool
	// headers are headers with each of which the app is asked again whose the session is.
	headers []http.Header
}

// entry is a way to sign somebody in: any preparation, and then one request, whose answer it returns.
type entry struct {
	name string
	send func(testing.TB, *site.Client, apps.Account) site.Answer
	// as is the account that it signs in, if that is not the owner's.
	as apps.Account
	// refused says that the app does not accept it from a user who is signed in already. door says that this is not
	// known.
	refused, door bool
}

// raisings has the apps' ways in, by the preset's name.
var raisings = map[string]raising{
	"django-admin": {
		page:  "/admin/login/",
		first: []entry{{name: "no page", send: djangoBare}}, silent: true,
		ways: []entry{{name: "the login", send: djangoBare}},
	},
	"dokuwiki": {
		page: "/doku.php?do=login",
		setUp: func(t testing.TB, running *apps.App) {
			lay(t, running, "conf/local.protected.php", "<?php\n$conf['remote'] = 1;\n$conf['remoteuser'] = '';\n")
		},
		first: []entry{{name: "remembered", send: sends("/doku.php?id=start", "u", "p", "do=login&r=1")}},
		ways: []entry{
			{name: "the login", send: dokuWiki.signIn},
			{name: "the login, remembered", send: sends("/doku.php?id=start", "u", "p", "do=login&r=1")},
			{name: "the login, with the session's token", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				token := site.Find(t, regexp.MustCompile(`name="sectok" value="([^"]*)"`), c.Get("/doku.php?do=profile").Text)
				return sends("/doku.php?do=login", "u", "p", "do=login&id=start&sectok="+token)(t, c, account)
			}},
			{name: "a link", send: links("/doku.php?id=start", "u", "p")},
			{name: "XML-RPC", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				return c.Do("POST", "/lib/exe/xmlrpc.php", http.Header{"Content-Type": {"text/xml"}}, xmlCall("dokuwiki.login", account.Name, account.Password))
			}},
			{name: "a link to XML-RPC", send: links("/lib/exe/xmlrpc.php", "u", "p")},
			{name: "a link to a file", send: links("/lib/exe/fetch.php?media=wiki:dokuwiki-128.png", "u", "p")},
			{name: "a form to a script", send: sends("/lib/exe/ajax.php", "u", "p", "call=linkwiz")},
		},
	},
	"qbittorrent": {page: "/", ways: []entry{{name: "the login", send: qBittorrent.signIn}}},
	"znc":         {page: "/", ways: []entry{{name: "the login", send: znc.signIn}}},
}

// sends makes a way in by a form that has the name and the password in these fields, and more fields besides.
func sends(path, name, password, more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.Do("POST", path, form(), url.Values{name: {account.Name}, password: {account.Password}}.Encode()+"&"+more)
	}
}

// links makes a way in by an address that has them in its query.
func links(path, name, password string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		between := "?"
		if strings.Contains(path, "?") {
			between = "&"
		}
		return c.Get(path + between + url.Values{name: {account.Name}, password: {account.Password}}.Encode())
	}
}

// djangoBare sends the form without having loaded it: the form token only has to match the cookie.
func djangoBare(t testing.TB, c *site.Client, account apps.Account) site.Answer {
	t.Helper()
	token := strings.Repeat("sallyportx", 6) + "abcd"
	c.SetCookie("csrftoken", token)
	return sends("/admin/login/?next=/admin/", "username", "password", "csrfmiddlewaretoken="+token)(t, c, account)
}

// TestP5_PresetsThatRenew: mallory has alice's password, and an account and a factor of her own. Signed in as herself,
// she sends alice's password within that session, by any way that the app has. If the app makes the same session
// alice's without setting another cookie (ZNC does), mallory's session in the gateway acts as alice from then on. The
// gateway therefore asks the app after each request that might do so, unless the preset says `renews`: then it asks
// only if a cookie changed. So a preset must not say `renews` if its app has a way in after which the earlier cookies
// name the other account, or whose answer signs somebody in without changing a cookie in custody.
func TestP5_PresetsThatRenew(t *testing.T) {
	for _, a := range all {
		how, known := raisings[a.preset]
		says := saysRenews(t, a.preset)
		if !known {
			if says {
				t.Errorf("%s says `renews`, and nobody has measured it", a.preset)
			}
			continue
		}
		t.Run(a.preset, func(t *testing.T) {
			t.Parallel()
			raised := a.raises(t, how)
			for _, line := range raised {
				if says || how.silent {
					t.Error(line)
				} else {
					t.Log(line)
				}
			}
			// The measure must find something in an app that is known to raise sessions.
			if !says && !how.silent && len(raised) == 0 {
				t.Error("the preset does not say `renews`, and no session was raised: either it may say it, or the measure finds nothing")
			}
		})
	}
}

// raises signs somebody in twice within one session, by all pairs of ways, directly at the app, and returns those by
// which the session was raised in a way that the gateway would not notice.
func (a app) raises(t *testing.T, how raising) (raised []string) {
	t.Helper()
	running := a.start(t)
	if how.setUp != nil {
		how.setUp(t, running)
	}
	address := site.Serve(t, rooted(running.Address))
	m := &measure{app: a, how: how, attack: attacks[a.preset], site: &site.Site{Address: address, URL: "http://" + address}}
	m.policy, m.rotates = policyOf(t, a.preset)
	first := append([]entry{{name: "usual", send: a.signIn}}, how.first...)
	for _, begin := range slices.Clone(first) {
		first = append(first, entry{name: begin.name + ", the page first", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
			c.Get(how.page)
			return begin.send(t, c, account)
		}})
	}
	for i, begin := range first {
		ways := slices.Clone(how.ways)
		if i == 0 {
			ways = append(ways, m.doorways()...)
		}
		for _, way := range ways {
			c, held := m.begun(t, begin)
			if line := m.twice(t, c, held, way); line != "" {
				raised = append(raised, begin.name+", then "+way.name+": "+line)
			}
		}
	}
	return raised
}

// measure is an app without the gateway.
type measure struct {
	app
	how     raising
	attack  attack
	site    *site.Site
	policy  *custody.Policy
	rotates match.Globs
}

// doorways are the doors of the suite, which are made for the owner.
func (m *measure) doorways() (ways []entry) {
	for i, of := range append(fixed(m.doors), m.guestDoors...) {
		name := "another door from within"
		if i < len(m.doors) {
			name = m.doors[i].name
			if m.doors[i].header.Get("Upgrade") != "" {
				continue // without the gateway such an answer never ends
			}
		}
		ways = append(ways, entry{name: name, door: true, send: func(t testing.TB, c *site.Client, _ apps.Account) site.Answer {
			door := of(t, c)
			return c.Do(door.method, door.path, door.header.Clone(), door.body)
		}})
	}
	return ways
}

// begun returns the attacker's own session, and which of its cookies the gateway would have in custody. If the app has
// only one account she is a stranger who has loaded the login page.
func (m *measure) begun(t testing.TB, begin entry) (*site.Client, map[string]bool) {
	t.Helper()
	c, held := m.site.Client(t), map[string]bool{}
	if m.guest.Name == "" {
		c.Get(m.how.page)
		return c, held
	}
	answer := begin.send(t, c, m.guest)
	for _, change := range m.policy.Sort(answer.Header["Set-Cookie"], nil, true).Held {
		held[change.Name()] = true
	}
	if called := m.asks(t, c, ""); !names(called, m.guest) {
		t.Fatalf("%s: the attacker's own sign-in (%d) is of %q", begin.name, answer.StatusCode, called)
	}
	return c, held
}

// twice signs the owner in within the session, and says what is wrong with that. Empty: the gateway would notice it.
func (m *measure) twice(t testing.TB, c *site.Client, held map[string]bool, way entry) string {
	t.Helper()
	other := m.owner
	if way.as.Name != "" {
		other = way.as
	}
	before := c.Get(m.how.page).Request.Header.Get("Cookie")
	answer := way.send(t, c, other)
	with := answer.Request.Header.Get("Cookie")
	changed := m.changes(answer, with, held)
	var still []string
	for _, cookies := range []string{before, with} {
		if cookies != "" {
			still = append(still, m.asks(t, m.site.Client(t), cookies)...)
		}
	}
	if names(still, other) {
		return "the cookies from before are the other account's now"
	}
	now := m.asks(t, c, "")
	t.Logf("%s: %d, changed a cookie in custody: %v; the cookies from before are those of %q, the client's of %q", way.name, answer.StatusCode, changed, still, now)
	in := names(now, other)
	switch {
	case in && !changed:
		return "the other account is signed in, and the answer changed no cookie in custody"
	case !way.door && in == way.refused:
		t.Errorf("%s: signs the owner in: %v, so that the test shows nothing (%d to %q: %.300s)", way.name, in, answer.StatusCode, answer.Location(), answer.Text)
	}
	return ""
}

// changes reports whether the answer gives a cookie in custody another value, after which the gateway asks whose the
// session is.
func (m *measure) changes(answer site.Answer, sent string, held map[string]bool) bool {
	had := map[string]string{}
	for _, cookie := range (&http.Request{Header: http.Header{"Cookie": {sent}}}).Cookies() {
		had[cookie.Name] = cookie.Value
	}
	sorted := m.policy.Sort(answer.Header["Set-Cookie"], func(name string) bool { return held[name] }, false)
	return slices.ContainsFunc(answer.Cookies(), func(cookie *http.Cookie) bool {
		inCustody := slices.ContainsFunc(sorted.Held, func(change custody.Change) bool { return change.Name() == cookie.Name })
		value, found := had[cookie.Name]
		return inCustody && !m.rotates.Match(cookie.Name) && cookie.MaxAge >= 0 && cookie.Value != "" && (!found || value != cookie.Value)
	})
}

// asks asks the app whose these cookies are, at each address that tells; empty: the client's own cookies.
func (m *measure) asks(t testing.TB, c *site.Client, cookies string) (called []string) {
	t.Helper()
	for _, more := range append([]http.Header{nil}, m.how.headers...) {
		for _, question := range m.attack.questions {
			header := http.Header{}
			for _, part := range []http.Header{question.Header, more} {
				for name, values := range part {
					header[name] = values
				}
			}
			if cookies != "" {
				header.Set("Cookie", cookies)
			}
			method := question.Method
			if method == "" {
				method = http.MethodGet
			}
			answer := c.Do(method, question.Target, header, question.Body)
			if name := question.Name(answer.Response, []byte(answer.Text)); name != "" {
				called = append(called, name)
			}
		}
	}
	return called
}

func names(called []string, account apps.Account) bool {
	return slices.ContainsFunc(called, func(name string) bool { return strings.EqualFold(name, account.Name) })
}

// rooted is the app with all its cookies valid for every path, as cookies in custody are.
func rooted(address string) http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1, Transport: &http.Transport{DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", address, r.In.Host
		},
		ModifyResponse: func(answer *http.Response) error {
			for i, line := range answer.Header["Set-Cookie"] {
				answer.Header["Set-Cookie"][i] = cookiePath.ReplaceAllString(line, "; Path=/")
			}
			return nil
		},
	}
}

var cookiePath = regexp.MustCompile(`(?i);\s*(path=[^;]*)`)

// saysRenews reports whether a preset has the word.
func saysRenews(t testing.TB, preset string) bool {
	t.Helper()
	return words(t, preset, "renews") != nil
}

// policyOf returns which cookies are kept in custody with a preset, and which of them change in normal use.
func policyOf(t testing.TB, preset string) (policy *custody.Policy, rotates match.Globs) {
	t.Helper()
	return &custody.Policy{
		Hold: match.NewGlobs(words(t, preset, "hold")...), Pass: match.NewGlobs(words(t, preset, "pass")...),
	}, match.NewGlobs(words(t, preset, "rotates")...)
}

// words returns the arguments of a word in the lines of a preset that begin with it; nil if no line does.
func words(t testing.TB, preset, word string) (arguments []string) {
	t.Helper()
	text, err := presets.Text(preset)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == word {
			arguments = append(append([]string{}, arguments...), fields[1:]...)
		}
	}
	return arguments
}
