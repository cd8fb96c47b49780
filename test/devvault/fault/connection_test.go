package fault

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

// serve serves the layer over a network, over HTTP/2 with TLS.
func serve(t *testing.T, l *Layer, secure bool) (address string, client *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(l)
	server.Config.ConnContext = ConnContext
	if secure {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, server.Client()
}

// put sends a request over the network and reads the answer to its end.
func put(t *testing.T, client *http.Client, address string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address+"/v1/a", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if want := int64(len("PUT text")); response.ContentLength != want {
		t.Errorf("an answer of %d bytes is promised, not of %d", response.ContentLength, want)
	}
	return response.StatusCode, string(content), err
}

func TestCut(t *testing.T) {
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			for place, asked := range map[string]int64{Before: 0, After: 1} {
				vault := &echo{}
				l := NewLayer(vault)
				address, client := serve(t, l, secure)
				set(t, l, Fault{Cut: place, Times: 1})
				_, _, err := put(t, client, address)
				if !cut(err) {
					t.Errorf("%s: %v", place, err)
				}
				if vault.asked.Load() != asked {
					t.Errorf("%s: Vault was asked %d times", place, vault.asked.Load())
				}
				if status, body, err := put(t, client, address); err != nil || status != 201 || body != "PUT text" {
					t.Errorf("%s: afterwards: %d %s %v", place, status, body, err)
				}
			}
		})
	}
}

// cut reports whether an error is that of a reset. The kernel reports a reset only to the first call after it: with
// HTTP/2 that may be a write, and the reader then only sees the end of the connection.
func cut(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "connection reset by peer")
}

func TestHalf(t *testing.T) {
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			vault := &echo{}
			l := NewLayer(vault)
			address, client := serve(t, l, secure)
			set(t, l, Fault{Half: true, Times: 1})
			status, body, err := put(t, client, address)
			if !cut(err) || status != 201 || body == "" || !strings.HasPrefix("PUT ", body) {
				t.Errorf("%d %q %v", status, body, err)
			}
			if vault.asked.Load() != 1 {
				t.Errorf("Vault was asked %d times", vault.asked.Load())
			}
			if _, body, err := put(t, client, address); err != nil || body != "PUT text" {
				t.Errorf("afterwards: %s %v", body, err)
			}
		})
	}
}

// Without ConnContext there is no connection to cut, but the request still ends.
func TestCutWithoutConnection(t *testing.T) {
	l := NewLayer(&echo{})
	set(t, l, Fault{Cut: Before})
	server := httptest.NewServer(l)
	defer server.Close()
	if status, body, err := put(t, server.Client(), server.URL); err == nil {
		t.Errorf("%d %s", status, body)
	}
}
