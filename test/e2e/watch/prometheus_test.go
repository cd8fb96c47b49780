package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// promtool runs Debian's promtool.
func promtool(t *testing.T, input string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "promtool", arguments...)
	command.Dir = inCheckout(t, "packaging/prometheus")
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s, of Debian's package prometheus: %v\n%s", strings.Join(arguments, " "), err, output)
	}
}

// TestRules: promtool accepts the alerts and the configuration, and recorded series make each alert fire. Each alert
// has such a test and is documented.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "alerts.yml")
	promtool(t, "", "check", "config", "prometheus.yml")
	promtool(t, "", "test", "rules", "rules_test.yml")
	tests, docs := read(inCheckout(t, "packaging/prometheus/rules_test.yml")), read(inCheckout(t, "docs/operations.md"))
	alerts := regexp.MustCompile(`(?m)^\s+- alert: (\w+)$`).FindAllStringSubmatch(read(inCheckout(t, "packaging/prometheus/alerts.yml")), -1)
	if len(alerts) < 10 {
		t.Errorf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		if !strings.Contains(tests, "alertname: "+alert[1]+"\n        exp_alerts:") {
			t.Errorf("no test makes %s fire", alert[1])
		}
		if !strings.Contains(docs, "`"+alert[1]+"`") {
			t.Errorf("docs/operations.md does not mention %s", alert[1])
		}
	}
}

// TestDashboard: Grafana's dashboard has the parts that every dashboard has, its panels do not overlap, and their
// queries are PromQL with existing metrics.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type string }
		}
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ RefID, Expr string }
		}
	}
	decoder := json.NewDecoder(strings.NewReader(read(inCheckout(t, "packaging/prometheus/dashboard.json"))))
	if err := decoder.Decode(&dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion < 36 || len(dashboard.Templating.List) != 2 {
		t.Errorf("%+v", dashboard)
	}
	docs := read(inCheckout(t, "docs/metrics.md"))
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	ids, taken := map[int]bool{}, map[[2]int]string{}
	asked := map[string]bool{}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || !slices.Contains([]string{"row", "stat", "timeseries"}, panel.Type) || panel.Title == "" {
			t.Errorf("panel %d %q of type %q", panel.ID, panel.Title, panel.Type)
		}
		ids[panel.ID] = true
		at := panel.GridPos
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q, or out of the dashboard", panel.Title, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("%q has no query", panel.Title)
		}
		for _, target := range panel.Targets {
			expression := strings.NewReplacer("$__rate_interval", "1m", "$app", ".*").Replace(target.Expr)
			fmt.Fprintf(&rules, "      - record: dashboard:%d%s\n        expr: %q\n", panel.ID, strings.ToLower(target.RefID), expression)
			for _, name := range regexp.MustCompile(`sallyport_\w+`).FindAllString(expression, -1) {
				name = strings.TrimSuffix(name, "_bucket")
				asked[name] = true
				if !strings.Contains(docs, "`"+name+"`") {
					t.Errorf("%q queries %s, which does not exist", panel.Title, name)
				}
			}
		}
	}
	if len(asked) < 11 {
		t.Errorf("the dashboard shows %d metrics", len(asked))
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", path)
}

// adminMetrics returns Sallyport's metrics from Caddy's admin endpoint.
func (g *gateway) adminMetrics(t *testing.T) string {
	t.Helper()
	var ours bytes.Buffer
	for line := range strings.Lines(g.Admin(t, "/metrics")) {
		if strings.Contains(line, "sallyport_") {
			ours.WriteString(line)
		}
	}
	return ours.String()
}

// value returns a series' value; -1 if the series does not exist.
func value(t *testing.T, metrics, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if rest, found := strings.CutPrefix(line, series+" "); found {
			var number float64
			if _, err := fmt.Sscan(rest, &number); err != nil {
				t.Fatal(line, err)
			}
			return number
		}
	}
	return -1
}

// TestP9_Metrics: the metrics contain no user, address, path, password or code, and promtool accepts them. Events are
// counted, and a reload keeps the counts. The control: the metrics contain the app's name.
func TestP9_Metrics(t *testing.T) {
	t.Parallel()
	g := start(t, "", site.Options{})
	c, phone, codes := g.member(t, "127.0.0.1")
	code := phone.Code(t)
	useHonestly(t, c, phone, codes)
	attack(t, g)
	c.Get("/a-path-of-no-label?with=a-query")
	metrics := g.adminMetrics(t)
	promtool(t, metrics, "check", "metrics")
	for _, private := range []string{"alice", "bob", "127.0.0.", demo.AlicePassword, demo.BobPassword, code, phone.Key, codes[0], "no-label", "second-factor", "/"} {
		if strings.Contains(metrics, private) {
			t.Errorf("the metrics have %q:\n%s", private, metrics)
		}
	}
	if err := g.Reload(); err != nil {
		t.Fatal(err)
	}
	after := g.adminMetrics(t)
	for series, want := range map[string]float64{
		`sallyport_logins_total{app="ledger",outcome="accepted"}`:                     5,
		`sallyport_logins_total{app="ledger",outcome="failed"}`:                       4,
		`sallyport_logins_total{app="ledger",outcome="refused"}`:                      2,
		`sallyport_challenges_total{app="ledger",method="totp",outcome="failed"}`:     5,
		`sallyport_challenges_total{app="ledger",method="totp",outcome="throttled"}`:  2,
		`sallyport_challenges_total{app="ledger",method="recovery",outcome="passed"}`: 1,
		`sallyport_throttled_total{app="ledger"}`:                                     1,
		`sallyport_factor_changes_total{app="ledger",change="added"}`:                 2,
		`sallyport_streams_cut_total{app="ledger"}`:                                   0,
	} {
		if before, now := value(t, metrics, series), value(t, after, series); before != want || now != want {
			t.Errorf("%s is %v, after a reload %v, want %v", series, before, now, want)
		}
	}
	for _, series := range []string{
		`sallyport_store_requests_total{operation="get",outcome="ok",store="secrets"}`, `sallyport_store_requests_total{operation="find",outcome="ok",store="sessions"}`,
		`sallyport_store_request_duration_seconds_count{operation="put",store="secrets"}`, `sallyport_sessions{app="ledger",state="verified"}`,
	} {
		if before, now := value(t, metrics, series), value(t, after, series); before <= 0 || now < before {
			t.Errorf("%s is %v, after a reload %v", series, before, now)
		}
	}
	if !strings.Contains(metrics, "sallyport_build_info{") {
		t.Error("no build_info")
	}
}

// TestMetricsOfManyUsers: a thousand names and addresses add no series.
func TestMetricsOfManyUsers(t *testing.T) {
	t.Parallel()
	g := start(t, "", site.Options{})
	signIn(t, g.Client(t), "alice", "wrong")
	series := func() int { return strings.Count(g.adminMetrics(t), "\n") }
	before := series()
	for i := range 40 {
		c := g.ClientFrom(t, fmt.Sprintf("127.0.1.%d", i+1))
		c.Post("/login", url.Values{"username": {fmt.Sprintf("user-%d", i)}, "password": {"x"}})
		c.Get(fmt.Sprintf("/path-%d", i)).Wants(t, http.StatusSeeOther, "")
	}
	if after := series(); after != before {
		t.Errorf("%d lines of metrics before, %d after", before, after)
	}
}
