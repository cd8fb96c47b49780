package caddymodule

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/session"
)

// gathered returns a registry's families by name, each with its type, its help, and its series as
// `{label="value",…} value`.
func gathered(t *testing.T, collectors ...prometheus.Collector) map[string]family {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registerMetrics(registry, collectors...); err != nil {
		t.Fatal(err)
	}
	found, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families := make(map[string]family)
	for _, one := range found {
		f := family{kind: strings.ToLower(one.GetType().String()), help: one.GetHelp(), values: make(map[string]float64)}
		for _, metric := range one.GetMetric() {
			var labels []string
			for _, pair := range metric.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
				if !slices.Contains(f.labels, pair.GetName()) {
					f.labels = append(f.labels, pair.GetName())
				}
			}
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			f.values["{"+strings.Join(labels, ",")+"}"] = value
		}
		families[one.GetName()] = f
	}
	return families
}

type family struct {
	kind, help string
	labels     []string
	values     map[string]float64
}

// memoryGauges are gauges over sessions in memory, with a token that ends in an hour.
func memoryGauges(t *testing.T, app string) (*gauges, *session.Shared) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	shared := session.NewShared(memory)
	return &gauges{
		shared: shared, apps: func() []string { return []string{app} }, now: time.Now, life: t.Context(),
		token: func() (time.Time, bool) { return time.Now().Add(time.Hour), true },
	}, shared
}

// TestMetricDocs compares docs/metrics.md with the registered metrics; `go test ./caddymodule -run TestMetricDocs
// -update` writes its table.
func TestMetricDocs(t *testing.T) {
	const app = "documented"
	beginCounting(app, []string{"totp"})
	streamsCutTotal.WithLabelValues(app)
	noticesTotal.WithLabelValues(app, "webhook", "sent")
	shown, _ := memoryGauges(t, app)
	families := gathered(t, shown)
	names := make([]string, 0, len(families))
	for name := range families {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, want := range []string{
		"sallyport_logins_total", "sallyport_challenges_total", "sallyport_factor_changes_total", "sallyport_throttled_total", "sallyport_sessions",
		"sallyport_store_requests_total", "sallyport_store_request_duration_seconds", "sallyport_vault_token_expires_seconds",
		"sallyport_streams_cut_total", "sallyport_build_info", "sallyport_notices_total",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
	var table strings.Builder
	table.WriteString("| metric | type | labels | what it says |\n|---|---|---|---|\n")
	for _, name := range names {
		f := families[name]
		var labels []string
		for _, label := range f.labels {
			if !slices.Contains([]string{"app", "kind", "method", "operation", "outcome", "change", "state", "store", "version", "goversion"}, label) {
				t.Errorf("%s has the label %s: is the number of its values bounded?", name, label)
			}
			labels = append(labels, "`"+label+"`")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, f.kind, strings.Join(labels, ", "), f.help)
	}
	keepPart(t, "../docs/metrics.md", "metrics", table.String())
}

// TestCountedEvents: each event increases the right series.
func TestCountedEvents(t *testing.T) {
	for i, test := range []struct {
		event event.Event
		want  string // the series that increases by one; empty for none
	}{
		{event.Event{Name: event.LoginAccepted}, `logins_total{app="%s",outcome="accepted"}`},
		{event.Event{Name: event.LoginFailed}, `logins_total{app="%s",outcome="failed"}`},
		{event.Event{Name: event.LoginRefused}, `logins_total{app="%s",outcome="refused"}`},
		{event.Event{Name: event.ChallengePassed, Method: "totp"}, `challenges_total{app="%s",method="totp",outcome="passed"}`},
		{event.Event{Name: event.ChallengeFailed, Method: "totp", Outcome: event.Failed}, `challenges_total{app="%s",method="totp",outcome="failed"}`},
		{event.Event{Name: event.ChallengeFailed, Reason: event.ReasonChange}, `challenges_total{app="%s",method="unknown",outcome="failed"}`},
		{event.Event{Name: event.ChallengeFailed, Method: "totp", Reason: event.ReasonThrottled}, `challenges_total{app="%s",method="totp",outcome="throttled"}`},
		{event.Event{Name: event.ChallengeFailed, Method: "totp", Reason: event.ReasonStopped}, `challenges_total{app="%s",method="totp",outcome="throttled"}`},
		{event.Event{Name: event.ChallengeFailed, Method: "totp", Reason: event.ReasonSetUp}, ""},
		{event.Event{Name: event.Throttled, Method: "totp"}, `throttled_total{app="%s"}`},
		{event.Event{Name: event.PasswordExposed}, `password_exposed_total{app="%s"}`},
		{event.Event{Name: event.Stopped, Method: "totp"}, `throttled_total{app="%s"}`},
		{event.Event{Name: event.FactorAdded}, `factor_changes_total{app="%s",change="added"}`},
		{event.Event{Name: event.FactorRemoved}, `factor_changes_total{app="%s",change="removed"}`},
		{event.Event{Name: event.FactorReset}, `factor_changes_total{app="%s",change="reset"}`},
		{event.Event{Name: event.FactorsDisabled}, `factor_changes_total{app="%s",change="disabled"}`},
		{event.Event{Name: event.RecoveryCodesMade}, `factor_changes_total{app="%s",change="recovery_codes"}`},
		{event.Event{Name: event.SignedOut}, ""},
	} {
		app := fmt.Sprintf("counted-%d", i)
		test.event.App, test.event.User, test.event.Client = app, "a user of no label", "192.0.2.77"
		counted{}.Emit(t.Context(), test.event)
		var found []string
		for name, f := range gathered(t) {
			for labels, value := range f.values {
				series := strings.TrimPrefix(name, "sallyport_") + labels
				if strings.Contains(series, app) && value == 1 {
					found = append(found, series)
				}
				if strings.Contains(series, "a user of no label") || strings.Contains(series, "192.0.2.77") {
					t.Errorf("%s holds a user or an address", series)
				}
			}
		}
		want := strings.Replace(test.want, "%s", app, 1)
		if strings.Join(found, " ") != want {
			t.Errorf("%s %s: counts %q, want %q", test.event.Name, test.event.Reason, found, want)
		}
	}
}

// TestReloadKeepsTheCounts: the registry of the next configuration goes on with the same counts.
func TestReloadKeepsTheCounts(t *testing.T) {
	const series = `{app="reloaded",outcome="accepted"}`
	counted{}.Emit(t.Context(), event.Event{Name: event.LoginAccepted, App: "reloaded"})
	before := gathered(t)["sallyport_logins_total"].values[series]
	counted{}.Emit(t.Context(), event.Event{Name: event.LoginAccepted, App: "reloaded"})
	if after := gathered(t)["sallyport_logins_total"].values[series]; before != 1 || after != 2 {
		t.Errorf("%v, after it %v", before, after)
	}
	registry := prometheus.NewPedanticRegistry()
	for range 2 { // as a site that is provisioned twice in one configuration would
		if err := registerMetrics(registry); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSessionsGauge: the gauge counts live sessions by state, of the configuration's apps only.
func TestSessionsGauge(t *testing.T) {
	shown, shared := memoryGauges(t, "wiki")
	for app, sessions := range map[string]int{"wiki": 3, "another": 2} {
		manager := shared.Manager(session.Config{App: app})
		for range sessions {
			if _, err := manager.Begin(t.Context(), "host", time.Now(), session.KeepGuest(session.Cookies{}, custody.Jar{}, true)); err != nil {
				t.Fatal(err)
			}
		}
	}
	values := gathered(t, shown)["sallyport_sessions"].values
	want := map[string]float64{
		`{app="wiki",state="anonymous"}`: 3, `{app="wiki",state="pending"}`: 0, `{app="wiki",state="enrolling"}`: 0, `{app="wiki",state="verified"}`: 0,
	}
	if fmt.Sprint(values) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", values, want)
	}
}

// slowStore is a store whose walks take long, or fail.
type slowStore struct {
	scs.CtxStore
	takes time.Duration
	err   error
	walks int
}

func (s *slowStore) EachCtx(ctx context.Context, _ func(string, []byte) error) error {
	s.walks++
	select {
	case <-time.After(s.takes):
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestScrapesWalkSeldom: a scrape waits for a second at most. However often somebody scrapes, there are at most two
// walks over the store a minute, which take at most a twentieth of the time.
func TestScrapesWalkSeldom(t *testing.T) {
	for _, test := range []struct {
		takes time.Duration
		most  int
	}{{time.Millisecond, 20}, {10 * time.Second, 4}, {time.Hour, 2}} {
		t.Run(test.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				store := &slowStore{takes: test.takes}
				shown := &gauges{shared: session.NewShared(struct {
					*slowStore
					scs.Store
				}{store, nil}), now: time.Now, life: ctx}
				began := time.Now()
				for time.Since(began) < 10*time.Minute {
					asked := time.Now()
					shown.present()
					if waited := time.Since(asked); waited > countPatience {
						t.Fatalf("a scrape waited for %s", waited)
					}
					time.Sleep(time.Second)
				}
				if store.walks > test.most || store.walks == 0 {
					t.Errorf("%d walks in ten minutes", store.walks)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// TestOldCountsAreNotTold: if the sessions cannot be counted any more, the last count is shown for ten minutes.
func TestOldCountsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(slowStore)
		shown := &gauges{shared: session.NewShared(struct {
			*slowStore
			scs.Store
		}{store, nil}), now: time.Now, life: t.Context()}
		if shown.present() == nil {
			t.Error("no count")
		}
		store.err = context.DeadlineExceeded
		time.Sleep(5 * time.Minute)
		if shown.present() == nil {
			t.Error("the last count is not shown after five minutes")
		}
		time.Sleep(6 * time.Minute)
		if shown.present() != nil {
			t.Error("the last count is shown after eleven minutes")
		}
	})
}

// TestVersion: the version of a build from a checkout is `devel`.
func TestVersion(t *testing.T) {
	if got := version(); !regexp.MustCompile(`^(devel|unknown|v\d.*)$`).MatchString(got) {
		t.Errorf("version %q", got)
	}
}
