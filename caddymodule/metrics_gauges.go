package caddymodule

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
)

const (
	// countLife is how old a count of sessions may be before a scrape starts a new one.
	countLife = 30 * time.Second
	// countShare bounds the time spent on counting: after a walk, the next one waits for so many times as long as the
	// walk took.
	countShare = 20
	// countPatience is how long a scrape waits for a count that has begun. Later scrapes get it.
	countPatience = time.Second
	// countTimeout ends a walk. An incomplete count is not shown.
	countTimeout = 30 * time.Second
	// countKept is how long a count is shown at most, if newer ones fail.
	countKept = 10 * time.Minute
)

var (
	sessionsDesc = prometheus.NewDesc("sallyport_sessions", "Live sessions in the store, of all gateways that share it, by state. "+
		"Counted now and then while somebody scrapes; missing while the store cannot be counted.", []string{"app", "state"}, nil)
	tokenDesc = prometheus.NewDesc("sallyport_vault_token_expires_seconds", "Seconds until the gateway's token of Vault ends, unless it "+
		"is renewed. Missing where there is no token, or one that does not end.", nil, nil)
)

// gauges shows the state of a configuration's stores at the moment of a scrape.
type gauges struct {
	shared *session.Shared
	apps   func() []string
	// token is when the token of Vault ends; nil if no Vault is used.
	token func() (time.Time, bool)
	now   func() time.Time
	life  context.Context // ends with the configuration

	mutex    sync.Mutex
	counting chan struct{} // closed when the present walk ends; nil without one
	counts   map[string]map[gate.State]int
	counted  time.Time // when counts was made
	earliest time.Time // when the next walk may begin
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- sessionsDesc
	descriptions <- tokenDesc
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(metrics chan<- prometheus.Metric) {
	if g.token != nil {
		if expires, ok := g.token(); ok {
			metrics <- prometheus.MustNewConstMetric(tokenDesc, prometheus.GaugeValue, expires.Sub(g.now()).Seconds())
		}
	}
	counts := g.present()
	if counts == nil {
		return
	}
	for _, app := range g.apps() { // other apps that share the store are shown by their own gateways
		for _, state := range []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling, gate.Verified} {
			metrics <- prometheus.MustNewConstMetric(sessionsDesc, prometheus.GaugeValue, float64(counts[app][state]), app, state.String())
		}
	}
}

// present returns the last count, by app and state; nil if there is none that may still be shown. It begins another
// count if that is due. A scrape waits for a walk for countPatience at most. However often somebody scrapes, there are
// at most two walks a minute, which take at most a twentieth of the time.
func (g *gauges) present() map[string]map[gate.State]int {
	g.mutex.Lock()
	now := g.now()
	if g.counting == nil && now.Sub(g.counted) >= countLife && !now.Before(g.earliest) {
		g.counting = make(chan struct{})
		go g.count(g.counting)
	}
	counting := g.counting
	g.mutex.Unlock()

	if counting != nil {
		patience := time.NewTimer(countPatience)
		defer patience.Stop()
		select {
		case <-counting:
		case <-patience.C:
		}
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.now().Sub(g.counted) > countKept {
		return nil
	}
	return g.counts
}

// count walks over the store once.
func (g *gauges) count(done chan struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(g.life, countTimeout)
	defer cancel()
	began, counts := g.now(), make(map[string]map[gate.State]int)
	err := g.shared.Count(ctx, func(app string, state gate.State) {
		if counts[app] == nil {
			counts[app] = make(map[gate.State]int)
		}
		counts[app][state]++
	})
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.counting = nil
	now := g.now()
	g.earliest = now.Add(countShare * now.Sub(began))
	if err == nil {
		g.counts, g.counted = counts, now
	}
}
