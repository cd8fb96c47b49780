package caddymodule

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"sallyport.example/sallyport/event"
)

// handling is a handler of Caddy's events that waits until the test lets it go on.
type handling struct {
	takes  time.Duration
	panics string // at the event of this user

	mutex sync.Mutex
	heard []caddy.Event
}

func (h *handling) Handle(_ context.Context, e caddy.Event) error {
	time.Sleep(h.takes)
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.heard = append(h.heard, e)
	if h.panics != "" && e.Data["user"] == h.panics {
		panic("a panic of a handler")
	}
	return errors.New("an error of a handler")
}

// few is how many events may wait in a test. It is small because Caddy writes each to its log.
const few = 16

// passed makes a sink, and subscribes a handler to its events of one name.
func passed(t *testing.T, to string, handler caddyevents.Handler) *passing {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	app := new(caddyevents.App)
	if err := app.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	if err := app.On(to, handler); err != nil {
		t.Fatal(err)
	}
	return &passing{events: app, ctx: ctx, most: few}
}

// TestCaddysEvents: a handler hears of the events that it is subscribed to, in order, with the fields of the audit log.
func TestCaddysEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(handling)
		sink := passed(t, "second_factor.factors_disabled", h)
		for i := range 5 {
			sink.Emit(t.Context(), event.Event{Name: event.SignedOut, App: "wiki", User: "alice"})
			sink.Emit(t.Context(), event.Event{Name: event.FactorsDisabled, App: "wiki", User: "user " + strconv.Itoa(i), Actor: event.ByUser, Outcome: event.Done, Client: "192.0.2.1"})
		}
		synctest.Wait()
		if len(h.heard) != 5 {
			t.Fatalf("heard %d", len(h.heard))
		}
		for i, e := range h.heard {
			if e.Name() != "second_factor.factors_disabled" || e.Data["user"] != "user "+strconv.Itoa(i) || e.Data["app"] != "wiki" ||
				e.Data["event"] != "factors_disabled" || e.Data["client"] != "192.0.2.1" || e.Data["change"] != "disabled" {
				t.Errorf("%s %v", e.Name(), e.Data)
			}
		}
	})
}

// TestSlowHandlers: a slow handler delays no sign-in and fills no memory. If a handler panics only that event is lost.
func TestSlowHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handling{takes: time.Second, panics: "user 7"}
		sink := passed(t, "second_factor.signed_out", h)
		began := time.Now()
		for i := range 3 * few {
			sink.Emit(t.Context(), event.Event{Name: event.SignedOut, User: "user " + strconv.Itoa(i)})
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited for %s", waited)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := len(h.heard); n < few || n > few+1 || h.heard[8].Data["user"] != "user 8" {
			t.Errorf("heard %d, the ninth of %v", n, h.heard[8].Data["user"])
		}
		sink.Emit(t.Context(), event.Event{Name: event.SignedOut, User: "later"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if last := h.heard[len(h.heard)-1]; last.Data["user"] != "later" || sink.running || sink.losing {
			t.Errorf("heard of %v last", last.Data)
		}
	})
}

// TestEventsOfAnEndedConfiguration: a request goes on after a reload, and its events are still passed on.
func TestEventsOfAnEndedConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(handling)
		sink := passed(t, "second_factor.signed_out", h)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		sink.ctx.Context = context.WithoutCancel(ctx)
		sink.Emit(ctx, event.Event{Name: event.SignedOut})
		synctest.Wait()
		if len(h.heard) != 1 {
			t.Errorf("heard %d", len(h.heard))
		}
	})
}
