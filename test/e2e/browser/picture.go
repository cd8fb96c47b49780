package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// Screenshot takes a picture of the whole page, also of what does not fit into the viewport, and returns the file's
// name. The name given is the file's without ".png"; the test's name is put before it.
func (b *Browser) Screenshot(name string) string {
	b.t.Helper()
	return b.savePicture(name, value(b, "taking a screenshot", func(ctx context.Context, _ *chromedp.Target) ([]byte, error) {
		return WholePage(ctx)
	}))
}

// WholePage takes a picture of the page in a tab of chromedp, also of what does not fit into the viewport, or into an
// open dialog. For that it makes the viewport high enough for a moment. Chromium's own way would move pages that are
// written from right to left out of the picture.
func WholePage(ctx context.Context) ([]byte, error) {
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[]int64](`(() => {
		const dialog = document.querySelector("dialog:modal");
		return [innerWidth, innerHeight, Math.max(innerHeight, document.documentElement.scrollHeight, dialog ? dialog.scrollHeight + 40 : 0)];
	})()`))
	if err != nil {
		return nil, err
	}
	if size[2] > size[1] {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[2])); err != nil {
			return nil, err
		}
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil && size[2] > size[1] {
		err = chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1]))
	}
	return picture, err
}

// ReadQR reads the QR code that an element shows, from its picture as a phone would.
func (b *Browser) ReadQR(selector Selector) string {
	b.t.Helper()
	// Twice the size: the scanner wants a few pixels for each module of the code.
	png := value(b, "taking a picture of "+string(selector), chromedp.ScreenshotScale(selector.path(), 2, chromedp.NodeVisible))
	file := b.savePicture("qr", png)
	text, err := decodeQR(file)
	if err != nil {
		b.fail("reading the QR code in "+file, err)
	}
	return text
}

// decodeQR reads the one QR code of a picture.
func decodeQR(file string) (string, error) {
	output, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
	if err != nil {
		return "", fmt.Errorf("zbarimg (scripts/install-test-packages installs it): %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(output), "\n"), "\n")
	if len(lines) != 1 {
		return "", fmt.Errorf("%d codes instead of one", len(lines))
	}
	return lines[0], nil
}

func (b *Browser) savePicture(name string, png []byte) string {
	b.t.Helper()
	file := b.artifact(name + ".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatalf("browser: saving a picture: %v", err)
	}
	return file
}

// artifact returns where a file of that name goes.
func (b *Browser) artifact(name string) string {
	b.t.Helper()
	folder := os.Getenv("SALLYPORT_ARTIFACTS")
	if folder == "" {
		return filepath.Join(b.t.ArtifactDir(), name)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	test := strings.NewReplacer("/", "-", " ", "_").Replace(b.t.Name())
	return filepath.Join(folder, test+"-"+name)
}
