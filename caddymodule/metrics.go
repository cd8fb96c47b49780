package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport.example/sallyport/event"
	factorstore "sallyport.example/sallyport/factor/observed"
	"sallyport.example/sallyport/gateway"
	sessionstore "sallyport.example/sallyport/session/store/observed"
)

// The counters live as long as the process. Caddy makes a registry for each configuration, and they are registered with
// each, so a reload loses no count. No label has a user, an address or a path, so the configuration bounds the number
// of series.
var (
	loginsTotal = newCounter("logins_total", "Logins, by what came of them: accepted, failed or refused.", "app", "outcome")

	challengesTotal = newCounter("challenges_total", "Answers to challenges, by the kind of factor (trusted: a trusted browser; none: no factor "+
		"was owed) and by what came of them: passed, failed or throttled.", "app", "method", "outcome")

	factorChangesTotal = newCounter("factor_changes_total", "Changes of users' factors: added, removed, reset, disabled or recovery_codes.",
		"app", "change")

	passwordExposedTotal = newCounter("password_exposed_total", "How often a password was right and no factor was proved, in a browser "+
		"in which the user was never seen.", "app")

	throttledTotal = newCounter("throttled_total", "How often wrong codes began a time in which none is judged, or stopped an account.", "app")

	streamsCutTotal = newCounter("streams_cut_total", "Answers and WebSockets that were cut because their session ended.", "app")

	noticesTotal = newCounter("notices_total", "Notices, by where they go (webhook or mail) and by what came of them: sent or lost. "+
		"Each attempt that failed counts as failed.", "app", "kind", "outcome")

	storeRequestsTotal = newCounter("store_requests_total", "Calls to the stores of secrets and of sessions, by how they ended.",
		"store", "operation", "outcome")

	storeRequestDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "sallyport", Name: "store_request_duration_seconds", Help: "How long calls to the stores of secrets and of sessions took.",
		Buckets: []float64{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
	}, []string{"store", "operation"})

	buildInfo = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "sallyport", Name: "build_info", Help: "Always 1; the labels say which version runs.",
	}, []string{"version", "goversion"})
)

// lastingMetrics returns all of these.
func lastingMetrics() []prometheus.Collector {
	return []prometheus.Collector{
		loginsTotal, challengesTotal, factorChangesTotal, throttledTotal, passwordExposedTotal, streamsCutTotal, noticesTotal, storeRequestsTotal,
		storeRequestDuration, buildInfo,
	}
}

func newCounter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sallyport", Name: name, Help: help}, labels)
}

func init() { buildInfo.WithLabelValues(version(), runtime.Version()).Set(1) }

// version returns the module's version in any binary that it was built into; `devel` for a build from a checkout.
func version() string {
	const module = "sallyport.example/sallyport"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	found := ""
	if info.Main.Path == module {
		found = info.Main.Version
	}
	for _, used := range info.Deps {
		if used.Path == module {
			found = used.Version
		}
	}
	if found == "(devel)" {
		found = "devel"
	}
	return cmp.Or(found, "unknown")
}

// registerMetrics registers the process's counters and the given collectors with the configuration's registry.
func registerMetrics(registry *prometheus.Registry, more ...prometheus.Collector) error {
	if registry == nil {
		return nil // Caddy has no registry, as in some tests
	}
	for _, collector := range append(lastingMetrics(), more...) {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(collector); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}

// counted is the event.Sink that counts the events of one app.
type counted struct{}

// Emit implements event.Sink.
func (counted) Emit(_ context.Context, e event.Event) {
	switch e.Name {
	case event.LoginAccepted, event.LoginFailed, event.LoginRefused:
		loginsTotal.WithLabelValues(e.App, string(e.Name.Outcome())).Inc()
	case event.ChallengePassed, event.ChallengeFailed:
		if outcome := challengeOutcome(e); outcome != "" {
			challengesTotal.WithLabelValues(e.App, cmp.Or(e.Method, unknownMethod), outcome).Inc()
		}
	case event.Throttled, event.Stopped:
		throttledTotal.WithLabelValues(e.App).Inc()
	case event.PasswordExposed:
		passwordExposedTotal.WithLabelValues(e.App).Inc()
	}
	if change := e.Name.Change(); change != "" {
		factorChangesTotal.WithLabelValues(e.App, change).Inc()
	}
}

// unknownMethod is the method of a code that was wrong and could have been of any kind.
const unknownMethod = "unknown"

// challengeOutcome returns the outcome of a challenge; empty for a code that was to confirm a new factor, because that
// is no challenge.
func challengeOutcome(e event.Event) string {
	switch {
	case e.Reason == event.ReasonSetUp:
		return ""
	case e.Reason == event.ReasonThrottled || e.Reason == event.ReasonStopped:
		return "throttled"
	case e.Name == event.ChallengePassed:
		return string(event.Passed)
	}
	return string(event.Failed)
}

// count makes the site count what is no event. It also creates the counters at zero, so that the first event is an
// increase.
func (h *Handler) count(config *gateway.Config) {
	config.StreamCut = streamsCutTotal.WithLabelValues(h.App).Inc
	var methods []string
	if factors, err := h.factors(); err == nil {
		for _, kind := range factors.Kinds {
			methods = append(methods, string(kind.Name()))
		}
	}
	beginCounting(h.App, methods)
}

func beginCounting(app string, methods []string) {
	for _, outcome := range []event.Outcome{event.Accepted, event.Failed, event.Refused} {
		loginsTotal.WithLabelValues(app, string(outcome))
	}
	for _, method := range methods {
		for _, outcome := range []string{"passed", "failed", "throttled"} {
			challengesTotal.WithLabelValues(app, method, outcome)
		}
	}
	for _, name := range []event.Name{event.FactorAdded, event.FactorRemoved, event.FactorReset, event.FactorsDisabled, event.RecoveryCodesMade} {
		factorChangesTotal.WithLabelValues(app, name.Change())
	}
	throttledTotal.WithLabelValues(app)
	passwordExposedTotal.WithLabelValues(app)
}

// storeMeter counts the calls to one store. It looks its counters up once, because every request comes through here.
type storeMeter struct {
	outcomes  map[[2]string]prometheus.Counter
	durations map[string]prometheus.Observer
}

func newStoreMeter(store string, operations, outcomes []string) *storeMeter {
	m := &storeMeter{make(map[[2]string]prometheus.Counter), make(map[string]prometheus.Observer)}
	for _, operation := range operations {
		m.durations[operation] = storeRequestDuration.WithLabelValues(store, operation)
		for _, outcome := range outcomes {
			m.outcomes[[2]string{operation, outcome}] = storeRequestsTotal.WithLabelValues(store, operation, outcome)
		}
	}
	return m
}

// Observe implements the observers of both kinds of stores.
func (m *storeMeter) Observe(operation, outcome string, took time.Duration) {
	m.outcomes[[2]string{operation, outcome}].Inc()
	m.durations[operation].Observe(took.Seconds())
}

var (
	secretsMeter  = newStoreMeter("secrets", factorstore.Operations(), factorstore.Outcomes())
	sessionsMeter = newStoreMeter("sessions", sessionstore.Operations(), sessionstore.Outcomes())
)
