package bench

import (
	"errors"
	"strings"
	"testing"
)

const wrkSays = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.24ms  573.00us   9.00ms   81.04%
  Latency Distribution
     50%    1.10ms
     99%    3.30ms
  25513 requests in 2.00s, 3.09MB read
Requests/sec:  12748.55
Transfer/sec:      1.54MB
`

const h2loadSays = `starting benchmark...
finished in 2.00s, 20512.50 req/s, 2.56MB/s
requests: 41025 total, 41041 started, 41025 done, 41025 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 41041 2xx, 0 3xx, 0 4xx, 0 5xx
`

// TestReaders: the tools' output is parsed, and a run in which the gateway refused a request is an error.
func TestReaders(t *testing.T) {
	if got, err := parseWrk(wrkSays); err != nil || got != (Sample{12748.55, 0.0033}) {
		t.Errorf("wrk: %v %v", got, err)
	}
	// It writes a space after seconds.
	if got, err := parseWrk(strings.Replace(wrkSays, "3.30ms", "1.69s ", 1)); err != nil || got.P99 != 1.69 {
		t.Errorf("wrk: %v %v", got, err)
	}
	for _, bad := range []string{"  Non-2xx or 3xx responses: 25513\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"} {
		if _, err := parseWrk(wrkSays + bad); !errors.Is(err, errBadAnswers) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if got, err := parseH2load(h2loadSays); err != nil || got != (Sample{Rate: 20512.50}) {
		t.Errorf("h2load: %v %v", got, err)
	}
	for _, output := range []string{"", "Requests/sec: many", "unable to connect"} {
		if _, err := parseWrk(output); err == nil {
			t.Errorf("wrk: %q is accepted", output)
		}
		if _, err := parseH2load(output); err == nil {
			t.Errorf("h2load: %q is accepted", output)
		}
	}
	const refused = "finished in 2.00s, 5.00 req/s\nstatus codes: 10 2xx, 1 3xx, 0 4xx, 0 5xx\n"
	if _, err := parseH2load(refused); !errors.Is(err, errBadAnswers) {
		t.Errorf("h2load with redirects: %v", err)
	}
}
