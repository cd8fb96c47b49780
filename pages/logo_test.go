package pages

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// picture encodes a small picture.
func picture(t *testing.T, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	drawn := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black})
	var b bytes.Buffer
	if err := encode(&b, drawn); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, i image.Image) error  { return png.Encode(b, i) }
func asJPEG(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) }
func asGIF(b *bytes.Buffer, i image.Image) error  { return gif.Encode(b, i, nil) }

// webp are the heads of pictures of 300 by 200, in each of the three forms that there are.
var webp = map[string]string{
	"lossy":    "RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x2c\x01\xc8\x00\x00\x00\x00\x00",
	"lossless": "RIFF\x24\x00\x00\x00WEBPVP8L\x18\x00\x00\x00\x2f\x2b\xc1\x31\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"extended": "RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x2b\x01\x00\xc7\x00\x00\x00\x00\x00\x00",
}

// TestLogo: what a picture is follows from its content; its size gives it its place on the page before it has arrived.
func TestLogo(t *testing.T) {
	svg := func(attributes string) []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg" ` + attributes + `><path d="M0 0"/></svg>`)
	}
	for name, test := range map[string]struct {
		content []byte
		kind    string
		width   int
	}{
		"png":                        {picture(t, 60, 40, asPNG), "image/png", 48},
		"jpeg":                       {picture(t, 64, 64, asJPEG), "image/jpeg", 32},
		"very wide":                  {picture(t, 900, 10, asPNG), "image/png", 144},
		"very high":                  {picture(t, 1, 900, asPNG), "image/png", 1},
		"webp lossy":                 {[]byte(webp["lossy"]), "image/webp", 48},
		"webp lossless":              {[]byte(webp["lossless"]), "image/webp", 48},
		"webp extended":              {[]byte(webp["extended"]), "image/webp", 48},
		"svg":                        {[]byte(sampleLogo), "image/svg+xml", 48},
		"svg in numbers":             {svg(`width="50" height="25"`), "image/svg+xml", 64},
		"svg in mm":                  {svg(`width="50mm" height="25mm" viewBox="0 0 7 7"`), "image/svg+xml", 64},
		"svg in percent":             {svg(`width="100%" height="100%" viewBox="0,0,2,1"`), "image/svg+xml", 64},
		"svg, mixed":                 {svg(`width="1cm" height="25mm" viewBox="0 0 2 1"`), "image/svg+xml", 64},
		"svg with a byte order mark": {append([]byte("\ufeff"), svg(`viewBox="0 0 2 1"`)...), "image/svg+xml", 64},
	} {
		logo, err := parseLogo(test.content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		width, height := logo.shown()
		if logo.Type != test.kind || width != test.width || height != 32 || !bytes.Equal(logo.Content, test.content) {
			t.Errorf("%s is %s, %d by %d", name, logo.Type, width, height)
		}
	}
	one, err := parseLogo(picture(t, 3, 3, asPNG))
	if err != nil {
		t.Fatal(err)
	}
	other, err := parseLogo(picture(t, 3, 4, asPNG))
	if err != nil {
		t.Fatal(err)
	}
	if one.Version == other.Version || len(one.Version) != base64.RawURLEncoding.EncodedLen(12) {
		t.Errorf("versions %q and %q", one.Version, other.Version)
	}
}

// TestNoLogo: whatever is no such picture is an error at start.
func TestNoLogo(t *testing.T) {
	const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1">`
	for name, test := range map[string]struct{ content, want string }{
		"nothing":            {"", "PNG, SVG, JPEG or WebP"},
		"text":               {"logo", "PNG, SVG, JPEG or WebP"},
		"gif":                {string(picture(t, 3, 3, asGIF)), "PNG, SVG, JPEG or WebP"},
		"html":               {"<!DOCTYPE html><html><body><svg/></body></html>", "PNG, SVG, JPEG or WebP"},
		"html that is xml":   {`<html xmlns="http://www.w3.org/1999/xhtml"><svg xmlns="http://www.w3.org/2000/svg"/></html>`, "PNG, SVG, JPEG or WebP"},
		"wave":               {"RIFF\x24\x00\x00\x00WAVEfmt \x18\x00\x00\x00" + strings.Repeat("x", 40), "PNG, SVG, JPEG or WebP"},
		"webp, cut":          {webp["lossy"][:20], "PNG, SVG, JPEG or WebP"},
		"webp, other chunk":  {strings.Replace(webp["lossy"], "VP8 ", "ALPH", 1), "PNG, SVG, JPEG or WebP"},
		"webp of no size":    {strings.Replace(webp["lossy"], "\x2c\x01\xc8\x00", "\x00\x00\xc8\x00", 1), "empty"},
		"svg without xmlns":  {`<svg viewBox="0 0 2 1"/>`, "xmlns"},
		"svg without a size": {`<svg xmlns="http://www.w3.org/2000/svg"/>`, "viewBox"},
		"svg of size 0":      {`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 1"/>`, "viewBox"},
		"svg of endless":     {`<svg xmlns="http://www.w3.org/2000/svg" width="1e999" height="NaN"/>`, "viewBox"},
		"svg, cut":           {head + "<path", "broken"},
		"svg, not closed":    {head + "<g>", "broken"},
		"svg with an entity": {head + "&x;</svg>", "broken"},
		"too large":          {head + "<!--" + strings.Repeat("x", MaxLogo) + "--></svg>", "256 KiB"},
	} {
		if logo, err := parseLogo([]byte(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v", name, logo, err)
		}
	}
}

// FuzzLogo: any file is a picture of some size, or an error.
func FuzzLogo(f *testing.F) {
	f.Add([]byte(sampleLogo))
	for _, head := range webp {
		f.Add([]byte(head))
	}
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		logo, err := parseLogo(content)
		if err != nil {
			return
		}
		if width, height := logo.shown(); width < 1 || width > logoWidth || height != logoHeight {
			t.Errorf("%d by %d", width, height)
		}
	})
}
