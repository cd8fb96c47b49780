package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
)

// careless is a server that keeps connections open and leaves bodies unread: of a GET, HEAD, DELETE or OPTIONS, which
// it takes for requests without one; of a POST that it answers at once; and of a request in chunks, which it does not
// know. It takes what it left unread for the next request. It signs users in by a cookie with their name.
type careless struct {
	mutex sync.Mutex
	seen  []string
}

func (c *careless) has(request string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Contains(c.seen, request)
}

// listen serves until the test ends.
func (c *careless) listen(t *testing.T) *url.URL {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go c.serve(conn)
		}
	})
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}

func (c *careless) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil && strings.HasPrefix(err.Error(), "malformed") {
			continue // an odd line, such as the size of a chunk
		}
		if err != nil {
			return
		}
		unread := r.Body
		form := url.Values{}
		if r.Method == http.MethodPost && r.URL.Path != "/at-once" && r.ContentLength >= 0 {
			body, _ := io.ReadAll(unread) // the one case that it handles correctly
			form, _ = url.ParseQuery(string(body))
		}
		user := ""
		if cookie, err := r.Cookie("sid"); err == nil {
			user = cookie.Value
		}
		c.mutex.Lock()
		c.seen = append(c.seen, r.Method+" "+r.URL.Path+" "+user)
		c.mutex.Unlock()
		said, extra, status := user, "", "200 OK"
		if r.URL.Path == "/login" && form.Get("p") != "" && form.Get("p") == "pw-"+form.Get("u") {
			status, extra = "302 Found", "Location: /\r\nSet-Cookie: sid="+form.Get("u")+"; Path=/; HttpOnly\r\n"
		}
		if r.URL.Path == "/me" {
			said, extra = fmt.Sprintf(`{"name":%q}`, user), "Content-Type: application/json\r\n"
		}
		if r.Close {
			extra += "Connection: close\r\n"
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n", status, extra, len(said))
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(conn, said)
		}
		if r.Close {
			return
		}
	}
}

// TestP3_NoRequestInABody: carol has a session of her own, and alice's password or cookie, with which she would be
// alice. She sends a body that is itself a request, to a server that leaves bodies unread and takes them for the next
// request on the same connection. Nobody had looked at that request's path, cookies and password, and its answer came
// to the client that asked next.
func TestP3_NoRequestInABody(t *testing.T) {
	const inner = "POST /inner HTTP/1.1\r\nHost: x\r\nCookie: sid=alice\r\nContent-Length: 0\r\n\r\n"
	requests := map[string]string{
		"GET":        "GET /page HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nContent-Length: %d\r\n\r\n%s",
		"HEAD":       "HEAD /page HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nContent-Length: %d\r\n\r\n%s",
		"DELETE":     "DELETE /page HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nContent-Length: %d\r\n\r\n%s",
		"OPTIONS":    "OPTIONS /page HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nContent-Length: %d\r\n\r\n%s",
		"POST":       "POST /at-once HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nContent-Length: %d\r\n\r\n%s",
		"in chunks":  "POST /page HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
		"a stranger": "POST /at-once HTTP/1.1\r\nHost: HOST\r\nContent-Length: %d\r\n\r\n%s",
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			text := inner
			if name == "in chunks" {
				text = "\r\n" + inner // after the size of the chunk, which is no request
			}
			request := fmt.Sprintf(request, len(text), text)
			control := new(careless)
			target := control.listen(t)
			conn, err := net.Dial("tcp", target.Host)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, strings.NewReplacer("HOST", target.Host, "COOKIE", "sid=carol").Replace(request))
			eventually(t, "the control: the app takes the body for a request", func() bool { return control.has("POST /inner alice") })

			app := new(careless)
			s := newSite(t, demo.Knobs{}, func(c *Config) {
				c.Public = append(gate.Open("/static/*"), gate.Opening{Methods: []string{"POST"}, Paths: gate.Open("/at-once")[0].Paths})
				c.Logins = login.Set{
					Blocks:     []login.Block{{Paths: gate.Open("/login")[0].Paths, Username: login.Source{Kind: login.Form, Name: "u"}}},
					Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
				}
			})
			proxy := &httputil.ReverseProxy{Transport: new(http.Transport)}
			target = app.listen(t)
			s.serve(func(w http.ResponseWriter, r *http.Request) (err error) {
				proxy := &httputil.ReverseProxy{
					Transport: proxy.Transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) },
					ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, failed error) { err = failed },
				}
				proxy.ServeHTTP(w, r)
				return err
			})
			carol := s.browser()
			carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusFound, "/")
			gatewayURL, _ := url.Parse(s.server.URL)
			cookies := carol.client.Jar.Cookies(gatewayURL)
			again, err := net.Dial("tcp", gatewayURL.Host)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = again.Close() })
			_, _ = io.WriteString(again, strings.NewReplacer("HOST", gatewayURL.Host, "COOKIE", cookies[0].String()).Replace(request))
			answer, err := http.ReadResponse(bufio.NewReader(again), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			// The server would read what was left before it answers any of these on the same connection.
			for range 3 {
				if got := carol.do("GET", "/page", "", ""); got.body != "carol" {
					t.Errorf("carol's own page: %d %q", got.StatusCode, got.body)
				}
			}
			if app.has("POST /inner alice") {
				t.Error("the app was sent a request that nobody has looked at")
			}
		})
	}
}
