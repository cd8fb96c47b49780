package caddymodule

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"sallyport.example/sallyport/event"
)

// maxPassed is how many events may wait for Caddy's handlers. Further events are lost to them, and the log says so.
const maxPassed = 1024

// passing is the event.Sink that passes events on to Caddy's, as `second_factor.<event>` with the fields of the audit
// log.
//
// Caddy calls the handlers of an event one after the other and waits for them. A sign-in must not wait for a command
// that such a handler runs, so a goroutine of its own calls them, one event at a time and in order. The goroutine
// exists only while events wait.
type passing struct {
	events *caddyevents.App
	ctx    caddy.Context
	most   int // how many may wait

	mutex   sync.Mutex
	waiting []event.Event
	running bool
	losing  bool
}

// newPassing makes a passing for a configuration.
func newPassing(ctx caddy.Context) (*passing, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("second_factor: %w", err)
	}
	// Requests may end later than their configuration, and their events must still be passed on.
	ctx.Context = context.WithoutCancel(ctx.Context)
	return &passing{events: app.(*caddyevents.App), ctx: ctx, most: maxPassed}, nil
}

// Emit implements event.Sink.
func (p *passing) Emit(_ context.Context, e event.Event) {
	if !p.events.ShouldEmit(nameForCaddy(e)) {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.waiting) >= p.most {
		if !p.losing {
			p.losing = true
			forwardLog.Warn("handlers of Caddy's events are too slow: events are lost to them; the audit log has all", "event", string(e.Name), "app", e.App)
		}
		return
	}
	p.waiting = append(p.waiting, e)
	if !p.running {
		p.running = true
		go p.run()
	}
}

// run passes on waiting events until there are none.
func (p *passing) run() {
	for {
		p.mutex.Lock()
		if len(p.waiting) == 0 {
			p.running, p.losing, p.waiting = false, false, nil
			p.mutex.Unlock()
			return
		}
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.mutex.Unlock()
		p.pass(next)
	}
}

// pass lets Caddy call the handlers of one event. If a handler panics only that event is lost.
func (p *passing) pass(e event.Event) {
	defer func() {
		if failure := recover(); failure != nil {
			forwardLog.Error("a handler of Caddy's events panicked", "event", nameForCaddy(e), "error", fmt.Sprint(failure))
		}
	}()
	p.events.Emit(p.ctx, nameForCaddy(e), e.Fields())
}

// nameForCaddy returns the event's name in Caddy.
func nameForCaddy(e event.Event) string { return appID + "." + string(e.Name) }
