package gateway

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

const (
	linkEnglish = `<p align="center" style="clear:both;margin:2em 1em 1.5em;text-align:center" role="navigation" aria-label="Two-factor authentication settings" lang="en" dir="ltr"><small><a href="/second-factor/" target="_top">Two-factor authentication settings</a></small></p>` + "\n"
	plainPage   = "<!DOCTYPE html><title>x</title><p>Hello</body></html>"
)

// linked is a site with settings links in front of an app that answers as a test says.
type linked struct {
	*site
	cookie string
}

func newLinked(t *testing.T, app http.HandlerFunc) *linked {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) { c.SettingsLink = true })
	l := &linked{site: s, cookie: "sallyport=" + sessionIn(t, s, gate.Verified)}
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/api/me" {
			if r.Header.Get("Cookie") == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return nil
			}
			w.Header().Set("Content-Type", "application/json")
			_, err := io.WriteString(w, `{"login":"alice"}`)
			return err
		}
		app(w, r)
		return nil
	})
	return l
}

// sessionIn makes a session in a state, and returns its token.
func sessionIn(t *testing.T, s *site, state gate.State) string {
	t.Helper()
	jar, _, err := custody.Jar{}.Apply((&custody.Policy{}).Sort([]string{"sid=1; HttpOnly"}, nil, true).Held, "127.0.0.1", "/login", s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	token, err := storetest.Create(context.Background(), s.gateway.site.Config.Sessions, session.Data{
		Host: "127.0.0.1", State: state, Identity: "alice", Proofs: []session.Proof{{Method: "totp", At: s.clock.Now()}},
		Custody: session.Custody{Held: jar, Checked: s.clock.Now()}, Created: s.clock.Now(), Since: s.clock.Now(), Seen: s.clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// load asks as a browser does for a page; header adds to that or takes away from it.
func (l *linked) load(method string, header http.Header) answer {
	l.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, l.server.URL+"/page", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	request.Header = http.Header{
		"Accept": {"text/html,*/*"}, "Accept-Encoding": {"gzip, br"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Cookie": {l.cookie},
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if path := header.Get("X-Path"); path != "" {
		request.URL.Path = path
		request.Header.Del("X-Path")
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return answer{Response: response, body: string(body)}
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Error(err)
	}
}

// TestSettingsLink: a page of the app's gets the link, in the language of who reads it, and its other headers stay.
func TestSettingsLink(t *testing.T) {
	const policy = "default-src 'none'; style-src 'self'"
	l := newLinked(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header["Accept-Encoding"]; len(got) != 1 || got[0] != "identity" {
			t.Errorf("the app is asked for %q", got)
		}
		r.Host = "changed.invalid"
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Length", fmt.Sprint(len(plainPage)))
		h.Set("Content-Security-Policy", policy)
		h.Set("ETag", `"v1"`)
		h.Set("Accept-Ranges", "bytes")
		write(t, w, plainPage)
	})
	page := l.load("GET", nil)
	// No style, which the policy would not let in.
	link := strings.Replace(linkEnglish, ` style="clear:both;margin:2em 1em 1.5em;text-align:center"`, "", 1)
	if want := strings.Replace(plainPage, "</body>", link+"</body>", 1); page.StatusCode != 200 || page.body != want {
		t.Errorf("%d %q", page.StatusCode, page.body)
	}
	if h := page.Header; h.Get("Content-Security-Policy") != policy || h.Get("Etag") == `"v1"` || !strings.HasPrefix(h.Get("Etag"), `W/"`) || h["Accept-Ranges"] != nil {
		t.Errorf("headers %v", h)
	}
	if page := l.load("GET", http.Header{"Accept-Language": {"ar", "de;q=0.5"}}); !strings.Contains(page.body, ` lang="ar" dir="rtl">`) {
		t.Errorf("in Arabic: %s", page.body)
	}
}

// TestSettingsLinkOff: without the setting nothing is put in, and the app is asked for what the browser asks for.
func TestSettingsLinkOff(t *testing.T) {
	l := newLinked(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip, br" {
			t.Errorf("the app is asked for %q", got)
		}
		w.Header().Set("Content-Type", "text/html")
		write(t, w, plainPage)
	})
	l.gateway.site.Config.SettingsLink = false
	if page := l.load("GET", nil); page.body != plainPage || page.ContentLength != int64(len(plainPage)) {
		t.Errorf("%q", page.body)
	}
}

// TestSettingsLinkFor: it is for those whose session is verified, also at the end of the answer: who was signed out by
// it gets none.
func TestSettingsLinkFor(t *testing.T) {
	l := newLinked(t, func(w http.ResponseWriter, r *http.Request) {
		if state := r.URL.Query().Get("set"); state != "" {
			w.Header().Set("Set-Cookie", state)
		}
		w.Header().Set("Content-Type", "text/html")
		write(t, w, plainPage)
	})
	ask := func(path, cookie string) answer {
		t.Helper()
		request := httptest.NewRequest("GET", path, nil)
		request.Host = "127.0.0.1"
		request = request.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
		request.Header = http.Header{"Accept": {"text/html"}, "Cookie": {cookie}}
		w := httptest.NewRecorder()
		l.server.Config.Handler.ServeHTTP(w, request)
		return answer{Response: w.Result(), body: w.Body.String()}
	}
	for _, test := range []struct {
		who, path, cookie string
		want              bool
	}{
		{"verified", "/page", l.cookie, true},
		{"verified, on a public page", "/static/page", l.cookie, true},
		{"verified, after the app was asked who that is", "/page?set=" + url.QueryEscape("sid=2; HttpOnly"), l.cookie, true},
		{"anonymous", "/static/page", "", false},
		{"pending", "/static/page", "sallyport=" + sessionIn(t, l.site, gate.Pending), false},
		{"login page", "/login", "", false},
		{"signed out", "/logout", l.cookie, false},
	} {
		page := ask(test.path, test.cookie)
		if page.StatusCode != 200 || strings.Contains(page.body, linkEnglish+"</body>") != test.want || !test.want && page.body != plainPage {
			t.Errorf("%s: %d %q", test.who, page.StatusCode, page.body)
		}
	}
}

// TestSettingsLinkLeavesAlone: everything that is no plain page goes out byte for byte, with its headers.
func TestSettingsLinkLeavesAlone(t *testing.T) {
	var zipped strings.Builder
	zip := gzip.NewWriter(&zipped)
	write(t, zip, plainPage)
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	html := http.Header{"Content-Type": {"text/html"}}
	for _, test := range []struct {
		name     string
		method   string
		request  http.Header
		status   int
		response http.Header
		body     string
	}{
		{"compressed all the same", "GET", nil, 200, http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}, zipped.String()},
		{"JSON", "GET", nil, 200, http.Header{"Content-Type": {"application/json"}}, `"</body>"`},
		{"image", "GET", nil, 200, http.Header{"Content-Type": {"image/svg+xml"}}, "<svg></body></svg>"},
		{"download", "GET", nil, 200, http.Header{"Content-Type": {"text/html"}, "Content-Disposition": {"attachment"}}, plainPage},
		{"no type", "GET", nil, 200, http.Header{"Content-Type": {""}}, plainPage},
		{"head", "HEAD", nil, 200, html, ""},
		{"post", "POST", nil, 200, html, plainPage},
		{"not modified", "GET", http.Header{"Sec-Fetch-Dest": {"iframe"}, "If-None-Match": {`W/"v1"`}}, 304, html, ""},
		{"part", "GET", http.Header{"Range": {"bytes=0-6"}}, 206, http.Header{"Content-Type": {"text/html"}, "Content-Range": {"bytes 0-6/7"}}, "</body>"},
		{"error", "GET", nil, 500, html, plainPage},
		{"frame", "GET", http.Header{"Sec-Fetch-Dest": {"iframe"}}, 200, html, plainPage},
		{"fragment", "GET", http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}}, 200, html, plainPage},
		{"no-transform", "GET", nil, 200, http.Header{"Content-Type": {"text/html"}, "Cache-Control": {"no-transform"}}, plainPage},
		{"sandbox", "GET", nil, 200, http.Header{"Content-Type": {"text/html"}, "Content-Security-Policy": {"sandbox"}}, plainPage},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLinked(t, func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				for name, values := range test.response {
					h[name] = values
				}
				h.Set("ETag", `"v1"`)
				h.Set("Accept-Ranges", "bytes")
				if test.status != 304 {
					h.Set("Content-Length", fmt.Sprint(len(test.body)))
				}
				w.WriteHeader(test.status)
				if test.body != "" {
					write(t, w, test.body)
				}
			})
			got := l.load(test.method, test.request)
			if got.StatusCode != test.status || got.body != test.body || got.Header.Get("Etag") != `"v1"` || got.Header.Get("Accept-Ranges") != "bytes" {
				t.Errorf("%d %v\n%q", got.StatusCode, got.Header, got.body)
			}
			if test.status != 304 && got.Header.Get("Content-Length") != fmt.Sprint(len(test.body)) {
				t.Errorf("length %q", got.Header.Get("Content-Length"))
			}
		})
	}
}

// TestSettingsLinkStreams: what the app flushes is seen at once, and nothing of a page that is cut off is kept.
func TestSettingsLinkStreams(t *testing.T) {
	more := make(chan struct{})
	l := newLinked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		write(t, w, "<p>first</bo")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-more
		write(t, w, "dy>")
		write(t, w, "<p>last</bo")
	})
	request, err := http.NewRequestWithContext(context.Background(), "GET", l.server.URL+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Accept": {"text/html"}, "Cookie": {l.cookie}}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, len("<p>first</bo"))
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "<p>first</bo" {
		t.Errorf("%q %v", first, err)
	}
	close(more)
	rest, err := io.ReadAll(response.Body)
	if want := "dy>" + linkEnglish + "<p>last</bo"; err != nil || string(rest) != want {
		t.Errorf("%q %v", rest, err)
	}
}

// TestSettingsLinkCutOff: a page that ends in the middle of the tag is whole all the same.
func TestSettingsLinkCutOff(t *testing.T) {
	l := newLinked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		write(t, w, "<p>cut off</bo")
	})
	if page := l.load("GET", nil); page.body != "<p>cut off</bo" {
		t.Errorf("%q", page.body)
	}
}

// TestSettingsLinkWebSocket: a connection that is taken over carries what both ends say, whatever it looks like.
func TestSettingsLinkWebSocket(t *testing.T) {
	l := newLinked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusSwitchingProtocols)
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer connection.Close()
		line, err := buffered.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		write(t, connection, line)
	})
	connection, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	write(t, connection, "GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: "+l.cookie+"\r\n\r\n</body>\n")
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", response, err)
	}
	defer response.Body.Close()
	if line, err := reader.ReadString('\n'); err != nil || line != "</body>\n" {
		t.Errorf("%q %v", line, err)
	}
}

// TestSettingsLinkBase: somebody can write `<base href="https://evil.example/">` into a page of the app's. The link to
// the settings, which asks for codes, must not lead there. Nor may a Host that is none be written into the page.
func TestSettingsLinkBase(t *testing.T) {
	l := newLinked(t, func(http.ResponseWriter, *http.Request) {})
	for _, test := range []struct {
		host   string
		secure bool
		page   string
		want   string
	}{
		{"wiki.example", true, "<body></body>", `href="/second-factor/"`},
		{"wiki.example", true, `<base href="https://evil.example/"></body>`, `href="https://wiki.example/second-factor/"`},
		{"[::1]:8080", false, `<BASE href="https://evil.example/"></body>`, `href="//[::1]:8080/second-factor/"`},
		{`x"><script>`, true, `<base href="https://evil.example/"></body>`, ""},
		{"evil.example/x", true, `<base></body>`, ""},
		{"", true, `<base></body>`, ""},
	} {
		r := httptest.NewRequest("GET", "/page", nil)
		r.Host = test.host
		_, err := storetest.Update(t.Context(), l.gateway.site.Config.Sessions, strings.TrimPrefix(l.cookie, "sallyport="), func(data *session.Data) error {
			data.Host = exchange.HostOf(r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		name := "sallyport="
		if test.secure {
			r.TLS = new(tls.ConnectionState)
			name = "__Host-sallyport="
		}
		r = r.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
		r.Header = http.Header{"Accept": {"text/html"}, "Accept-Encoding": {"br", "gzip"}, "Cookie": {name + strings.TrimPrefix(l.cookie, "sallyport=")}}
		w := httptest.NewRecorder()
		err = l.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
			r.Host = "changed.invalid"
			w.Header().Set("Content-Type", "text/html")
			write(t, w, test.page)
			return nil
		})
		if err != nil || w.Code != 200 {
			t.Fatalf("%d %v", w.Code, err)
		}
		if got := w.Body.String(); test.want == "" && got != test.page || !strings.Contains(got, test.want) {
			t.Errorf("%q, %s: %s", test.host, test.page, got)
		}
		if got := r.Header["Accept-Encoding"]; len(got) != 2 || got[0] != "br" {
			t.Errorf("Accept-Encoding is left as %q", got)
		}
	}
}
