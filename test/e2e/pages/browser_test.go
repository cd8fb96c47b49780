// Package pages tests the gateway's own pages in a real browser. Package pages/samples serves them.
package pages

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// chromium is Debian's browser. The first test that needs it starts it, and TestMain stops it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP plain.test 127.0.0.1"),
	)...)
	ctx, cancel := chromedp.NewContext(ctx)
	stopChromium = func() { cancel(); cancelAllocator() }
	return ctx, chromedp.Do(ctx)
})

var stopChromium = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// browser opens a tab for the length of a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	parent, err := chromium()
	if err != nil {
		t.Fatalf("start chromium (Debian's package of that name): %v", err)
	}
	ctx, cancelTime := context.WithTimeout(parent, 50*time.Minute)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancel(); cancelTime() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return ctx
}

// screen makes the page see a screen of this width and colour scheme, and a browser with or without scripts.
func screen(ctx context.Context, width int64, scheme string, scripts bool) error {
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		// Without animations, pictures are the same each time.
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.EmulateViewport(width, 800))
}

// script matches a script in a page; the templates have no nested ones.
var script = regexp.MustCompile(`(?s)<script>.*?</script>`)

// serve gives each sample page an address of its own, such as /en/challenge. With the query "plain" the page has no
// script; axe-core does not work if the browser's scripts are off.
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	r := pages.New(pages.Options{})
	mux := http.NewServeMux()
	for _, language := range pages.Languages() {
		for _, s := range samples.All(r, language) {
			mux.HandleFunc("GET /"+language+"/"+s.Name, func(w http.ResponseWriter, r *http.Request) {
				if !r.URL.Query().Has("plain") {
					if err := s.Show(w); err != nil {
						t.Errorf("%s: %v", s.Name, err)
					}
					return
				}
				page := httptest.NewRecorder()
				if err := s.Show(page); err != nil {
					t.Errorf("%s: %v", s.Name, err)
				}
				maps.Copy(w.Header(), page.Header())
				w.Header().Del("Content-Length")
				w.WriteHeader(page.Code)
				_, _ = io.WriteString(w, script.ReplaceAllString(page.Body.String(), ""))
			})
		}
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// artifacts returns the folder for pictures: $SALLYPORT_ARTIFACTS, or else a temporary one.
func artifacts(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("SALLYPORT_ARTIFACTS")
	if folder == "" {
		return t.TempDir()
	}
	folder = filepath.Join(folder, "pages")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestScript tests what the script adds: the policy lets it run, buttons to copy and print appear, and a double click
// sends a form once. Without scripts there are no buttons that do nothing.
func TestScript(t *testing.T) {
	ctx, server := browser(t), serve(t)
	const visible = `Array.from(document.querySelectorAll("button[type=button]")).map(b => b.hidden).join()`
	for _, scripts := range []bool{false, true} {
		if err := screen(ctx, 800, "light", scripts); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/codes")); err != nil {
			t.Fatal(err)
		}
		hidden, err := chromedp.Run(ctx, chromedp.Evaluate[string](visible))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{false: "true,true,true", true: "false,false,false"}[scripts]; hidden != want {
			t.Errorf("with scripts %v the buttons are hidden: %s, want %s", scripts, hidden, want)
		}
	}

	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/setup")); err != nil {
		t.Fatal(err)
	}
	sent, err := chromedp.Run(ctx, chromedp.Evaluate[int](`(() => {
		let sent = 0;
		const form = document.querySelector("form[action$='/setup/confirm']");
		form.elements.code.value = "123456";
		addEventListener("submit", event => { if (!event.defaultPrevented) sent++; event.preventDefault(); });
		form.requestSubmit(); form.requestSubmit();
		return sent;
	})()`))
	if err != nil {
		t.Fatal(err)
	}
	if sent != 1 {
		t.Errorf("a double click sends the form %d times", sent)
	}
	copied, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById("secret").innerText`))
	if err != nil || copied != samples.Key {
		t.Errorf("the key reads %q (%v)", copied, err)
	}
}

// TestTelephone: on a telephone, where the authenticator is on the same device, the link to it looks like a button;
// elsewhere it looks like a link.
func TestTelephone(t *testing.T) {
	ctx, server := browser(t), serve(t)
	for _, touch := range []bool{true, false} {
		if err := screen(ctx, 390, "light", true); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: touch}); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/setup")); err != nil {
			t.Fatal(err)
		}
		seen, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[
			matchMedia("(pointer: coarse)").matches, getComputedStyle(document.getElementById("otpauth")).display,
			document.getElementById("otpauth").getBoundingClientRect().height >= 44,
		].join()`))
		if want := map[bool]string{true: "true,block,true", false: "false,inline,false"}[touch]; err != nil || seen != want {
			t.Errorf("touch %v: %s (%v), want %s", touch, seen, err, want)
		}
	}
}

// TestPrint: recovery codes are printed black on white and without buttons, whatever the screen looks like.
func TestPrint(t *testing.T) {
	ctx, server := browser(t), serve(t)
	if err := screen(ctx, 800, "dark", true); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/codes")); err != nil {
		t.Fatal(err)
	}
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[
		getComputedStyle(document.body).backgroundColor,
		getComputedStyle(document.querySelector("#recovery-codes code")).color,
		Array.from(document.querySelectorAll("button, a")).filter(e => e.offsetParent).length,
	].join("; ")`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "rgb(255, 255, 255); rgb(0, 0, 0); 0"; seen != want {
		t.Errorf("background, colour and visible buttons: %s, want %s", seen, want)
	}
	picture, err := driver.WholePage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(artifacts(t), "codes-print.png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFocus: the code field has the focus when the page opens, visibly, and Enter sends it, without scripts.
func TestFocus(t *testing.T) {
	ctx, server := browser(t), serve(t)
	if err := screen(ctx, 800, "light", false); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"challenge", "recovery", "setup-wrong", "confirm-disable"} {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/"+page)); err != nil {
			t.Fatal(err)
		}
		// The browser sets the focus some time after the page has loaded.
		if err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS("#code:focus-visible"))); err != nil {
			t.Fatalf("%s: no focus on the code: %v", page, err)
		}
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.name + " " + getComputedStyle(document.activeElement).outlineStyle`))
		if err != nil || got != "code solid" {
			t.Errorf("%s: the focus is on %q (%v)", page, got, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.KeyEvent("123456\r")); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.WaitNotPresent(chromedp.CSS("#code"))); err != nil {
		t.Fatal(err)
	}
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || at != server.URL+"/second-factor/disable" {
		t.Errorf("Enter leads to %s (%v)", at, err)
	}
}
