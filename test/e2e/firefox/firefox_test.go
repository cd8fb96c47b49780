package firefox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestSteps: the steps act like a person, and read what a person sees.
func TestSteps(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>x</title><p id=said>%s; %s; %s</p><p hidden id=hidden>hidden</p><form><input name=a value=old><button id=b>Send</button></form>
			<button type=button onclick="setTimeout(() => this.textContent = prompt('why?'))">Ask</button>`, r.URL.RawQuery, r.Header.Get("Accept-Language"), r.Method)
	}))
	defer server.Close()
	f := New(t, Options{Width: 390, Height: 600, Dark: true, Language: "de"})
	f.Goto(server.URL)
	if got := f.Text("#said"); !strings.HasPrefix(got, "; de") || f.Visible("#hidden") || !f.Visible("=Send") {
		t.Errorf("the page says %q", got)
	}
	got := Evaluate[[]any](f, `[innerWidth, innerHeight, matchMedia("(prefers-color-scheme: dark)").matches, document.hasFocus()]`)
	if fmt.Sprint(got) != "[390 600 true true]" {
		t.Errorf("the window: %v", got)
	}
	f.Fill("[name=a]", "new")
	f.leaving("pressing a button", func() { f.Press(Tab + Enter) })
	if got := f.Path(); got != "/?a=new" {
		t.Errorf("the form leads to %s", got)
	}
	f.Follow("=Send")
	f.Click("=Ask")
	if got := f.Prompt("because"); got != "why?" {
		t.Errorf("it asks %q", got)
	}
	f.WaitVisible("=because")
	Evaluate[bool](f, `(setTimeout(() => { throw new Error("of the page") }), true)`)
	f.until("waiting for the error", func() bool { return strings.Contains(strings.Join(f.Problems(), " "), "of the page") })
	if picture, err := os.ReadFile(f.Screenshot("steps")); err != nil || !strings.HasPrefix(string(picture), "\x89PNG") {
		t.Errorf("the picture: %v", err)
	}
	// The browser makes no requests to the internet.
	if err := f.try("browsingContext.navigate", map[string]any{"context": f.context, "url": "http://192.0.2.1/", "wait": "complete"}, nil); err == nil {
		t.Error("a page of another machine was requested")
	}
}
