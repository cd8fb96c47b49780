package caddymodule

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session"
)

const (
	// healthPatience is how long a store may take to answer. healthAge is how long an answer is reused, so that
	// frequent checks cost the stores little.
	healthPatience, healthAge = 3 * time.Second, time.Second
	// healthApp is an app that does not exist. Reading one of its users asks the store and finds nothing.
	healthApp = "sallyport health"
)

// health is the state of the stores.
type health struct {
	Status string               `json:"status"`
	Stores map[string]storeSays `json:"stores"`
}

// storeSays is the state of a store: ok, or since when it is not, and why.
type storeSays struct {
	Status string    `json:"status"`
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

const (
	healthy   = "ok"
	unhealthy = "unavailable"
)

// patients keeps, for all configurations of this process, since when a store has not answered.
var patients healths

type healths struct {
	mu     sync.Mutex
	stores map[string]patient
}

type patient struct {
	says  storeSays
	asked time.Time
}

// ask returns the state of a store. It asks the store unless that was done within healthAge.
func (h *healths) ask(ctx context.Context, name string, ask func(context.Context) error) storeSays {
	h.mu.Lock()
	last, known := h.stores[name]
	h.mu.Unlock()
	if age := time.Since(last.asked); known && age >= 0 && age < healthAge {
		return last.says
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	err, now := ask(ctx), time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stores == nil {
		h.stores = make(map[string]patient)
	}
	says := storeSays{Status: healthy}
	if err != nil {
		says = storeSays{Status: unhealthy, Since: now.UTC().Truncate(time.Second), Reason: err.Error()}
		if before := h.stores[name].says; before.Status == unhealthy {
			says.Since = before.Since
		}
	}
	h.stores[name] = patient{says: says, asked: now}
	return says
}

// health asks both stores at once.
func (a *App) health(r *http.Request) health {
	answer := health{Status: healthy, Stores: make(map[string]storeSays)}
	ctx, secrets := context.WithoutCancel(r.Context()), storeSays{}
	var group sync.WaitGroup
	group.Go(func() {
		secrets = patients.ask(ctx, "secrets "+a.secrets.Identity(), func(ctx context.Context) error {
			_, _, err := a.secrets.Store().Get(ctx, factor.Key{App: healthApp, User: "-"})
			if errors.Is(err, factor.ErrNotFound) {
				return nil
			}
			return err
		})
	})
	sessions := patients.ask(ctx, "sessions "+a.secrets.Identity(), func(ctx context.Context) error {
		token := (rand.Text() + rand.Text())[:43] // no session has it, so the store itself is asked
		_, err := a.sessions.Shared().Manager(session.Config{App: healthApp}).Load(ctx, token)
		return err
	})
	group.Wait()
	answer.Stores["secrets"], answer.Stores["sessions"] = secrets, sessions
	for _, store := range answer.Stores {
		if store.Status != healthy {
			answer.Status = unhealthy
		}
	}
	return answer
}

func (c *call) showHealth() error {
	if err := c.query(); err != nil {
		return err
	}
	says, status := c.health(c.r), http.StatusOK
	if says.Status != healthy {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(c.w, status, says)
}
