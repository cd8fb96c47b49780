package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

// prometheus is Debian's Prometheus, which scrapes a gateway every other second.
type prometheus struct {
	t   *testing.T
	url string
}

// waits matches the `for` of alerts, for which a test does not wait. promtool tests these (TestRules).
var waits = regexp.MustCompile(`(?m)^\s+for: .*\n`)

// scrape starts a Prometheus with Sallyport's alerts, without their waits.
func scrape(t *testing.T, target string) *prometheus {
	t.Helper()
	folder := t.TempDir()
	alerts := waits.ReplaceAllString(read(inCheckout(t, "packaging/prometheus/alerts.yml")), "")
	config := read(inCheckout(t, "packaging/prometheus/prometheus.yml"))
	config = "global: {evaluation_interval: 200ms, scrape_timeout: 2s}\n" + strings.NewReplacer("127.0.0.1:2019", target, "scrape_interval: 15s", "scrape_interval: 2s").Replace(config)
	for name, text := range map[string]string{"alerts.yml": alerts, "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	var log site.Buffer
	command := exec.CommandContext(context.Background(), "prometheus", "--config.file="+filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatalf("Debian's package prometheus: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("prometheus: %s", log.String())
		}
	})
	p := &prometheus{t, "http://" + address}
	within(t, time.Minute, "prometheus is ready", func() bool {
		answer, err := http.Get(p.url + "/-/ready")
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil && answer.StatusCode == http.StatusOK
	})
	return p
}

// ask sends a request to the API, and decodes the answer's data.
func (p *prometheus) ask(path string, data any) {
	p.t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &struct{ Data any }{data}); err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %d %s %v", path, answer.StatusCode, text, err)
	}
}

// value returns the value of an expression with one value; -1 if it has none.
func (p *prometheus) value(expression string) float64 {
	p.t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	p.ask("/api/v1/query?query="+url.QueryEscape(expression), &data)
	if len(data.Result) != 1 {
		return -1
	}
	var number float64
	if _, err := fmt.Sscan(data.Result[0].Value[1].(string), &number); err != nil {
		p.t.Fatal(err)
	}
	return number
}

// firing returns the names of the alerts that fire.
func (p *prometheus) firing() (names []string) {
	p.t.Helper()
	var data struct {
		Alerts []struct {
			State  string
			Labels struct{ Alertname string }
		}
	}
	p.ask("/api/v1/alerts", &data)
	for _, alert := range data.Alerts {
		if alert.State == "firing" && !slices.Contains(names, alert.Labels.Alertname) {
			names = append(names, alert.Labels.Alertname)
		}
	}
	slices.Sort(names)
	return names
}

// TestPrometheus: a real Prometheus scrapes a gateway under load, and its figures match what was done. No alert fires
// then. Next, codes are guessed, the session store is stopped, and the gateway is stopped: each time the alert for that
// fires.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	redis := servers.StartRedis(t)
	exporter, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, "throttle {\n\tfree 2\n\tdelay 1s\n}\n", site.Options{
		Sessions: "sessions redis " + redis.URL(redis.Address), Sites: "http://" + exporter + " {\n\tmetrics\n}\n",
	})
	signIn(t, g.Client(t), "alice", "wrong") // so that failed logins have a first value
	p := scrape(t, exporter)
	within(t, time.Minute, "the first scrape", func() bool {
		return p.value(`sallyport_logins_total{outcome="failed"}`) == 1
	})

	const people, requests = 8, 40
	var all sync.WaitGroup
	for i := range people {
		c := g.Client(t)
		signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
		all.Go(func() {
			for range requests {
				if _, err := c.Try("GET", "/files", nil, ""); err != nil {
					t.Error(i, err)
				}
			}
		})
	}
	all.Wait()
	for expression, want := range map[string]float64{
		`sallyport_logins_total{outcome="accepted"}`:                 people,
		`sum(sallyport_sessions{state="verified"})`:                  people,
		`sum(sallyport_store_requests_total{outcome="unavailable"})`: 0,
		`count(sallyport_build_info)`:                                1,
	} {
		within(t, time.Minute, fmt.Sprintf("%s is %v, and not %v", expression, want, p.value(expression)), func() bool { return p.value(expression) == want })
	}
	if firing := p.firing(); len(firing) != 0 {
		t.Errorf("%q fire when all is well", firing)
	}

	c, _, _ := g.member(t, "127.0.0.1")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	within(t, 2*time.Minute, "codes are guessed", func() bool {
		guess(t, c)
		return slices.Equal(p.firing(), []string{"SallyportCodesGuessed"})
	})

	redis.Kill()
	within(t, 2*time.Minute, "the session store is away", func() bool {
		_, _ = c.Try("GET", "/", nil, "")
		return slices.Contains(p.firing(), "SallyportSessionsUnavailable")
	})
	g.Stop()
	within(t, 2*time.Minute, "the gateway is away", func() bool { return slices.Contains(p.firing(), "SallyportDown") })
}
