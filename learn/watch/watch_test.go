package watch

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/login"
)

// serve runs an app and a proxy in front of it.
func serve(t *testing.T, app http.HandlerFunc) (*Proxy, *httptest.Server, *url.URL) {
	t.Helper()
	behind := httptest.NewServer(app)
	t.Cleanup(behind.Close)
	address, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := New(address, nil)
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return proxy, front, address
}

// send sends a request and reads the answer; it follows no redirects.
func send(t *testing.T, method, address, body string, header http.Header) (status int, got http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(content)
}

// TestProxy: the app sees itself at its own address, the browser stays at the proxy's, and both are recorded as they
// were, with what was compressed undone.
func TestProxy(t *testing.T) {
	proxy, front, app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Saw", strings.Join([]string{r.Host, r.Header.Get("Origin"), r.Header.Get("Accept-Encoding"), r.Header.Get("If-None-Match"), string(body)}, "|"))
		w.Header().Set("Location", "http://"+r.Host+"/next?x=1")
		w.Header().Add("Set-Cookie", "sid=1; Domain=app.example; Secure; HttpOnly")
		w.Header().Add("Set-Cookie", "__Host-x=1; Secure; Path=/")
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusFound)
		zip := gzip.NewWriter(w)
		_, _ = io.WriteString(zip, "hello")
		_ = zip.Close()
	})
	_, got, _ := send(t, "POST", front.URL+"/login%2Fx?a=b", "user=alice", http.Header{
		"Origin": {front.URL}, "If-None-Match": {`"x"`}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/x-www-form-urlencoded"},
	})
	if saw := got.Get("X-Saw"); saw != app.Host+"|http://"+app.Host+"|||user=alice" {
		t.Errorf("the app saw %s", saw)
	}
	if got.Get("Location") != "/next?x=1" || strings.Join(got["Set-Cookie"], ",") != "sid=1; HttpOnly,__Host-x=1; Secure; Path=/" || got.Get("Cache-Control") != "no-store" {
		t.Errorf("the browser got %v", got)
	}
	all := proxy.Exchanges()
	if len(all) != 1 {
		t.Fatalf("%d exchanges", len(all))
	}
	e := all[0]
	if e.Method != "POST" || e.URL.String() != "http://"+app.Host+"/login%2Fx?a=b" || string(e.Body) != "user=alice" || e.Status != http.StatusFound ||
		string(e.Content) != "hello" || !strings.Contains(e.Answer.Get("Set-Cookie"), "Secure") {
		t.Errorf("recorded: %+v", e)
	}
}

// TestLongBodies: what is longer than a login passes whole, and is not kept.
func TestLongBodies(t *testing.T) {
	long := strings.Repeat("x", login.BodyLimit+10)
	proxy, front, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	if _, _, text := send(t, "POST", front.URL+"/", long, nil); text != long {
		t.Errorf("%d bytes of %d came back", len(text), len(long))
	}
	if _, _, text := send(t, "POST", front.URL+"/", "short", nil); text != "short" {
		t.Errorf("got %q", text)
	}
	if all := proxy.Exchanges(); len(all) != 2 || all[0].Body != nil || string(all[1].Body) != "short" {
		t.Errorf("recorded: %d", len(all))
	}
}

// TestNoRoom: the record is bounded, and says so instead of forgetting the beginning.
func TestNoRoom(t *testing.T) {
	proxy, front, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	send(t, "GET", front.URL+"/", "", nil)
	proxy.mutex.Lock()
	proxy.bytes = mostBytes + 1
	proxy.mutex.Unlock()
	if status, _, _ := send(t, "GET", front.URL+"/", "", nil); status != http.StatusInsufficientStorage || len(proxy.Exchanges()) != 1 {
		t.Errorf("%d, %d recorded", status, len(proxy.Exchanges()))
	}
}

// TestAppAway: an app that does not answer is said, without its address.
func TestAppAway(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	address, err := url.Parse(away.URL)
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	front := httptest.NewServer(New(address, nil))
	defer front.Close()
	if status, _, text := send(t, "GET", front.URL+"/", "", nil); status != http.StatusBadGateway || strings.Contains(text, address.Host) {
		t.Errorf("%d %s", status, text)
	}
}

// TestCheckListen: nobody but this machine may reach the proxy.
func TestCheckListen(t *testing.T) {
	for address, right := range map[string]bool{
		"127.0.0.1:8090": true, "localhost:0": true, "[::1]:1": true, "127.3.2.1:80": true,
		":8090": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "example.com:1": false, "127.0.0.1": false, "": false, "localhost.example.com:1": false,
	} {
		if err := CheckListen(address); (err == nil) != right || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
