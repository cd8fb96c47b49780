package gateway

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestP1_BasicApart: somebody who has alice's password, at her address and with a browser of the same name, sends it by
// HTTP Basic at the very moment in which she does. For a while both shared one session, so the set-up that she began
// there showed him her seed. Now each has a session of his own, whatever comes at the same time.
func TestP1_BasicApart(t *testing.T) {
	s, line := newBasic(t, new(basicApp), nil), basic("alice", "pw-a")
	s.enrolledBasic("alice", "pw-a")
	var requests sync.WaitGroup
	tokens := make(chan string, 8)
	for range cap(tokens) {
		requests.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/", nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Authorization", line)
			request.Header.Set("Accept", "text/html")
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			for _, cookie := range response.Cookies() {
				if strings.HasPrefix(cookie.Name, "sallyport") {
					tokens <- cookie.Value
				}
			}
		})
	}
	requests.Wait()
	close(tokens)
	seen, all := map[string]bool{}, 0
	for token := range tokens {
		seen[token], all = true, all+1
	}
	if all != cap(tokens) || len(seen) != all {
		t.Errorf("%d sessions for %d requests", len(seen), all)
	}
}
