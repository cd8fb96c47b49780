package apps

import (
	"net/http"
	"strings"
	"testing"
)

// TestTransmission records how Transmission signs in, for the gateway's configuration:
//
//	login /transmission/web/ { username basic }
//	case_sensitive
func TestTransmission(t *testing.T) {
	t.Parallel()
	app := StartTransmission(t)
	ask := func(method, path, name, password string) answer {
		request, err := http.NewRequestWithContext(t.Context(), method, app.URL+path, strings.NewReader(`{"method":"session-get"}`))
		if err != nil {
			t.Fatal(err)
		}
		if name != "" {
			request.SetBasicAuth(name, password)
		}
		return newBrowser(t, app).send(request)
	}
	for _, path := range []string{"/", "/transmission/web/", "/transmission/rpc", "/transmission/web/index.html"} {
		for _, who := range []Account{{}, {Name: Alice.Name, Password: "wrong"}, {Name: "ALICE", Password: Alice.Password}, {Name: " alice", Password: Alice.Password}} {
			if got := ask("GET", path, who.Name, who.Password); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != `Basic realm="Transmission"` {
				t.Errorf("%s for %q: %d %v", path, who.Name, got.status, got.header)
			}
		}
	}
	if got := ask("GET", "/transmission/web/", Alice.Name, Alice.Password); got.status != http.StatusOK || len(got.set) != 0 {
		t.Errorf("signed in: %d, cookies %v", got.status, got.set)
	}
	// The password is right, but the answer is an error, because the RPC requires a token against cross-site requests.
	if got := ask("POST", "/transmission/rpc", Alice.Name, Alice.Password); got.status != http.StatusConflict || got.header.Get("X-Transmission-Session-Id") == "" {
		t.Errorf("RPC: %d %v", got.status, got.header)
	}
}
