package presets

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/tap"
	"sallyport.example/sallyport/test/e2e/walk"
	"sallyport.example/sallyport/test/site"
)

// attack is what the random walk (package walk) needs to know about an app.
type attack struct {
	// questions are the requests that ask the app whose request it is: at the address that the gateway uses, so that
	// the tap recognises the gateway's own questions, and at others.
	questions []tap.Question
	// doors are the logins that the preset describes, the usual one first; more are logins that it does not describe.
	doors, more []walk.Door
	// pages are addresses of the app's pages, public those that are open to strangers, and sockets its WebSockets.
	pages, public, sockets []string
	// queries and headers are those to which this app may react in an unexpected way.
	queries, headers, markerHeaders []string
	// named says that an answer has a user's full name if and only if that user is signed in.
	named bool
	// mallory is the attacker's account with a factor, if the app has several accounts.
	mallory apps.Account
	// needs is the beginning of the name of a cookie without which nobody is signed in. It is for apps that begin
	// another session at each question of a stranger. Without the cookie they are not asked, as the gateway does not
	// ask them.
	needs string
	// fields are form tokens that are not in a hidden field of the page. Each pattern has a group that matches the
	// token.
	fields map[string]*regexp.Regexp
	// cookie is added to requests that have none, for apps that first test whether the browser accepts cookies.
	cookie string
	// bearer makes the headers of later requests from the answer to a login, for apps whose scripts have a token.
	bearer func(testing.TB, site.Answer) http.Header
	// refused is the status with which an app that counts wrong passwords answers them. forgive makes it forget them,
	// which right passwords do.
	refused int
	forgive func(address string)
}

// attacks are the attacks by the preset's name.
var attacks = map[string]attack{}

// walkFor is how long the random walk attacks an app in `make test`; SALLYPORT_WALK overrides it.
const walkFor = 3 * time.Second

// walkSkew is the skew with which an authenticator has twenty codes without waiting.
const walkSkew = 10

// walkAtRandom: an attacker has the owner's password and accounts of her own, and does whatever she likes for a while
// (P1, P2, P4, P5). The app must never take her for the owner, or for anybody else than the gateway does.
func (a *app) walkAtRandom(t *testing.T, running *apps.App) walk.Result {
	how, found := attacks[a.preset]
	if !found {
		t.Fatalf("nothing is known of %s to attack it with", a.preset)
	}
	between := site.Serve(t, how.between(running.Address))
	listening := tap.New(between, how.questions...)
	t.Cleanup(listening.Close)
	upstream := site.Serve(t, listening)
	a.wantsSeen(t, how, listening, upstream)

	front := site.Start(t, upstream, fmt.Sprintf("app %s\n\t\tpreset %s\n\t\tremember 1h\n\t\ttotp {\n\t\t\tskew %d\n\t\t}\n%s", a.preset, a.preset, walkSkew, a.more),
		site.Options{Level: "ERROR"})
	p := &protected{Site: front, app: *a}
	target := &walk.Target{
		Name: a.preset, Address: front.Address, Tap: listening, Owner: how.account(a.owner, a.unmarked()), Plain: how.account(a.guest, nil),
		Doors: how.doors, More: how.more, Pages: how.pages, Public: how.public, Sockets: how.sockets, Queries: how.queries,
		Headers: how.headers, MarkerHeaders: how.markerHeaders,
	}
	for _, text := range a.own {
		// What is in the answer to anybody's login is no marker of the owner. The tap recognises tokens by itself.
		if !strings.Contains(text, "token") {
			target.Owner.Markers = append(target.Owner.Markers, text)
		}
	}
	p.enrolled(t, a.owner)
	if a.guest.Name == "" {
		// The app has only one account, so the attacker has none of her own.
		target.Plain = walk.Account{Typed: []string{"nobody"}, Password: "guess", Called: "nobody"}
	} else {
		factor, codes := p.enrolled(t, how.mallory)
		target.Enrolled = []*walk.Enrolled{{Account: how.account(how.mallory, nil), Factor: walk.NewFactor(factor.Key, walkSkew), Recovery: codes}}
	}
	result := walk.Run(t, target, walkFor)
	// If the app refuses all passwords, because it counted too many wrong ones, the walk proves nothing.
	a.wantsSeen(t, how, listening, upstream)
	return result
}

// unmarked returns the spellings of the owner's name that are no marker of her pages, because apps show the typed name
// again after a wrong password.
func (a *app) unmarked() []string {
	return slices.DeleteFunc(slices.Clone(a.spellings), func(name string) bool {
		return slices.ContainsFunc(a.own, func(text string) bool { return strings.Contains(text, name) })
	})
}

// account converts an app's account to the walk's form.
func (how *attack) account(account apps.Account, spellings []string) walk.Account {
	made := walk.Account{Typed: append([]string{account.Name}, spellings...), Password: account.Password, Called: account.Name}
	if how.named && account.FullName != "" {
		made.Markers = []string{account.FullName}
	}
	return made
}

// enrolled signs a user in and sets up a factor.
func (p *protected) enrolled(t testing.TB, account apps.Account) (*site.Authenticator, []string) {
	t.Helper()
	c := p.Client(t)
	p.signIn(t, c, account)
	p.wantsState(t, c, "verified", account.Name)
	return c.Enrol(walkSkew)
}

// wantsSeen is the control: without the gateway, the right password of each account signs in, and the tap sees it.
func (a *app) wantsSeen(t testing.TB, how attack, listening *tap.Tap, upstream string) {
	t.Helper()
	direct := &site.Site{Address: upstream, URL: "http://" + upstream}
	for _, account := range []apps.Account{a.owner, a.guest, how.mallory} {
		if account.Name == "" {
			continue
		}
		c := direct.Client(t)
		listening.Forget()
		answer := a.signIn(t, c, account)
		var header http.Header
		if how.bearer != nil {
			header = how.bearer(t, answer)
		}
		for _, page := range how.pages {
			c.Do("GET", page, header.Clone(), "")
		}
		listening.Wait()
		seen := listening.All()
		if !slices.ContainsFunc(seen, func(s tap.Seen) bool {
			for _, name := range s.Before {
				if strings.EqualFold(name, account.Name) {
					return true
				}
			}
			return false
		}) {
			t.Fatalf("the tap does not see that %s is signed in, whose login was answered with %d to %q: %+v", account.Name, answer.StatusCode, answer.Location(), seen)
		}
	}
	listening.Forget()
}

// between is a handler between the tap and the app. It adapts requests and answers to what the tap and the walk need.
func (how *attack) between(address string) http.Handler {
	upstream := &url.URL{Scheme: "http", Host: address}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = upstream.Scheme, upstream.Host, r.In.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"} {
				if values := r.In.Header[name]; values != nil {
					r.Out.Header[name] = values
				}
			}
			if how.cookie != "" && r.In.Header.Get("Cookie") == "" {
				r.Out.Header.Set("Cookie", how.cookie)
			}
		},
		ModifyResponse: func(answer *http.Response) error {
			if how.forgive != nil && answer.StatusCode == how.refused {
				how.forgive(address)
			}
			return how.addFields(answer)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return site.Proxying(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if how.needs != "" && how.asks(r) && !strings.Contains(r.Header.Get("Cookie"), how.needs) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
}

// asks reports whether a request is one of the questions.
func (how *attack) asks(r *http.Request) bool {
	return slices.ContainsFunc(how.questions, func(q tap.Question) bool {
		return r.RequestURI == q.Target && (r.Method == q.Method || q.Method == "" && r.Method == http.MethodGet)
	})
}

// addFields copies an app's form tokens into hidden fields at the end of its page, where the walk looks for them.
func (how *attack) addFields(answer *http.Response) error {
	if len(how.fields) == 0 || answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") ||
		answer.Header.Get("Content-Encoding") != "" {
		return nil
	}
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	for name, pattern := range how.fields {
		if found := pattern.FindSubmatch(page); found != nil {
			page = fmt.Appendf(page, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name, html.UnescapeString(string(found[1])))
		}
	}
	answer.Body = io.NopCloser(bytes.NewReader(page))
	answer.ContentLength = int64(len(page))
	answer.Header.Set("Content-Length", fmt.Sprint(len(page)))
	return nil
}

// once sends a request directly to the app, for its effect.
func once(method, address string, header http.Header, body string) {
	request, err := http.NewRequest(method, "http://"+address, strings.NewReader(body)) //nolint:noctx // an app of the test's own
	if err != nil {
		return
	}
	request.Header = header
	if answer, err := http.DefaultTransport.RoundTrip(request); err == nil {
		_ = answer.Body.Close()
	}
}

// byBasic asks with the password that is in every request: if it is right, its user is signed in. It is the question
// with which the gateway tries a password.
func byBasic(target string) tap.Question {
	return tap.Question{Realm: "app", Method: http.MethodGet, Target: target, Name: func(answer *http.Response, _ []byte) string {
		name, _, ok := answer.Request.BasicAuth()
		if !ok || answer.StatusCode != http.StatusOK {
			return ""
		}
		return name
	}}
}
