package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP3_BodiesEndTheirConnection: an app that leaves a body unread, of a DELETE perhaps, takes it for the next request
// on the same connection (package gateway has such an app). So it is asked to close the connection behind each request
// with a body, through Caddy's reverse proxy as well, which takes such headers of a client's out; and a page load with
// a body is refused.
func TestP3_BodiesEndTheirConnection(t *testing.T) {
	t.Parallel()
	var mutex sync.Mutex
	closes := make(map[string]bool)
	l := newWrapped(t, demo.Knobs{}, ledgerBlock, func(app *demo.App) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mutex.Lock()
			closes[r.Method+" "+r.URL.Path] = r.Close
			mutex.Unlock()
			app.ServeHTTP(w, r)
		})
	})
	c, _ := l.verified(t, "alice", demo.AlicePassword)
	c.Get("/").Wants(t, http.StatusOK, "")
	c.Do("DELETE", "/x", nil, "GET / HTTP/1.1\r\n\r\n")
	c.Do("DELETE", "/y", nil, "")
	c.Do("POST", "/z", http.Header{"Connection": {"keep-alive"}}, url.Values{"a": {"b"}}.Encode())
	for _, method := range []string{"GET", "HEAD"} {
		if got := c.Do(method, "/with-body", nil, "GET / HTTP/1.1\r\n\r\n"); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s with a body: %d", method, got.StatusCode)
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	for request, want := range map[string]bool{"GET /": false, "DELETE /x": true, "DELETE /y": false, "POST /z": true, "POST /login": true} {
		if got, seen := closes[request]; !seen || got != want {
			t.Errorf("%s: seen %v, the app is to close: %v", request, seen, got)
		}
	}
	for request := range closes {
		if strings.HasSuffix(request, "/with-body") {
			t.Errorf("the app was sent %s", request)
		}
	}
}

// bodyFor is a body for methods that have one: page loads with one are refused whatever they are.
func bodyFor(method, body string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return ""
	}
	return body
}
