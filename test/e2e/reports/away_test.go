package reports

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestAppAway: the app is down when a stranger comes. The browser shows a page of the gateway's, with scripts and
// without, which tries again by itself, and shows the app's page when the app is back.
func TestAppAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	s := site.Start(t, address, block, site.Options{})
	b := driver.New(t, driver.Options{NoScripts: true})
	got := b.Goto(s.URL + "/login")
	if text := b.Text("main"); got.Status != http.StatusBadGateway || !strings.Contains(text, "did not answer") || !b.Visible(driver.Link("Try again")) {
		t.Fatalf("%d %.300s", got.Status, text)
	}
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	back := httptest.NewUnstartedServer(newApp("/"))
	_ = back.Listener.Close()
	back.Listener = listener
	back.Start()
	t.Cleanup(back.Close)
	b.WaitVisible("#user")
	if !strings.Contains(s.Log(), `"msg":"the app did not answer"`) {
		t.Error("nothing is logged")
	}
}

// TestAppAwayElsewhere: if the operator's `handle_errors` answers errors, that answer is shown instead.
func TestAppAwayElsewhere(t *testing.T) {
	t.Parallel()
	s := site.Start(t, "127.0.0.1:1", block, site.Options{Block: "handle_errors {\n\t\trespond \"the operator's own\" 502\n\t}\n"})
	if got := s.Client(t).Get("/login"); got.StatusCode != http.StatusBadGateway || got.Text != "the operator's own" {
		t.Errorf("%d %q", got.StatusCode, got.Text)
	}
}
