package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for its size
	_ "image/png"  // for its size
	"io"
	"math"
	"strconv"
	"strings"
)

// MaxLogo is how large the file of a logo may be, in bytes.
const MaxLogo = 256 << 10

// LogoPolicy is the Content-Security-Policy that the logo is sent with. An SVG is a document, which might be opened by
// itself: it then may look as it likes, and neither run a script nor ask for anything.
const LogoPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// logoHeight is how high the logo is on the pages, in CSS pixels; brand.css says the same in rem. logoWidth is the
// most.
const logoHeight, logoWidth = 32, 144

// Logo is a picture that stands beside the name at the top of the pages. It is not to be changed.
type Logo struct {
	// Content is the file, Type its media type.
	Content []byte
	Type    string
	// Version names this very content, in letters, digits, - and _. The pages ask for Base/logo?v=Version.
	Version string
	// width and height are the picture's, of which only the relation counts.
	width, height float64
}

// parseLogo finds out what picture a file is: PNG, JPEG, WebP or SVG, by its content. Everything else is an error, and
// so is a picture that does not say how wide and high it is: the page would move when it arrives.
func parseLogo(content []byte) (*Logo, error) {
	if len(content) > MaxLogo {
		return nil, fmt.Errorf("the file is larger than %d KiB", MaxLogo>>10)
	}
	sum := sha256.Sum256(content)
	logo := &Logo{Content: content, Version: base64.RawURLEncoding.EncodeToString(sum[:12])}
	var err error
	if bytes.HasPrefix(content, []byte("RIFF")) {
		logo.Type = "image/webp"
		logo.width, logo.height, err = webpSize(content)
	} else if config, format, unknown := image.DecodeConfig(bytes.NewReader(content)); unknown == nil && (format == "png" || format == "jpeg") {
		// Other packages of the program may make package image know more formats.
		logo.Type = "image/" + format
		logo.width, logo.height = float64(config.Width), float64(config.Height)
	} else {
		logo.Type = "image/svg+xml"
		logo.width, logo.height, err = svgSize(content)
	}
	if err != nil {
		return nil, err
	}
	if !(logo.width > 0 && logo.height > 0) {
		return nil, errors.New("the picture is empty")
	}
	return logo, nil
}

// shown is the size that the picture has on the pages, in CSS pixels.
func (l *Logo) shown() (width, height int) {
	return int(math.Round(min(max(l.width*logoHeight/l.height, 1), logoWidth))), logoHeight
}

var errNoPicture = errors.New("want a PNG, SVG, JPEG or WebP")

// webpSize reads the size from the first chunk (RFC 9649, sections 2.4 to 2.7).
func webpSize(content []byte) (width, height float64, err error) {
	if len(content) < 30 || string(content[8:12]) != "WEBP" {
		return 0, 0, errNoPicture
	}
	chunk := content[20:]
	switch string(content[12:16]) {
	case "VP8 ":
		// A key frame of VP8 has its size behind a start code (RFC 6386, section 9.1), 14 bits each.
		if chunk[3] == 0x9d && chunk[4] == 0x01 && chunk[5] == 0x2a {
			return float64(binary.LittleEndian.Uint16(chunk[6:]) & 0x3fff), float64(binary.LittleEndian.Uint16(chunk[8:]) & 0x3fff), nil
		}
	case "VP8L":
		if chunk[0] == 0x2f {
			bits := binary.LittleEndian.Uint32(chunk[1:])
			return float64(bits&0x3fff + 1), float64(bits>>14&0x3fff + 1), nil
		}
	case "VP8X":
		three := func(b []byte) float64 { return float64(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16) + 1 }
		return three(chunk[4:]), three(chunk[7:]), nil
	}
	return 0, 0, errNoPicture
}

// svgSize reads an SVG to its end, since browsers show nothing of one that is not well-formed, and returns the size
// that its root has: width and height, else that of its viewBox.
func svgSize(content []byte) (width, height float64, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(content))
	var root *xml.StartElement
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if root == nil {
				return 0, 0, errNoPicture
			}
			return 0, 0, fmt.Errorf("the SVG is broken: %w", err)
		}
		if element, ok := token.(xml.StartElement); ok && root == nil {
			if element.Name.Local != "svg" {
				return 0, 0, errNoPicture
			}
			if element.Name.Space != "http://www.w3.org/2000/svg" {
				return 0, 0, errors.New(`the SVG's root lacks xmlns="http://www.w3.org/2000/svg"`)
			}
			copied := element.Copy()
			root = &copied
		}
	}
	if root == nil {
		return 0, 0, errNoPicture
	}
	sizes := make(map[string]string)
	for _, a := range root.Attr {
		if a.Name.Space == "" {
			sizes[a.Name.Local] = a.Value
		}
	}
	width, widthUnit := length(sizes["width"])
	height, heightUnit := length(sizes["height"])
	if width > 0 && height > 0 && widthUnit == heightUnit && widthUnit != "%" {
		return width, height, nil
	}
	box := strings.FieldsFunc(sizes["viewBox"], func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r' })
	if len(box) == 4 {
		width, widthUnit = length(box[2])
		height, heightUnit = length(box[3])
		if width > 0 && height > 0 && widthUnit == "" && heightUnit == "" {
			return width, height, nil
		}
	}
	return 0, 0, errors.New("the SVG's root has no size: want a viewBox, or a width and a height")
}

// length is a number and its unit; 0 where there is none.
func length(text string) (float64, string) {
	text = strings.TrimSpace(text)
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzQ%")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return 0, ""
	}
	return value, text[len(number):]
}
