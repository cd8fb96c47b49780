package pages

import (
	"math"
	"regexp"
	"strings"
	"testing"
)

func TestParseColour(t *testing.T) {
	for text, want := range map[string]string{
		"#0b5cad": "#0b5cad", "#06c": "#0066cc", "#FFF": "#ffffff", "0B5CAD": "#0b5cad", "06c": "#0066cc",
	} {
		if got, err := ParseColour(text); err != nil || got.String() != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "#", "#12", "#1234", "#12345", "#1234567", "#12345g", "##123456", "red", "rgb(0,0,0)", "#0b5cad;", " #06c", "#ä1"} {
		if got, err := ParseColour(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// everyColour calls f with a grid over all of sRGB: each hue, lightness and strength.
func everyColour(f func(Colour)) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				f(Colour{uint8(r), uint8(g), uint8(b)})
			}
		}
	}
}

// TestAccentIsLegible: whatever colour an operator likes, links, outlines and the words on buttons can be read, also
// under a pointer, light and dark (WCAG 2.2 AA); by the luminance that style_test.go has of its own.
func TestAccentIsLegible(t *testing.T) {
	everyColour(func(wanted Colour) {
		for name, s := range map[string]scheme{"light": lightScheme, "dark": darkScheme} {
			accent := s.accent(wanted)
			for _, pair := range [][2]Colour{
				{accent, s.ground},
				{accent, s.card},
				{s.text, accent},
				{accent.dimmed(), s.card.dimmed()},
				{s.text.dimmed(), accent.dimmed()},
			} {
				a, b := luminance(t, pair[0].String()), luminance(t, pair[1].String())
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Fatalf("%v becomes %v in the %s scheme: %v on %v is %.2f to 1", wanted, accent, name, pair[0], pair[1], ratio)
				}
			}
		}
	})
}

// TestAccentIsTheOneWanted: a colour that can be read is taken as it is; another keeps its hue, and moves no further
// than it must.
func TestAccentIsTheOneWanted(t *testing.T) {
	kept := 0
	everyColour(func(wanted Colour) {
		for name, s := range map[string]scheme{"light": lightScheme, "dark": darkScheme} {
			accent := s.accent(wanted)
			if s.fits(wanted) {
				kept++
				if accent != wanted {
					t.Fatalf("%v fits the %s scheme and becomes %v", wanted, name, accent)
				}
				continue
			}
			before, chroma, hue := wanted.oklch()
			after, strength, turned := accent.oklch()
			if (after-before)*s.step < 0 {
				t.Fatalf("%v becomes %v in the %s scheme: the wrong way", wanted, accent, name)
			}
			// One step back is one that does not fit.
			if back := oklch(after-2*s.step, chroma, hue); s.fits(back) && back != accent {
				t.Fatalf("%v becomes %v in the %s scheme, and %v would do", wanted, accent, name, back)
			}
			// Eight bits a channel leave a grey no hue, and a strong colour about a degree.
			if off := math.Abs(math.Remainder(turned-hue, 2*math.Pi)); strength > 0.03 && off > 0.06 {
				t.Fatalf("%v becomes %v in the %s scheme: its hue turns by %.3f", wanted, accent, name, off)
			}
		}
	})
	if kept < 1000 {
		t.Errorf("only %d colours were kept", kept)
	}
}

// TestOKLCH: to OKLCH and back is where it began, and the values are those of CSS Color 4 (section 9.4, sample code).
func TestOKLCH(t *testing.T) {
	everyColour(func(c Colour) {
		if back := oklch(c.oklch()); back != c {
			t.Fatalf("%v comes back as %v", c, back)
		}
	})
	for text, want := range map[string][3]float64{
		"#ff0000": {0.6280, 0.2577, 29.23}, "#00ff00": {0.8664, 0.2948, 142.50}, "#0000ff": {0.4520, 0.3132, 264.05},
	} {
		c, err := ParseColour(text)
		if err != nil {
			t.Fatal(err)
		}
		l, chroma, hue := c.oklch()
		if math.Abs(l-want[0]) > 0.001 || math.Abs(chroma-want[1]) > 0.001 || math.Abs(hue*180/math.Pi-want[2]) > 0.1 {
			if degrees := hue*180/math.Pi + 360; math.Abs(degrees-want[2]) > 0.1 {
				t.Errorf("%s is %.4f %.4f %.2f, want %v", text, l, chroma, hue*180/math.Pi, want)
			}
		}
	}
}

// TestSchemesAreThoseOfTheStyle: what the accent is held against is what it will stand on.
func TestSchemesAreThoseOfTheStyle(t *testing.T) {
	light, dark, _ := strings.Cut(styleFile, "@media (prefers-color-scheme: dark)")
	for name, of := range map[string]struct {
		style  string
		scheme scheme
	}{"light": {light, lightScheme}, "dark": {dark, darkScheme}} {
		for variable, want := range map[string]Colour{"ground": of.scheme.ground, "card": of.scheme.card} {
			found := regexp.MustCompile(`--` + variable + `: (#[0-9a-f]{6});`).FindStringSubmatch(of.style)
			if found == nil || found[1] != want.String() {
				t.Errorf("%s: --%s is %v in the style and %v here", name, variable, found, want)
			}
		}
	}
	if !strings.Contains(styleFile, "button:hover, a.main:hover { filter: brightness(.94); }") {
		t.Error("a button under a pointer looks different now")
	}
}
