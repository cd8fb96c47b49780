package vault_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/test/vault"
)

// faulty runs a test with a server over HTTP/1.1 and with one over HTTP/2, which Vault speaks with TLS.
func faulty(t *testing.T, test func(t *testing.T, s *vault.Server)) {
	t.Parallel()
	for name, secure := range map[string]bool{"http1": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, vault.Start(t, vault.Options{TLS: secure}))
		})
	}
}

func TestFaultStatus(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		client := s.ClientAt(s.Address, s.Token())
		for _, code := range []int{400, 403, 412, 429, 500, 502, 503} {
			s.Faults(vault.Fault{Method: "PUT", Path: "/v1/secret/data/*", Status: code, Times: 1})
			if _, err := write(client, "a", "b"); status(err) != code {
				t.Errorf("%d: %v", code, err)
			}
			if got := stored(t, s, "a"); got != "" {
				t.Fatalf("%d: Vault was asked: %q", code, got)
			}
		}
		s.Faults(vault.Fault{Path: "/v1/secret/*", Status: 429, RetryAfter: 7})
		if _, header, body := get(t, s, client); header.Get("Retry-After") != "7" || !strings.Contains(body, `{"errors":["`) {
			t.Errorf("%v %s", header, body)
		}
		s.Faults(vault.Fault{Method: "GET", Status: 200, Body: `{"data": null}`})
		if code, _, body := get(t, s, client); code != 200 || body != `{"data": null}` {
			t.Errorf("own body: %d %s", code, body)
		}
	})
}

// get reads secret/data/a without Vault's client, and checks that HTTP/2 is used with TLS.
func get(t *testing.T, s *vault.Server, client *api.Client) (status int, header http.Header, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Address+"/v1/secret/data/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.CloneConfig().HttpClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if wanted := 1 + strings.Count(s.Address, "https"); response.ProtoMajor != wanted {
		t.Errorf("HTTP/%d is spoken", response.ProtoMajor)
	}
	return response.StatusCode, response.Header, string(content)
}

func TestFaultCutBefore(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		client := s.ClientAt(s.Address, s.Token())
		s.Faults(vault.Fault{Method: "PUT", Cut: vault.Before, Times: 1})
		if _, err := write(client, "a", "b"); !reset(err) {
			t.Errorf("cut: %v", err)
		}
		if got := stored(t, s, "a"); got != "" {
			t.Errorf("Vault was asked: %q", got)
		}
		if _, err := write(client, "a", "c"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestFaultCutAfter(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		client := s.ClientAt(s.Address, s.Token())
		s.Faults(vault.Fault{Method: "PUT", Cut: vault.After, Times: 1})
		if _, err := write(client, "a", "b"); !reset(err) {
			t.Errorf("cut: %v", err)
		}
		if got := stored(t, s, "a"); got != "b" {
			t.Errorf("Vault was not asked: %q", got)
		}
	})
}

// reset reports whether an error is that of a reset. The kernel reports a reset only to the first call after it: with
// HTTP/2 that may be a write, and the reader then only sees the end of the connection.
func reset(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "connection reset by peer")
}

func TestFaultHalf(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		client := s.ClientAt(s.Address, s.Token())
		s.Faults(vault.Fault{Method: "PUT", Half: true, Times: 1})
		_, err := write(client, "a", "b")
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("half: %v", err)
		}
		if got := stored(t, s, "a"); got != "b" {
			t.Errorf("Vault was not asked: %q", got)
		}
	})
}

func TestFaultDelayEndsWithTheClient(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		s.Faults(vault.Fault{Method: "PUT", Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		client := s.ClientAt(s.Address, s.Token())
		go func() {
			_, err := client.KVv2("secret").Put(ctx, "a", map[string]any{"text": "b"})
			failed <- err
		}()
		s.AwaitHeld(1)
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		s.AwaitNoneHeld()
		if got := stored(t, s, "a"); got != "" {
			t.Errorf("Vault was asked: %q", got)
		}
	})
}

func TestFaultDelayReleased(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		s.Faults(vault.Fault{Method: "PUT", Delay: time.Hour, Cut: vault.After})
		done := make(chan error, 1)
		client := s.ClientAt(s.Address, s.Token())
		go func() {
			_, err := write(client, "a", "b")
			done <- err
		}()
		s.AwaitHeld(1)
		s.Clear()
		if err := <-done; err != nil {
			t.Errorf("released: %v", err)
		}
		if got := stored(t, s, "a"); got != "b" {
			t.Errorf("stored: %q", got)
		}
	})
}

func TestFaultLate(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		s.Faults(vault.Fault{Method: "PUT", Delay: 500 * time.Millisecond, Late: true})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		client := s.ClientAt(s.Address, s.Token())
		go func() {
			_, err := client.KVv2("secret").Put(ctx, "a", map[string]any{"text": "b"})
			failed <- err
		}()
		s.AwaitHeld(1)
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		s.Await("the late write", func() bool { return stored(t, s, "a") == "b" })
	})
}

func TestFaultDelayAnswer(t *testing.T) {
	faulty(t, func(t *testing.T, s *vault.Server) {
		s.Faults(vault.Fault{Method: "PUT", DelayAnswer: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		client := s.ClientAt(s.Address, s.Token())
		go func() {
			_, err := client.KVv2("secret").Put(ctx, "a", map[string]any{"text": "b"})
			failed <- err
		}()
		s.AwaitHeld(1)
		if got := stored(t, s, "a"); got != "b" {
			t.Errorf("Vault was not asked: %q", got)
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
	})
}

func TestFaultSkipAndTimes(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{})
	client := s.ClientAt(s.Address, s.Token())
	s.Faults(vault.Fault{Method: "PUT", Path: "/v1/secret/data/*", Status: 500, Skip: 1, Times: 2})
	var got []int
	for range 4 {
		_, err := write(client, "a", "b")
		got = append(got, status(err))
	}
	for i, want := range []int{0, 500, 500, 0} {
		if got[i] != want {
			t.Fatalf("statuses %v", got)
		}
	}
	if s.Requests().Of("PUT", "/v1/secret/data/a") != 4 {
		t.Errorf("requests: %v", s.Requests())
	}
	s.ResetRequests()
	if s.Requests().Total() != 0 {
		t.Errorf("requests after a reset: %v", s.Requests())
	}
}
