package custody

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// TestP5_CrossSiteLogin: any web page could sign a user out, or in as somebody else: its form comes without our cookie
// (SameSite), and the answer set another one. Now another site's page signs nobody in, unless the login says from
// where; and no request of it that came without our cookie ever sets one, whatever the app answers.
func TestP5_CrossSiteLogin(t *testing.T) {
	t.Parallel()
	lines := "\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tfrom https://portal.example.com\n\t\t}\n" + asks + "\t\tpublic POST /static/enter?*\n"
	h := open(t, common+lines, site.Options{}, func(v *visit) bool {
		switch path := v.r.URL.Path; {
		case path == "/static/enter":
			return sideEntry(v)
		case path == "/login" && v.r.Method == http.MethodGet, path == "/static/cookie":
			if v.user() == "" {
				v.begin()
			}
			v.page()
			return true
		}
		return false
	})
	h.enrol(t, "alice")
	foreign := []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Origin": {"https://evil.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}},
		{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{"Origin": {"http://" + h.Site.Address + ".evil.example"}},
	}
	for i, header := range foreign {
		direct := h.direct(t)
		direct.Do("POST", "/login", joined(header, formHeader()), credentials("carol"))
		if got := direct.Get("/account"); !strings.Contains(got.Text, secretOf("carol")) {
			t.Fatalf("%d: the app itself: %s", i, got.Text)
		}
		for _, request := range []string{"POST /login", "POST /static/enter", "GET /login", "GET /static/cookie", "GET /account"} {
			method, path, _ := strings.Cut(request, " ")
			body := ""
			if method == "POST" {
				body = credentials("carol")
			}
			c := h.Client(t)
			got := c.Do(method, path, joined(header, formHeader()), body)
			if followed := header.Get("Sec-Fetch-Dest") == "document" && method == "GET"; !followed && tokenIn(got) != "" {
				t.Errorf("%s by %v: sets our cookie: %d", request, header, got.StatusCode)
			}
			if path == "/login" && method == "POST" && got.StatusCode != http.StatusForbidden {
				t.Errorf("%s by %v: %d", request, header, got.StatusCode)
			}
			wantsState(t, c, "anonymous", "")
		}
	}
	// From our own pages, and from the page that may.
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"http://" + h.Site.Address}}, {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://portal.example.com"}}, {},
	} {
		c := h.Client(t)
		c.Do("POST", "/login", joined(header, formHeader()), credentials("carol"))
		wantsState(t, c, "verified", "carol")
	}
}

func joined(headers ...http.Header) http.Header {
	all := make(http.Header)
	for _, header := range headers {
		for name, values := range header {
			all[name] = values
		}
	}
	return all
}
