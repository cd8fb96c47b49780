package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"

	"sallyport.example/sallyport/learn"
	"sallyport.example/sallyport/login"
)

// ErrAway says that an address is not the app's, so that it is not asked.
var ErrAway = errors.New("the address is another site's")

// answerTimeout is how long one answer may take.
const answerTimeout = 30 * time.Second

// browser sends requests to the app, or to a gateway in front of it, and keeps cookies. It follows no redirects.
type browser struct {
	// site is what the browser takes for the app's address, and app is the app's own.
	site, app *url.URL
	client    *http.Client
	bearer    http.Header
}

// newBrowser makes a browser without cookies. gate is the gateway's address on this machine; empty: it asks the app.
func newBrowser(app *url.URL, gate string) *browser {
	site := *app
	if gate != "" {
		site = url.URL{Scheme: "http", Host: gate}
	}
	jar, _ := cookiejar.New(nil) // without options it makes no errors
	return &browser{site: &site, app: app, client: &http.Client{
		Transport: &http.Transport{Proxy: nil, DisableCompression: true, DisableKeepAlives: true}, Jar: jar, Timeout: answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request and returns the exchange with the answer.
func (b *browser) send(ctx context.Context, e learn.Exchange) (learn.Exchange, error) {
	target := *b.site
	if e.URL.Host != "" && e.URL.Host != b.site.Host && e.URL.Host != b.app.Host {
		return e, ErrAway
	}
	target.Path, target.RawPath, target.RawQuery = e.URL.Path, e.URL.RawPath, e.URL.RawQuery
	request, err := http.NewRequestWithContext(ctx, e.Method, target.String(), bytes.NewReader(e.Body))
	if err != nil {
		return e, fmt.Errorf("a request of the trial: %w", err)
	}
	header := request.Header
	for name, values := range e.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	for name, values := range b.bearer {
		if header.Get(name) == "" {
			header[name] = values
		}
	}
	if header.Get("Sec-Fetch-Mode") == "" && header.Get("X-Requested-With") == "" && (header.Get("Accept") == "" || e.Method == http.MethodGet) {
		header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		header.Set("Sec-Fetch-Mode", "navigate")
		header.Set("Sec-Fetch-Dest", "document")
	}
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("User-Agent", "Mozilla/5.0 (sallyport learn)")
	header.Set("Accept-Language", "en")
	if e.Method != http.MethodGet && e.Method != http.MethodHead {
		header.Set("Origin", b.site.Scheme+"://"+b.site.Host)
		header.Set("Referer", b.site.Scheme+"://"+b.site.Host+"/")
	}
	answer, err := b.client.Do(request)
	if err != nil {
		// The error has the address, and a query may have what nobody should read.
		return e, fmt.Errorf("the app or the gateway did not answer: %w", errors.Unwrap(err))
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, login.AnswerLimit))
	if err != nil {
		return e, fmt.Errorf("an answer broke off: %w", err)
	}
	e.Status, e.Answer = answer.StatusCode, answer.Header
	if e.Content, err = login.DecodeBody(answer.Header, raw, login.AnswerLimit); err != nil && !errors.Is(err, login.ErrTooLarge) {
		e.Content = nil
	}
	e.URL = &target
	return e, nil
}

// open loads a page, or what else is at a path.
func (b *browser) open(ctx context.Context, path string) (learn.Exchange, error) {
	address, err := url.Parse(path)
	if err != nil {
		return learn.Exchange{}, fmt.Errorf("an address of the trial: %w", err)
	}
	return b.send(ctx, learn.Exchange{Method: http.MethodGet, URL: address, Header: make(http.Header)})
}

// follow opens an address, and where it leads, through the app's own redirects.
func (b *browser) follow(ctx context.Context, path string) (e learn.Exchange, err error) {
	for range 5 {
		if e, err = b.open(ctx, path); err != nil || e.Status < 300 || e.Status >= 400 {
			return e, err
		}
		next, wrong := e.URL.Parse(e.Answer.Get("Location"))
		if away := wrong != nil || next.Host != b.site.Host; away {
			return e, nil
		}
		path = next.RequestURI()
	}
	return e, nil
}

// cookies returns the browser's cookies for a path.
func (b *browser) cookies(at *url.URL) map[string]string {
	target := *b.site
	target.Path = at.Path
	named := make(map[string]string)
	for _, cookie := range b.client.Jar.Cookies(&target) {
		named[cookie.Name] = cookie.Value
	}
	return named
}

// signIn sends a password as the recorded login did, with the login page opened before.
func (b *browser) signIn(ctx context.Context, p *learn.Proposal, as *learn.Attempt, password string) (learn.Exchange, error) {
	var page *learn.Exchange
	if p.LoginPage != nil {
		opened, err := b.follow(ctx, p.LoginPage.URL.RequestURI())
		if err != nil {
			return opened, err
		}
		page = &opened
	}
	return b.send(ctx, as.Again(page, password, b.cookies(p.Right.URL)))
}
