package browser

import (
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
)

const secretURI = "otpauth://totp/Harbour%20wiki:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Harbour%20wiki"

// page is a form like those of the gateway's pages: a field, a button, a QR code in SVG, a dark colour scheme, a
// script.
var page = template.Must(template.New("page").Parse(`<!doctype html><title>Test page</title>
<style>
	body { background: rgb(255, 255, 255) } #gone, #late { display: none } #tall { height: 1500px }
	@media (prefers-color-scheme: dark) { body { background: rgb(0, 0, 0) } }
</style>
<h1>Hello {{.Name}}</h1>
<form method="post" action="/greet"><input name="who" value="old"><button>Say "hello"</button></form>
<a href="/missing">Nowhere</a>
<button type="button" id="button" onclick="document.querySelector('#late').style.display = 'block'; document.querySelector('h1').remove()">Show</button>
<p id="late">late</p><p id="gone">gone</p>
<p id="scripts">scripts are off</p><script>document.querySelector("#scripts").textContent = "scripts are on"</script>
{{.QR}}<div id="tall"></div>`))

// site serves the page at / and greets at /greet, sets a cookie that scripts cannot see, and fails with 404 elsewhere.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	code, err := qrcode.New(secretURI, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, name string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("X-Page", "test")
		http.SetCookie(w, &http.Cookie{Name: "secret", Value: "s3", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		if err := page.Execute(w, map[string]any{"Name": name, "QR": svg(code.Bitmap())}); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, "stranger") })
	mux.HandleFunc("GET /greet", func(w http.ResponseWriter, r *http.Request) { show(w, r.FormValue("who")) })
	mux.HandleFunc("POST /greet", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/greet?who="+r.FormValue("who"), http.StatusSeeOther)
	})
	// Browsers request it by themselves; without it the console would show a problem.
	mux.HandleFunc("GET /favicon.ico", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// svg draws a code's modules, three pixels each.
func svg(modules [][]bool) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg id="qr" width="%[1]d" height="%[1]d" viewBox="0 0 %[2]d %[2]d" shape-rendering="crispEdges">`+
		`<rect width="100%%" height="100%%" fill="#fff"/>`, 3*len(modules), len(modules))
	for y, row := range modules {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="1" height="1"/>`, x, y)
			}
		}
	}
	return template.HTML(b.String() + "</svg>")
}

func TestSteps(t *testing.T) {
	t.Parallel()
	server := site(t)
	b := New(t, Options{})

	answer := b.Goto(server.URL)
	if answer.Status != http.StatusOK || answer.URL != server.URL+"/" || answer.Header.Get("X-Page") != "test" {
		t.Errorf("answer %+v", answer)
	}
	if got := b.Text("h1"); got != "Hello stranger" {
		t.Errorf("heading %q", got)
	}
	if b.Visible("#late") || b.Visible("#nowhere") || !b.Visible("h1") {
		t.Error("visible and invisible elements are mixed up")
	}
	if got := b.Text("#scripts"); got != "scripts are on" {
		t.Error(got)
	}
	b.Click(Labelled("Show"))
	b.WaitVisible("#late")
	b.WaitGone("h1")
	b.WaitGone("#gone")

	if got := b.Value("[name=who]"); got != "old" {
		t.Errorf("field %q", got)
	}
	b.Fill("[name=who]", "alice")
	answer = b.Follow(Labelled(`Say "hello"`))
	if answer.Status != http.StatusOK || answer.URL != server.URL+"/greet?who=alice" {
		t.Errorf("answer %+v", answer)
	}
	b.WaitPath("/greet?who=alice")
	if got := b.Path(); got != "/greet?who=alice" {
		t.Errorf("path %q", got)
	}
	if got := b.Text("h1"); got != "Hello alice" {
		t.Errorf("heading %q", got)
	}
	if !strings.Contains(b.Page(), "Hello alice") {
		t.Error("the page's words lack its heading")
	}
	if got := b.Attribute("form", "action") + b.Attribute("form", "none"); got != "/greet" {
		t.Errorf("attribute %q", got)
	}
	if got := Evaluate[int](b, "document.forms.length"); got != 1 {
		t.Errorf("%d forms", got)
	}
	if answer := b.Reload(); answer.Status != http.StatusOK {
		t.Errorf("answer %+v", answer)
	}
	if problems := b.Problems(); len(problems) != 0 {
		t.Errorf("problems %q", problems)
	}
	if answer := b.Follow(Link("Nowhere")); answer.Status != http.StatusNotFound {
		t.Errorf("answer %+v", answer)
	}
}

func TestReadQR(t *testing.T) {
	t.Parallel()
	b := New(t, Options{Width: 390, Height: 700, Dark: true})
	b.Goto(site(t).URL)
	if got := b.ReadQR("#qr"); got != secretURI {
		t.Errorf("read %q, want %q", got, secretURI)
	}
}

// TestProfiles: two tabs share cookies, two browsers do not.
func TestProfiles(t *testing.T) {
	t.Parallel()
	server := site(t)
	b := New(t, Options{})
	b.Goto(server.URL)
	tab := b.Tab()
	want := Cookie{Name: "secret", Value: "s3", Domain: "127.0.0.1", Path: "/", HTTPOnly: true, SameSite: "Lax"}
	for _, holder := range []*Browser{b, tab} {
		if got := holder.Cookies(); len(got) != 1 || got[0] != want {
			t.Errorf("cookies %+v", got)
		}
	}
	tab.Goto(server.URL + "/greet?who=bob")
	if b.Path() != "/" || tab.Path() != "/greet?who=bob" {
		t.Error("a tab moved the other")
	}
	if got := New(t, Options{}).Cookies(); len(got) != 0 {
		t.Errorf("a fresh browser has %+v", got)
	}
}

// TestLooks: the options reach the page, and can be changed.
func TestLooks(t *testing.T) {
	t.Parallel()
	server := site(t)
	b := New(t, Options{Width: 390, Height: 700, Dark: true, NoScripts: true})
	b.Goto(server.URL)
	const background = "getComputedStyle(document.body).backgroundColor"
	if got := Evaluate[string](b, background); got != "rgb(0, 0, 0)" {
		t.Errorf("dark is %s", got)
	}
	if got := Evaluate[int](b, "window.innerWidth"); got != 390 {
		t.Errorf("%d pixels wide", got)
	}
	if got := b.Text("#scripts"); got != "scripts are off" {
		t.Error(got)
	}
	// All steps work without scripts, too.
	b.WaitGone("#gone")
	b.Fill("[name=who]", "carol")
	b.Follow(Labelled(`Say "hello"`))
	b.WaitPath("/greet?who=carol")

	b.ColourScheme(false)
	b.Scripts(true)
	b.Viewport(1000, 500)
	b.Reload()
	if got := Evaluate[string](b, background); got != "rgb(255, 255, 255)" {
		t.Errorf("light is %s", got)
	}
	if got := b.Text("#scripts"); got != "scripts are on" {
		t.Error(got)
	}

	picture, err := os.Open(b.Screenshot("page"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = picture.Close() }()
	size, err := png.DecodeConfig(picture)
	if err != nil {
		t.Fatal(err)
	}
	if size.Width != 1000 || size.Height < 1500 {
		t.Errorf("the picture has %d by %d pixels and lacks a part of the page", size.Width, size.Height)
	}
}

// TestProblems: errors of a page show in the console, and a page cannot make requests to other machines.
func TestProblems(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "style-src 'none'")
		fmt.Fprint(w, `<link rel="icon" href="data:,"><style>p { color: red }</style><p id="ready">here</p>
			<script>setTimeout(() => { throw new Error("thrown by the page") })</script>
			<img src="http://outside.example/picture.png">`)
	}))
	t.Cleanup(server.Close)
	b := New(t, Options{})
	b.Goto(server.URL)
	for _, want := range []string{"thrown by the page", "Content Security Policy", "ERR_NAME_NOT_RESOLVED"} {
		if !eventually(b, want) {
			t.Errorf("%q is not in %q", want, b.Problems())
		}
	}
}

// eventually reads the page's text, which takes a round trip to the browser, until the console has shown the problem.
func eventually(b *Browser, problem string) bool {
	for range 200 {
		if slices.ContainsFunc(b.Problems(), func(p string) bool { return strings.Contains(p, problem) }) {
			return true
		}
		b.Text("#ready")
	}
	return false
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<p>secure</p>")
	}))
	t.Cleanup(server.Close)
	b := New(t, Options{AnyCertificate: true})
	if answer := b.Goto(server.URL); answer.Status != http.StatusOK || b.Text("p") != "secure" {
		t.Errorf("answer %+v", answer)
	}
}

func TestXPathString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`Confirm`:    `"Confirm"`,
		`it's`:       `"it's"`,
		`say "it's"`: `concat("say ", '"', "it's", '"', "")`,
	} {
		if got := xpathString(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
