package site

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Client is a browser without a screen: it keeps cookies, sends the headers of a browser, and follows no redirect.
type Client struct {
	// Site is the site that it uses.
	Site *Site
	// Base is the path of the gateway's own pages. Default: /second-factor.
	Base string
	// Header goes with every request. It overrides the headers of a browser, and a call's own header overrides it.
	Header http.Header
	// ByPath sends the app's cookies only where their Path lets them go, as browsers do. Without it the browser sends
	// those for the whole site alone.
	ByPath bool

	t    testing.TB
	http *http.Client
}

// answerTimeout is how long a complete answer may take.
const answerTimeout = 2 * time.Minute

// Client makes a browser with no cookies.
func (s *Site) Client(t testing.TB) *Client {
	t.Helper()
	return s.ClientFrom(t, "127.0.0.1")
}

// ClientFrom is like Client, with a loopback address such as 127.0.0.66 as the client's.
func (s *Site) ClientFrom(t testing.TB, address string) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DisableCompression: true, DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{Site: s, Base: "/second-factor", t: t, http: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is a response that was read completely.
type Answer struct {
	*http.Response
	// Text is the body.
	Text string
}

// Location returns the address to which the answer redirects.
func (a Answer) Location() string { return a.Header.Get("Location") }

// Do sends a request. Header may be nil.
func (c *Client) Do(method, path string, header http.Header, body string) Answer {
	c.t.Helper()
	answer, err := c.Try(method, path, header, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// Try is like Do, for goroutines and for requests that may fail.
func (c *Client) Try(method, path string, header http.Header, body string) (Answer, error) {
	// An answer that does not end, of a stream or a WebSocket that should not be open, is an error; it must not hang
	// the test.
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.Site.URL, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	// Opaque sends the path exactly as it is written.
	path, query, _ := strings.Cut(path, "?")
	request.URL.Opaque, request.URL.RawQuery = path, query
	if strings.HasPrefix(path, "//") {
		request.URL.Opaque = "http://" + c.Site.Address + path
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Test")
	for name, values := range c.Header {
		request.Header[name] = values
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	at := &url.URL{Scheme: "http", Host: c.Site.Address, Path: "/"}
	if c.ByPath {
		at.Path = path
	}
	for _, cookie := range c.http.Jar.Cookies(at) {
		request.AddCookie(cookie)
	}
	response, err := c.http.Transport.RoundTrip(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	c.http.Jar.SetCookies(&url.URL{Scheme: "http", Host: c.Site.Address, Path: "/"}, response.Cookies())
	text, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Answer{}, err
	}
	return Answer{Response: response, Text: string(text)}, nil
}

// Get requests a page.
func (c *Client) Get(path string) Answer { c.t.Helper(); return c.Do("GET", path, nil, "") }

// Post sends a form.
func (c *Client) Post(path string, values url.Values) Answer {
	c.t.Helper()
	return c.Do("POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, values.Encode())
}

// PostJSON sends JSON, as a script does.
func (c *Client) PostJSON(path, body string) Answer {
	c.t.Helper()
	return c.Do("POST", path, http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}, body)
}

// Token returns the client's session token of the gateway; empty if it has none.
func (c *Client) Token() string {
	for _, cookie := range c.http.Jar.Cookies(&url.URL{Scheme: "http", Host: c.Site.Address, Path: "/"}) {
		if cookie.Name == "sallyport" {
			return cookie.Value
		}
	}
	return ""
}

// SetCookie sets a cookie.
func (c *Client) SetCookie(name, value string) {
	c.http.Jar.SetCookies(&url.URL{Scheme: "http", Host: c.Site.Address, Path: "/"}, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// Own posts a form of one of the gateway's own pages, with the CSRF token that the page at from carries. Both are below
// Base.
func (c *Client) Own(from, to string, values url.Values) Answer {
	c.t.Helper()
	page := c.Get(c.Base + from)
	values = cloneValues(values)
	values.Set("csrf_token", Find(c.t, OwnToken, page.Text))
	return c.Post(c.Base+to, values)
}

func cloneValues(values url.Values) url.Values {
	clone := make(url.Values, len(values)+1)
	for name, list := range values {
		clone[name] = list
	}
	return clone
}

// Parts of the gateway's pages, by the fixed hooks of contract 5.2.
var (
	OwnToken     = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)
	Secret       = regexp.MustCompile(`<code id="secret"[^>]*>([^<]+)</code>`)
	recoveryList = regexp.MustCompile(`(?s)<ol[^>]*id="recovery-codes"[^>]*>(.*?)</ol>`)
	recoveryCode = regexp.MustCompile(`[a-z0-9]{4}(?:-[a-z0-9]{4}){3}`)
)

// Find returns the first group of a pattern in a page, and fails the test if the page does not match.
func Find(t testing.TB, pattern *regexp.Regexp, page string) string {
	t.Helper()
	found := pattern.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no %v in %s", pattern, tail(page, 3000))
	}
	return found[1]
}

// RecoveryCodes returns the codes that a page shows.
func RecoveryCodes(t testing.TB, page string) []string {
	t.Helper()
	return recoveryCode.FindAllString(Find(t, recoveryList, page), -1)
}

// Status returns the state that GET /status reports.
func (c *Client) Status() string {
	c.t.Helper()
	return c.Get(c.Base + "/status").Text
}

// Authenticator is a user's authenticator. With `totp { skew 10 }` it has twenty codes without waiting, each for a
// later step than the previous one.
type Authenticator struct {
	// Key is in base32.
	Key string

	skew int64
	last int64
}

// NewAuthenticator makes an authenticator with the key that a set-up page shows.
func NewAuthenticator(key string, skew int) *Authenticator {
	return &Authenticator{Key: strings.ToUpper(strings.Join(strings.Fields(key), "")), skew: int64(skew)}
}

// Code returns a valid code that it has not returned before.
func (a *Authenticator) Code(t testing.TB) string {
	t.Helper()
	step := max(time.Now().Unix()/30-a.skew+1, a.last+1)
	if step > time.Now().Unix()/30+a.skew {
		t.Fatal("the authenticator has no further code for now")
	}
	a.last = step
	code, err := hotp.GenerateCodeCustom(a.Key, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// Enrol sets up a second factor in a session that is signed in, and returns the authenticator and the recovery codes.
func (c *Client) Enrol(skew int) (*Authenticator, []string) {
	c.t.Helper()
	c.Own("/", "/setup", nil).Wants(c.t, http.StatusSeeOther, c.Base+"/setup")
	page := c.Get(c.Base + "/setup")
	authenticator := NewAuthenticator(Find(c.t, Secret, page.Text), skew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {authenticator.Code(c.t)}}).Wants(c.t, http.StatusSeeOther, c.Base+"/recovery-codes")
	codes := c.Get(c.Base + "/recovery-codes")
	return authenticator, RecoveryCodes(c.t, codes.Text)
}

// Pass answers the challenge.
func (c *Client) Pass(authenticator *Authenticator) Answer {
	c.t.Helper()
	return c.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(c.t)}})
}

// SignOut signs out at the gateway.
func (c *Client) SignOut() {
	c.t.Helper()
	from := "/"
	if !strings.Contains(c.Status(), `"verified"`) {
		from = "/challenge"
	}
	if got := c.Own(from, "/logout", nil); got.StatusCode != http.StatusSeeOther {
		c.t.Fatalf("sign out: %d %s", got.StatusCode, tail(got.Text, 1000))
	}
}

// Wants fails the test unless the answer has this status and redirects to this address.
func (a Answer) Wants(t testing.TB, status int, location string) Answer {
	t.Helper()
	if a.StatusCode != status || location != "" && a.Location() != location {
		t.Fatalf("got %d to %q, want %d to %q\n%s", a.StatusCode, a.Location(), status, location, tail(a.Text, 2000))
	}
	return a
}

// Raw sends bytes unchanged over a new connection, and returns what comes back until the other side closes, or for a
// second sends nothing. It is for requests that client libraries would correct.
func (s *Site) Raw(t testing.TB, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	reader := bufio.NewReader(conn)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		chunk := make([]byte, 64<<10)
		n, err := reader.Read(chunk)
		all.Write(chunk[:n])
		if err != nil {
			return all.String()
		}
	}
}

// RawRequest returns a request with the usual lines and those given, each without its line end.
func (s *Site) RawRequest(method, target string, lines ...string) string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, s.Address)
	for _, line := range lines {
		head += line + "\r\n"
	}
	return head + "Connection: close\r\n\r\n"
}
