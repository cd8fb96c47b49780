package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
)

// TestFormsSayWhereTheyComeFrom: at a name that is not localhost and has no certificate, a browser sends no
// Sec-Fetch-Site; old browsers never do. With `Referrer-Policy: no-referrer` it sent `Origin: null` with the challenge,
// from which the gateway cannot tell where the form comes from.
func TestFormsSayWhereTheyComeFrom(t *testing.T) {
	ctx := browser(t)
	came := make(chan http.Header, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			came <- r.Header.Clone()
		}
		for _, s := range samples.All(pages.New(pages.Options{}), "en") {
			if r.URL.Path == "/"+s.Name {
				if err := s.Show(w); err != nil {
					t.Error(err)
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://plain.test:" + at.Port()
	for _, page := range []string{"challenge", "recovery", "setup", "confirm-disable"} {
		err := chromedp.Do(ctx, chromedp.Navigate(origin+"/"+page))
		for tries := 0; tries < 20 && err != nil && strings.Contains(err.Error(), "ERR_ABORTED"); tries++ {
			// The previous form, which the script and the Enter key both send, may still be moving the browser
			// elsewhere.
			err = chromedp.Do(ctx, chromedp.Navigate(origin+"/"+page))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS("#code"))); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent("123456\r")); err != nil {
			t.Fatal(err)
		}
		header := <-came
		if header.Get("Sec-Fetch-Site") != "" {
			t.Fatalf("%s: the control: this browser sends Sec-Fetch-Site", page)
		}
		if got := header.Get("Origin"); got != origin {
			t.Errorf("%s: the origin is %q, want %q", page, got, origin)
		}
	}
}
