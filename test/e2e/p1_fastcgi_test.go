package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/fcgi"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/site"
)

// serveFastCGI serves an app by FastCGI on loopback until the test ends, and returns its host and port. As PHP apps do,
// the app finds its address in REQUEST_URI.
func serveFastCGI(t testing.TB, app http.Handler) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := fcgi.Serve(listener, app); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("fastcgi: %v", err)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// beside adds a site without a second factor to a running gateway, to show what an app does when it is asked directly.
func beside(t testing.TB, s *site.Site, block string) *site.Site {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s.Write(s.Caddyfile() + "\nhttp://" + address + " {\n" + block + "\n}\n")
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	return &site.Site{Address: address, URL: "http://" + address}
}

// TestP1_FastCGIGetsWhatWasJudged: FastCGI transports take REQUEST_URI from a copy of the request that the server made
// before any handler saw it. Mallory has a session of her own, and sends a token of Bob's in the address. The gateway
// removes it, but in that copy it was still there for PHP.
func TestP1_FastCGIGetsWhatWasJudged(t *testing.T) {
	for name, block := range map[string]func(address string) string{
		"php_fastcgi": func(address string) string { return "root * /nonexistent\nphp_fastcgi " + address },
		"transport": func(address string) string {
			return "root * /nonexistent\nreverse_proxy " + address + " {\n\ttransport fastcgi {\n\t\tsplit .php\n\t}\n}"
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := new(tokenApp)
			address := serveFastCGI(t, app)
			s := site.Start(t, address, tokenLines, site.Options{Block: "handle {\n" + block(address) + "\n}"})
			bare := beside(t, s, block(address)).Client(t)

			c := s.Client(t)
			own := issuedToken(t, signInByToken(c, "mallory"))
			if got := c.Do("GET", "/x?a=1", http.Header{"Authorization": {"Bearer " + own}}, ""); got.Text != "secrets of mallory" {
				t.Fatalf("her own: %d %s", got.StatusCode, got.Text)
			}
			stolen := app.issue("bob")
			for what, request := range map[string]struct {
				target string
				header http.Header
			}{
				"query":         {"/x?a=1&token=" + stolen, nil},
				"odd query":     {"/x?a=1&%74oken=" + stolen, nil},
				"access_token":  {"/x?access_token=" + stolen + "&a=1", nil},
				"Authorization": {"/x?a=1", http.Header{"Authorization": {"Bearer " + stolen}}},
				"X-Auth-Token":  {"/x?a=1", http.Header{"X-Auth-Token": {stolen}}},
			} {
				if got := bare.Do("GET", request.target, request.header, ""); got.Text != "secrets of bob" {
					t.Fatalf("%s: the app itself: %d %s", what, got.StatusCode, got.Text)
				}
				before := len(app.sent())
				if got := c.Do("GET", request.target, request.header, ""); got.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", what, got.StatusCode, got.Text)
				}
				if sent := app.sent()[before:]; strings.Contains(sent, stolen) || !strings.Contains(sent, "/x?a=1 map[") {
					t.Errorf("%s: the app got %s", what, sent)
				}
			}
		})
	}
}

// TestP1_RewritesInFrontAreWhatIsSent: if the operator rewrites addresses in front of second_factor, the rewritten
// address is judged. PHP must not go by the original one.
func TestP1_RewritesInFrontAreWhatIsSent(t *testing.T) {
	app := new(tokenApp)
	address := serveFastCGI(t, app)
	const rewrite = "@mask path /secret/*\nrewrite @mask /static/mask\n"
	s := site.Start(t, address, tokenLines, site.Options{Block: rewrite + "handle {\nroot * /nonexistent\nphp_fastcgi " + address + "\n}"})
	bare := beside(t, s, rewrite+"root * /nonexistent\nphp_fastcgi "+address).Client(t)

	bare.Get("/secret/plans?a=1")
	if sent := app.sent(); !strings.Contains(sent, "/secret/plans?a=1 map[") {
		t.Fatalf("the app itself goes by %s", sent)
	}
	before := len(app.sent())
	s.Client(t).Get("/secret/plans?a=1")
	if sent := app.sent()[before:]; strings.Contains(sent, "/secret/") || !strings.Contains(sent, "/static/mask") {
		t.Errorf("a stranger's request went on as %s", sent)
	}
}
