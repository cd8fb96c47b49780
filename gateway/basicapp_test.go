package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// basicApp is an app that wants a password with every request, and records its requests.
type basicApp struct {
	mutex sync.Mutex
	seen  []string // method, path and user, of each request
	auth  []string // the Authorization of each
	// open answers without a password. fail answers every request with a status. cookie signs in by cookie too.
	open, cookie bool
	fail         int
}

func (a *basicApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	name, password, _ := r.BasicAuth()
	right := map[string]string{"alice": "pw-a", "bob": "pw-b"}
	if name != "" && right[name] != password || right[name] == "" {
		name = ""
	}
	if c, err := r.Cookie("sid"); err == nil && a.cookie && name == "" {
		name = c.Value
	}
	a.seen = append(a.seen, r.Method+" "+r.URL.Path+" "+name)
	a.auth = append(a.auth, strings.Join(r.Header["Authorization"], "|"))
	switch {
	case a.fail != 0:
		w.WriteHeader(a.fail)
	case name == "" && !a.open:
		w.Header().Set("WWW-Authenticate", `Basic realm="app"`)
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Set-Cookie", "try=1; HttpOnly")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "the app wants a password")
	default:
		if a.cookie {
			w.Header().Set("Set-Cookie", "sid="+name+"; Path=/; HttpOnly")
		}
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/me" {
			fmt.Fprintf(w, `{"name":%q}`, name)
			return
		}
		fmt.Fprintf(w, "secrets of %s %s", name, body)
	}
}

func (a *basicApp) take() (seen []string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	seen, a.seen = a.seen, nil
	return seen
}

// newStanding makes a site in front of a handler, with only the given login.
func newStanding(t testing.TB, app http.Handler, source login.Source, change func(*Config)) *site {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.LoginPage = ""
		c.Logins = login.Set{Blocks: []login.Block{{Paths: match.NewGlobs("*"), Username: source}}, Typed: source.Kind == login.Basic}
		if change != nil {
			change(c)
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	return s
}

func newBasic(t testing.TB, app *basicApp, change func(*Config)) *site {
	return newStanding(t, app, login.Source{Kind: login.Basic}, change)
}

// send sends a request with further header lines, as a page load unless they say otherwise.
func (b *browser) send(method, path, body string, header http.Header) answer {
	b.s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, b.s.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.s.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{response, string(read)}
}

func with(line string) http.Header { return http.Header{"Authorization": {line}} }

func script(line string) http.Header {
	return http.Header{"Authorization": {line}, "Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}
}

// passes types the code and passes the challenge.
func (b *browser) passes(key string) answer {
	b.s.t.Helper()
	b.s.clock.Advance(30 * time.Second)
	return b.own("/challenge", "/challenge", map[string][]string{"code": {b.s.code(key)}})
}

const challengePage = "/second-factor/challenge"

// enrolledBasic signs in by password, sets up a factor, and returns its key.
func (s *site) enrolledBasic(name, password string) string {
	s.t.Helper()
	b := s.browser()
	b.send("GET", "/", "", with(basic(name, password))).wants(s.t, http.StatusOK, "")
	return b.enrol()
}
