// Package watch records what a browser and an app say to each other while somebody signs in. It serves the app through
// a proxy on this machine, with a guide beside it. The record stays in memory.
package watch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"sallyport.example/sallyport/learn"
	"sallyport.example/sallyport/login"
)

// What is recorded at most.
const (
	mostExchanges = 5000
	mostBytes     = 256 << 20
)

// ErrAddress says that an address is not one of this machine's own.
var ErrAddress = errors.New("want an address of this machine alone, such as 127.0.0.1:8090")

// Proxy serves an app and records. It is an http.Handler and safe for concurrent use.
type Proxy struct {
	app   *url.URL
	proxy *httputil.ReverseProxy
	guide guide

	mutex     sync.Mutex
	exchanges []*learn.Exchange
	bytes     int
	finished  chan struct{}
	once      sync.Once
}

// New makes a proxy for the app at an address such as http://127.0.0.1:8000. transport is nil for the default.
func New(app *url.URL, transport http.RoundTripper) *Proxy {
	p := &Proxy{app: app, finished: make(chan struct{})}
	if transport == nil {
		plain := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // net/http says what it is
		plain.Proxy, plain.DisableCompression = nil, true
		transport = plain
	}
	p.proxy = &httputil.ReverseProxy{Rewrite: p.rewrite, ModifyResponse: p.answered, ErrorHandler: p.failed, Transport: transport, FlushInterval: -1}
	p.guide = guide{proxy: p}
	return p
}

// CheckListen returns ErrAddress for an address that other machines could reach, or that is none.
func CheckListen(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: %w", address, ErrAddress)
	}
	if parsed, err := netip.ParseAddr(host); host == "localhost" || err == nil && parsed.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%q: %w", address, ErrAddress)
}

// Finished is closed when the user has said in the guide that all is done.
func (p *Proxy) Finished() <-chan struct{} { return p.finished }

// Exchanges returns what was recorded, in the order in which the requests came, without those that were not answered.
func (p *Proxy) Exchanges() (all []learn.Exchange) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, e := range p.exchanges {
		if e.Status != 0 {
			copied := *e
			all = append(all, copied)
		}
	}
	return all
}

// ServeHTTP serves the guide below /sallyport-learn/ and the app everywhere else.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A page of another site must not reach the app by a name that leads to this machine (DNS rebinding).
	if CheckListen(withPort(r.Host)) != nil {
		http.Error(w, "open this by an address of this machine, such as http://127.0.0.1", http.StatusForbidden)
		return
	}
	if r.URL.Path == Guide || strings.HasPrefix(r.URL.Path, Guide) || r.URL.Path+"/" == Guide {
		p.guide.ServeHTTP(w, r)
		return
	}
	e, r := p.begin(r)
	if e == nil {
		http.Error(w, "sallyport learn has recorded all that it can hold; finish at "+Guide, http.StatusInsufficientStorage)
		return
	}
	p.proxy.ServeHTTP(w, r)
}

func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err != nil {
		return net.JoinHostPort(strings.Trim(host, "[]"), "80")
	}
	return host
}

// begin records a request. It is nil if there is no more room.
func (p *Proxy) begin(r *http.Request) (*learn.Exchange, *http.Request) {
	e := &learn.Exchange{Method: r.Method, URL: p.app.ResolveReference(&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}), Header: r.Header.Clone()}
	if r.Body != nil && r.Body != http.NoBody {
		// What is longer than a login passes and is not kept.
		start, _ := io.ReadAll(io.LimitReader(r.Body, login.BodyLimit+1))
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(start), r.Body), r.Body}
		if len(start) <= login.BodyLimit {
			e.Body = start
		}
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.exchanges) >= mostExchanges || p.bytes > mostBytes {
		return nil, r
	}
	p.exchanges = append(p.exchanges, e)
	return e, r.WithContext(withExchange(r.Context(), e))
}

// rewrite makes the request the app's: its own host, so that it makes its own addresses, and no conditions and codings,
// so that each answer can be read.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(p.app)
	r.Out.URL.Path, r.Out.URL.RawPath = r.In.URL.Path, r.In.URL.RawPath
	r.Out.Host = p.app.Host
	for _, name := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "If-Range"} {
		r.Out.Header.Del(name)
	}
	own := "http://" + r.In.Host
	for _, name := range []string{"Origin", "Referer"} {
		if value := r.Out.Header.Get(name); value == own || strings.HasPrefix(value, own+"/") {
			r.Out.Header.Set(name, p.origin()+strings.TrimPrefix(value, own))
		}
	}
}

func (p *Proxy) origin() string { return p.app.Scheme + "://" + p.app.Host }

// answered records an answer, and makes it one for the browser: addresses of the app's lead here, cookies are taken
// without TLS, and nothing is kept in a cache.
func (p *Proxy) answered(answer *http.Response) error {
	e := exchangeOf(answer.Request.Context())
	header := answer.Header.Clone()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		answer.Body = &kept{ReadCloser: answer.Body, proxy: p, exchange: e, header: header}
	}
	p.mutex.Lock()
	e.Status, e.Answer = answer.StatusCode, header
	p.mutex.Unlock()
	if location := answer.Header.Get("Location"); location == p.origin() || strings.HasPrefix(location, p.origin()+"/") {
		answer.Header.Set("Location", "/"+strings.TrimPrefix(strings.TrimPrefix(location, p.origin()), "/"))
	}
	lines := answer.Header["Set-Cookie"]
	for i, line := range lines {
		lines[i] = plainCookie(line)
	}
	answer.Header.Del("Strict-Transport-Security")
	answer.Header.Set("Cache-Control", "no-store")
	return nil
}

// plainCookie takes from a Set-Cookie line what keeps a browser from taking it here: Domain and Secure.
func plainCookie(line string) string {
	parts := strings.Split(line, ";")
	kept := parts[:1]
	for _, part := range parts[1:] {
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "=")
		if name != "domain" && (name != "secure" || strings.HasPrefix(line, "__")) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ";")
}

func (p *Proxy) failed(w http.ResponseWriter, _ *http.Request, _ error) {
	http.Error(w, "sallyport learn: the app does not answer", http.StatusBadGateway)
}

// kept copies the beginning of a body into the record while it passes.
type kept struct {
	io.ReadCloser
	proxy    *Proxy
	exchange *learn.Exchange
	header   http.Header
	raw      []byte
}

func (k *kept) Read(piece []byte) (int, error) {
	n, err := k.ReadCloser.Read(piece)
	k.raw = append(k.raw, piece[:min(n, login.AnswerLimit-len(k.raw))]...)
	if err != nil {
		k.store()
	}
	return n, err //nolint:wrapcheck // the proxy looks for io.EOF
}

func (k *kept) Close() error {
	k.store()
	return k.ReadCloser.Close() //nolint:wrapcheck // it is the body's own
}

func (k *kept) store() {
	if k.raw == nil {
		return
	}
	plain, err := login.DecodeBody(k.header, k.raw, login.AnswerLimit)
	if err != nil && !errors.Is(err, login.ErrTooLarge) {
		plain = nil
	}
	k.proxy.mutex.Lock()
	defer k.proxy.mutex.Unlock()
	k.exchange.Content = plain
	k.proxy.bytes += len(plain)
	k.raw = nil
}
