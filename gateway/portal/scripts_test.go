package portal

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// TestAssets: anyone gets the guard and the logo if the site has them, with a policy that fits.
func TestAssets(t *testing.T) {
	for _, guard := range []bool{false, true} {
		h := newHouse(t, func(c *exchange.Config) { c.Guard = guard })
		want := map[bool]int{false: http.StatusNotFound, true: http.StatusOK}[guard]
		w := h.visitor(gate.Anonymous).get(exchange.GuardPath)
		if w.Code != want || guard != strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("the guard, %t: %d %q", guard, w.Code, w.Header().Get("Content-Type"))
		}
		if w := h.visitor(gate.Anonymous).get("/logo"); w.Code != http.StatusNotFound {
			t.Errorf("a logo that there is not: %d", w.Code)
		}
	}
}
