// Package firefox drives Debian's Firefox for the tests, as package browser drives Chromium: it opens pages, types,
// clicks and reads what is visible. It speaks WebDriver BiDi, which Firefox has built in.
//
// Every step waits for what it needs, and fails the test if that does not come. A missing browser fails the test as
// well; scripts/install-test-packages installs it.
package firefox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// stepTimeout is how long one step may take. Two busy cores with the race detector are slow; a step that hangs is rare.
const stepTimeout = 45 * time.Second

// Options says what kind of browser a test wants.
type Options struct {
	// Width and Height are the viewport's, in CSS pixels. Default 1280 and 800.
	Width, Height int
	// Dark makes pages see prefers-color-scheme: dark, else light.
	Dark bool
	// Language is what the browser asks for in Accept-Language: a tag (BCP 47). Default en-GB.
	Language string
}

// Firefox is one tab of a browser of its own. It is for one goroutine, that of its test.
type Firefox struct {
	t       testing.TB
	link    *connection
	context string

	mu       sync.Mutex
	problems []string
	prompts  []string
}

// New starts a browser with a fresh profile. It ends with the test.
func New(t testing.TB, options Options) *Firefox {
	t.Helper()
	address, wait := launch(t, options)
	f := &Firefox{t: t}
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	link, err := connect(ctx, address+"/session", f.heard)
	if err != nil {
		t.Fatalf("firefox at %s: %v", address, err)
	}
	f.link = link
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = link.call(ctx, "browser.close", map[string]any{}, nil)
		wait(10 * time.Second)
		link.close()
	})
	// The test answers prompts.
	f.must("session.new", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts": true, "unhandledPromptBehavior": map[string]any{"default": "ignore"},
	}}}, nil)
	f.must("session.subscribe", map[string]any{"events": []string{"log.entryAdded", "browsingContext.userPromptOpened"}}, nil)
	// Open another window: in the first one the focus is not in the page, so Enter and the space bar would press no
	// button.
	var made struct{ Context string }
	f.must("browsingContext.create", map[string]any{"type": "window"}, &made)
	f.context = made.Context
	f.Viewport(options.Width, options.Height)
	return f
}

// heard records the browser's events.
func (f *Firefox) heard(method string, params json.RawMessage) {
	var said struct {
		Level, Text, Message string
	}
	_ = json.Unmarshal(params, &said)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case method == "browsingContext.userPromptOpened":
		f.prompts = append(f.prompts, said.Message)
	case said.Level == "error":
		f.problems = append(f.problems, said.Text)
	}
}

// Problems returns what the browser's console has called an error so far: uncaught exceptions and the like.
func (f *Firefox) Problems() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.problems...)
}

func (f *Firefox) must(method string, params map[string]any, result any) {
	f.t.Helper()
	if err := f.try(method, params, result); err != nil {
		f.fail(method, err)
	}
}

func (f *Firefox) try(method string, params map[string]any, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	return f.link.call(ctx, method, params, result)
}

// fail ends the test and shows what the browser showed.
func (f *Firefox) fail(what string, err error) {
	f.t.Helper()
	var at, page string
	_ = f.evaluate(`[location.href, document.body ? document.body.innerText : ""].join("\n")`, &page)
	at, page, _ = strings.Cut(page, "\n")
	if len(page) > 2000 {
		page = strings.ToValidUTF8(page[:2000], "") + " …"
	}
	f.t.Fatalf("firefox, %s: %v\nat %s; console: %q\nthe page says:\n%s", what, err, at, f.Problems(), page)
}

// Viewport changes the size of the page, in CSS pixels. Zero means 1280 wide and 800 high.
func (f *Firefox) Viewport(width, height int) {
	f.t.Helper()
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 800
	}
	f.must("browsingContext.setViewport", map[string]any{"context": f.context, "viewport": map[string]any{"width": width, "height": height}}, nil)
}

// Goto opens an address and waits until the page is loaded.
func (f *Firefox) Goto(address string) {
	f.t.Helper()
	f.must("browsingContext.navigate", map[string]any{"context": f.context, "url": address, "wait": "complete"}, nil)
}

// evaluate runs JavaScript in the page, waits for a promise, and reads the value.
func (f *Firefox) evaluate(expression string, into any) error {
	var answer struct {
		Type   string
		Result struct {
			Value string
		}
		ExceptionDetails struct {
			Text string
		}
	}
	err := f.try("script.evaluate", map[string]any{
		"expression": "(async () => JSON.stringify(await (" + expression + ")))()", "target": map[string]any{"context": f.context}, "awaitPromise": true,
	}, &answer)
	switch {
	case err != nil:
		return err
	case answer.Type == "exception":
		return fmt.Errorf("evaluating %s: %s", expression, answer.ExceptionDetails.Text)
	case answer.Result.Value == "":
		return nil // undefined
	}
	return json.Unmarshal([]byte(answer.Result.Value), into)
}

// Evaluate runs JavaScript in the page and returns its value; for a promise, the promise's value.
func Evaluate[T any](f *Firefox, expression string) T {
	f.t.Helper()
	var value T
	if err := f.evaluate(expression, &value); err != nil {
		f.fail("evaluating", err)
	}
	return value
}

// Until waits until a condition in JavaScript holds, also while one page replaces another.
func (f *Firefox) Until(what, condition string) {
	f.t.Helper()
	f.until(what, func() bool {
		holds := false
		// Ignore errors: between two pages there is nothing to evaluate.
		return f.evaluate("!!("+condition+")", &holds) == nil && holds
	})
}

func (f *Firefox) until(what string, holds func() bool) {
	f.t.Helper()
	deadline := time.NewTimer(stepTimeout)
	defer deadline.Stop()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			f.fail(what, fmt.Errorf("it did not happen within %v", stepTimeout))
		case <-pause.C:
		}
	}
}

// Screenshot takes a picture of what is in the window, and returns the file's name, which is name with the test's name
// in front. The file goes to the folder $SALLYPORT_ARTIFACTS if it is set, else to the test's own.
func (f *Firefox) Screenshot(name string) string {
	f.t.Helper()
	var picture struct{ Data []byte }
	f.must("browsingContext.captureScreenshot", map[string]any{"context": f.context}, &picture)
	folder := os.Getenv("SALLYPORT_ARTIFACTS")
	if folder == "" {
		folder = f.t.ArtifactDir()
	} else if err := os.MkdirAll(folder, 0o755); err != nil {
		f.t.Fatal(err)
	}
	test := strings.NewReplacer("/", "-", " ", "_").Replace(f.t.Name())
	file := filepath.Join(folder, "firefox-"+test+"-"+name+".png")
	if err := os.WriteFile(file, picture.Data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return file
}
