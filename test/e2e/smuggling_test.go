package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP3_BodiesEndTheirConnection: an app that leaves a body unread, for example of a DELETE, takes it for the next
// request on the same connection (package gateway's tests have such an app). So the app is asked to close the
// connection after each request with a body, also through Caddy's reverse proxy, which removes such headers of a
// client's. A page load with a body is refused.
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

// bodyFor returns a body for the methods that may have one; page loads with one are always refused.
func bodyFor(method, body string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return ""
	}
	return body
}
