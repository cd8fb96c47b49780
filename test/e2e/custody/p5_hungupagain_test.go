package custody

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// TestP5_HungUpOverHTTP2: the same as over HTTP/1.1, but the client takes one request back and keeps the connection
// (RST_STREAM): a login, or an undescribed sign-in, in a session and as a stranger. The app has raised the session, and
// no answer showed it to the gateway.
func TestP5_HungUpOverHTTP2(t *testing.T) {
	t.Parallel()
	g := newGates(t)
	h := open(t, common+"\t\tpublic POST /static/enter?*\n"+form+asks, site.Options{}, dripping(g, false))
	factor := h.enrol(t, "alice")
	mallory := h.enrol(t, "mallory")
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	// takeBack sends a request and takes it back while it waits at the gate.
	takeBack := func(t *testing.T, target, cookie string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+target, strings.NewReader(credentials("alice")))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = formHeader("Accept", "text/html", "Cookie", cookie)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if answer, err := transport.RoundTrip(request); err == nil {
				_ = answer.Body.Close()
			}
		}()
		g.wait(t)
		cancel()
		<-done
		g.let()
		h.settle(t, "POST "+target)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/static/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil || answer.ProtoMajor != 2 {
		t.Fatalf("%v; over HTTP/2 nobody is answered: the test shows nothing", err)
	}
	_ = answer.Body.Close()
	for _, target := range []string{"/login?drip=head", "/login?drip=body", "/login?drip=head&new=1", "/static/enter?drip=head", "/static/enter?drip=body&new=1", "/portal?drip=head", "/portal?drip=body&new=1"} {
		direct := h.direct(t)
		logIn(direct, "mallory")
		path, _, _ := strings.Cut(target, "?")
		direct.Do("POST", path, formHeader(), credentials("alice"))
		h.control(t, target, direct)

		c := h.signedIn(t, "mallory", mallory)
		token := c.Token()
		takeBack(t, target, "sallyport="+token)
		h.wantsNothing(t, "mallory at "+target, c)
		if strings.HasPrefix(target, "/portal") {
			continue // this is not a stranger's
		}
		c = h.Client(t)
		c.Get("/login")
		takeBack(t, target, "sallyport="+c.Token())
		h.wantsNothing(t, "a stranger at "+target, c)
		if state, user := stateOf(t, c); state == "verified" || user != "" && user != "alice" {
			t.Errorf("a stranger at %s: %s of %q", target, state, user)
		}
	}
	h.stillHonest(t, factor)
}
