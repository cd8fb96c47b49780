package pages

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// look is one way to see a page.
type look struct {
	language, scheme string
	width            int64
	scripts          bool
}

func (l look) String() string {
	name := fmt.Sprintf("%s-%s-%d", l.language, l.scheme, l.width)
	if !l.scripts {
		name += "-plain"
	}
	return name
}

// tried reports whether axe-core also checks the nth page: in English always, and in other languages in turn, because
// these differ in the words only, not in the markup and the colours.
func (l look) tried(n int) bool {
	return os.Getenv("SALLYPORT_ARTIFACTS") == "" || l.language == "en" || l.width == []int64{390, 1280, 320}[n%3]
}

// seenIn are the languages in which pages are tested: the first one, the two with the longest words, one that is
// written from right to left, and one without spaces at which lines could break.
var seenIn = []string{"en", "de", "fr", "ar", "ja"}

// looks returns the ways in which the nth page is tested: all if somebody will look at the pictures, otherwise three of
// them in turn: on a telephone, on a desktop, and on the smallest screen or without scripts.
func looks(n int) (all []look) {
	schemes := []string{"light", "dark"}
	if os.Getenv("SALLYPORT_ARTIFACTS") == "" {
		return []look{
			{seenIn[n%5], schemes[n%2], 390, true},
			{seenIn[(n+2)%5], schemes[(n+1)%2], 1280, true},
			{seenIn[(n+4)%5], schemes[n%2], []int64{320, 390}[n%2], n%4 < 2},
		}
	}
	for _, language := range seenIn {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range schemes {
				all = append(all, look{language, scheme, width, true})
			}
		}
		all = append(all, look{language, schemes[n%2], 320, true}, look{language, schemes[n%2], 390, false})
	}
	return all
}

// TestScreenshots takes a picture of every page and state, in several languages, light and dark, narrow and wide, with
// scripts and without. It fails if a page is wider than the screen, breaks its own security policy, shows a QR code
// that cannot be read back, or has a violation that axe-core finds. With $SALLYPORT_ARTIFACTS the pictures of each look
// are joined to contact sheets there.
func TestScreenshots(t *testing.T) {
	ctx, server, folder := browser(t), serve(t), artifacts(t)
	taken := make(map[string][]string)
	for n, s := range samples.All(pages.New(pages.Options{}), "") {
		for _, l := range looks(n) {
			name := s.Name + "-" + l.String()
			file := filepath.Join(folder, name+".png")
			t.Run(name, func(t *testing.T) {
				taken[l.String()] = append(taken[l.String()], file)
				open(ctx, t, server.URL, s.Name, l)
				picture := pictured(ctx, t, file)
				for _, problem := range wrong(ctx, t) {
					t.Error(problem)
				}
				if l.tried(n) {
					for _, v := range driver.Violations(ctx, t) {
						t.Errorf("%s (%s): %s\n%s", v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
					}
				}
				if s.QR != "" && len(picture) > 0 {
					readBack(ctx, t, s.QR)
				}
			})
		}
	}
	if os.Getenv("SALLYPORT_ARTIFACTS") == "" {
		return
	}
	for name, pictures := range taken {
		if err := driver.Sheets(folder, "sheet-"+name, pictures); err != nil {
			t.Errorf("contact sheet %s: %v", name, err)
		}
	}
}

// open opens a sample as the look says.
func open(ctx context.Context, t *testing.T, server, sample string, l look) {
	t.Helper()
	if err := screen(ctx, l.width, l.scheme, true); err != nil {
		t.Fatal(err)
	}
	address := server + "/" + l.language + "/" + sample
	if !l.scripts {
		address += "?plain"
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
}

// pictured takes a picture of the whole page.
func pictured(ctx context.Context, t *testing.T, file string) []byte {
	t.Helper()
	picture, err := driver.WholePage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	return picture
}

// wrong returns faults of the layout that can be measured: something wider than the screen or than a dialog, an element
// that cuts its text off, a control that is too small for a finger on a telephone, a style that does not apply.
func wrong(ctx context.Context, t *testing.T) []string {
	t.Helper()
	problems, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`(() => {
		const problems = [], root = document.documentElement;
		const box = document.querySelector("dialog:modal") || root;
		if (root.scrollWidth > root.clientWidth) problems.push("the page is " + (root.scrollWidth - root.clientWidth) + " pixels wider than the screen");
		if (box.scrollWidth > box.clientWidth) problems.push("the dialog is " + (box.scrollWidth - box.clientWidth) + " pixels wider than it shows");
		if (getComputedStyle(document.querySelector(".card")).borderRadius !== "12px") problems.push("the style does not apply: is its hash in the policy?");
		for (const e of box.querySelectorAll("button, a, h1, h2, h3, p, label, li, input")) {
			if (!e.checkVisibility() || e.closest(".unseen, bdi")) continue;
			const r = e.getBoundingClientRect();
			if (r.left < -0.5 || r.right > innerWidth + 0.5) problems.push(e.outerHTML.slice(0, 80) + " stands out of the screen");
			if (e.tagName !== "INPUT" && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") problems.push(e.outerHTML.slice(0, 80) + " is wider than its place");
			if (e.tagName === "BUTTON" && (r.height < 24 || r.width < 24)) problems.push(e.outerHTML.slice(0, 80) + " is too small for a finger");
		}
		return problems;
	})()`))
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// readBack reads the page's QR code with a scanner.
func readBack(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.ScreenshotScale(chromedp.CSS("#qr"), 2, chromedp.NodeVisible))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
	if err != nil || strings.TrimSpace(string(read)) != want {
		t.Errorf("the QR code reads %q (%v), want %q", read, err, want)
	}
}
