package pages

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// luminance is the relative luminance of #rrggbb (WCAG 2.2).
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(value) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestContrast: text has 4.5 to 1 against its ground, edges of fields and the focus ring 3 to 1 (WCAG 2.2 AA, 1.4.3 and
// 1.4.11), light and dark.
func TestContrast(t *testing.T) {
	screen, _, _ := strings.Cut(styleFile, "@media print")
	light, dark, found := strings.Cut(screen, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark scheme")
	}
	for scheme, part := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]string)
		for _, match := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(part, -1) {
			colours[match[1]] = match[2]
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "ground", 4.5},
			{"text", "card", 4.5},
			{"text", "band", 4.5},
			{"soft", "ground", 4.5},
			{"soft", "card", 4.5},
			{"main", "ground", 4.5},
			{"main", "card", 4.5},
			{"danger", "card", 4.5},
			{"main-text", "main", 4.5},
			{"danger-text", "danger", 4.5},
			{"good-text", "good", 4.5},
			{"bad-text", "bad", 4.5},
			{"bad-text", "card", 4.5},
			{"why-text", "why", 4.5},
			{"edge", "card", 3},
		} {
			front, back := colours[pair.front], colours[pair.back]
			if front == "" || back == "" {
				t.Fatalf("%s: no colour %s or %s", scheme, pair.front, pair.back)
			}
			a, b := luminance(t, front), luminance(t, back)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
				t.Errorf("%s: %s on %s is %.2f to 1, want %v", scheme, pair.front, pair.back, ratio, pair.least)
			}
		}
	}
}

// TestAssetsStandAlone: nothing in the style or script asks for anything or ends its element early.
func TestAssetsStandAlone(t *testing.T) {
	styles := small().styles
	for name, content := range map[string]string{"style": strings.Join(styles[:], "\n"), "script": small().scripts[bundlePlain], "script of the challenge": small().scripts[bundleBoth]} {
		for _, forbidden := range []string{"</", "<!--", "url(", "@import", "http:", "https:", "innerHTML", "eval("} {
			if strings.Contains(content, forbidden) {
				t.Errorf("the %s holds %q", name, forbidden)
			}
		}
	}
}
