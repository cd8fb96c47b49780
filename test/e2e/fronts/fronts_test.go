// Package fronts tries the recipes of docs/proxies.md with the real programs: TLS ends at another proxy, in front of
// the gateway.
package fronts

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/checkout"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

const host = "wiki.example.com"

const block = `
		app ledger
		login /login {
			username form username
		}
		identity /api/me json /login
		renews
		logout /logout
		public /static/* /favicon.ico
		totp {
			skew 10
		}
`

// recipe is the block of docs/proxies.md in a language that has this text.
func recipe(t *testing.T, language, has string) string {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/proxies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(found[1], has) {
			return found[1]
		}
	}
	t.Fatalf("docs/proxies.md has no %s with %q", language, has)
	return ""
}

// place is the demo app behind a gateway behind a front.
type place struct {
	*site.Site
	t      *testing.T
	folder string
	// front is where the front is to listen.
	front string
}

// start starts the app and the gateway. global is the recipe of the global block, and socket where the gateway listens
// if not at a port.
func start(t *testing.T, global, socket string) *place {
	t.Helper()
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	p := &place{t: t, folder: t.TempDir()}
	var err error
	if p.front, err = process.FreeAddress(); err != nil {
		t.Fatal(err)
	}
	options := strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(global), "{")), "}")
	p.Site = site.Start(t, site.Serve(t, app), block, site.Options{Global: options})
	p.Stop()
	_, gateway, _ := net.SplitHostPort(p.Address)
	address := "http://" + host + ":" + gateway + " {"
	if socket != "" {
		address = "http://" + host + " {\n\tbind unix/" + socket + "|0222"
		// What starts the process waits for its port.
		address = p.URL + " {\n\trespond 404\n}\n" + address
	}
	p.Write(strings.Replace(p.Caddyfile(), "\n"+p.URL+" {", "\n"+address, 1))
	p.Run()
	return p
}

// run runs the front and waits until it listens.
func (p *place) run(arguments ...string) {
	p.t.Helper()
	front, err := process.Start(process.Program{Folder: p.folder, Arguments: arguments}, filepath.Join(p.folder, "front.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(front.Stop)
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := net.Dial("tcp", p.front)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) || front.Ended() {
			p.t.Fatalf("the front does not listen: %v\n%s", err, front.Log())
		}
		time.Sleep(20 * time.Millisecond) // it tells nobody when it listens
	}
}

// file writes a file of the front's.
func (p *place) file(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// read returns what a file says.
func (p *place) read(file string) string {
	p.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// nginx runs nginx with the recipe, in which the gateway is at upstream.
func (p *place) nginx(upstream string) {
	p.t.Helper()
	crt, key := servers.Certificate(p.t, p.folder, host)
	text := strings.NewReplacer(
		"listen 443 ssl", "listen "+p.front+" ssl", "/etc/ssl/wiki.crt", crt, "/etc/ssl/wiki.key", key, "proxy_pass http://127.0.0.1:8080;", upstream,
	).Replace(recipe(p.t, "nginx", "server_name"))
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += kind + "_temp_path " + filepath.Join(p.folder, kind) + ";\n"
	}
	p.run("nginx", "-e", "stderr", "-c", p.file("nginx.conf",
		"daemon off;\nuser root;\nworker_processes 1;\npid "+filepath.Join(p.folder, "pid")+";\nevents {}\nhttp {\naccess_log off;\n"+temporary+text+"}\n"))
}

// TestRecipes: a user signs in through each front, sees the settings page and uses a WebSocket. The session's cookie is
// that of https. The attack: a client says by itself where it comes from and how, and is not believed.
func TestRecipes(t *testing.T) {
	for name, run := range map[string]func(*testing.T) *place{
		"nginx": func(t *testing.T) *place {
			p := start(t, recipe(t, "caddyfile", "trusted_proxies_strict"), "")
			p.nginx("proxy_pass http://" + p.Address + ";")
			return p
		},
		"HAProxy": func(t *testing.T) *place {
			p := start(t, recipe(t, "caddyfile", "trusted_proxies_strict"), "")
			crt, key := servers.Certificate(t, p.folder, host)
			both := p.file("wiki.pem", p.read(crt)+p.read(key))
			p.run("haproxy", "-f", p.file("haproxy.cfg", strings.NewReplacer(
				"bind :443", "bind "+p.front, "/etc/haproxy/wiki.pem", both, "127.0.0.1:8080", p.Address,
			).Replace(recipe(t, "haproxy", "frontend"))))
			return p
		},
		"nginx, Unix socket": func(t *testing.T) *place {
			socket := filepath.Join(t.TempDir(), "wiki.sock")
			p := start(t, recipe(t, "caddyfile", "trusted_proxies_unix"), socket)
			p.nginx(strings.ReplaceAll(strings.TrimSpace(recipe(t, "nginx", "unix:")), "/run/sallyport/wiki.sock", socket))
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t)
			v := newVisitor(t, p.front)
			v.signIn("wrong")
			if client := p.failedFrom(); client != "127.0.0.1" && client != "" {
				t.Errorf("the gateway believes that a client is at %q", client)
			}
			if v.signIn(demo.AlicePassword); v.answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("signing in: %d", v.answer.StatusCode)
			}
			if set := strings.Join(v.answer.Header["Set-Cookie"], "\n"); !strings.Contains(set, "__Host-sallyport=") || !strings.Contains(set, "Secure") {
				t.Errorf("the login sets %q", set)
			}
			if text := v.do(http.MethodGet, "/files", ""); v.answer.StatusCode != http.StatusOK {
				t.Errorf("a page: %d %.300s", v.answer.StatusCode, text)
			}
			if text := v.do(http.MethodGet, "/second-factor/", ""); !strings.Contains(text, "/second-factor/setup") {
				t.Errorf("the settings page: %d %.300s", v.answer.StatusCode, text)
			}
			v.header.Set("Connection", "Upgrade")
			v.header.Set("Upgrade", "websocket")
			v.header.Set("Sec-Websocket-Version", "13")
			v.header.Set("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			v.header.Set("Origin", "https://"+host)
			v.do(http.MethodGet, "/ws", "")
			if v.answer.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("a WebSocket: %d", v.answer.StatusCode)
			}
		})
	}
}

// TestP2_PastTheFront: whoever comes to the gateway past the front, from another address than the front's, is not
// believed to have come by https. The control is in TestRecipes.
func TestP2_PastTheFront(t *testing.T) {
	p := start(t, strings.ReplaceAll(recipe(t, "caddyfile", "trusted_proxies_strict"), "127.0.0.1/32", "127.0.0.2/32"), "")
	v := newVisitor(t, p.Address)
	v.base = "http://" + host
	v.header.Set("X-Forwarded-Proto", "https")
	if v.signIn(demo.AlicePassword); v.answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in: %d", v.answer.StatusCode)
	}
	if set := strings.Join(v.answer.Header["Set-Cookie"], "\n"); !strings.Contains(set, "sallyport=") || strings.Contains(set, "__Host-") {
		t.Errorf("the login sets %q", set)
	}
}

var csrf = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// failedFrom is the client's address in the audit log's line of a login that failed; empty if it has none.
func (p *place) failedFrom() string {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		for line := range strings.Lines(p.Log()) {
			var told struct{ Event, Client string }
			if json.Unmarshal([]byte(line), &told) == nil && told.Event == "login_failed" {
				return told.Client
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatal("no login has failed")
		}
		time.Sleep(10 * time.Millisecond) // what the gateway has written comes through a pipe
	}
}

// visitor is a client of the front's, which says by itself that it is somebody else.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
	header http.Header
	answer *http.Response
}

func newVisitor(t *testing.T, front string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate is not what is tried
	}
	dialer := new(net.Dialer)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, front)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t: t, base: "https://" + host, header: http.Header{
		"Accept": {"text/html"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"other.example"},
	}, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn signs alice in by the app's own form.
func (v *visitor) signIn(password string) {
	v.t.Helper()
	page := v.do(http.MethodGet, "/login", "")
	v.do(http.MethodPost, "/login", url.Values{"username": {"alice"}, "password": {password}, "csrf": {site.Find(v.t, csrf, page)}}.Encode())
}

// do sends a request and returns the text of the answer.
func (v *visitor) do(method, path, form string) string {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(form))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header = v.header.Clone()
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	if v.answer = answer; v.answer.StatusCode == http.StatusSwitchingProtocols {
		return ""
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(text)
}
