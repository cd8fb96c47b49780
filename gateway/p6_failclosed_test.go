package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session"
)

// outage makes a store fail on demand.
type outage struct {
	mu   sync.Mutex
	ops  []string
	fail func(ctx context.Context) error
}

// strike makes the named operations fail from now on; without names, all of them.
func (o *outage) strike(fail func(ctx context.Context) error, ops ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail, o.ops = fail, ops
}

func (o *outage) end() { o.strike(nil) }

func (o *outage) check(ctx context.Context, op string) error {
	o.mu.Lock()
	fail := o.fail
	if len(o.ops) > 0 && !slices.Contains(o.ops, op) {
		fail = nil
	}
	o.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(ctx)
}

// failingSecrets is a store of second factors that fails on demand. Its operations are get, put, delete, and written,
// which fails after the work is done, so that nobody knows that it is.
type failingSecrets struct {
	factor.Store
	outage
}

func (f *failingSecrets) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	if err := f.check(ctx, "get"); err != nil {
		return factor.Record{}, 0, err
	}
	return f.Store.Get(ctx, key)
}

func (f *failingSecrets) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	if err := f.check(ctx, "put"); err != nil {
		return 0, err
	}
	version, err := f.Store.Put(ctx, key, record, expected)
	if failed := f.check(ctx, "written"); failed != nil {
		return 0, failed
	}
	return version, err
}

func (f *failingSecrets) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	if err := f.check(ctx, "delete"); err != nil {
		return err
	}
	err := f.Store.Delete(ctx, key, expected)
	if failed := f.check(ctx, "written"); failed != nil {
		return failed
	}
	return err
}

// failingSessions is a session store that fails on demand. Its operations are find, commit, delete, claim and list.
type failingSessions struct {
	*session.Memory
	outage
}

func (f *failingSessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if err := f.check(ctx, "find"); err != nil {
		return nil, false, err
	}
	return f.Memory.FindCtx(ctx, token)
}

func (f *failingSessions) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	if err := f.check(ctx, "commit"); err != nil {
		return err
	}
	return f.Memory.CommitCtx(ctx, token, stored, expiry)
}

func (f *failingSessions) DeleteCtx(ctx context.Context, token string) error {
	if err := f.check(ctx, "delete"); err != nil {
		return err
	}
	return f.Memory.DeleteCtx(ctx, token)
}

func (f *failingSessions) ClaimCtx(ctx context.Context, token string) (bool, error) {
	if err := f.check(ctx, "claim"); err != nil {
		return false, err
	}
	return f.Memory.ClaimCtx(ctx, token)
}

func (f *failingSessions) FindVersionCtx(ctx context.Context, token string) ([]byte, session.Version, bool, error) {
	if err := f.check(ctx, "find"); err != nil {
		return nil, session.Version{}, false, err
	}
	return f.Memory.FindVersionCtx(ctx, token)
}

func (f *failingSessions) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	if err := f.check(ctx, "commit"); err != nil {
		return err
	}
	return f.Memory.SwapCtx(ctx, token, expected, stored, expiry)
}

// MoveCtx is a commit and a claim in one.
func (f *failingSessions) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	if err := errors.Join(f.check(ctx, "commit"), f.check(ctx, "claim")); err != nil {
		return err
	}
	return f.Memory.MoveCtx(ctx, token, expected, newToken, stored, expiry)
}

func (f *failingSessions) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, stored []byte) error) error {
	if err := f.check(ctx, "list"); err != nil {
		return err
	}
	return f.Memory.OwnedCtx(ctx, owners, visit)
}

// frail is a site whose two stores can fail.
type frail struct {
	*site
	secrets  *failingSecrets
	sessions *failingSessions
}

func newFrail(t *testing.T, change func(*Config)) *frail {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	f := &frail{secrets: &failingSecrets{Store: factor.NewMemoryStore()}, sessions: &failingSessions{Memory: memory}}
	f.site = newSite(t, demo.Knobs{}, func(config *Config) {
		config.Factors = factor.NewService(f.secrets, factor.Config{App: "ledger", Kinds: kinds(), Now: config.Now, Timeout: time.Second})
		config.Sessions = session.NewShared(f.sessions).Manager(session.Config{App: "ledger", Now: config.Now})
		if change != nil {
			change(config)
		}
	})
	return f
}

// failures are the ways in which a secrets store fails. None of them says that a user is not enrolled.
var failures = []struct {
	name string
	err  error
	ops  []string
}{
	{"away", fmt.Errorf("%w: connection refused", factor.ErrUnavailable), nil},
	{"an error of its own", errors.New("x509: certificate has expired"), nil},
	{"damaged", fmt.Errorf("%w: no seed", factor.ErrCorrupt), []string{"get"}},
	{"out of time", context.DeadlineExceeded, nil},
	{"cancelled", context.Canceled, nil},
	{"not found, or not reached", fmt.Errorf("%w: %w", factor.ErrUnavailable, factor.ErrNotFound), nil},
	{"read-only", errors.New("permission denied"), []string{"put", "delete"}},
	{"written, and the answer lost", context.DeadlineExceeded, []string{"written"}},
}

// refusedForNow fails the test unless the answer is 503, says when to come back, and shows nothing of an enrolment or
// of what went wrong inside.
func (a answer) refusedForNow(t *testing.T) {
	t.Helper()
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%d to %q, want 503: %.500s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	for _, word := range []string{
		`id="qr"`, `id="secret"`, `id="recovery-codes"`, "Set up Two-Factor", "is enabled", "is disabled", "goroutine", "connection refused", "x509", "permission denied",
		"certificate", "deadline", "store failed",
	} {
		if strings.Contains(a.body, word) {
			t.Errorf("the page of the failure has %q", word)
		}
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

// token returns the CSRF token on a page.
func (b *browser) token(page string) string {
	b.s.t.Helper()
	return find(b.s.t, ownCSRF, b.get("/second-factor"+page).body)
}

// state returns what /status says.
func (b *browser) state() string {
	b.s.t.Helper()
	text := b.get("/second-factor/status").body
	for _, state := range []string{"anonymous", "pending", "enrolling", "verified"} {
		if strings.Contains(text, `"state":"`+state+`"`) {
			return state
		}
	}
	b.s.t.Fatalf("no state in %s", text)
	return ""
}

// enrolledBrowser makes a verified browser of alice's, and returns her key and recovery codes.
func (f *frail) enrolledBrowser() (b *browser, key string, codes []string) {
	f.t.Helper()
	b = f.browser()
	b.signIn("alice", demo.AlicePassword)
	key = b.enrol()
	page := b.get("/second-factor/recovery-codes").body
	for part := range strings.SplitSeq(strings.SplitN(page, `id="recovery-codes"`, 2)[1], "<code>") {
		if code, _, found := strings.Cut(part, "</code>"); found {
			codes = append(codes, code)
		}
	}
	return b, key, codes
}

// challengedBrowser makes a browser of alice's with a pending session.
func (f *frail) challengedBrowser() (b *browser, key string, codes []string) {
	f.t.Helper()
	b, key, codes = f.enrolledBrowser()
	b.own("/", "/logout", nil).wants(f.t, http.StatusSeeOther, "/login")
	b.signIn("alice", demo.AlicePassword).wants(f.t, http.StatusSeeOther, "/second-factor/challenge")
	return b, key, codes
}

// step is a request during which the secrets store fails.
type step struct {
	name string
	// state is the session's state, which must be the same afterwards.
	state string
	// writes says that the step writes to the store; other steps cannot fail at writing.
	writes bool
	// prepare leads up to the step and returns the request, which can be sent again.
	prepare func(f *frail) (*browser, func() answer)
	// status and location are those of the request when the store works again.
	status   int
	location string
	// again replaces status if the step was in fact done and only its outcome was lost.
	again int
}

// posting makes a POST to one of our own pages, with the CSRF token read beforehand and a fresh code each time.
func (f *frail) posting(b *browser, from, to, key string) (*browser, func() answer) {
	token := b.token(from)
	return b, func() answer {
		form := url.Values{"csrf_token": {token}}
		if key != "" {
			form.Set("code", f.code(key))
		}
		return b.post("/second-factor"+to, form)
	}
}

var steps = []step{
	{name: "challenge page", state: "pending", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.challengedBrowser()
		return b, func() answer { return b.get("/second-factor/challenge") }
	}},
	{name: "challenge", state: "pending", writes: true, status: 303, location: "/", prepare: func(f *frail) (*browser, func() answer) {
		b, key, _ := f.challengedBrowser()
		return f.posting(b, "/challenge", "/challenge", key)
	}},
	{name: "recovery", state: "pending", writes: true, status: 303, location: "/", prepare: func(f *frail) (*browser, func() answer) {
		b, _, codes := f.challengedBrowser()
		token, next := b.token("/recovery"), 0
		return b, func() answer {
			next++
			return b.post("/second-factor/recovery", url.Values{"csrf_token": {token}, "code": {codes[next]}})
		}
	}},
	{name: "status, pending", state: "pending", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.challengedBrowser()
		return b, func() answer { return b.get("/second-factor/status") }
	}},
	{name: "settings", state: "verified", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return b, func() answer { return b.get("/second-factor/") }
	}},
	{name: "status", state: "verified", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return b, func() answer { return b.get("/second-factor/status") }
	}},
	{name: "set-up of somebody enrolled", state: "verified", status: 409, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return f.posting(b, "/reset", "/setup", "")
	}},
	{name: "set-up", state: "verified", status: 303, location: "/second-factor/setup", prepare: func(f *frail) (*browser, func() answer) {
		b := f.browser()
		b.signIn("bob", demo.BobPassword).wants(f.t, 303, "/")
		return f.posting(b, "/", "/setup", "")
	}},
	{name: "confirm", state: "verified", writes: true, status: 303, location: "/second-factor/recovery-codes", again: 409, prepare: func(f *frail) (*browser, func() answer) {
		b := f.browser()
		b.signIn("bob", demo.BobPassword)
		b.own("/", "/setup", nil)
		return f.posting(b, "/setup", "/setup/confirm", find(f.t, secretKey, b.get("/second-factor/setup").body))
	}},
	{name: "reset page", state: "verified", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return b, func() answer { return b.get("/second-factor/reset") }
	}},
	{name: "reset", state: "verified", writes: true, status: 303, location: "/second-factor/setup", prepare: func(f *frail) (*browser, func() answer) {
		b, key, _ := f.enrolledBrowser()
		return f.posting(b, "/reset", "/reset", key)
	}},
	{name: "confirm reset", state: "verified", writes: true, status: 303, location: "/second-factor/", again: 409, prepare: func(f *frail) (*browser, func() answer) {
		b, key, _ := f.enrolledBrowser()
		b.own("/reset", "/reset", url.Values{"code": {f.code(key)}}).wants(f.t, 303, "/second-factor/setup")
		return f.posting(b, "/setup", "/setup/confirm", find(f.t, secretKey, b.get("/second-factor/setup").body))
	}},
	{name: "disable page", state: "verified", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return b, func() answer { return b.get("/second-factor/disable") }
	}},
	{name: "disable", state: "verified", writes: true, status: 303, location: "/second-factor/", prepare: func(f *frail) (*browser, func() answer) {
		b, key, _ := f.enrolledBrowser()
		return f.posting(b, "/disable", "/disable", key)
	}},
	{name: "recovery codes page", state: "verified", status: 200, prepare: func(f *frail) (*browser, func() answer) {
		b, _, _ := f.enrolledBrowser()
		return b, func() answer { return b.get("/second-factor/recovery-codes") }
	}},
	{name: "recovery codes", state: "verified", writes: true, status: 303, location: "/second-factor/recovery-codes", prepare: func(f *frail) (*browser, func() answer) {
		b, key, _ := f.enrolledBrowser()
		return f.posting(b, "/recovery-codes", "/recovery-codes", key)
	}},
}

// TestP6_SecretsStoreFails: the attacker waits until the secrets store is unreachable, or floods it, hoping that a user
// who cannot be asked for a factor is let in without one, or may set one up. At each step and for each failure the
// answer is 503, the session is what it was, and no page offers an enrolment. When the store works again, the same
// request goes through.
func TestP6_SecretsStoreFails(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		for _, failure := range failures {
			if len(failure.ops) > 0 && failure.ops[0] != "get" && !step.writes {
				continue
			}
			t.Run(step.name+"/"+failure.name, func(t *testing.T) {
				t.Parallel()
				f := newFrail(t, nil)
				b, request := step.prepare(f)
				f.secrets.strike(func(context.Context) error { return failure.err }, failure.ops...)
				request().refusedForNow(t)
				if step.state == "pending" {
					b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
				} else if got := b.get("/files"); got.StatusCode != http.StatusOK {
					t.Errorf("a verified session stops working: %d", got.StatusCode)
				}
				f.secrets.end()
				if got := b.state(); got != step.state {
					t.Errorf("%s became %s", step.state, got)
				}
				f.clock.Advance(30 * time.Second)
				status, location := step.status, step.location
				if step.again != 0 && slices.Contains(failure.ops, "written") {
					status, location = step.again, ""
				}
				if got := request(); got.StatusCode != status || got.Header.Get("Location") != location {
					t.Errorf("with the store back: %d to %q, want %d to %q\n%.600s", got.StatusCode, got.Header.Get("Location"), status, location, got.body)
				}
			})
		}
	}
}

// TestP6_SignInWhileTheSecretsStoreFails: the attacker has only the password, and signs in while nobody can say whether
// a factor is owed. His session is pending at most. When the store works again he is asked for the factor, and a user
// without one goes on.
func TestP6_SignInWhileTheSecretsStoreFails(t *testing.T) {
	t.Parallel()
	for _, everyone := range []bool{false, true} {
		for _, failure := range failures {
			if len(failure.ops) > 0 && failure.ops[0] != "get" {
				continue
			}
			t.Run(fmt.Sprintf("%s/everyone=%v", failure.name, everyone), func(t *testing.T) {
				t.Parallel()
				f := newFrail(t, nil)
				_, key, _ := f.enrolledBrowser()
				f.gateway.site.Config.RequireEveryone = everyone
				f.secrets.strike(func(context.Context) error { return failure.err }, failure.ops...)

				thief, bob := f.browser(), f.browser()
				thief.signIn("alice", demo.AlicePassword).refusedForNow(t)
				bob.signIn("bob", demo.BobPassword).refusedForNow(t)
				for _, b := range []*browser{thief, bob} {
					b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
					b.get("/second-factor/").wants(t, http.StatusSeeOther, "/second-factor/challenge")
					b.get("/second-factor/setup").wants(t, http.StatusSeeOther, "/second-factor/challenge")
					b.get("/second-factor/challenge").refusedForNow(t)
				}
				script := f.browser()
				refused := script.do("POST", "/api/login", "application/json", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`)
				refused.refusedForNow(t)
				if refused.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(refused.body, `"login":"alice"`) {
					t.Errorf("a script gets %s: %s", refused.Header.Get("Content-Type"), refused.body)
				}
				f.secrets.end()
				if got := thief.state(); got != "pending" {
					t.Fatalf("the thief is %s", got)
				}
				if page := thief.get("/second-factor/challenge"); page.StatusCode != http.StatusOK || strings.Contains(page.body, `id="qr"`) {
					t.Fatalf("challenge with the store back: %d", page.StatusCode)
				}
				thief.own("/challenge", "/challenge", url.Values{"code": {f.code(key)}}).wants(t, http.StatusSeeOther, "/")
				want := "/"
				if everyone {
					want = "/second-factor/setup"
				}
				bob.get("/second-factor/challenge").wants(t, http.StatusSeeOther, want)
			})
		}
	}
}

// TestP6_SecretsStoreHangs: a store that never answers is given up after a while. The answer is then the same refusal
// as for a store that fails.
func TestP6_SecretsStoreHangs(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, name := range []string{"challenge page", "challenge", "confirm", "status", "disable"} {
		step := steps[slices.IndexFunc(steps, func(s step) bool { return s.name == name })]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFrail(t, nil)
			b, request := step.prepare(f)
			f.secrets.strike(hang)
			request().refusedForNow(t)
			f.secrets.end()
			if got := b.state(); got != step.state {
				t.Errorf("%s became %s", step.state, got)
			}
			f.clock.Advance(30 * time.Second)
			if got := request(); got.StatusCode != step.status {
				t.Errorf("with the store back: %d", got.StatusCode)
			}
		})
	}
}

// TestP6_VerifiedSessionsGoOn: the secrets store is unreachable for an hour, and no verified user notices, not even
// when the app is asked again who is signed in. Signing out works too.
func TestP6_VerifiedSessionsGoOn(t *testing.T) {
	t.Parallel()
	f := newFrail(t, nil)
	b, _, _ := f.enrolledBrowser()
	token := b.token("/")
	f.secrets.strike(func(context.Context) error { return factor.ErrUnavailable })
	for range 30 {
		f.clock.Advance(2 * time.Minute)
		if got := b.get("/files"); got.StatusCode != http.StatusOK {
			t.Fatalf("a verified session stops working: %d", got.StatusCode)
		}
	}
	b.post("/second-factor/logout", url.Values{"csrf_token": {token}}).wants(t, http.StatusSeeOther, "/login")
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
}

// TestP6_SessionsStoreFails: without its session store the gateway knows nobody, and lets nobody in: each request gets
// 503, at the app's addresses and its own, also if only writing fails. When the store works again, sessions are what
// they were.
func TestP6_SessionsStoreFails(t *testing.T) {
	t.Parallel()
	broken := []error{errors.New("redis: connection refused"), context.DeadlineExceeded, context.Canceled}
	for _, err := range broken {
		t.Run(err.Error(), func(t *testing.T) {
			t.Parallel()
			fail := func(context.Context) error { return err }
			f := newFrail(t, nil)
			b, key, codes := f.challengedBrowser()
			wantsPending := func() {
				t.Helper()
				f.sessions.end()
				if got := b.state(); got != "pending" {
					t.Fatalf("pending became %s", got)
				}
				b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
			}

			// Reading.
			token := b.token("/challenge")
			f.sessions.strike(fail, "find")
			for _, path := range []string{"/", "/files", "/login", "/static/style.css", "/second-factor/", "/second-factor/challenge", "/second-factor/status"} {
				b.get(path).refusedForNow(t)
			}
			b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {f.code(key)}}).refusedForNow(t)
			b.post("/login", url.Values{"username": {"alice"}, "password": {demo.AlicePassword}}).refusedForNow(t)
			b.post("/second-factor/logout", url.Values{"csrf_token": {token}}).refusedForNow(t)
			wantsPending()

			// Writing fails at each point at which a passed challenge writes: the session stays pending, under its old
			// token.
			for i, op := range []string{"commit", "claim"} {
				f.sessions.strike(fail, op)
				b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {f.code(key)}}).refusedForNow(t)
				wantsPending()
				f.sessions.strike(fail, op)
				b.post("/second-factor/recovery", url.Values{"csrf_token": {token}, "code": {codes[i]}}).refusedForNow(t)
				wantsPending()
				f.clock.Advance(30 * time.Second)
			}
			b.own("/challenge", "/challenge", url.Values{"code": {f.code(key)}}).wants(t, http.StatusSeeOther, "/")

			// Signing out, at the gateway's address and at the app's: the browser is not told that it is signed out
			// while it is not.
			token = b.token("/")
			f.sessions.strike(fail, "delete")
			b.post("/second-factor/logout", url.Values{"csrf_token": {token}}).refusedForNow(t)
			b.get("/logout").refusedForNow(t)
			f.sessions.end()
			if got := b.state(); got != "verified" {
				t.Fatalf("verified became %s", got)
			}
			b.own("/", "/logout", nil).wants(t, http.StatusSeeOther, "/login")

			// Signing in.
			for _, op := range []string{"commit", "claim"} {
				thief := f.browser()
				csrf := find(t, csrfField, thief.get("/login").body)
				login := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {csrf}}
				f.sessions.strike(fail, op)
				got := thief.post("/login", login)
				got.refusedForNow(t)
				if cookies := got.Header["Set-Cookie"]; len(cookies) > 0 {
					t.Errorf("a login whose session could not be kept sets %q", cookies)
				}
				f.sessions.end()
				if got := thief.state(); got != "anonymous" {
					t.Fatalf("anonymous became %s", got)
				}
			}
			f.sessions.strike(fail, "commit")
			// A stranger's page load needs no store, because the browser remembers the address.
			f.browser().get("/files").wants(t, http.StatusSeeOther, "/login")
			// A login page is refused if its cookie cannot be kept.
			f.browser().get("/login").refusedForNow(t)
			f.sessions.end()
			f.browser().signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		})
	}
}

// TestP6_OtherSessionsCannotBeEnded: a change of factors ends the user's other sessions. If that fails, the user is
// told that something went wrong, and not that all is well.
func TestP6_OtherSessionsCannotBeEnded(t *testing.T) {
	t.Parallel()
	f := newFrail(t, nil)
	b, key, _ := f.enrolledBrowser()
	token := b.token("/disable")
	f.sessions.strike(func(context.Context) error { return errors.New("permission denied") }, "list")
	b.post("/second-factor/disable", url.Values{"csrf_token": {token}, "code": {f.code(key)}}).refusedForNow(t)
	f.sessions.end()
	if got := b.state(); got != "verified" {
		t.Errorf("the session is %s", got)
	}
}
