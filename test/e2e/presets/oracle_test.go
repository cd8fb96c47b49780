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

// attack is what the random walk (package walk) has to know of an app.
type attack struct {
	// questions are how the app is asked whom it takes a request for: at the very address at which the gateway asks, so
	// that the gateway's own questions are known, and at others.
	questions []tap.Question
	// doors are the logins that the preset describes, the first one the usual, and more those that it does not.
	doors, more []walk.Door
	// pages mean something to the app, public are open to strangers, sockets are WebSockets.
	pages, public, sockets []string
	// queries and headers are what this app may be surprised by.
	queries, headers, markerHeaders []string
	// named says that answers to somebody who is signed in have her full name, and nobody else's have.
	named bool
	// mallory is the account with a factor that the attacker has, where the app keeps several.
	mallory apps.Account
	// needs is how the name of a cookie begins without which nobody is signed in, for apps that begin another session
	// with each question of a stranger's. They are not asked then, as the gateway does not.
	needs string
	// fields are form tokens that do not stand in a hidden field of the page as HTML has it: each pattern's group is
	// one.
	fields map[string]*regexp.Regexp
	// cookie goes with requests that have none, for apps that first find out whether a browser takes cookies.
	cookie string
	// bearer makes the header of a later request from the answer to a login, for apps whose scripts have a token.
	bearer func(testing.TB, site.Answer) http.Header
	// refused is the status that an app which counts wrong passwords answers them with, and forgive has it forget them:
	// right ones do.
	refused int
	forgive func(address string)
}

// attacks are those that a preset's name has.
var attacks = map[string]attack{}

// walkFor is how long an app is walked over in `make test`; SALLYPORT_WALK says it otherwise.
const walkFor = 3 * time.Second

// walkSkew gives an authenticator twenty codes without waiting.
const walkSkew = 10

// walkAtRandom: somebody has the owner's password and accounts of her own, and does whatever she likes for a while (P1,
// P2, P4, P5). She is never the owner to the app, nor anybody without the gateway's knowing.
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
		// What stands in the answer to anybody's login is no mark of hers; tokens the tap knows by themselves.
		if !strings.Contains(text, "token") {
			target.Owner.Markers = append(target.Owner.Markers, text)
		}
	}
	p.enrolled(t, a.owner)
	if a.guest.Name == "" {
		// The app has one account: the attacker has nothing that is hers.
		target.Plain = walk.Account{Typed: []string{"nobody"}, Password: "guess", Called: "nobody"}
	} else {
		factor, codes := p.enrolled(t, how.mallory)
		target.Enrolled = []*walk.Enrolled{{Account: how.account(how.mallory, nil), Factor: walk.NewFactor(factor.Key, walkSkew), Recovery: codes}}
	}
	result := walk.Run(t, target, walkFor)
	// An app that takes nobody's password any more, because it counted wrong ones, would be walked over in vain.
	a.wantsSeen(t, how, listening, upstream)
	return result
}

// unmarked are those spellings of the owner's name that are no mark of hers: apps show what was typed again after a
// wrong password.
func (a *app) unmarked() []string {
	return slices.DeleteFunc(slices.Clone(a.spellings), func(name string) bool {
		return slices.ContainsFunc(a.own, func(text string) bool { return strings.Contains(text, name) })
	})
}

// account is one of the app's as the walk knows it.
func (how *attack) account(account apps.Account, spellings []string) walk.Account {
	made := walk.Account{Typed: append([]string{account.Name}, spellings...), Password: account.Password, Called: account.Name}
	if how.named && account.FullName != "" {
		made.Markers = []string{account.FullName}
	}
	return made
}

// enrolled signs somebody in and sets up a factor.
func (p *protected) enrolled(t testing.TB, account apps.Account) (*site.Authenticator, []string) {
	t.Helper()
	c := p.Client(t)
	p.signIn(t, c, account)
	p.wantsState(t, c, "verified", account.Name)
	return c.Enrol(walkSkew)
}

// wantsSeen is the control: past the gateway a right password signs in, and the tap sees it, of each account.
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

// between stands in front of the app, behind the tap, and does for the tap and for the walk what they cannot do.
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

// addFields puts an app's form tokens into hidden fields at the end of its page, where the walk looks for them.
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

// once sends a request past everything, for what it does to the app.
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

// byBasic asks with the password that stands in every request: who has the right one is who he says. The question is
// the one that the gateway tries a password with.
func byBasic(target string) tap.Question {
	return tap.Question{Realm: "app", Method: http.MethodGet, Target: target, Name: func(answer *http.Response, _ []byte) string {
		name, _, ok := answer.Request.BasicAuth()
		if !ok || answer.StatusCode != http.StatusOK {
			return ""
		}
		return name
	}}
}
