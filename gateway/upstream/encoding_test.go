package upstream

import (
	"net/http"
	"slices"
	"testing"
)

func TestSetReadableEncodings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ browser, want []string }{
		{nil, nil},
		{[]string{""}, []string{""}},
		{[]string{"gzip, deflate, br, zstd"}, []string{"gzip, deflate, br, zstd"}},
		{[]string{"GZIP;q=0.5,br ; q=1", "identity;q=0"}, []string{"GZIP;q=0.5,br ; q=1", "identity;q=0"}},
		{[]string{"gzip, dcb, dcz"}, []string{"gzip"}},
		{[]string{"compress", "br"}, []string{"identity"}},
		{[]string{"*"}, []string{"identity"}},
	} {
		to := http.Header{"Accept-Encoding": {"left over"}}
		SetReadableEncodings(to, http.Header{"Accept-Encoding": test.browser})
		if got := to["Accept-Encoding"]; !slices.Equal(got, test.want) {
			t.Errorf("%q becomes %q, want %q", test.browser, got, test.want)
		}
	}
}
