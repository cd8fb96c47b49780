package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser starts Debian's chromium for the length of a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
	)
	ctx, cancelTime := context.WithTimeout(context.Background(), 4*time.Minute)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancel(); cancelAllocator(); cancelTime() })
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// serve gives each sample page an address of its own.
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	r := New(Options{})
	mux := http.NewServeMux()
	for _, s := range samples(r) {
		mux.HandleFunc("GET /"+s.name, func(w http.ResponseWriter, _ *http.Request) {
			if err := s.show(w); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// artifacts is where pictures go: $SALLYPORT_ARTIFACTS, for eyes, or a folder that is thrown away.
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

// TestScreenshots takes a picture of every page, light and dark, narrow and wide, and fails where a page is wider than the
// screen, breaks its own security policy or shows a QR code that cannot be read back.
func TestScreenshots(t *testing.T) {
	ctx, server, folder := browser(t), serve(t), artifacts(t)
	for _, s := range samples(New(Options{})) {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{390, 1280} {
				name := s.name + "-" + scheme + "-" + map[int64]string{390: "390", 1280: "1280"}[width]
				t.Run(name, func(t *testing.T) {
					var picture []byte
					var overflow int
					var styled bool
					err := chromedp.Run(ctx,
						emulation.SetScriptExecutionDisabled(s.name != "codes"),
						emulation.SetDeviceMetricsOverride(width, 800, 1, width < 500),
						emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
						chromedp.Navigate(server.URL+"/"+s.name),
						chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &overflow),
						chromedp.Evaluate(`getComputedStyle(document.querySelector(".card")).borderRadius === "12px"`, &styled),
						chromedp.FullScreenshot(&picture, 100),
					)
					if err != nil {
						t.Fatal(err)
					}
					if overflow > 0 {
						t.Errorf("the page is %d pixels wider than the screen", overflow)
					}
					if !styled {
						t.Error("the style does not apply: is its hash in the policy?")
					}
					file := filepath.Join(folder, name+".png")
					if err := os.WriteFile(file, picture, 0o600); err != nil {
						t.Fatal(err)
					}
					if s.qr == "" {
						return
					}
					read, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
					if err != nil || strings.TrimSpace(string(read)) != s.qr {
						t.Errorf("the QR code reads %q (%v), want %q", read, err, s.qr)
					}
				})
			}
		}
	}
}
