package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sallyport.example/sallyport/test/site"
)

// BenchmarkSoak lets a gateway serve a few users for $SALLYPORT_SOAK (such as 2h; default 10s). Each signs in, loads
// pages, uses a WebSocket, signs out or just leaves, and comes back. Every half minute it prints the memory and the
// number of goroutines of the process; both should stay constant after the first minutes.
//
//	SALLYPORT_SOAK=2h go test ./test/bench -run '^$' -bench Soak -benchtime 1x -timeout 3h
func BenchmarkSoak(b *testing.B) {
	long := 10 * time.Second
	if wish := os.Getenv("SALLYPORT_SOAK"); wish != "" {
		var err error
		if long, err = time.ParseDuration(wish); err != nil {
			b.Fatal(err)
		}
	}
	c := &contestant{sessions: "memory"}
	// Short times, so that sessions end in every possible way.
	c.start(b, site.Serve(b, app()), "")
	c.Stop()
	c.Write(strings.Replace(strings.Replace(c.Caddyfile(), "lifetime 12h", "lifetime 2m", 1), "idle 12h", "idle 1m", 1))
	c.Run()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), long)
		var group sync.WaitGroup
		var visits atomic.Int64
		for person := range 20 {
			group.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					if err := visit(ctx, c, person, n); err != nil && ctx.Err() == nil {
						b.Errorf("person %d, visit %d: %v", person, n, err)
						return
					}
					visits.Add(1)
				}
			})
		}
		began := time.Now()
		for tick := time.NewTicker(min(long/4, 30*time.Second)); ctx.Err() == nil; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
			}
			fmt.Printf("%8s  %6d visits  %5d KiB  %4d goroutines\n",
				time.Since(began).Round(time.Second), visits.Load(), resident(b, c)>>10, goroutines(b, c))
		}
		cancel()
		group.Wait()
	}
}

// visit does what a user does in a few seconds.
func visit(ctx context.Context, c *contestant, person, n int) error {
	name := fmt.Sprintf("person-%d", person)
	send := func(method, path, token string, form url.Values) (status int, cookies []*http.Cookie, err error) {
		r, err := http.NewRequestWithContext(ctx, method, c.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			return 0, nil, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "text/html")
		if token != "" {
			r.Header.Set("Cookie", "sallyport="+token)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return 0, nil, err
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, answer.Cookies(), answer.Body.Close()
	}
	_, cookies, err := send(http.MethodPost, "/login", "", url.Values{"user": {name}})
	if err != nil {
		return err
	}
	token := ""
	for _, cookie := range cookies {
		if cookie.Name == "sallyport" {
			token = cookie.Value
		}
	}
	for range 20 {
		status, _, err := send(http.MethodGet, "/small", token, nil)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("a page: %d", status)
		}
		time.Sleep(20 * time.Millisecond)
	}
	conn, _, err := websocket.Dial(ctx, "ws://"+c.Address+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {"sallyport=" + token}}})
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write(ctx, websocket.MessageText, []byte(name)); err != nil {
		return err
	}
	if _, _, err := conn.Read(ctx); err != nil {
		return err
	}
	if n%3 == 0 {
		// The socket is still open when its session ends.
		_, _, err = send(http.MethodGet, "/logout", token, nil)
		if err == nil {
			_, _, _ = conn.Read(ctx)
		}
	}
	return err
}

var total = regexp.MustCompile(`total ([0-9]+)`)

// goroutines returns the number of goroutines, from Caddy's admin endpoint.
func goroutines(b *testing.B, c *contestant) int {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(c.Folder, "admin.sock"))
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1/debug/pprof/goroutine?debug=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	found := total.FindSubmatch(text)
	if err != nil || found == nil {
		b.Fatalf("%v %.200s", err, text)
	}
	number, err := strconv.Atoi(string(found[1]))
	if err != nil {
		b.Fatal(err)
	}
	return number
}
