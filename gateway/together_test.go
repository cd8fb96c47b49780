package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestBasicTogether: a page's requests come at the same time with the same password and no cookie. They begin one
// session, so that the form of the challenge is that of the cookie which came last; and the app is asked once.
func TestBasicTogether(t *testing.T) {
	const many = 12
	app := new(basicApp)
	s := newBasic(t, app, nil)
	key := s.enrolledBasic("alice", "pw-a")
	app.take()
	all := func(line, agent func(int) string, waits string, want int) (tokens []string) {
		t.Helper()
		app.mutex.Lock() // nothing is answered before all have come
		var came sync.WaitGroup
		var mutex sync.Mutex
		for i := range many {
			came.Go(func() {
				request, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/part", nil)
				if err != nil {
					t.Error(err)
					return
				}
				request.Header = http.Header{"Accept": {"*/*"}, "Authorization": {line(i)}, "User-Agent": {agent(i)}}
				response, err := http.DefaultTransport.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				_ = response.Body.Close()
				mutex.Lock()
				defer mutex.Unlock()
				for _, cookie := range response.Cookies() {
					if strings.HasPrefix(cookie.Name, "sallyport") && !slices.Contains(tokens, cookie.Value) {
						tokens = append(tokens, cookie.Value)
					}
				}
				if response.StatusCode != http.StatusUnauthorized {
					t.Errorf("%d", response.StatusCode)
				}
			})
		}
		eventually(t, "all requests wait", func() bool {
			stacks := make([]byte, 4<<20)
			return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), waits) >= want
		})
		app.mutex.Unlock()
		came.Wait()
		return tokens
	}
	const together, apart = "signin.beginTogether(", "net/http.(*Transport).RoundTrip("
	line := func(int) string { return basic("alice", "pw-a") }
	agent := func(int) string { return "Mozilla/5.0" }
	if tokens := all(line, agent, together, many-1); len(tokens) != 1 {
		t.Errorf("%d sessions", len(tokens))
	} else {
		b := s.browser()
		b.client.Jar.SetCookies(s.address(), []*http.Cookie{{Name: "sallyport", Value: tokens[0], Path: "/"}})
		b.wantsState("pending", "alice")
		b.passes(key)
		b.wantsState("verified", "alice")
		// Whoever took part has nothing of it: an attacker with the password, at the same address, say.
		other := s.browser()
		other.client.Jar.SetCookies(s.address(), []*http.Cookie{{Name: "sallyport", Value: tokens[0], Path: "/"}})
		other.wantsState("anonymous", "")
	}
	if seen := app.take(); len(seen) > 2 {
		t.Errorf("the app was asked %d times: %q", len(seen), seen)
	}
	// The controls: other browsers and other passwords have their own.
	if tokens := all(line, func(i int) string { return fmt.Sprint("Mozilla/5.", i) }, apart, many); len(tokens) != many {
		t.Errorf("other browsers: %d sessions", len(tokens))
	}
	wrong := func(i int) string {
		if i > 0 {
			return basic("alice", fmt.Sprint("wrong", i))
		}
		return basic("alice", "pw-a")
	}
	if tokens := all(wrong, agent, apart, many); len(tokens) != 1 {
		t.Errorf("other passwords: %d sessions", len(tokens))
	}
}

func (s *site) address() *url.URL {
	s.t.Helper()
	address, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return address
}
