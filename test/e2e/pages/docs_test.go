package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// docsPictures are the pictures of docs/pages.md, each with its page and how that is seen. Two looks are put side by
// side.
var docsPictures = []struct {
	file, sample string
	looks        []look
	// touch: the screen is a telephone's touch screen.
	touch bool
	brand bool
}{
	{file: "challenge", sample: "challenge", looks: []look{{"en", "light", 390, true}}},
	{file: "challenge-wait", sample: "challenge-wait", looks: []look{{"en", "light", 390, true}}},
	{file: "challenge-trust", sample: "trust", looks: []look{{"en", "light", 390, true}}},
	{file: "challenge-passkey", sample: "challenge-passkey", looks: []look{{"en", "light", 390, true}}},
	{file: "challenge-mail", sample: "challenge-mail", looks: []look{{"en", "light", 390, true}}},
	{file: "setup-passkey", sample: "setup-passkey", looks: []look{{"en", "dark", 390, true}}},
	{file: "later", sample: "setup-start-later", looks: []look{{"en", "light", 390, true}}},
	{file: "locked", sample: "challenge-stopped", looks: []look{{"en", "light", 390, true}}},
	{file: "unsent", sample: "error-unsent", looks: []look{{"en", "light", 390, true}}},
	{file: "settings", sample: "settings-on", looks: []look{{"en", "light", 680, true}}},
	{file: "setup-dark", sample: "setup", looks: []look{{"en", "dark", 390, true}}, touch: true},
	{file: "setup", sample: "setup", looks: []look{{"en", "light", 680, true}}},
	{file: "codes-arabic", sample: "codes", looks: []look{{"ar", "light", 390, true}}},
	{file: "brand", sample: "challenge", looks: []look{{"en", "light", 390, true}, {"en", "dark", 390, true}}, brand: true},
}

// TestDocsPictures makes the pictures of docs/pages.md in $SALLYPORT_ARTIFACTS/docs. It fails if docs/pages.md shows a
// picture that this test does not make, or a large one.
func TestDocsPictures(t *testing.T) {
	manual := filepath.Join("..", "..", "..", "docs", "pictures")
	shown, err := filepath.Glob(filepath.Join(manual, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]bool)
	for _, p := range docsPictures {
		made[p.file+".png"] = true
	}
	for _, file := range shown {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if !made[filepath.Base(file)] || info.Size() > 64<<10 {
			t.Errorf("%s: made by this test: %v; %d bytes", file, made[filepath.Base(file)], info.Size())
		}
	}
	if len(shown) != len(made) {
		t.Errorf("%d pictures in docs/pages.md, %d are made", len(shown), len(made))
	}
	if os.Getenv("SALLYPORT_ARTIFACTS") == "" {
		return
	}
	folder := filepath.Join(os.Getenv("SALLYPORT_ARTIFACTS"), "docs")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	plain, branded := docsServer(t, pages.Brand{}), docsServer(t, pages.Brand{Name: "Orchard & Sons", Logo: []byte(samples.Logo), Colour: "#7a1f6b"})
	for _, p := range docsPictures {
		server := plain
		if p.brand {
			server = branded
		}
		var looks [][]byte
		for _, l := range p.looks {
			open(ctx, t, server, p.sample, l)
			looks = append(looks, closely(ctx, t, p.touch))
		}
		picture, err := driver.Beside(looks...)
		if err != nil {
			t.Fatal(err)
		}
		if err := driver.Small(filepath.Join(folder, p.file+".png"), picture); err != nil {
			t.Fatal(err)
		}
	}
}

// docsServer serves the samples in English and Arabic, and a settings page of moderate length.
func docsServer(t *testing.T, brand pages.Brand) string {
	t.Helper()
	r, err := pages.NewThemed(pages.Options{Brand: brand})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, language := range []string{"en", "ar"} {
		for _, s := range samples.All(r, language) {
			mux.HandleFunc("GET /"+language+"/"+s.Name, func(w http.ResponseWriter, _ *http.Request) {
				if err := s.Show(w); err != nil {
					t.Errorf("%s: %v", s.Name, err)
				}
			})
		}
	}
	mux.HandleFunc("GET /second-factor/logo", func(w http.ResponseWriter, _ *http.Request) {
		if r.Logo() == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", r.Logo().Type)
		_, _ = w.Write(r.Logo().Content)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// closely takes a picture of the page's content, without the empty space below it.
func closely(ctx context.Context, t *testing.T, touch bool) []byte {
	t.Helper()
	// A change of the viewport's size switches touch off.
	touched := func() {
		if _, err := chromedp.Call(ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: touch}); err != nil {
			t.Fatal(err)
		}
	}
	touched()
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[]int64](`(() => {
		const card = [...document.querySelectorAll("dialog:modal, .card, .foot")].at(-1);
		return [innerWidth, Math.ceil(card.getBoundingClientRect().bottom + scrollY + 24)];
	})()`))
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1])); err != nil {
		t.Fatal(err)
	}
	touched()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
