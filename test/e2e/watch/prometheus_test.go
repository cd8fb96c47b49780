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
	"time"

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

// onlyWithVault is the one metric that a gateway without Vault does not have; TestVaultMetrics tests it.
const onlyWithVault = "sallyport_vault_token_expires_seconds"

// scraped returns the labels of each metric in a scrape of a gateway.
func scraped(t *testing.T) map[string][]string {
	t.Helper()
	hook := site.NewReceiver(t)
	g := start(t, hook.Line(), site.Options{})
	g.member(t, "127.0.0.1")
	within(t, time.Minute, "a notice is sent", func() bool { return len(hook.Came()) > 0 })
	metrics := map[string][]string{onlyWithVault: nil}
	name := regexp.MustCompile(`^(sallyport_\w+?)(?:_bucket)?(?:\{(.*)\})? `)
	for line := range strings.Lines(g.adminMetrics(t)) {
		found := name.FindStringSubmatch(line)
		if found == nil {
			continue // a comment
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(found[2], -1) {
			metrics[found[1]] = append(metrics[found[1]], label[1])
		}
	}
	return metrics
}

// asksFor returns the metrics in a panel's query, and fails the test unless they and their labels are in a scrape.
func asksFor(t *testing.T, panel, expression string, metrics map[string][]string) (names []string) {
	t.Helper()
	var labels []string
	for _, name := range regexp.MustCompile(`sallyport_\w+`).FindAllString(expression, -1) {
		name = strings.TrimSuffix(name, "_bucket")
		names = append(names, name)
		if _, there := metrics[name]; !there {
			t.Errorf("%q asks for %s, which no scrape has", panel, name)
		}
		labels = append(labels, metrics[name]...)
	}
	for _, found := range regexp.MustCompile(`by \(([^)]*)\)|(\w+)(?:=~|!~|!=|=)"`).FindAllStringSubmatch(expression, -1) {
		for label := range strings.SplitSeq(found[1]+found[2], ", ") {
			if !slices.Contains(labels, label) {
				t.Errorf("%q asks for the label %s, which %s has not", panel, label, names)
			}
		}
	}
	return names
}

// TestDashboard: Grafana's dashboard has the parts that every dashboard has, its panels do not overlap, and what they
// queries are PromQL with metrics and labels that a real scrape has. It shows every metric.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type string }
		}
		Time   struct{ From, To string }
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct {
				RefID, Expr string
				Datasource  struct{ Type, UID string }
			}
			FieldConfig, Options map[string]any
		}
	}
	metrics := scraped(t)
	decoder := json.NewDecoder(strings.NewReader(read(inCheckout(t, "packaging/prometheus/dashboard.json"))))
	if err := decoder.Decode(&dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion < 36 || len(dashboard.Templating.List) != 2 || dashboard.Time.From == "" || dashboard.Time.To == "" {
		t.Errorf("%+v", dashboard)
	}
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
		if panel.Type != "row" && (len(panel.Targets) == 0 || panel.FieldConfig["defaults"] == nil || panel.Options == nil) {
			t.Errorf("%q asks for nothing, or does not say how to show it", panel.Title)
		}
		refs := map[string]bool{}
		for _, target := range panel.Targets {
			expression := strings.NewReplacer("$__rate_interval", "1m", "$app", ".*").Replace(target.Expr)
			fmt.Fprintf(&rules, "      - record: dashboard:%d%s\n        expr: %q\n", panel.ID, strings.ToLower(target.RefID), expression)
			for _, name := range asksFor(t, panel.Title, expression, metrics) {
				asked[name] = true
			}
			if target.RefID == "" || refs[target.RefID] || target.Datasource.Type != "prometheus" || target.Datasource.UID != "${datasource}" {
				t.Errorf("%q: target %q of %v", panel.Title, target.RefID, target.Datasource)
			}
			refs[target.RefID] = true
		}
	}
	for name := range metrics {
		if base, _, _ := strings.Cut(name, "_seconds_"); !asked[name] && !asked[base+"_seconds"] {
			t.Errorf("the dashboard does not show %s", name)
		}
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
