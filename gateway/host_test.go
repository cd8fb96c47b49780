package gateway

import (
	"io"
	"net/http"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP5_SessionOfAnotherHost: one gateway serves an app at two hosts, and at the second host the app takes users for
// others, by its virtual hosts. A user who is verified at the first host carries the token over by hand. A session is
// valid only for the host at which it began. It goes on at another spelling of that host.
func TestP5_SessionOfAnotherHost(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	token := ""
	for _, cookie := range b.client.Jar.Cookies(b.get("/files").Request.URL) {
		if cookie.Name == "sallyport" {
			token = cookie.Value
		}
	}
	ask := func(method, path, host string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Cookie", "sallyport="+token)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode
	}
	for _, same := range []string{"127.0.0.1", "127.0.0.1:8080", "127.0.0.1.", s.server.Listener.Addr().String()} {
		if got := ask("GET", "/files", same); got != http.StatusOK {
			t.Errorf("at %q: %d, want the app", same, got)
		}
	}
	for _, other := range []string{"admin.example", "127.0.0.1.example", "localhost", "[::1]:80", "127.0.0.2"} {
		if got := ask("GET", "/files", other); got != http.StatusSeeOther {
			t.Errorf("at %q: %d, want the login page", other, got)
		}
		if got := ask("POST", "/logout", other); got == http.StatusOK {
			t.Errorf("at %q: signed out by another host", other)
		}
	}
	if got := ask("GET", "/files", "127.0.0.1"); got != http.StatusOK {
		t.Errorf("at its own host afterwards: %d", got)
	}
}
