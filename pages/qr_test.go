package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skip2/go-qrcode"
)

// drawn reads the path back into modules.
func drawn(t *testing.T, path string, size int) [][]bool {
	t.Helper()
	bitmap := make([][]bool, size)
	for y := range bitmap {
		bitmap[y] = make([]bool, size)
	}
	x, y := 0, 0
	for path != "" {
		var dx, run, length int
		if path[0] == 'M' {
			if n, err := fmt.Sscanf(path, "M%d %d.5h%d", &x, &y, &run); n != 3 {
				t.Fatalf("%v in %.20q", err, path)
			}
		} else if n, err := fmt.Sscanf(path, "m%d 0h%d", &dx, &run); n != 2 {
			t.Fatalf("%v in %.20q", err, path)
		}
		x += dx
		for range run {
			bitmap[y][x] = true
			x++
		}
		if length = strings.IndexAny(path[1:], "Mm") + 1; length == 0 {
			length = len(path)
		}
		path = path[length:]
	}
	return bitmap
}

// TestQRPath: the strokes are exactly the modules, and four empty ones stand around them.
func TestQRPath(t *testing.T) {
	for _, content := range []string{sampleURI, "x", strings.Repeat("otpauth", 80)} {
		code, err := qrcode.New(content, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		want := code.Bitmap()
		var path strings.Builder
		qrPath(&path, want)
		got := drawn(t, path.String(), len(want))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.20q is drawn wrongly", content)
		}
		for y, row := range got {
			for x, dark := range row {
				if edge := min(x, y, len(row)-1-x, len(got)-1-y); dark && edge < 4 {
					t.Fatalf("%.20q: the quiet zone is only %d wide", content, edge)
				}
			}
		}
	}
}

// TestQRLimits: too long is no error, the key is there to be typed; at the limit it still draws.
func TestQRLimits(t *testing.T) {
	got, err := qrSVG(strings.Repeat("x", qrLimit+1), "title")
	if err != nil || got != "" {
		t.Errorf("beyond the limit: %d bytes, %v", len(got), err)
	}
	got, err = qrSVG(strings.Repeat("x", qrLimit), "<title>")
	if err != nil || !strings.Contains(string(got), "&lt;title&gt;") {
		t.Errorf("at the limit: %d bytes, %v", len(got), err)
	}
	if len(got) > 60<<10 {
		t.Errorf("at the limit it weighs %d bytes", len(got))
	}
}
