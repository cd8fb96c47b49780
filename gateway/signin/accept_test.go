package signin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestScriptHeaders: from an answer that waits for the factor, scripts get the app's own headers, but no header that
// servers or browsers obey, none that the gateway sets, and no credential.
func TestScriptHeaders(t *testing.T) {
	h := http.Header{}
	kept := []string{"Hx-Redirect", "X-App-Redirect", "X-Icinga-Redirect"}
	gone := []string{
		"X-Accel-Redirect", "X-Accel-Buffering", "X-Sendfile", "X-Frame-Options", "X-Content-Type-Options", "X-Auth-Token", "X-Session", "Location", "Clear-Site-Data", "Refresh",
	}
	for _, name := range slices.Concat(kept, gone) {
		h.Set(name, "x")
	}
	if got, want := scriptHeaders(h), []string{"Hx-Redirect", "x", "X-App-Redirect", "x", "X-Icinga-Redirect", "x"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := scriptHeaders(http.Header{"X-A": {"x"}, "X-Long": {strings.Repeat("x", MaxScriptHeaders)}}); !slices.Equal(got, []string{"X-A", "x"}) {
		t.Errorf("%d lines", len(got))
	}
}
