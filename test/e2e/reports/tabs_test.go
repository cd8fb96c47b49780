package reports

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestTabsWithAPassword: a browser is started again, and asks for four tabs at once with the password of HTTP Basic.
// Each began a session of its own, and the form in all tabs but one belonged to another session than the cookie.
func TestTabsWithAPassword(t *testing.T) {
	t.Parallel()
	// While the tabs are opened, the app keeps its answers to the password until each tab has sent it, or until it is
	// clear that it is asked for only one of them.
	var opening atomic.Bool
	came, all := make(chan struct{}, 4), make(chan struct{})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if opening.Load() && r.Header.Get("Authorization") != "" {
			select {
			case came <- struct{}{}:
				if len(came) == cap(came) {
					close(all)
				}
			default:
			}
			select {
			case <-all:
			case <-time.After(time.Second):
			}
		}
		if user, _, ok := r.BasicAuth(); !ok || user != "alice" {
			w.Header().Set("WWW-Authenticate", `Basic realm="app"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		page(w, "Report "+r.URL.Query().Get("of"), "")
	})
	s := site.Start(t, site.Serve(t, app), `
		app ledger
		login / {
			username basic
		}
		identity typed
		totp {
			skew 10
		}
`, site.Options{})
	c := s.Client(t)
	c.Header = http.Header{"Authorization": {"Basic YWxpY2U6cHc="}}
	c.Get("/page").Wants(t, http.StatusOK, "")
	phone, _ := c.Enrol(skew)

	first := driver.New(t, driver.Options{})
	opening.Store(true)
	tabs := []*driver.Browser{first, first.Tab(), first.Tab(), first.Tab()}
	for i, tab := range tabs {
		address := fmt.Sprintf("%s/page?of=%d", strings.Replace(s.URL, "http://", "http://alice:pw@", 1), i)
		driver.Evaluate[bool](tab, fmt.Sprintf("setTimeout(() => { location = %q }, 0), true", address))
	}
	for _, tab := range tabs {
		tab.WaitPath("/second-factor/challenge")
	}
	opening.Store(false)
	// The first tab's form is good, although another tab's answer came last.
	first.Fill("[name=code]", phone.Code(t))
	first.Until("a page of the app", `location.pathname == "/page"`)
	for i, tab := range tabs[1:] {
		tab.Goto(fmt.Sprintf("%s/page?of=%d", s.URL, i+1))
		if got, want := tab.Text("h1"), fmt.Sprint("Report ", i+1); got != want {
			t.Errorf("tab %d shows %q", i+1, got)
		}
	}
}
