package front

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// quiet discards a server's errors of connections.
var quiet = log.New(io.Discard, "", 0)

// hello answers every request.
var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

// get sends a GET request with a client and reads the answer.
func get(t *testing.T, client *http.Client, address string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// newClient is a client with connections of its own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func listen(t *testing.T, authority *Authority, handler http.Handler) *Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0", authority.TLS(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	l.Serve(handler)
	return l
}

func TestListenLoopbackOnly(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "localhost:0"} {
		if l, err := Listen(address, nil, quiet); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v, %v", address, l, err)
		}
	}
}

func TestDownAndUp(t *testing.T) {
	l := listen(t, nil, hello)
	client := newClient(t)
	for round := range 3 {
		if got, err := get(t, client, l.URL()); err != nil || got != "hello" {
			t.Fatalf("round %d: up: %q, %v", round, got, err)
		}
		for range 2 {
			if err := l.Down(); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := get(t, client, l.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("round %d: down: %q, %v", round, got, err)
		}
		for range 2 {
			if err := l.Up(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Up(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("up after close: %v", err)
	}
}

// Down also ends requests that are being answered.
func TestDownCutsConnections(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	l := listen(t, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(ended)
	}))
	failed := make(chan error, 1)
	client := newClient(t)
	go func() {
		_, err := get(t, client, l.URL())
		failed <- err
	}()
	<-arrived
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("the request was answered")
	}
	<-ended
}

// A port that is taken but not served yet keeps its clients waiting instead of refusing them.
func TestServeLater(t *testing.T) {
	l, err := Listen("127.0.0.1:0", nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got := make(chan string, 1)
	client := newClient(t)
	go func() {
		body, err := get(t, client, l.URL())
		if err != nil {
			body = err.Error()
		}
		got <- body
	}()
	l.Serve(hello)
	if body := <-got; body != "hello" {
		t.Error(body)
	}
	if !strings.HasPrefix(l.URL(), "http://127.0.0.1:") {
		t.Error(l.URL())
	}
}
