// Package browser drives Debian's Chromium for the tests, as a person would: it opens pages, types, clicks, reads what
// is visible, and holds a QR code before a scanner.
//
// Every step waits for what it needs, and fails the test if that does not come; the failure shows the page's address,
// the browser's console and a screenshot. A missing browser fails the test as well; scripts/install-test-packages
// installs it.
//
// Pictures go to the folder $SALLYPORT_ARTIFACTS if it is set, else to the test's own artefacts (go test -artifacts
// keeps those).
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// stepTimeout is how long one step may take. Two busy cores with the race detector are slow; a step that hangs is rare.
const stepTimeout = 45 * time.Second

// Options says what kind of browser a test wants.
type Options struct {
	// Width and Height are the viewport's, in CSS pixels. Default 1280 and 800.
	Width, Height int64
	// Dark makes pages see prefers-color-scheme: dark, else light.
	Dark bool
	// NoScripts turns JavaScript off.
	NoScripts bool
	// Language is what the browser asks for in Accept-Language: a tag (BCP 47). Default en-GB.
	Language string
	// AnyCertificate accepts untrusted certificates, such as those of Caddy's internal authority.
	AnyCertificate bool
}

// Browser is one tab. It is for one goroutine, that of its test. The steps are named for what a person does; each fails
// the test when it cannot be done.
type Browser struct {
	t       testing.TB
	ctx     context.Context
	options Options

	mutex    sync.Mutex
	problems []string
}

// New starts a browser with a fresh profile: no cookies, no cache. It ends with the test.
func New(t testing.TB, options Options) *Browser {
	t.Helper()
	flags := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Headless,
		chromedp.DisableGPU,
		// The sandbox does not work for root nor in most containers. The pages are our own.
		chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(stepTimeout),
		// Containers often have a tiny /dev/shm.
		chromedp.Flag("disable-dev-shm-usage", true),
		// Neither the browser itself nor a page may make requests to the internet.
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("metrics-recording-only", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"),
		// No questions that would cover the page, such as whether to save the password or to translate.
		chromedp.Flag("disable-features", "Translate,PasswordManagerOnboarding,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable"),
		chromedp.Flag("disable-prompt-on-repost", true),
		chromedp.Flag("password-store", "basic"),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("lang", "en-GB"),
	}
	if options.AnyCertificate {
		flags = append(flags, chromedp.IgnoreCertErrors)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		// Close the browser properly, so that nothing writes to the profile while its folder is removed.
		ending, cancelEnding := context.WithTimeout(ctx, stepTimeout)
		_ = chromedp.Cancel(ending)
		cancelEnding()
		cancel()
		cancelAllocator()
	})
	b := &Browser{t: t, ctx: ctx, options: options}
	b.open()
	return b
}

// Tab opens another tab of the same browser: it shares the cookies.
func (b *Browser) Tab() *Browser {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	tab := &Browser{t: b.t, ctx: ctx, options: b.options}
	tab.open()
	return tab
}

// open makes the tab and prepares it as the options say.
func (b *Browser) open() {
	b.t.Helper()
	// The first command opens the tab (and the browser). It must not run under the step's deadline: chromedp ties the
	// life of what it opens to that context.
	if err := chromedp.Do(b.ctx); err != nil {
		b.t.Fatalf("starting chromium: %v (scripts/install-test-packages installs what the tests need)", err)
	}
	messages := chromedp.Console(b.ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.IsException() || message.Type == "error" {
				b.mutex.Lock()
				b.problems = append(b.problems, strings.TrimSpace(message.String()))
				b.mutex.Unlock()
			}
		}
	}()
	b.Viewport(b.options.Width, b.options.Height)
	b.ColourScheme(b.options.Dark)
	b.Scripts(!b.options.NoScripts)
	if b.options.Language != "" {
		agent := Evaluate[string](b, "navigator.userAgent")
		b.do("asking for "+b.options.Language, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
				UserAgent: agent, AcceptLanguage: b.options.Language,
			})
			return err
		}))
	}
}

// Viewport changes the size of the page, in CSS pixels. Zero means 1280 wide and 800 high.
func (b *Browser) Viewport(width, height int64) {
	b.t.Helper()
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 800
	}
	b.do(fmt.Sprintf("making the viewport %d by %d", width, height), chromedp.EmulateViewport(width, height))
}

// ColourScheme makes pages see prefers-color-scheme: dark or light.
func (b *Browser) ColourScheme(dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do("choosing "+scheme+" colours", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			// Without animations, pictures are the same each time.
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// Scripts turns the JavaScript of pages on or off, from the next page on.
func (b *Browser) Scripts(on bool) {
	b.t.Helper()
	b.do("turning scripts on or off", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

// Problems returns what the browser's console has called an error so far: uncaught exceptions, violations of the page's
// security policy, files that could not be loaded. A page answered with 4xx or 5xx counts as one, too.
func (b *Browser) Problems() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return append([]string(nil), b.problems...)
}

// do runs actions under the step's deadline.
func (b *Browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.fail(what, err)
	}
}

// value runs an action that has a result.
func value[T any](b *Browser, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		b.fail(what, err)
	}
	return result
}

// fail ends the test and shows what the browser showed.
func (b *Browser) fail(what string, err error) {
	b.t.Helper()
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it did not happen within %v: %w", stepTimeout, err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	location, locationErr := chromedp.Run(ctx, chromedp.Location())
	if locationErr != nil {
		location = "an unknown address"
	}
	text, textErr := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if textErr != nil {
		text = ""
	}
	picture := "no screenshot"
	if png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		file := b.artifact("failed.png")
		if os.WriteFile(file, png, 0o600) == nil {
			picture = "screenshot: " + file
		}
	}
	b.t.Fatalf("browser, %s: %v\nat %s; %s\nconsole: %q\nthe page says:\n%s",
		what, err, location, picture, b.Problems(), shortened(text, 2000))
}

func shortened(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "") + " …"
}
