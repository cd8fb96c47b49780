package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/gate"
)

func TestCreateAndLoad(t *testing.T) {
	f := newFixture(t)
	given := verified(t)
	given.Next = "/page"
	token := mustCreate(t, f.Manager, given)
	data := mustLoad(t, f.Manager, token)
	if data.App != "wiki" || data.State != gate.Verified || data.Identity != "alice" || data.Held.Len() != 2 ||
		data.Next != "/page" || len(data.Form) < 22 {
		t.Errorf("loaded %#v", data)
	}
	for name, moment := range map[string]time.Time{"Created": data.Created, "Seen": data.Seen, "Since": data.Since} {
		if !moment.Equal(start) {
			t.Errorf("%s = %v", name, moment)
		}
	}
	if !data.Checked.IsZero() || data.Raising != nil {
		t.Error("times appeared from nowhere")
	}
	other := mustCreate(t, f.Manager, Data{})
	if other == token || mustLoad(t, f.Manager, other).Form == data.Form {
		t.Error("two sessions have a token in common")
	}
	if _, err := f.Take(t.Context(), token, LeaveNotice("enabled")); err != nil || data.Notice != "" {
		t.Errorf("a step changed what was loaded before: %q, %v", data.Notice, err)
	}
}

func TestCreateKeepsWhatIsGiven(t *testing.T) {
	f := newFixture(t)
	data := Data{Form: "given", Created: start.Add(-time.Minute), Seen: start.Add(-2 * time.Minute), Since: start.Add(-3 * time.Minute)}
	got := mustLoad(t, f.Manager, mustCreate(t, f.Manager, data))
	if got.Form != "given" || !got.Created.Equal(data.Created) || !got.Seen.Equal(data.Seen) || !got.Since.Equal(data.Since) {
		t.Errorf("got %v", *got)
	}
}

func TestCreateRefuses(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		data Data
		want error
	}{
		"another app":          {Data{App: "shop"}, ErrInvalid},
		"no state":             {Data{State: 9}, ErrInvalid},
		"too large":            {Data{Errand: Errand{Next: strings.Repeat("x", MaxEncoded)}}, ErrTooLarge},
		"over when it is made": {Data{State: gate.Pending, Since: start.Add(-10 * time.Minute)}, ErrGone},
	} {
		if token, err := f.create(context.Background(), &test.data); !errors.Is(err, test.want) || token != "" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	if f.memory.Len() != 0 {
		t.Error("something was stored")
	}
}

func TestLoadFindsNothing(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, verified(t))
	shop := f.shared.Manager(Config{App: "shop", Now: f.clock.Now})
	other := mustCreate(t, shop, verified(t))
	unknown := strings.Repeat("A", tokenLength)
	garbage := strings.Repeat("B", tokenLength)
	if err := f.memory.Commit(storeKey(garbage), []byte("garbage"), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty": "", "short": token[1:], "long": token + "A", "another app's": other, "unknown": unknown, "garbage": garbage,
		"the name in the store": storeKey(token), "odd characters": token[:42] + "=", "NUL": token[:42] + "\x00",
		"huge": strings.Repeat(token, 1000), "lower case": strings.ToLower(token),
	} {
		t.Run(name, func(t *testing.T) { mustBeDead(t, f.Manager, bad) })
	}
	mustLoad(t, f.Manager, token)
	mustLoad(t, shop, other)
}

func TestDeadlines(t *testing.T) {
	for _, test := range []struct {
		name  string
		data  Data
		after time.Duration
	}{
		{"anonymous", Data{}, 30 * time.Minute},
		{"anonymous again", Data{Created: start.Add(-5 * time.Hour)}, 30 * time.Minute},
		{"pending", Data{State: gate.Pending}, 10 * time.Minute},
		{"enrolling", Data{State: gate.Enrolling}, 10 * time.Minute},
		{"idle", Data{State: gate.Verified}, time.Hour},
		{"idle for a while", Data{State: gate.Verified, Seen: start.Add(-30 * time.Minute)}, 30 * time.Minute},
		{"lifetime", Data{State: gate.Verified, Since: start.Add(-23*time.Hour - 30*time.Minute)}, 30 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			token := mustCreate(t, f.Manager, test.data)
			f.clock.Advance(test.after - time.Nanosecond)
			mustLoad(t, f.Manager, token)
			f.clock.Advance(time.Nanosecond)
			mustBeDead(t, f.Manager, token)
		})
	}
}

// TestDeadlinesHoldWithoutTheStore: the deadline holds even if a store returns expired sessions, has another clock, or
// has a deadline that was longer before a reload.
func TestDeadlinesHoldWithoutTheStore(t *testing.T) {
	c := newClock()
	shared := NewShared(newMemory(t, MemoryOptions{Now: func() time.Time { return start }}))
	long := shared.Manager(Config{App: "wiki", Idle: 8 * time.Hour, Now: c.Now})
	short := shared.Manager(Config{App: "wiki", Now: c.Now})
	token := mustCreate(t, long, verified(t))
	shorter := mustCreate(t, short, verified(t))
	c.Advance(time.Hour)
	mustLoad(t, long, token)
	mustBeDead(t, short, token)
	mustBeDead(t, long, shorter)
	c.Advance(7 * time.Hour)
	mustBeDead(t, long, token)
}

// TestExpiryInRealTime uses the real clock everywhere.
func TestExpiryInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := NewMemory(MemoryOptions{})
		defer memory.Close()
		m := NewShared(memory).Manager(Config{App: "wiki"})
		tokens := map[gate.State]string{}
		for _, state := range []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling, gate.Verified} {
			tokens[state] = mustCreate(t, m, Data{State: state})
		}
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{9 * time.Minute, 4}, {2 * time.Minute, 2}, {20 * time.Minute, 1}, {30 * time.Minute, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			alive := 0
			for _, token := range tokens {
				if data, err := m.Load(context.Background(), token); err != nil {
					t.Error(err)
				} else if data != nil {
					alive++
				}
			}
			if alive != step.left || memory.Len() != step.left {
				t.Errorf("%d sessions alive, %d stored; want %d", alive, memory.Len(), step.left)
			}
		}
	})
}

func TestUpdate(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{})
	updated, err := f.update(context.Background(), token, func(data *Data) error {
		data.Notice = "enabled"
		data.Granted = append(data.Granted, "theme")
		return nil
	})
	if err != nil || updated.Notice != "enabled" {
		t.Fatalf("%v, %v", updated, err)
	}
	data := mustLoad(t, f.Manager, token)
	if data.Notice != "enabled" || len(data.Granted) != 1 || !data.Since.Equal(start) {
		t.Errorf("loaded %v", data)
	}
	refuse := errors.New("no")
	for name, change := range map[string]func(*Data) error{
		"error":       func(data *Data) error { data.Notice = "other"; return refuse },
		"another app": func(data *Data) error { data.Notice, data.App = "other", "shop"; return nil },
		"no state":    func(data *Data) error { data.Notice, data.State = "other", 7; return nil },
		"too large":   func(data *Data) error { data.Notice = strings.Repeat("x", MaxEncoded); return nil },
		"in the past": func(data *Data) error { data.State, data.Since = gate.Pending, start.Add(-time.Hour); return nil },
	} {
		updated, err := f.update(context.Background(), token, change)
		if err == nil || updated != nil {
			t.Errorf("%s: %v, %v", name, updated, err)
		}
		if name == "error" && err != refuse { //nolint:errorlint // as it is
			t.Errorf("%v", err)
		}
		renewed, updated, err := f.renew(context.Background(), token, change)
		if err == nil || updated != nil || renewed != "" {
			t.Errorf("%s: %q, %v, %v", name, renewed, updated, err)
		}
		if mustLoad(t, f.Manager, token).Notice != "enabled" {
			t.Errorf("%s was written", name)
		}
	}
	if f.memory.Len() != 1 {
		t.Errorf("%d sessions stored", f.memory.Len())
	}
	// A change that panics must not keep the lock.
	func() {
		defer func() { _ = recover() }()
		_, _ = f.update(context.Background(), token, func(*Data) error { panic("on purpose") })
	}()
	if _, err := f.update(context.Background(), token, keep); err != nil {
		t.Error(err)
	}
}

func TestSinceFollowsTheState(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
	f.clock.Advance(9 * time.Minute)
	m := f.shared.Manager(Config{App: "wiki", Idle: 5 * time.Minute, Now: f.clock.Now})
	token, data, err := m.renew(context.Background(), token, func(data *Data) error {
		data.State = gate.Verified
		return nil
	})
	if err != nil || !data.Since.Equal(f.clock.Now()) || !data.Seen.Equal(f.clock.Now()) || !data.Created.Equal(start) {
		t.Fatalf("%v, %v", data, err)
	}
	mustLoad(t, m, token)
	given := start.Add(8 * time.Minute)
	data, err = m.update(context.Background(), token, func(data *Data) error {
		data.State, data.Since = gate.Pending, given
		return nil
	})
	if err != nil || !data.Since.Equal(given) {
		t.Errorf("%v, %v", data, err)
	}
}

// TestP8_RenewChangesBothTokens: an attacker may have planted a token or a form token before the login. After the login
// neither is worth anything.
func TestP8_RenewChangesBothTokens(t *testing.T) {
	f := newFixture(t)
	old := mustCreate(t, f.Manager, Data{Errand: Errand{Next: "/page"}})
	form := mustLoad(t, f.Manager, old).Form
	token, data, err := f.renew(context.Background(), old, func(data *Data) error {
		data.State, data.Identity = gate.Pending, "alice"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustBeDead(t, f.Manager, old)
	loaded := mustLoad(t, f.Manager, token)
	if loaded.State != gate.Pending || loaded.Next != "/page" || loaded.Form == form || loaded.Form != data.Form ||
		len(loaded.Form) < 22 {
		t.Errorf("%#v", *loaded)
	}
	_, data, err = f.renew(context.Background(), token, func(data *Data) error { data.Form = "given"; return nil })
	if err != nil || data.Form != "given" {
		t.Errorf("%v", err)
	}
	if f.memory.Len() != 1 {
		t.Errorf("%d sessions stored", f.memory.Len())
	}
}

func TestDestroy(t *testing.T) {
	f := newFixture(t)
	token, other := mustCreate(t, f.Manager, verified(t)), mustCreate(t, f.Manager, verified(t))
	for _, dead := range []string{token, token, "", "x", strings.Repeat("A", tokenLength)} {
		if err := f.Destroy(context.Background(), dead); err != nil {
			t.Error(err)
		}
	}
	mustBeDead(t, f.Manager, token)
	mustLoad(t, f.Manager, other)
}

// TestP9_NothingSecretIsPrinted: no way in which a logger may print a session shows a secret.
func TestP9_NothingSecretIsPrinted(t *testing.T) {
	data := fullData(t)
	secrets := []string{"abcd-efgh", "café", "JBSWY3D", "csrf", "sid", "/home", "theme", "ok"}
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("x", "data", data, "copy", *data, "delivery", data.Delivery, "copy", *data.Delivery)
	}
	if data.LogValue().String() != data.String() || data.Delivery.LogValue().String() != data.Delivery.String() {
		t.Error("slog is told something else")
	}
	for _, value := range []any{data, *data, data.Delivery, *data.Delivery, struct{ Data any }{*data}} {
		inJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		printed := fmt.Sprintf("%v %+v %#v %s %q %s", value, value, value, value, value, inJSON)
		for _, secret := range secrets {
			if strings.Contains(printed+log.String(), secret) {
				t.Errorf("%q is in %s %s", secret, printed, log.String())
			}
		}
	}
	if got := data.String(); got != `session(app="wiki" state=enrolling method="")` {
		t.Error(got)
	}
}
