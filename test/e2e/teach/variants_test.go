package teach

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

// variant is an app, and how people sign in to it.
type variant struct {
	name string
	app  http.Handler
	// page is where the login page is opened, and has what the browser fetches for it.
	page []string
	// signIn sends a password, and returns the answer.
	signIn func(t testing.TB, c *site.Client, password string) site.Answer
	// reads are opened behind the login, and read is one that strangers must not get, with a text in it.
	reads []string
	text  string
	leave func(t testing.TB, c *site.Client)
	// want are words that the block must have, and not those that it must not.
	want, not []string
}

var (
	csrf    = regexp.MustCompile(`name="csrf" value="([^"]*)"`)
	tokenIn = regexp.MustCompile(`"token":"([^"]+)"`)
)

// byForm signs in as a browser does, by the form of the login page.
func byForm(page, target string) func(testing.TB, *site.Client, string) site.Answer {
	return func(t testing.TB, c *site.Client, password string) site.Answer {
		t.Helper()
		values := url.Values{"username": {"alice"}, "password": {password}, "next": {"/"}}
		values.Set("csrf", site.Find(t, csrf, c.Get(page).Text))
		return c.Post(target, values)
	}
}

func byScript(t testing.TB, c *site.Client, password string) site.Answer {
	t.Helper()
	return c.PostJSON("/api/login", `{"user":{"name":"alice","password":"`+password+`"}}`)
}

// byToken signs in by script, and sends the token with all that follows.
func byToken(t testing.TB, c *site.Client, password string) site.Answer {
	t.Helper()
	answer := byScript(t, c, password)
	if found := tokenIn.FindStringSubmatch(answer.Text); found != nil {
		c.Header = http.Header{"Authorization": {"Bearer " + found[1]}}
	}
	return answer
}

func byBasic(_ testing.TB, c *site.Client, password string) site.Answer {
	c.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+password))}}
	return c.Get("/")
}

func leaveByForm(t testing.TB, c *site.Client) {
	t.Helper()
	c.Post("/logout", url.Values{"csrf": {site.Find(t, csrf, c.Get("/").Text)}}).Wants(t, http.StatusSeeOther, "")
}

// basicApp wants a password with each request, and names nobody.
func basicApp() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "alice" || password != demo.AlicePassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="app"`)
			http.Error(w, "a password, please", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>x</title><p>the torrents"))
	})
}

func ledger(knobs demo.Knobs) http.Handler { return demo.New(demo.Options{Knobs: knobs}) }

func variants() []variant {
	page := []string{"/login", "/static/style.css", "/static/script.js", "/static/icon.svg"}
	form := variant{page: page, signIn: byForm("/login", "/login"), reads: []string{"/", "/files", "/api/me"}, text: "Alice Liddell", leave: leaveByForm}
	with := func(name string, knobs demo.Knobs, change func(*variant)) variant {
		made := form
		made.name, made.app = name, ledger(knobs)
		change(&made)
		return made
	}
	plain := []string{
		"login /login {", "username form username", "identity /api/me json /login", "public /static/icon.svg /static/script.js /static/style.css",
		"logout /logout",
	}
	return []variant{
		with("form", demo.Knobs{}, func(v *variant) { v.want, v.not = plain, []string{"guard", "login_page", "when", "hold", "pass "} }),
		with("form token in a cookie", demo.Knobs{DoubleSubmit: true, ScriptCookie: true}, func(v *variant) { v.want = plain }),
		with("a page as the login's answer", demo.Knobs{LoginStatus: http.StatusOK}, func(v *variant) { v.want = plain }),
		with("elevated in place", demo.Knobs{ElevateInPlace: true}, func(v *variant) { v.want = plain }),
		with("compressed", demo.Knobs{Gzip: true}, func(v *variant) { v.want = plain }),
		with("only pages", demo.Knobs{}, func(v *variant) {
			v.reads = []string{"/", "/files"}
			v.want = []string{"login /login {", "identity / "}
		}),
		with("one address", demo.Knobs{OneAddress: true}, func(v *variant) {
			v.want = append(plain, "when form username *", "only_here", "fields csrf next password")
		}),
		with("script", demo.Knobs{}, func(v *variant) {
			v.signIn = byScript
			v.want = []string{"login /api/login {", "username json /user/name", "login_page /login", "identity /api/me json /login", "guard"}
		}),
		with("bearer token", demo.Knobs{BearerTokens: true}, func(v *variant) {
			v.signIn, v.reads, v.text = byToken, []string{"/api/me", "/api/entries"}, "balance"
			v.leave = func(_ testing.TB, c *site.Client) { c.Header = nil }
			v.want = []string{"login /api/login {", "token json /token", "identity /api/me json /login", "guard"}
		}),
		with("nothing names the account", demo.Knobs{TellsByCookie: true}, func(v *variant) {
			inner := v.app
			v.app = nameless(inner)
			v.reads = []string{"/files"}
			v.text = "Files"
			v.want = []string{"identity typed", "success cookie " + demo.LastCookie, "fields csrf next password"}
		}),
		{
			name: "basic", app: basicApp(), signIn: byBasic, reads: []string{"/", "/list"}, text: "the torrents", page: []string{"/"},
			leave: func(_ testing.TB, c *site.Client) { c.Header = nil },
			want:  []string{"login / {", "username basic", "identity typed"}, not: []string{"logout", "public"},
		},
	}
}

// nameless takes the account's name out of the app's answers.
func nameless(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.ServeHTTP(&withoutName{ResponseWriter: w}, r) })
}

type withoutName struct{ http.ResponseWriter }

func (w *withoutName) WriteHeader(status int) {
	w.Header().Del("X-Ledger-User")
	w.ResponseWriter.WriteHeader(status)
}

func (w *withoutName) Write(content []byte) (int, error) {
	w.Header().Del("X-Ledger-User")
	w.Header().Del("Content-Length")
	_, err := w.ResponseWriter.Write([]byte(strings.NewReplacer("alice", "friend", "Alice", "Friend").Replace(string(content))))
	return len(content), err
}

// steps does what the guide says.
func (v variant) steps(t testing.TB) func(*site.Client) {
	return func(c *site.Client) {
		t.Helper()
		for _, path := range v.page {
			c.Get(path)
		}
		v.signIn(t, c, "a-wrong-password")
		v.signIn(t, c, demo.AlicePassword)
		for _, path := range v.reads {
			c.Get(path).Wants(t, http.StatusOK, "")
		}
		v.leave(t, c)
	}
}

// TestVariants: from what the guide asks for, each kind of app gets a block that was tried and that really protects it:
// a stranger and a wrong password stay out, and the right one meets the challenge.
func TestVariants(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			app := site.Serve(t, v.app)
			taught := Live(t, app, v.steps(t))
			words := taught.Words(t)
			t.Logf("%s\n%s", taught.Block, taught.Said)
			if taught.Status != 0 || len(taught.Failures()) > 0 || !strings.Contains(words, "# Tried") {
				t.Errorf("status %d, %q", taught.Status, taught.Failures())
			}
			for _, want := range v.want {
				if !strings.Contains(words, want) {
					t.Errorf("no %q", want)
				}
			}
			for _, not := range v.not {
				if strings.Contains(words, "\n\t"+not) {
					t.Errorf("%q", not)
				}
			}
			v.protects(t, app, words)
		})
	}
}
