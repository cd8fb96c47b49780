package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

const (
	gate = `
		app bench
		login /login {
			username form user
		}
		identity /me json /user
		logout /logout
		lifetime 12h
		idle 12h
	`
	// rounds is how often everything is measured, and each for how long.
	rounds = 5
	each   = 3 * time.Second
	crowd  = 100_000
)

// contestant is a running gateway, with a session of a user who is signed in.
type contestant struct {
	name string
	// sessions is where Sallyport keeps its sessions; empty: without Sallyport.
	sessions string
	// checked asks a checker about each request, like gateways that use forward_auth.
	checked bool
	// words are further lines of the site.
	words string
	*site.Site
	token string
}

// cookie returns the cookie of a browser that is signed in.
func (c *contestant) cookie() string {
	if c.token == "" {
		return "app=alice"
	}
	return "sallyport=" + c.token
}

// contestants starts the contestants, each as a process of its own.
func contestants(b *testing.B, upstream string) []*contestant {
	checker := site.Serve(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	redis, postgres := servers.StartRedis(b), servers.StartPostgres(b)
	all := []*contestant{
		{name: "bare"},
		{name: "forward_auth", checked: true},
		{name: "sallyport, memory", sessions: "memory"},
		{name: "sallyport, file", sessions: "file " + filepath.Join(b.TempDir(), "sessions.db")},
		{name: "sallyport, redis", sessions: "redis " + redis.URL(redis.Address)},
		{name: "sallyport, postgres", sessions: "postgres " + postgres.URL(postgres.Address, "postgres")},
	}
	for _, c := range all {
		c.start(b, upstream, checker)
	}
	return all
}

// start starts the contestant, without the debug log of tests.
func (c *contestant) start(b *testing.B, upstream, checker string) {
	gated, options := c.sessions != "", site.Options{}
	if gated {
		options.Sessions = "sessions " + c.sessions
	}
	block := gate + c.words
	c.Site = site.Start(b, upstream, block, options)
	c.Stop()
	caddyfile := strings.Replace(c.Caddyfile(), "level DEBUG", "level ERROR", 1)
	caddyfile = strings.Replace(caddyfile, "persist_config off", "persist_config off\n\tservers {\n\t\tprotocols h1 h2c\n\t}", 1)
	if !gated {
		caddyfile = strings.Replace(caddyfile, "second_factor {\n\t\t"+block+"\n\t}", "", 1)
	}
	if c.checked {
		caddyfile = strings.Replace(caddyfile, "\treverse_proxy", "\tforward_auth "+checker+" {\n\t\turi /check\n\t}\n\treverse_proxy", 1)
	}
	c.Write(caddyfile)
	c.Run()
	if gated {
		client := c.Client(b)
		client.Post("/login", url.Values{"user": {"alice"}}).Wants(b, http.StatusSeeOther, "/small")
		c.token = client.Token()
		client.Get("/small").Wants(b, http.StatusOK, "")
		page := client.Do(http.MethodGet, "/page", http.Header{"Sec-Fetch-Mode": {"navigate"}}, "").Wants(b, http.StatusOK, "")
		if strings.Contains(page.Text, "guard.js") != strings.Contains(c.words, "guard") {
			b.Fatalf("%s: the guard is in a page where it should not be, or is missing", c.name)
		}
	}
}

// measure measures all contestants in each round, so that other load of the machine affects all of them equally.
func measure(b *testing.B, all []*contestant, title string, of func(c *contestant) (Sample, error)) {
	b.Helper()
	unit := "a second"
	series := make([]Series, len(all))
	for round := range rounds {
		for i := range all {
			// Every second round has the reverse order, because the order makes a difference too.
			if round%2 == 1 {
				i = len(all) - 1 - i
			}
			sample, err := of(all[i])
			if err != nil {
				b.Fatalf("%s: %s: %v", title, all[i].name, err)
			}
			series[i].Name = all[i].name
			series[i].Samples = append(series[i].Samples, sample)
		}
	}
	if err := Print(os.Stdout, title, unit, series); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGateways is the benchmark of `make bench`.
func BenchmarkGateways(b *testing.B) {
	upstream := site.Serve(b, app())
	all := contestants(b, upstream)
	upload := filepath.Join(b.TempDir(), "upload.lua")
	if err := uploadScript(upload, 10<<20); err != nil {
		b.Fatal(err)
	}
	asked := func(load Load) func(c *contestant) (Sample, error) {
		return func(c *contestant) (Sample, error) {
			load.Address, load.Cookie, load.For = c.Address, c.cookie(), each
			return load.Run(b.Context())
		}
	}
	for b.Loop() {
		measure(b, all, "1 KiB page, HTTP/1.1, 32 connections", asked(Load{Path: "/small", Connections: 32}))
		measure(b, all, "1 KiB page, HTTP/2", asked(Load{Path: "/small", Connections: 32, HTTP2: true}))
		measure(b, all, "1 MiB download", asked(Load{Path: "/large", Connections: 8}))
		measure(b, all, "10 MiB upload", asked(Load{Path: "/upload", Connections: 4, Upload: upload}))
		measure(b, all, "WebSocket, messages of 1 KiB there and back, 8 sockets", func(c *contestant) (Sample, error) { return echo(b.Context(), c) })
		guarded := []*contestant{{name: "sallyport, memory", sessions: "memory"}, {name: "with guard", sessions: "memory", words: "guard\n"}}
		for _, c := range guarded {
			c.start(b, upstream, "")
		}
		measure(b, guarded, "100 KB page, with the guard in it", asked(Load{Path: "/page", Connections: 16, Page: true}))
		for _, c := range all {
			if c.token != "" {
				fill(b, c)
			}
		}
		measure(b, all, fmt.Sprintf("1 KiB page with %d sessions", crowd), asked(Load{Path: "/small", Connections: 32}))
	}
}

// echo sends messages and waits for each to come back.
func echo(ctx context.Context, c *contestant) (Sample, error) {
	header := http.Header{"Cookie": {c.cookie()}}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	message := []byte(strings.Repeat("x", 1<<10))
	var count atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, 8)
	until := time.Now().Add(each)
	for i := range errs {
		group.Go(func() {
			conn, _, err := websocket.Dial(ctx, "ws://"+c.Address+"/ws", &websocket.DialOptions{HTTPHeader: header})
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = conn.CloseNow() }()
			for time.Now().Before(until) {
				if errs[i] = conn.Write(ctx, websocket.MessageBinary, message); errs[i] != nil {
					return
				}
				if _, _, errs[i] = conn.Read(ctx); errs[i] != nil {
					return
				}
				count.Add(1)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return Sample{}, err
		}
	}
	return Sample{Rate: float64(count.Load()) / each.Seconds()}, nil
}

// fill signs in many users, and prints how much of the process's memory each one takes.
func fill(b *testing.B, c *contestant) {
	b.Helper()
	before := resident(b, c)
	began := time.Now()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	defer transport.CloseIdleConnections()
	var group sync.WaitGroup
	var failed atomic.Pointer[string]
	for worker := range 32 {
		group.Go(func() {
			for n := worker; n < crowd && failed.Load() == nil; n += 32 {
				body := "user=somebody-" + strconv.Itoa(n)
				r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, c.URL+"/login", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Accept", "text/html")
				answer, err := transport.RoundTrip(r)
				if err != nil || answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/small" {
					why := fmt.Sprint(answer, err)
					failed.Store(&why)
					return
				}
				_ = answer.Body.Close()
			}
		})
	}
	group.Wait()
	if why := failed.Load(); why != nil {
		b.Fatalf("%s: signing in: %s", c.name, *why)
	}
	took := time.Since(began)
	fmt.Printf("\n%s: %d sign-ins without a factor in %v, %.0f a second; %.0f bytes of the process for each session\n",
		c.name, crowd, took.Round(time.Millisecond), crowd/took.Seconds(), float64(resident(b, c)-before)/crowd)
}

// resident returns the resident memory of the process, in bytes.
func resident(b *testing.B, c *contestant) int64 {
	b.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.Process()), "status"))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
