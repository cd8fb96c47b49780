package tap

import (
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// client is a browser with only a tap between it and the app, as if the gateway let everything pass.
type client struct {
	*testing.T
	tap  *Tap
	base string
	http *http.Client
}

func open(t *testing.T, knobs demo.Knobs, questions ...Question) *client {
	t.Helper()
	app := demo.New(demo.Options{Knobs: knobs})
	upstream := httptest.NewServer(app)
	if questions == nil {
		questions = []Question{JSON("app", "/api/me", "/login")}
	}
	tap := New(strings.TrimPrefix(upstream.URL, "http://"), questions...).Thorough()
	front := httptest.NewServer(tap)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		front.Close()
		tap.Close()
		app.Close()
		upstream.Close()
	})
	return &client{t, tap, front.URL, &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request and returns what the tap saw of it.
func (c *client) send(method, target, body string, header ...string) Seen {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.base+target, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	request.Header.Set("User-Agent", "walk/1/0")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	before := len(c.tap.All())
	if answer, err := c.http.Do(request); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	c.tap.Wait()
	seen := c.tap.All()
	if len(seen) != before+1 {
		c.Fatalf("%s %s: the tap saw %d requests", method, target, len(seen)-before)
	}
	return seen[before]
}

const form = "application/x-www-form-urlencoded"

var aliceForm = url.Values{"username": {"alice"}, "password": {demo.AlicePassword}}.Encode()

// TestEverySignInIsSeen is the positive control of the walk's oracle: the tap sees every sign-in, by whatever way.
func TestEverySignInIsSeen(t *testing.T) {
	loose := demo.Knobs{NoFormToken: true, LooseLogin: true}
	inPlace := loose
	inPlace.ElevateInPlace = true
	anywhere := demo.Knobs{NoFormToken: true, OneAddress: true}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+demo.AlicePassword))
	for _, way := range []struct {
		name         string
		knobs        demo.Knobs
		method, path string
		body         string
		header       []string
		inPlace      bool
	}{
		{"a form", loose, "POST", "/login", aliceForm, []string{"Content-Type", form}, false},
		{"the address", loose, "GET", "/login?" + aliceForm, "", nil, false},
		{"HEAD", loose, "HEAD", "/login?" + aliceForm, "", nil, false},
		{"PUT", loose, "PUT", "/login", aliceForm, []string{"Content-Type", form}, false},
		{"OPTIONS", loose, "OPTIONS", "/login", aliceForm, []string{"Content-Type", form}, false},
		{"JSON", loose, "POST", "/api/login", `{"user":{"name":"alice","password":"` + demo.AlicePassword + `"}}`, []string{"Content-Type", "application/json"}, false},
		{"a public path", anywhere, "POST", "/static/style.css", aliceForm, []string{"Content-Type", form}, false},
		{"a missing page", anywhere, "POST", "/?do=missing", aliceForm, []string{"Content-Type", form}, false},
		{"in place", inPlace, "POST", "/login", aliceForm, []string{"Content-Type", form}, true},
		{"in place, by the address", inPlace, "GET", "/login?" + aliceForm, "", nil, true},
		{"Basic at any page", demo.Knobs{BasicAnywhere: true}, "GET", "/files", "", []string{"Authorization", basic}, false},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := open(t, way.knobs)
			if way.inPlace {
				if seen := c.send("GET", "/login", ""); len(seen.Before)+len(seen.After)+len(seen.Signed) != 0 {
					t.Errorf("a stranger is %+v", seen)
				}
			}
			seen := c.send(way.method, way.path, way.body, way.header...)
			switch {
			case way.inPlace && seen.After["app"] != "alice":
				t.Errorf("after it she is %v", seen.After)
			case !way.inPlace && seen.Signed["app"] != "alice":
				t.Errorf("with what was set she is %v", seen.Signed)
			case seen.Before["app"] != "" && way.header[0] != "Authorization":
				t.Errorf("before it she was %v", seen.Before)
			}
			if seen := c.send("GET", "/static/style.css", ""); seen.Before["app"] != "alice" {
				t.Errorf("the next request is %v's", seen.Before)
			}
			if wrong := c.send("GET", "/api/me", ""); wrong.Question != "app" || len(wrong.Before) != 0 {
				t.Errorf("the question itself: %+v", wrong)
			}
		})
	}
}

// TestRealms: each realm is asked, and a guest's name counts as no account.
func TestRealms(t *testing.T) {
	app, admin := JSON("app", "/api/me", "/login"), JSON("admin", "/api/admin/me", "/login")
	app.Guests = []string{"anonymous"}
	c := open(t, demo.Knobs{NoFormToken: true, Realms: true, NamesStrangers: true}, app, admin)
	c.send("POST", "/admin/login", aliceForm, "Content-Type", form)
	if seen := c.send("GET", "/", ""); !maps.Equal(seen.Before, names{"admin": "alice"}) {
		t.Errorf("%v", seen.Before)
	}
	c.send("POST", "/login", url.Values{"username": {"bob"}, "password": {demo.BobPassword}}.Encode(), "Content-Type", form)
	if seen := c.send("GET", "/", ""); !maps.Equal(seen.Before, names{"admin": "alice", "app": "bob"}) {
		t.Errorf("%v", seen.Before)
	}
}

// TestWhatIsAsked: the question has the headers to which apps bind their sessions, unchanged, and nothing of the
// request's body, range or conditions.
func TestWhatIsAsked(t *testing.T) {
	c := open(t, demo.Knobs{NoFormToken: true, LooseLogin: true, Binds: "Client-Ip"})
	c.send("POST", "/login", aliceForm, "Content-Type", form, "Client-IP", "192.0.2.6")
	for _, try := range []struct {
		header []string
		want   string
	}{
		{[]string{"Client-IP", "192.0.2.6"}, "alice"},
		{[]string{"Client-IP", "192.0.2.7"}, ""},
		{nil, ""},
		{[]string{"Client-IP", "192.0.2.6", "Range", "bytes=0-1", "If-None-Match", "*", "Accept", "image/png", "Expect", "100-continue"}, "alice"},
		{[]string{"Client-IP", "192.0.2.6", "X-HTTP-Method-Override", "DELETE", "X-Script-Name", "/api", "Content-Encoding", "gzip"}, "alice"},
	} {
		if seen := c.send("PATCH", "/static/style.css", "body", try.header...); seen.Before["app"] != try.want {
			t.Errorf("%v: %v, want %q", try.header, seen.Before, try.want)
		}
	}
}

// TestCredentials: credentials that the app issues are recognised, with the account that they are for.
func TestCredentials(t *testing.T) {
	c := open(t, demo.Knobs{NoFormToken: true, LooseLogin: true})
	c.send("GET", "/login", "")
	if leaked := c.tap.Leaked("x", "", "nothing"); len(leaked) != 0 {
		t.Errorf("%v", leaked)
	}
	c.send("POST", "/login", aliceForm, "Content-Type", form)
	address, err := url.Parse(c.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.http.Jar.Cookies(address) {
		leaked := c.tap.Leaked("x", "", "head", "<p>"+cookie.Value+"</p>")
		if cookie.Name == demo.ThemeCookie {
			if len(leaked) != 0 {
				t.Errorf("a theme is a credential: %v", leaked)
			}
			continue
		}
		if worth := leaked[Credential{cookie.Name, cookie.Value}]; worth["app"] != "alice" {
			t.Errorf("%s: %v", cookie, leaked)
		}
	}
	c.tap.Forget()
	if len(c.tap.All()) != 0 || len(c.tap.Leaked("x", "", c.http.Jar.Cookies(address)[0].Value)) != 0 {
		t.Error("the tap does not forget")
	}

	b := open(t, demo.Knobs{BearerTokens: true, Gzip: true})
	seen := b.send("POST", "/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`, "Content-Type", "application/json", "Accept-Encoding", "gzip")
	if seen.Status != http.StatusOK {
		t.Fatalf("%+v", seen)
	}
	issued := 0
	for value, credential := range b.tap.issued {
		issued++
		if worth := b.tap.Leaked("x", "", `{"t":"`+value+`"}`)[credential]; worth["app"] != "alice" || credential.Cookie != "" {
			t.Errorf("%+v: %v", credential, worth)
		}
	}
	if issued != 1 {
		t.Errorf("%d tokens", issued)
	}
}

// TestOrders: the tap obeys its own parameter, and does not pass it on.
func TestOrders(t *testing.T) {
	c := open(t, demo.Knobs{Record: 10, NoFormToken: true})
	// By POST, which client libraries do not repeat.
	begun := time.Now()
	if seen := c.send("GET", "/static/style.css?tap=hold:80&x=1", ""); time.Since(begun) < 80*time.Millisecond || seen.Status != http.StatusOK {
		t.Errorf("held for %v: %+v", time.Since(begun), seen)
	}
	begun = time.Now()
	if seen := c.send("GET", "/static/style.css?tap=drip:80", ""); time.Since(begun) < 80*time.Millisecond || seen.Status != http.StatusOK {
		t.Errorf("dripped for %v: %+v", time.Since(begun), seen)
	}
	if seen := c.send("POST", "/static/style.css?tap=break:1", "x"); seen.Status != 0 {
		t.Errorf("not broken off: %+v", seen)
	}
	if seen := c.send("POST", "/login?tap=deaf:60", "x"); seen.Status != 0 {
		t.Errorf("not deaf: %+v", seen)
	}
	for until := time.Now().Add(5 * time.Second); c.send("POST", "/login", "x").Status == 0; {
		if time.Now().After(until) {
			t.Fatal("it stays deaf")
		}
	}
	if seen := c.send("GET", "/login?tap=nonsense&tap=hold:-1&tap=hold:999999", ""); seen.Status != http.StatusOK {
		t.Errorf("nonsense: %+v", seen)
	}
}
