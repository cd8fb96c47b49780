package pages

import (
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/locale"
)

// Brand is how an operator makes the pages look like their own. The zero value changes nothing.
type Brand struct {
	// Name stands at the top of the pages. Default: Common.App. It is text.
	Name string
	// Logo is the content of a picture's file: PNG, SVG, JPEG or WebP of at most MaxLogo bytes. Default: none.
	Logo []byte
	// Colour is the accent colour, as ParseColour takes it. Where it would be hard to read it is made darker in the
	// light scheme, and lighter in the dark one. Default: the one of style.css.
	Colour string
	// Help says whom to ask, where a page has no other way on: words such as "Call the help desk, extension 100".
	// HelpLink makes a link of them: https, mailto, tel, or a path on this site.
	Help, HelpLink string
	// Templates holds, at its top, files that take the place of those in templates/ of the same name, and style.css,
	// which is put behind the gateway's own. Names that begin with a dot are not looked at; others are errors. Default:
	// none.
	Templates fs.FS
}

// BrandError is what is wrong with one setting of a Brand.
type BrandError struct {
	// Setting is logo, colour, help or templates.
	Setting string
	Err     error
}

func (e *BrandError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap is the error itself.
func (e *BrandError) Unwrap() error { return e.Err }

// markOf is what the head of a page shows of the brand.
type mark struct {
	// Name is text, and Initial its first letter, which stands for a logo. Logo is its address; empty for none.
	Name, Initial, Logo string
	// Width and Height are those of the logo.
	Width, Height int
}

// brandMark is the brand as a page shows it that has this Common.
func brandMark(r *Renderer, c Common) mark {
	m := mark{Name: locale.Harmless(r.name)}
	if m.Name == "" {
		m.Name = c.App
	}
	if at := strings.IndexFunc(m.Name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }); at >= 0 {
		first, _ := utf8.DecodeRuneInString(m.Name[at:])
		m.Initial = string(unicode.ToUpper(first))
	}
	if r.logo != nil {
		m.Logo = c.Base + "/logo?v=" + r.logo.Version
		m.Width, m.Height = r.logo.shown()
	}
	return m
}

// Logo is the picture to serve at Base/logo, or nil. Whoever serves it must set LogoPolicy.
func (r *Renderer) Logo() *Logo { return r.logo }

// wear makes the renderer look as the brand says. What is wrong in it is an error that names the setting.
func (r *Renderer) wear(brand Brand) (err error) {
	r.name = brand.Name
	if r.help, err = newHelp(brand.Help, brand.HelpLink); err != nil {
		return &BrandError{"help", err}
	}
	style := ""
	if brand.Colour != "" {
		colour, err := ParseColour(brand.Colour)
		if err != nil {
			return &BrandError{"colour", err}
		}
		style += accentStyle(colour)
	}
	if brand.Logo != nil {
		if r.logo, err = parseLogo(brand.Logo); err != nil {
			return &BrandError{"logo", err}
		}
		style += small().brand
	}
	if brand.Templates == nil {
		r.dress(style)
		return nil
	}
	own, err := readOverrides(brand.Templates)
	if err != nil {
		return &BrandError{"templates", err}
	}
	r.dress(style + own.style)
	if len(own.pages) == 0 {
		return nil
	}
	if r.library, err = r.library.with(own.pages); err != nil {
		return &BrandError{"templates", err}
	}
	if err := r.tryOn(); err != nil {
		return &BrandError{"templates", err}
	}
	return nil
}

// help is whom to ask, as a page shows it.
type help struct {
	Text string
	Link template.URL
}

// maxHelp is how long the words may be, in bytes: a line or two.
const maxHelp = 300

// newHelp is nil where there are no words.
func newHelp(text, link string) (*help, error) {
	if text == "" && link == "" {
		return nil, nil //nolint:nilnil // there is none, and nothing is wrong.
	}
	if strings.TrimSpace(text) == "" || len(text) > maxHelp || !utf8.ValidString(text) {
		return nil, fmt.Errorf("want a line of words such as \"Call the help desk, extension 100\", of at most %d bytes", maxHelp)
	}
	if link != "" && !match.IsLocal(link) {
		address, err := url.Parse(link)
		if err != nil || !slices.Contains([]string{"https", "mailto", "tel"}, address.Scheme) || address.Host+address.Opaque == "" {
			return nil, fmt.Errorf("%q is no link: want https://, mailto:, tel: or a path on this site", link)
		}
	}
	return &help{Text: locale.Harmless(text), Link: template.URL(link)}, nil //nolint:gosec // the scheme was looked at.
}

// CheckHelp says what is wrong with the words and the link of Brand.Help.
func CheckHelp(text, link string) error {
	if text == "" {
		text = " "
	}
	_, err := newHelp(text, link)
	return err
}

// Colour is a colour as screens show it: sRGB with eight bits a channel.
type Colour struct{ R, G, B uint8 }

// ParseColour reads #rgb or #rrggbb in hex digits of either case. The # may be left out: a Caddyfile takes it for the
// beginning of a comment unless it stands in quotes.
func ParseColour(text string) (Colour, error) {
	digits := strings.TrimPrefix(text, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != 3 {
		return Colour{}, fmt.Errorf("%q is no colour such as \"#0b5cad\" or \"#06c\"", text)
	}
	return Colour{raw[0], raw[1], raw[2]}, nil
}

// String is the colour as #rrggbb.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// legible is the least contrast of text against what is behind it (WCAG 2.2, success criterion 1.4.3, level AA).
const legible = 4.5

// hover is how bright a button is that a pointer is over, in style.css. Its text must be legible then, too.
const hover = 0.94

// scheme is what the accent colour stands on, light or dark. The values are those of style.css; a test compares them.
type scheme struct {
	ground, card Colour
	// text is the colour of words on a button that has the accent colour.
	text Colour
	// step is how far a colour is moved in lightness (of OKLCH, 0 to 1) until it fits: down in the light scheme.
	step float64
}

var (
	lightScheme = scheme{
		ground: Colour{0xf3, 0xf4, 0xf6}, card: Colour{0xff, 0xff, 0xff}, text: Colour{0xff, 0xff, 0xff}, step: -1. / 256,
	}
	darkScheme = scheme{
		ground: Colour{0x12, 0x15, 0x18}, card: Colour{0x1c, 0x21, 0x26}, text: Colour{0x0b, 0x0e, 0x12}, step: 1. / 256,
	}
)

// accent is the colour itself if links, the outlines of buttons and the words on them are legible with it; otherwise
// the nearest one of the same hue with which they are. There always is one: black in the light scheme, white in the
// dark one.
func (s scheme) accent(wanted Colour) Colour {
	if s.fits(wanted) {
		return wanted
	}
	lightness, chroma, hue := wanted.oklch()
	for {
		lightness = min(max(lightness+s.step, 0), 1)
		if c := oklch(lightness, chroma, hue); s.fits(c) || lightness == 0 || lightness == 1 {
			return c
		}
	}
}

func (s scheme) fits(accent Colour) bool {
	for _, pair := range [][2]Colour{{accent, s.ground}, {accent, s.card}, {s.text, accent}} {
		if contrast(pair[0], pair[1]) < legible || contrast(pair[0].dimmed(), pair[1].dimmed()) < legible {
			return false
		}
	}
	return true
}

// accentStyle sets the accent colour in both schemes. It stands behind style.css, whose rules weigh the same.
func accentStyle(wanted Colour) string {
	set := func(s scheme) string {
		return ":root { --main: " + s.accent(wanted).String() + "; --main-text: " + s.text.String() + "; }"
	}
	return set(lightScheme) + "\n@media (prefers-color-scheme: dark) { " + set(darkScheme) + " }\n"
}

// contrast is the contrast ratio of two colours (WCAG 2.2), from 1 to 21.
func contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance (WCAG 2.2), from 0 to 1.
func (c Colour) luminance() float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// dimmed is the colour under a pointer.
func (c Colour) dimmed() Colour {
	dim := func(channel uint8) uint8 { return uint8(math.Round(float64(channel) * hover)) }
	return Colour{dim(c.R), dim(c.G), dim(c.B)}
}

// linear undoes the transfer function of sRGB (IEC 61966-2-1) for one channel.
func linear(channel uint8) float64 {
	v := float64(channel) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// channel is the inverse of linear, and whether the value is one that a screen can show.
func channel(v float64) (uint8, bool) {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	const rounding = 0.5 / 255
	inside := v >= -rounding && v <= 1+rounding
	return uint8(math.Round(min(max(v, 0), 1) * 255)), inside
}

// oklch is the colour as lightness (0 to 1), chroma and hue (radians) of OKLCH: in that space a colour that is made
// lighter or darker keeps its hue for the eye. The matrices are those of CSS Color 4, section 9.4.
func (c Colour) oklch() (lightness, chroma, hue float64) {
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	lightness = 0.2104542553*l + 0.7936177850*m - 0.0040720468*s
	x := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	y := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return lightness, math.Hypot(x, y), math.Atan2(y, x)
}

// oklch is the colour of this lightness and hue, with as much of the chroma as a screen can show.
func oklch(lightness, chroma, hue float64) Colour {
	c, inside := fromOKLCH(lightness, chroma, hue)
	if inside {
		return c
	}
	least, most := 0., chroma
	for range 24 {
		middle := (least + most) / 2
		if shown, inside := fromOKLCH(lightness, middle, hue); inside {
			c, least = shown, middle
		} else {
			most = middle
		}
	}
	return c
}

// fromOKLCH is the colour, each channel cut to what there is, and whether nothing had to be cut.
func fromOKLCH(lightness, chroma, hue float64) (Colour, bool) {
	x, y := chroma*math.Cos(hue), chroma*math.Sin(hue)
	l := math.Pow(lightness+0.3963377774*x+0.2158037573*y, 3)
	m := math.Pow(lightness-0.1055613458*x-0.0638541728*y, 3)
	s := math.Pow(lightness-0.0894841775*x-1.2914855480*y, 3)
	r, red := channel(4.0767416621*l - 3.3077115913*m + 0.2309699292*s)
	g, green := channel(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s)
	b, blue := channel(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s)
	return Colour{r, g, b}, red && green && blue
}
