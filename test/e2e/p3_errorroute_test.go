package e2e

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// breakingApp signs users in by a cookie, and breaks off when it is told to. Then Caddy's error routes take over.
type breakingApp struct {
	loginBreaks, identityBreaks atomic.Bool
}

const heldValue = "h3ld-alice"

func (a *breakingApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/login" && r.Method == http.MethodPost && !a.loginBreaks.Load():
		if r.FormValue("password") == "pw-s3cret" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: heldValue, Path: "/", HttpOnly: true})
		}
	case r.URL.Path == "/me" && !a.identityBreaks.Load():
		name := ""
		if cookie, err := r.Cookie("sid"); err == nil && cookie.Value == heldValue {
			name = "alice"
		}
		fmt.Fprintf(w, `{"name":%q}`, name)
	case r.URL.Path == "/login", r.URL.Path == "/me", r.URL.Path == "/break":
		panic(http.ErrAbortHandler)
	default:
		fmt.Fprint(w, "page")
	}
}

// errorApp is the app that error routes lead into. It records everything that it gets.
type errorApp struct {
	mutex sync.Mutex
	seen  []string
}

func (a *errorApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.seen = append(a.seen, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header, " ", string(body)))
	fmt.Fprint(w, "an error page")
}

// taken returns what came since the last call.
func (a *errorApp) taken() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	all := strings.Join(a.seen, "\n")
	a.seen = nil
	return all
}

// TestP3_ErrorRoutesGetNoCredentials: if the app breaks off, Caddy's error routes get the request again, as it came or
// as custody made it. They may lead into an app, for example a spare one, which signs in any user that a request names,
// and whose answer is not judged.
func TestP3_ErrorRoutesGetNoCredentials(t *testing.T) {
	for name, transport := range map[string]func(testing.TB, http.Handler) string{
		"reverse_proxy": func(t testing.TB, app http.Handler) string { return "reverse_proxy " + site.Serve(t, app) },
		"php_fastcgi": func(t testing.TB, app http.Handler) string {
			return "root * /nonexistent\nphp_fastcgi " + serveFastCGI(t, app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, errors := new(breakingApp), new(errorApp)
			upstream := site.Serve(t, app)
			// Nobody listens at port 1, so nobody begins to read a request's body there.
			route := "reverse_proxy /dead/* 127.0.0.1:1\nhandle_errors {\n" + transport(t, errors) + "\n}"
			s := site.Start(t, upstream, `app broken
				login /login /dead/login {
					username form username
				}
				identity /me json /name
				recheck 1ms
				pass_header X-Deploy-Key`, site.Options{Block: route})
			bare := beside(t, s, route+"\nreverse_proxy "+upstream).Client(t)

			password := url.Values{"username": {"alice"}, "password": {"pw-s3cret"}}
			said := http.Header{
				"Authorization": {"Basic s3cret"}, "X-Api-Key": {"s3cret"}, "X-Deploy-Key": {"s3cret"}, "Cookie": {"csrftoken=s3cret; sid=s3cret"},
				"X-Second-Factor": {"totp"}, "X-Second-Factor-User": {"s3cret"}, "Content-Type": {"application/x-www-form-urlencoded"},
			}
			bare.Do("POST", "/dead/login?token=s3cret", said, password.Encode())
			direct := errors.taken()
			for _, want := range []string{"/dead/login?token=s3cret", "Basic s3cret", "sid=s3cret", "X-Deploy-Key", "password=pw-s3cret"} {
				if !strings.Contains(direct, want) {
					t.Fatalf("without a gateway, no %s in %s", want, direct)
				}
			}

			c := s.Client(t)
			wantsNothing := func(what string) {
				t.Helper()
				seen := errors.taken()
				if !strings.HasPrefix(seen, "GET ") && !strings.HasPrefix(seen, "POST ") {
					t.Fatalf("%s: the error route was not taken: %q", what, seen)
				}
				token := cmp.Or(c.Token(), "sallyport=")
				for _, bad := range []string{"s3cret", heldValue, "X-Second-Factor", "alice", "sallyport=", "totp", "Authorization:", "Cookie:", token} {
					if strings.Contains(seen, bad) {
						t.Errorf("%s: the error route got %q: %s", what, bad, seen)
					}
				}
			}
			c.Do("POST", "/dead/login?token=s3cret", said, password.Encode())
			wantsNothing("a login to an app that is away")
			app.loginBreaks.Store(true)
			c.Post("/login", password)
			wantsNothing("a login that breaks off")
			app.loginBreaks.Store(false)

			app.identityBreaks.Store(true)
			c.Do("POST", "/login?x=s3cret", http.Header{
				"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic s3cret"},
			}, password.Encode())
			seen := errors.taken()
			if strings.Contains(seen, "s3cret") || strings.Contains(seen, heldValue) {
				t.Errorf("a question that breaks off at a login: %s", seen)
			}
			app.identityBreaks.Store(false)

			if got := c.Post("/login", password); got.StatusCode != http.StatusOK || !strings.Contains(c.Status(), `"verified"`) {
				t.Fatalf("sign in: %d %s", got.StatusCode, c.Status())
			}
			if got := c.Do("GET", "/break?token=s3cret", said, ""); got.Text != "an error page" {
				t.Errorf("a request that breaks off: %d %s", got.StatusCode, got.Text)
			}
			wantsNothing("a request of a verified session")

			app.identityBreaks.Store(true)
			c.Do("POST", "/page?token=s3cret", said, "password=pw-s3cret")
			wantsNothing("a question that breaks off before its headers were removed")
		})
	}
}
