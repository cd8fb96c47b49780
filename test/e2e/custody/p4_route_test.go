package custody

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// TestP4_TheQuestionOnTheRoute: the rest of the route rewrites by Caddy's placeholders what goes to the app. For the
// gateway's question the placeholders are the question's own. If they were those of the client's request, the app would
// be asked for an address of the client's choice. What the route says of the session is right, and the log names the
// client that a trusted front speaks of.
func TestP4_TheQuestionOnTheRoute(t *testing.T) {
	t.Parallel()
	h := open(t, common+form+asks, site.Options{
		Global: "servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}",
		Proxy:  "rewrite /sub{http.request.uri}\n\t\theader_up X-Who \"{http.second_factor.user} is {http.second_factor.state} by {http.second_factor.method}\"",
	}, func(v *visit) bool {
		path, below := strings.CutPrefix(v.r.URL.Path, "/sub")
		if v.r.URL.Path = path; !below {
			v.w.WriteHeader(http.StatusNotFound)
		}
		return !below
	})
	factor := h.enrol(t, "alice")
	h.taken()
	c := h.Client(t)
	c.Header = http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	c.Get("/login")
	if got := c.Do("POST", "/login?next=/account", formHeader(), credentials("alice")); !asksFactor(got) {
		t.Fatalf("%d to %q", got.StatusCode, got.Location())
	}
	questions := 0
	for _, entry := range h.taken() {
		if entry.uri == "/sub/me" {
			questions++
		}
	}
	if questions == 0 {
		t.Error("the app was asked nowhere who is signed in")
	}
	wantsState(t, c, "pending", "alice")
	h.wantsNothing(t, "before the factor", c)
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	h.taken()
	c.Get("/account").Wants(t, http.StatusOK, "")
	for _, entry := range h.taken() {
		if got := entry.header.Get("X-Who"); entry.uri == "/sub/account" && got != "alice is verified by totp" {
			t.Errorf("the route says %q", got)
		}
	}
	if log := h.Log(); !strings.Contains(log, `"client":"203.0.113.7"`) {
		t.Errorf("the log does not say which client it was")
	}
}
