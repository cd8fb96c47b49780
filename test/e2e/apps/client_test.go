package apps

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// browser is a plain HTTP client with cookies. It follows no redirects, so that a test sees each answer.
type browser struct {
	t      *testing.T
	app    *App
	client *http.Client
}

// answer has what a test compares: the properties by which a gateway can distinguish answers.
type answer struct {
	status   int
	location string
	// set lists what Set-Cookie lines do, in order: "+name" for a cookie that is set, "-name" for one that is deleted.
	set    []string
	header http.Header
	body   string
}

func newBrowser(t *testing.T, app *App) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, app: app, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.app.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(request)
}

func (b *browser) send(request *http.Request) answer {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	result := answer{
		status: response.StatusCode, location: response.Header.Get("Location"), header: response.Header, body: string(body),
	}
	for _, cookie := range response.Cookies() {
		sign := "+"
		if cookie.MaxAge < 0 {
			sign = "-"
		}
		result.set = append(result.set, sign+cookie.Name)
	}
	return result
}

// cookie returns the value that the browser holds, or "".
func (b *browser) cookie(name string) string {
	b.t.Helper()
	root, err := url.Parse(b.app.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(root) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// want compares status, Location and Set-Cookie.
func (a answer) want(t *testing.T, status int, location string, set ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	if a.location != location {
		t.Errorf("location %q, want %q", a.location, location)
	}
	if got, want := strings.Join(a.set, " "), strings.Join(set, " "); got != want {
		t.Errorf("cookies %q, want %q", got, want)
	}
}
