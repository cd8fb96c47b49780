package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP2_TLSEndsInFront: TLS ends at another proxy, which the server is told to trust. The session's cookie is then
// that of https: Secure, and with a name that no plain page can set. A user signs in with it. The attack: without that
// trust, a client that itself says that it came over https gets no such cookie, and a cookie that was planted under the
// plain name is ignored.
func TestP2_TLSEndsInFront(t *testing.T) {
	t.Parallel()
	for _, trusted := range []bool{true, false} {
		proxies := map[bool]string{true: "127.0.0.1/32", false: "192.0.2.7"}[trusted]
		l := newLedger(t, demo.Knobs{}, "", site.Options{Global: "servers {\n\t\ttrusted_proxies static " + proxies + "\n\t}"})
		// The site is for one host, with the name at the front, like any site behind a front.
		l.Stop()
		port := l.Address[strings.LastIndexByte(l.Address, ':'):]
		l.Write(strings.Replace(l.Caddyfile(), "\n"+l.URL+" {", "\nhttp://"+port+" {", 1))
		l.Run()
		target := &url.URL{Scheme: "http", Host: l.Address}
		front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
			p.Out.Host = p.In.Host
		}})
		t.Cleanup(front.Close)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := front.Client()
		client.Jar = jar
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		do := func(method, path, body string) site.Answer {
			request, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept", "text/html")
			request.Header.Set("Cookie", "sallyport=planted")
			if body != "" {
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return site.Answer{Response: response, Text: string(text)}
		}
		page := do(http.MethodGet, "/login", "")
		signedIn := do(http.MethodPost, "/login", url.Values{
			"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)},
		}.Encode())
		secure := false
		for _, cookie := range signedIn.Cookies() {
			secure = secure || cookie.Name == "__Host-sallyport" && cookie.Secure && cookie.HttpOnly && cookie.Path == "/"
		}
		if secure != trusted {
			t.Errorf("trusted %v: the answer to a login sets %v", trusted, signedIn.Header["Set-Cookie"])
		}
		if !trusted {
			continue
		}
		if got := do(http.MethodGet, "/files", ""); got.StatusCode != http.StatusOK || signedIn.StatusCode != http.StatusSeeOther {
			t.Errorf("signed in: %d, then %d %.300s", signedIn.StatusCode, got.StatusCode, got.Text)
		}
	}
}

// TestValidate: `sallyport validate` reports unsafe settings as errors, and warns of settings that are probably
// mistakes.
func TestValidate(t *testing.T) {
	t.Parallel()
	const words = "app ledger\n\t\tlogin /login {\n\t\t\tusername form username\n\t\t}\n\t\tidentity /api/me json /login\n"
	for _, test := range []struct {
		name, sites string
		good        bool
		want        string
	}{
		{"all in order", "https://ledger.example.com:8443 {\n\tsecond_factor {\n\t\t" + words + "\t}\n}\n", true, "Valid configuration"},
		{"plain http", "http://ledger.example.com:8080 {\n\tsecond_factor {\n\t\t" + words + "\t}\n}\n", false, "plain http at :8080"},
		{"several hosts", "a.example.com, b.example.com {\n\tsecond_factor {\n\t\t" + strings.TrimPrefix(words, "app ledger\n") + "\t}\n}\n", false, "Caddyfile:8"},
		{
			"one app twice", "https://a.example.com {\n\tsecond_factor {\n\t\t" + words + "\t}\n}\nhttps://b.example.com {\n\tsecond_factor {\n\t\t" + words +
				"\t\tcase_sensitive\n\t}\n}\n", false, `app \"ledger\"`,
		},
		{"handle_path", "https://ledger.example.com {\n\thandle_path /a/* {\n\tsecond_factor {\n\t\t" + words + "\t}\n\t}\n}\n", true, "handle_path"},
		{"no effect", "https://ledger.example.com {\n\tsecond_factor {\n\t\t" + words + "\t\trotates sid\n\t}\n}\n", true, "rotates beside identity has no effect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			text := "{\n\tadmin off\n\tsecond_factor {\n\t\tsecrets file /nowhere\n\t}\n}\n" + test.sites
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			said := run(t, test.good, "validate", "--config", file)
			if !strings.Contains(said, test.want) {
				t.Errorf("validate says\n%s\nwant %q", said, test.want)
			}
			for line := range strings.Lines(said) {
				if test.name == "all in order" && strings.Contains(line, "second_factor") && strings.Contains(line, `"level":"warn"`) {
					t.Errorf("validate warns: %s", line)
				}
			}
		})
	}
}
