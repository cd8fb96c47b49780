package pages

import (
	"context"
	"encoding/base32"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	totpkind "sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/internal/testclock"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// flow is a user with a browser and a phone, the demo app behind a gateway, and a clock that the test moves.
type flow struct {
	*driver.Browser
	t     *testing.T
	url   string
	clock *testclock.Clock
	store *slowStore
	key   string
}

// slowStore is a store of secrets that a test can make slow to write.
type slowStore struct {
	factor.Store
	mu   sync.Mutex
	slow time.Duration
}

func (s *slowStore) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.Store.Put(ctx, key, record, expected)
}

func (s *slowStore) takes(slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = slow
}

// newFlow starts a flow. change may alter the configurations.
func newFlow(t *testing.T, options driver.Options, change func(*gateway.Config, *factor.Config)) *flow {
	t.Helper()
	f := newUnseenFlow(t, change)
	f.Browser = driver.New(t, options)
	return f
}

// newUnseenFlow is newFlow without a browser.
func newUnseenFlow(t *testing.T, change func(*gateway.Config, *factor.Config)) *flow {
	t.Helper()
	f := &flow{t: t, clock: testclock.New(time.Now()), store: &slowStore{Store: factor.NewMemoryStore()}}
	app := httptest.NewServer(withBare(demo.New(demo.Options{})))
	t.Cleanup(app.Close)
	target, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	factors := factor.Config{
		App: "ledger", Kinds: []factor.Kind{totpkind.New("", totpkind.Parameters{}), recovery.New(1000)}, Now: f.clock.Now,
	}
	config := gateway.Config{
		App: "ledger", LoginPage: "/login", Public: gate.Open("/static/*"), Logout: match.NewGlobs("/logout"),
		Logins: login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}}},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
		Sessions: session.NewShared(memory).Manager(session.Config{App: "ledger", Now: f.clock.Now}),
		Pages:    pages.New(pages.Options{}), Now: f.clock.Now,
	}
	if change != nil {
		change(&config, &factors)
	}
	config.Factors = factor.NewService(f.store, factors)
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := func(w http.ResponseWriter, r *http.Request) error {
			(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host }}).ServeHTTP(w, r)
			return nil
		}
		if err := g.ServeHTTP(w, r, next); err != nil {
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// signIn types alice's password, and checks that it leads to a page.
func (f *flow) signIn(path string) {
	f.t.Helper()
	f.Goto(f.url + "/login")
	f.Fill("[name=username]", "alice")
	f.Fill("[name=password]", demo.AlicePassword)
	f.Follow("form[action='/login'] button")
	f.at(path)
}

func (f *flow) at(path string) {
	f.t.Helper()
	if got := f.Path(); got != path {
		f.t.Fatalf("the browser is at %s, want %s\n%s", got, path, f.Page())
	}
}

// code returns the code that the phone shows so many steps from now.
func (f *flow) code(steps int) string {
	f.t.Helper()
	if _, err := base32.StdEncoding.DecodeString(f.key); err != nil {
		f.t.Fatalf("the key is %q", f.key)
	}
	code, err := totp.GenerateCode(f.key, f.clock.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		f.t.Fatal(err)
	}
	return code
}

// enrol sets a second factor up from the settings page, up to the recovery codes.
func (f *flow) enrol() {
	f.t.Helper()
	f.Goto(f.url + "/second-factor/")
	f.Follow("#open-setup")
	f.key = f.Text("#secret")
	f.Fill("[name=code]", f.code(0))
	f.Follow("[action$='/setup/confirm'] .main")
	f.at("/second-factor/recovery-codes")
}

// leave signs out.
func (f *flow) leave() {
	f.t.Helper()
	f.Goto(f.url + "/second-factor/")
	f.Follow("header button")
	f.at("/login")
}

// next waits, by the test's clock, until the phone shows another code.
func (f *flow) next() { f.clock.Advance(30 * time.Second) }

// says reports whether the page shows the words.
func (f *flow) says(words string) bool {
	f.t.Helper()
	return strings.Contains(f.Page(), words)
}

// TestFlowRunOut: a challenge that has expired says so, and leads to the login.
func TestFlowRunOut(t *testing.T) {
	f := newFlow(t, driver.Options{}, nil)
	f.signIn("/")
	f.enrol()
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	// A user who opens the login page before that is redirected to the challenge.
	f.Goto(f.url + "/login")
	f.at("/second-factor/challenge")
	f.clock.Advance(11 * time.Minute)
	f.FillThrough("[name=code]", f.code(0))
	if got := f.Text("h1"); got != "Time is up" {
		t.Fatalf("the heading is %q\n%s", got, f.Page())
	}
	f.Follow(driver.Link("Sign in"))
	f.at("/login")
	f.signIn("/second-factor/challenge")
	f.FillThrough("[name=code]", f.code(0))
	f.at("/")
}

// TestFlowSentTwice: a double click on a form, with a slow store, has the same result as a single one. Without scripts
// nothing stops the second request.
func TestFlowSentTwice(t *testing.T) {
	f := newFlow(t, driver.Options{NoScripts: true}, nil)
	f.signIn("/")
	f.Goto(f.url + "/second-factor/")
	f.Follow("#open-setup")
	f.key = f.Text("#secret")
	f.store.takes(time.Second)
	f.Fill("[name=code]", f.code(0))
	f.DoubleClick("[action$='/setup/confirm'] .main")
	f.at("/second-factor/recovery-codes")
	if !f.says("Two-factor authentication is enabled") || !f.Visible("#recovery-codes") {
		t.Fatalf("the codes are not shown:\n%s", f.Page())
	}
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	f.Fill("[name=code]", f.code(0))
	f.DoubleClick("main .main")
	f.at("/")
}

// TestFlowWait: while codes are not judged the page has one countdown, and the field and the button are disabled; when
// the wait is over they are enabled at once. Without scripts the page says how long to wait.
func TestFlowWait(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		f := newFlow(t, driver.Options{NoScripts: !scripts}, func(_ *gateway.Config, c *factor.Config) {
			c.Throttle = factor.Throttle{Free: 1, Delay: 3 * time.Second}
		})
		f.signIn("/")
		f.enrol()
		f.leave()
		f.next()
		f.signIn("/second-factor/challenge")
		f.Fill("[name=code]", "000000")
		if scripts {
			f.WaitVisible("[role=alert]")
		} else {
			f.Follow("main .main")
			f.Goto(f.url + "/second-factor/challenge")
			if !f.says("Try again in 3 seconds.") || !f.Visible("[name=code]:enabled") {
				t.Errorf("without scripts the page says:\n%s", f.Page())
			}
			continue
		}
		f.Goto(f.url + "/second-factor/challenge")
		const state = `[document.getElementById("code").disabled, document.querySelector("main .main").disabled,
			(words => {
				words.querySelectorAll(".unseen").forEach(unseen => unseen.remove());
				return words.textContent.match(/Try again in 0:0/g)?.length || 0;
			})(document.querySelector(".message").cloneNode(true))].join()`
		if got := driver.Evaluate[string](f.Browser, state); got != "true,true,1" {
			t.Errorf("while waiting, the field, the button, and how often it is said: %s", got)
		}
		f.Until("waiting until a code can be typed", `!document.getElementById("code").disabled`)
		if got := driver.Evaluate[string](f.Browser, `[document.activeElement.id, document.querySelector("main .main").disabled, document.title].join()`); got != "code,false,Enter your code – ledger" {
			t.Errorf("at zero: %s", got)
		}
	}
}

// TestFlowLocked: for a locked account the page has no field and no button, because they could not work, but says whom
// to ask.
func TestFlowLocked(t *testing.T) {
	f := newFlow(t, driver.Options{}, func(g *gateway.Config, c *factor.Config) {
		g.Pages = pages.New(pages.Options{Brand: pages.Brand{Help: "Call the help desk, extension 100", HelpLink: "tel:100"}})
		c.Throttle = factor.Throttle{Free: 1, Stop: 1}
	})
	f.signIn("/")
	f.enrol()
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	f.FillThrough("[name=code]", "000000")
	if got := f.Text("h1"); got != "Account locked" || f.Visible("input:not([type=hidden])") || f.Visible("main button.main") {
		t.Errorf("%q\n%s", got, f.Page())
	}
	if !f.Visible(driver.Link("Call the help desk, extension 100")) {
		t.Errorf("nobody is named:\n%s", f.Page())
	}
	f.Follow(driver.Labelled("Not you?"))
	f.at("/login")
}

// TestFlowUsedCode: a user who enrols and signs in again within half a minute types the same code. The page says to
// wait for the next one, counts the seconds, and lets her type meanwhile.
func TestFlowUsedCode(t *testing.T) {
	f := newFlow(t, driver.Options{}, nil)
	f.clock.Advance(30*time.Second - f.clock.Now().Sub(f.clock.Now().Truncate(30*time.Second)) + 26*time.Second)
	f.signIn("/")
	f.enrol()
	f.leave()
	f.signIn("/second-factor/challenge")
	f.FillThrough("[name=code]", f.code(0))
	if got := f.Text(".message div"); !strings.HasPrefix(got, "You have used this code already. Wait for the next one (") {
		t.Errorf("the page says %q\n%s", got, f.Page())
	}
	if !f.Visible("[name=code]:enabled") {
		t.Error("the next code cannot be typed")
	}
	f.Until("waiting for the next code", `document.querySelector(".message").innerText === "You can try again now."`)
	f.next()
	f.FillThrough("[name=code]", strings.Map(func(r rune) rune { return r - '0' + '０' }, f.code(0)))
	f.at("/")
}

// TestFlowAfterwards: after a change the settings page says what has changed, in a focused message and in the title.
// Voluntary enrolment ends there. The recovery codes count as saved after copying, saving a file, printing, or ticking
// a box, also without scripts. The next page says that a recovery code was used.
func TestFlowAfterwards(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		f := newFlow(t, driver.Options{NoScripts: !scripts}, nil)
		f.signIn("/")
		f.enrol()
		codes := strings.Fields(f.Text("#recovery-codes"))
		f.Goto(f.url + "/second-factor/")
		if !f.says("Nobody has confirmed that these codes were saved.") {
			t.Errorf("the page does not say that nobody confirmed the codes:\n%s", f.Page())
		}
		f.Follow(driver.Labelled("I have saved them"))
		f.at("/second-factor/")
		if f.says("Nobody has confirmed") {
			t.Error("the page still says it after that")
		}
		f.Follow("#open-codes")
		f.next()
		f.Fill("[name=code]", f.code(0))
		f.Follow("dialog .main")
		f.at("/second-factor/recovery-codes")
		codes = append(codes[:0], strings.Fields(f.Text("#recovery-codes"))...)
		const saved = driver.Selector("[action$='/saved'] .main")
		if scripts {
			if f.Visible("[action$='/saved'] .main:enabled") {
				t.Error("the button to go on is enabled before the codes are saved")
			}
			driver.Evaluate[bool](f.Browser, `(window.print = () => {}, true)`)
			f.Click(driver.Labelled("Print"))
			if !f.Visible("[action$='/saved'] .main:enabled") {
				t.Error("the button to go on is disabled after printing")
			}
			f.Follow(saved)
		} else {
			f.Click(saved)
			f.at("/second-factor/recovery-codes")
			f.Click("#saved")
			f.Follow(saved)
		}
		f.at("/second-factor/")
		got := driver.Evaluate[string](f.Browser, `[document.title, document.activeElement.getAttribute("role"), document.activeElement.innerText].join("; ")`)
		if want := "You have new recovery codes. The old ones no longer work – Personal Settings – ledger; status; You have new recovery codes. The old ones no longer work."; got != want {
			t.Errorf("scripts %v: %s", scripts, got)
		}
		f.leave()
		f.signIn("/second-factor/challenge")
		f.Follow(driver.Link("Use a recovery code instead"))
		f.Fill("[name=code]", codes[0])
		f.Follow("main .main")
		f.at("/second-factor/recovery-used")
		if !f.says("You used a recovery code") || !f.says("9 of 10 left") {
			t.Errorf("the page says:\n%s", f.Page())
		}
		f.Follow(driver.Labelled("Continue"))
		f.at("/")
	}
}
