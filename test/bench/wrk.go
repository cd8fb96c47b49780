package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Load describes the requests of one measurement.
type Load struct {
	// Address is the host and port, and Path the path.
	Address, Path string
	// Cookie is the cookie to send, a name and a value: of the gateway's session, or of the app's if there is no
	// gateway.
	Cookie string
	// Page says that the requests are page loads.
	Page bool
	// Connections is the number of concurrent connections, and For is how long they are used.
	Connections int
	For         time.Duration
	// Upload is a file to send with each request; empty: GET.
	Upload string
	// HTTP2 uses HTTP/2 without TLS, with h2load instead of wrk.
	HTTP2 bool
}

// Run sends the requests, and returns the result. An answer without a 2xx status is an error.
func (l Load) Run(ctx context.Context) (Sample, error) {
	command := l.wrk()
	if l.HTTP2 {
		command = l.h2load()
	}
	output, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return Sample{}, fmt.Errorf("%s: %w: %s", command[0], err, output)
	}
	if l.HTTP2 {
		return parseH2load(string(output))
	}
	return parseWrk(string(output))
}

func (l Load) wrk() []string {
	command := []string{"wrk", "-t1", "-c" + strconv.Itoa(l.Connections), "-d" + strconv.Itoa(int(l.For.Seconds())) + "s", "--latency"}
	command = append(command, "-H", "Cookie: "+l.Cookie)
	if l.Upload != "" {
		command = append(command, "-s", l.Upload)
	}
	if l.Page {
		command = append(command, "-H", "Accept: text/html", "-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document")
	}
	return append(command, "http://"+l.Address+l.Path)
}

func (l Load) h2load() []string {
	command := []string{"h2load", "-t1", "-c4", "-m" + strconv.Itoa(max(1, l.Connections/4)), "-D" + strconv.Itoa(int(l.For.Seconds()))}
	command = append(command, "-H", "cookie: "+l.Cookie)
	return append(command, "http://"+l.Address+l.Path)
}

// uploadScript writes a script for wrk that sends a body of the given size with each request.
func uploadScript(file string, size int) error {
	script := fmt.Sprintf("wrk.method = \"PUT\"\nwrk.body = string.rep(\"x\", %d)\n", size)
	return os.WriteFile(file, []byte(script), 0o600)
}

var (
	wrkRate     = regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)$`)
	wrkTail     = regexp.MustCompile(`(?m)^\s+99%\s+([0-9.]+)(us|ms|s)\s*$`)
	wrkBad      = regexp.MustCompile(`(?m)^\s*(Non-2xx or 3xx responses|Socket errors): .*$`)
	h2loadRate  = regexp.MustCompile(`finished in [0-9.]+m?s, ([0-9.]+) req/s`)
	h2loadState = regexp.MustCompile(`status codes: ([0-9]+) 2xx, ([0-9]+) 3xx, ([0-9]+) 4xx, ([0-9]+) 5xx`)
)

// errBadAnswers is returned if some answers were not as expected.
var errBadAnswers = errors.New("not all answers were good")

func parseWrk(output string) (Sample, error) {
	if bad := wrkBad.FindString(output); bad != "" {
		return Sample{}, fmt.Errorf("%w: %s", errBadAnswers, strings.TrimSpace(bad))
	}
	rate, tail := wrkRate.FindStringSubmatch(output), wrkTail.FindStringSubmatch(output)
	if rate == nil || tail == nil {
		return Sample{}, fmt.Errorf("wrk said something else: %s", output)
	}
	perSecond, err := strconv.ParseFloat(rate[1], 64)
	if err != nil {
		return Sample{}, err
	}
	longest, err := time.ParseDuration(tail[1] + tail[2])
	if err != nil {
		return Sample{}, err
	}
	return Sample{Rate: perSecond, P99: longest.Seconds()}, nil
}

func parseH2load(output string) (Sample, error) {
	state := h2loadState.FindStringSubmatch(output)
	rate := h2loadRate.FindStringSubmatch(output)
	if state == nil || rate == nil {
		return Sample{}, fmt.Errorf("h2load said something else: %s", output)
	}
	if state[1] == "0" || state[2] != "0" || state[3] != "0" || state[4] != "0" {
		return Sample{}, fmt.Errorf("%w: %s", errBadAnswers, state[0])
	}
	perSecond, err := strconv.ParseFloat(rate[1], 64)
	return Sample{Rate: perSecond}, err
}
