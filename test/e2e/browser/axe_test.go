package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// serveHTML answers every address with one page, whose title has the requested language.
func serveHTML(t *testing.T, page string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><link rel=icon href=data:,><title>%s %s</title>%s", r.URL.RequestURI(), r.Header.Get("Accept-Language"), page)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestViolations: axe-core runs, and finds the violations in a bad page.
func TestViolations(t *testing.T) {
	t.Parallel()
	b := New(t, Options{})
	b.Goto(serveHTML(t, `<main><h1>Bad</h1><input name="a"><p style="color: #ccc; background: #fff">pale</p></main>`).URL)
	var rules []string
	for _, v := range Violations(b.ctx, t) {
		rules = append(rules, v.Rule)
		if len(v.Nodes) == 0 || v.Help == "" {
			t.Errorf("%s says nothing", v.Rule)
		}
	}
	for _, want := range []string{"html-has-lang", "label", "color-contrast"} {
		if !slices.Contains(rules, want) {
			t.Errorf("%s was not found, only %q", want, rules)
		}
	}
}

// TestHands tests keys, the double click and the history, and also the browser's language and where it saves files.
func TestHands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	server := serveHTML(t, `<form action="/next"><input name="a" oninput="if (this.value.length === 3) this.form.submit()"><button>Go</button></form>
		<a download="file.txt" href="data:text/plain,saved">Save</a><p id="key"></p>
		<script>addEventListener("keydown", e => document.querySelector("#key").textContent = e.key)</script>`)
	b := New(t, Options{Language: "pl"})
	b.Goto(server.URL + "/start")
	if got := Evaluate[string](b, "document.title + ' ' + navigator.language"); !strings.HasPrefix(got, "/start pl") || !strings.HasSuffix(got, " pl") {
		t.Errorf("the language is %q", got)
	}
	b.Press(kb.Escape)
	if got := b.Text("#key"); got != "Escape" {
		t.Errorf("the key was %q", got)
	}
	if got := b.DoubleClick(Labelled("Go")); got.Status != http.StatusOK || !strings.Contains(got.URL, "/next") {
		t.Errorf("a double click leads to %+v", got)
	}
	b.Goto(server.URL + "/start")
	if got := b.FillThrough("[name=a]", "abc"); got.URL != server.URL+"/next?a=abc" {
		t.Errorf("typing leads to %s", got.URL)
	}
	b.Back()
	b.WaitPath("/start")
	b.Goto(server.URL + "/start")
	b.DownloadTo(folder)
	b.Click(Link("Save"))
	for range 500 {
		if text, err := os.ReadFile(filepath.Join(folder, "file.txt")); err == nil && string(text) == "saved" {
			return
		}
		b.Text("a")
	}
	t.Error("nothing was saved")
}
