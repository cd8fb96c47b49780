// Package tap is a proxy between a gateway and an app that finds out what the gateway must not be wrong about: for
// which account the app accepts each request. It asks the app itself, with the credentials of the request, before and
// after the request is served, and with the cookies that the answer sets. The gateway does not notice it.
package tap

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Parameter is a parameter of the query that the tap itself obeys and removes. `tap=hold:50` delays a request by so
// many milliseconds before the app gets it. `tap=drip:50` delays an answer's body by that time after its head.
// `tap=break:1` closes the connection instead of answering. `tap=deaf:50` does that to all requests for so many
// milliseconds.
const Parameter = "tap"

// askTimeout bounds one question.
const askTimeout = 20 * time.Second

// Seen is a request that reached the app.
type Seen struct {
	// Client is the request's User-Agent. The gateway's own questions have it too.
	Client string
	// Method and Target are the request's first line.
	Method, Target string
	Header         http.Header
	// Question is the realm, if the request is one of the gateway's own questions by its method and address.
	Question string
	// Before are the accounts for which the app accepted the request's credentials when it arrived. A thorough tap asks
	// again: After is the answer when the request had been served, and Signed the answer for the same credentials with
	// the cookies that the app's answer set. Begun and Ended are when the request was served.
	Before, After, Signed names
	Begun, Ended          time.Time
	// Status is the status of the app's answer; 0 if there was none.
	Status int
	// set are the cookies that the answer set.
	set []*http.Cookie
}

// Tap is the handler between gateway and app.
type Tap struct {
	// Front is the app's page that shows most of an account; default: "/". It is not changed later.
	Front string

	upstream  *url.URL
	questions []Question
	client    *http.Transport
	thorough  bool
	deaf      atomic.Int64 // until then, in nanoseconds of Unix time
	proxy     *httputil.ReverseProxy

	mu      sync.Mutex
	seen    []*Seen
	issued  map[string]Credential
	running int // requests that are being served
	idle    *sync.Cond
}

// New makes a tap in front of the app at upstream (host and port).
func New(upstream string, questions ...Question) *Tap {
	tap := &Tap{
		Front: "/", upstream: &url.URL{Scheme: "http", Host: upstream}, questions: questions,
		client: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		issued: map[string]Credential{},
	}
	tap.idle = sync.NewCond(&tap.mu)
	tap.proxy = &httputil.ReverseProxy{
		Transport: tap.client, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", upstream, r.In.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"} {
				if values := r.In.Header[name]; values != nil {
					r.Out.Header[name] = values
				}
			}
		},
		ModifyResponse: tap.answered,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return tap
}

// Thorough makes the tap also ask after each request, and returns it.
func (t *Tap) Thorough() *Tap {
	t.thorough = true
	return t
}

// Close waits until all requests have been served, and closes the connections to the app.
func (t *Tap) Close() {
	t.Wait()
	t.client.CloseIdleConnections()
}

type seenKey struct{}

// ServeHTTP implements [http.Handler].
func (t *Tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.begin()
	defer t.end()
	// Otherwise the server closes the request's body at the answer's head, and the proxy may break off the answer. Only
	// HTTP/1 has it, and needs it.
	_ = http.NewResponseController(w).EnableFullDuplex()
	wanted, lives := orders(r), living(r)
	seen := &Seen{
		Client: r.UserAgent(), Method: r.Method, Target: r.RequestURI, Header: r.Header.Clone(), Question: t.realmOf(r), Begun: time.Now(),
	}
	credentials := r.Header.Clone()
	if seen.Question == "" {
		seen.Before = t.Ask(r.Host, credentials)
	}
	t.mu.Lock()
	t.seen = append(t.seen, seen)
	t.mu.Unlock()
	time.Sleep(wanted["hold"]) // simulates a slow app, and waits for nothing
	if drip := wanted["drip"]; drip > 0 {
		w = &dripping{ResponseWriter: w, wait: drip}
	}
	if deaf := wanted["deaf"]; deaf > 0 {
		t.deaf.Store(time.Now().Add(deaf).UnixNano())
	}
	defer func() {
		var after names
		if seen.Question == "" && t.thorough {
			after = t.Ask(r.Host, credentials)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		seen.After, seen.Ended = after, time.Now()
	}()
	if wanted["break"] > 0 || time.Now().UnixNano() < t.deaf.Load() {
		panic(http.ErrAbortHandler)
	}
	r = r.WithContext(context.WithValue(r.Context(), seenKey{}, seen))
	if lives == 0 {
		t.proxy.ServeHTTP(w, r)
		return
	}
	answer := &alive{ResponseWriter: w}
	t.proxy.ServeHTTP(answer, r)
	t.goOn(answer, r, withCookies(credentials, seen.set), lives)
}

// answered examines the head of the app's answer, and asks with the cookies that it sets.
func (t *Tap) answered(answer *http.Response) error {
	seen, _ := answer.Request.Context().Value(seenKey{}).(*Seen)
	var signed names
	if lines := answer.Header["Set-Cookie"]; len(lines) > 0 && seen.Question == "" && t.thorough {
		signed = t.Ask(answer.Request.Host, withCookies(seen.Header, answer.Cookies()))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	seen.Status, seen.Signed, seen.set = answer.StatusCode, signed, answer.Cookies()
	t.note(answer)
	return nil
}

// Ask asks the app in each realm for which account it accepts these headers.
func (t *Tap) Ask(host string, credentials http.Header) names {
	said := names{}
	for _, question := range t.questions {
		if name := t.ask(question, host, credentials); name != "" {
			said[question.Realm] = name
		}
	}
	return said
}

// notAsked are headers that a question leaves out because they do not identify the sender: those about the body, the
// form and the conditions of the answer, and the connection.
var notAsked = []string{
	"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Trailer", "Te", "Expect", "Connection", "Upgrade", "Keep-Alive",
	"Accept", "Accept-Encoding", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "X-Script-Name", "X-Forwarded-Prefix", "X-Ingress-Path",
	"X-Base-Path", "X-Mount-Path", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
}

func (t *Tap) ask(question Question, host string, credentials http.Header) string {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, orGet(question.Method), t.upstream.String()+question.Target, strings.NewReader(question.Body))
	if err != nil {
		panic("tap: a question makes no valid request: " + err.Error())
	}
	request.Header = credentials.Clone()
	for name := range request.Header {
		if slices.Contains(notAsked, http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))) {
			delete(request.Header, name)
		}
	}
	if request.Header["User-Agent"] == nil {
		request.Header["User-Agent"] = []string{""} // otherwise the client library would set one
	}
	maps.Copy(request.Header, question.Header)
	request.Host = host
	answer, err := t.client.RoundTrip(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return question.read(answer, body)
}

// realmOf returns the realm that a request asks about; empty if it is not one of the questions.
func (t *Tap) realmOf(r *http.Request) string {
	for _, question := range t.questions {
		if r.Method == orGet(question.Method) && r.RequestURI == question.Target {
			return question.Realm
		}
	}
	return ""
}

func orGet(method string) string {
	if method == "" {
		return http.MethodGet
	}
	return method
}

// All returns the requests that were seen since Forget; those that are still being served have no Ended.
func (t *Tap) All() []Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Seen, len(t.seen))
	for i, seen := range t.seen {
		all[i] = *seen
	}
	return all
}

func (t *Tap) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running++
}

func (t *Tap) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running--; t.running == 0 {
		t.idle.Broadcast()
	}
}

// Wait waits for all requests that are being served. Requests of clients that have hung up may still arrive later.
func (t *Tap) Wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait()
}

// wait is Wait with the lock held.
func (t *Tap) wait() {
	for t.running > 0 {
		t.idle.Wait()
	}
}

// Forget waits for the requests that are being served, and forgets all requests and credentials.
func (t *Tap) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait()
	t.seen, t.issued = nil, map[string]Credential{}
}

// withCookies returns the headers of a client that has accepted the cookies.
func withCookies(header http.Header, set []*http.Cookie) http.Header {
	header = header.Clone()
	request := &http.Request{Header: http.Header{"Cookie": header["Cookie"]}}
	var pairs []string
	for _, cookie := range request.Cookies() {
		if !slices.ContainsFunc(set, func(c *http.Cookie) bool { return c.Name == cookie.Name }) {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	for _, cookie := range set {
		if cookie.MaxAge >= 0 && cookie.Value != "" {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	header["Cookie"] = []string{strings.Join(pairs, "; ")}
	return header
}

// orders removes the tap's own parameter from a request, and returns its orders.
func orders(r *http.Request) map[string]time.Duration {
	wanted := map[string]time.Duration{}
	pairs := strings.Split(r.URL.RawQuery, "&")
	kept := slices.DeleteFunc(pairs, func(pair string) bool {
		order, found := strings.CutPrefix(pair, Parameter+"=")
		what, text, _ := strings.Cut(strings.ReplaceAll(order, "%3A", ":"), ":")
		number, err := strconv.Atoi(text)
		if !found || err != nil || number < 0 || number > 5000 {
			return false
		}
		wanted[what] = time.Duration(number) * time.Millisecond
		return true
	})
	if len(wanted) > 0 {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		if r.URL.RawQuery, r.RequestURI = strings.Join(kept, "&"), path; len(kept) > 0 {
			r.RequestURI += "?" + r.URL.RawQuery
		}
	}
	return wanted
}

// dripping is a ResponseWriter that delays the body after the head.
type dripping struct {
	http.ResponseWriter
	wait time.Duration
	late bool
}

// Write implements [http.ResponseWriter].
func (d *dripping) Write(p []byte) (int, error) {
	if !d.late {
		d.late = true
		_ = http.NewResponseController(d.ResponseWriter).Flush()
		time.Sleep(d.wait)
	}
	return d.ResponseWriter.Write(bytes.Clone(p))
}

// Unwrap serves [http.ResponseController].
func (d *dripping) Unwrap() http.ResponseWriter { return d.ResponseWriter }
