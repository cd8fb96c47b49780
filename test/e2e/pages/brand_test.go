package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// TestBrandInABrowser: with a brand the pages are as accessible as without, light and dark. axe-core finds nothing, the
// logo is shown at its size, nothing moves when it arrives, and it is the only file that the page requests.
func TestBrandInABrowser(t *testing.T) {
	ctx, pictures := browser(t), artifacts(t)
	for c, colour := range []string{"#e8590c", "#7a1f6b", "#ffe100", "#000"} {
		r, err := pages.NewThemed(pages.Options{Brand: pages.Brand{Name: "Orchard & Sons", Logo: []byte(samples.Logo), Colour: colour}})
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan string, 100)
		mux := http.NewServeMux()
		for _, s := range samples.All(r, "") {
			mux.HandleFunc("GET /"+s.Name, func(w http.ResponseWriter, _ *http.Request) {
				if err := s.Show(w); err != nil {
					t.Errorf("%s: %v", s.Name, err)
				}
			})
		}
		// A picture that takes long to arrive.
		held, release := context.WithCancel(t.Context())
		mux.HandleFunc("/hold", func(http.ResponseWriter, *http.Request) { <-held.Done() })
		mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
			asked <- request.URL.Path
			if request.URL.Path != "/second-factor/logo" {
				http.NotFound(w, request)
				return
			}
			w.Header().Set("Content-Type", r.Logo().Type)
			w.Header().Set("Content-Security-Policy", pages.LogoPolicy)
			_, _ = w.Write(r.Logo().Content)
		})
		server := httptest.NewServer(mux)
		for n, name := range []string{"challenge", "trust", "settings-on", "setup", "confirm-disable", "codes", "challenge-hostile"} {
			for m, scheme := range []string{"light", "dark"} {
				if os.Getenv("SALLYPORT_ARTIFACTS") == "" && (n+m+c)%2 == 0 {
					continue // as in looks: in turn, unless somebody will look at the pictures
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
					want := "true false 48 32 false false"
					// On pages with little content the logo is larger.
					if strings.HasPrefix(name, "challenge") || name == "trust" {
						want = "true false 72 48 false false"
					}
					if err != nil || seen != want {
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
				t.Errorf("a page requests %s", path)
			}
		}
	}
}
