package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	driver "sallyport/e2e/browser"
)

// branded are pages of an operator's own: a name, a logo and a colour that neither scheme can take as it is.
func branded(t *testing.T, colour string) *Renderer {
	t.Helper()
	r, err := NewThemed(Options{Brand: Brand{Name: "Orchard & Sons", Logo: []byte(sampleLogo), Colour: colour}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBrand: name and logo stand at the top of every page, where the app's own name stays in what the page says; the page
// weighs no more than it may, and its policy allows one picture more.
func TestBrand(t *testing.T) {
	r := branded(t, "#e8590c")
	if want := New(Options{}).Policy(); !strings.HasSuffix(r.Policy(), "; img-src 'self'") || strings.Contains(want, "img-src") {
		t.Errorf("policies %q and %q", r.Policy(), want)
	}
	for _, language := range Languages() {
		for _, s := range samplesIn(r, language) {
			w := answer(t, s)
			if size := w.Body.Len(); size > 30<<10 {
				t.Errorf("%s weighs %d bytes in %s", s.name, size, language)
			}
			root := parse(t, w.Body.String())
			head := one(t, root, "strong", "class", "app")
			if got := words(head); got != "Orchard & Sons" {
				t.Errorf("%s is headed %q", s.name, got)
			}
			logo := one(t, head, "img", "", "")
			if attr(logo, "src") != "/second-factor/logo?v="+r.Logo().Version || !has(logo, "alt") || attr(logo, "alt") != "" ||
				attr(logo, "width") != "48" || attr(logo, "height") != "32" {
				t.Errorf("%s: logo %v", s.name, logo.Attr)
			}
			if found := all(root, "img", "", ""); len(found) != 1 {
				t.Errorf("%s has %d pictures", s.name, len(found))
			}
			style := one(t, root, "style", "", "")
			if !strings.Contains(r.Policy(), source(style.FirstChild.Data)) {
				t.Errorf("%s: the policy does not allow the style", s.name)
			}
		}
	}
	r = New(Options{Brand: Brand{Name: "\u202e<b>"}})
	w := httptest.NewRecorder()
	if err := r.Challenge(w, 200, ChallengeView{Common: Common{App: "Example Wiki", User: "ada"}}); err != nil {
		t.Fatal(err)
	}
	root := parse(t, w.Body.String())
	if got := words(one(t, root, "strong", "class", "app")); got != "\ufffd<b>" {
		t.Errorf("a hostile name is %q", got)
	}
	if text := words(root); !strings.Contains(text, "signing in to Example Wiki") || strings.Contains(r.Policy(), "img-src") {
		t.Error("the app has lost its name")
	}
}

// TestBrandErrors: an error says which setting it is about.
func TestBrandErrors(t *testing.T) {
	for setting, brand := range map[string]Brand{
		"colour": {Colour: "red"}, "logo": {Logo: []byte("x")}, "templates": {Templates: folder(map[string]string{"x.html": ""})},
	} {
		_, err := NewThemed(Options{Brand: brand})
		var wrong *BrandError
		if !errors.As(err, &wrong) || wrong.Setting != setting || !strings.HasPrefix(err.Error(), setting+": ") || errors.Unwrap(err) == nil {
			t.Errorf("%s: %v", setting, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: New does not panic", setting)
				}
			}()
			New(Options{Brand: brand})
		}()
	}
}

// TestBrandAssetsStandAlone is TestAssetsStandAlone for the logo's style.
func TestBrandAssetsStandAlone(t *testing.T) {
	if err := lookAtStyle(brandStyle); err != nil {
		t.Error(err)
	}
}

// TestBrandInABrowser: with a brand the pages are as easy to use as without, light and dark: axe-core finds nothing, the logo is
// shown at its size, nothing moves when it arrives, and it is the only thing that the page asks for.
func TestBrandInABrowser(t *testing.T) {
	ctx, pictures := browser(t), artifacts(t)
	for c, colour := range []string{"#e8590c", "#7a1f6b", "#ffe100", "#000"} {
		r := branded(t, colour)
		asked := make(chan string, 100)
		mux := http.NewServeMux()
		for _, s := range samples(r) {
			mux.HandleFunc("GET /"+s.name, func(w http.ResponseWriter, _ *http.Request) {
				if err := s.show(w); err != nil {
					t.Errorf("%s: %v", s.name, err)
				}
			})
		}
		// A picture that is long under way.
		held, release := context.WithCancel(t.Context())
		mux.HandleFunc("/hold", func(http.ResponseWriter, *http.Request) { <-held.Done() })
		mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
			asked <- request.URL.Path
			if request.URL.Path != "/second-factor/logo" {
				http.NotFound(w, request)
				return
			}
			w.Header().Set("Content-Type", r.Logo().Type)
			w.Header().Set("Content-Security-Policy", LogoPolicy)
			_, _ = w.Write(r.Logo().Content)
		})
		server := httptest.NewServer(mux)
		for n, name := range []string{"challenge", "settings-on", "setup", "confirm-disable", "codes", "challenge-hostile"} {
			for m, scheme := range []string{"light", "dark"} {
				if os.Getenv("SALLYPORT_ARTIFACTS") == "" && (n+m+c)%2 == 0 {
					continue // as in looks: each in turns, unless somebody will look at the pictures
				}
				width := []int64{1280, 390, 320}[n%3]
				t.Run(fmt.Sprintf("%s-%s-%s", name, strings.TrimPrefix(colour, "#"), scheme), func(t *testing.T) {
					if err := screen(ctx, width, scheme, true); err != nil {
						t.Fatal(err)
					}
					if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/"+name)); err != nil {
						t.Fatal(err)
					}
					picture, err := driver.WholePage(ctx)
					if err != nil {
						t.Fatal(err)
					}
					seen, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
						const logo = document.querySelector(".app img"), box = logo.getBoundingClientRect();
						const name = document.querySelector(".app bdi"), before = name.getBoundingClientRect();
						const late = logo.cloneNode();
						late.src = "/hold";
						const shown = logo.complete && logo.naturalWidth > 0;
						logo.replaceWith(late);
						const after = name.getBoundingClientRect(), moved = before.x !== after.x || before.y !== after.y;
						const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
						return [shown, late.complete, box.width, box.height, moved, wide].join(" ");
					})()`))
					if want := "true false 48 32 false false"; err != nil || seen != want {
						t.Errorf("shown, complete before it has arrived, width, height, moved, too wide: %s (%v), want %s", seen, err, want)
					}
					file := fmt.Sprintf("brand-%s-%s-%s.png", name, strings.TrimPrefix(colour, "#"), scheme)
					if err := os.WriteFile(filepath.Join(pictures, file), picture, 0o600); err != nil {
						t.Fatal(err)
					}
					for _, v := range driver.Violations(ctx, t) {
						t.Errorf("%s (%s): %s\n%s", v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
					}
				})
			}
		}
		release()
		server.Close()
		close(asked)
		for path := range asked {
			if path != "/second-factor/logo" && path != "/favicon.ico" {
				t.Errorf("a page asks for %s", path)
			}
		}
	}
}
