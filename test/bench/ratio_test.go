package bench

import (
	"strings"
	"testing"
)

// TestCompare: ratios are within a round, so a machine that becomes slower from round to round changes none of them.
func TestCompare(t *testing.T) {
	bare := Series{"bare", []Sample{{Rate: 1000, P99: 1}, {Rate: 500, P99: 2}, {Rate: 250, P99: 4}}}
	gated := Series{"gated", []Sample{{Rate: 900, P99: 1.1}, {Rate: 475, P99: 2}, {Rate: 200, P99: 5}}}
	if got := Compare(gated, bare, rate); got.Median != 0.9 || got.Low != 0.8 || got.High != 0.95 {
		t.Errorf("rates: %v", got)
	}
	if got := Compare(gated, bare, p99); got.Median != 1.1 || got.Low != 1 || got.High != 1.25 {
		t.Errorf("tails: %v", got)
	}
	if got := median([]float64{1, 2, 4, 8}); got != 3 {
		t.Errorf("median of four: %v", got)
	}
	var out strings.Builder
	if err := Print(&out, "Pages", "requests/s", []Series{bare, gated}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Pages\n-----\n", "bare   500", "1.000 (1.000–1.000)", "gated  475", "0.900 (0.800–0.950)", "1.100 (1.000–1.250)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
