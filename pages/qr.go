package pages

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"
)

// qrModule is the size of a module on the screen in CSS pixels, a whole number so that all modules come out alike.
const qrModule = 5

// qrLimit is the most content, in bytes, that is drawn: beyond it the modules become too fine for a telephone's camera.
const qrLimit = 1200

// qrSVG draws the content as an inline SVG with id "qr". The quiet zone of four modules (ISO/IEC 18004) and the white
// ground are part of the picture, so that it can be read on a dark page. Content that is too long gives "": the page
// then offers the key alone.
func qrSVG(content, title string) (template.HTML, error) {
	if len(content) > qrLimit {
		return "", nil
	}
	level := qrcode.Medium
	if len(content) > qrLimit/2 {
		level = qrcode.Low // Fewer, larger modules help more than redundancy here.
	}
	code, err := qrcode.New(content, level)
	if err != nil {
		return "", fmt.Errorf("draw QR code: %w", err)
	}
	bitmap := code.Bitmap()
	size := strconv.Itoa(len(bitmap))
	pixels := strconv.Itoa(len(bitmap) * qrModule)

	var b strings.Builder
	b.WriteString(`<svg id="qr" role="img" aria-labelledby="qr-title" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + size + ` ` + size +
		`" width="` + pixels + `" height="` + pixels + `" shape-rendering="crispEdges"><title id="qr-title">` +
		template.HTMLEscapeString(title) + `</title><rect width="100%" height="100%" fill="#fff"/><path stroke="#000" d="`)
	qrPath(&b, bitmap)
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // numbers, and a title that is escaped.
}

// qrPath writes the dark modules as horizontal strokes, each row a move and then runs: a third of the size of one
// square each.
func qrPath(b *strings.Builder, bitmap [][]bool) {
	for y, row := range bitmap {
		at := -1 // Where the pen stands; -1 before the row's first stroke.
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			run := 1
			for x+run < len(row) && row[x+run] {
				run++
			}
			if at < 0 {
				fmt.Fprintf(b, "M%d %d.5h%d", x, y, run)
			} else {
				fmt.Fprintf(b, "m%d 0h%d", x-at, run)
			}
			at = x + run
			x = at
		}
	}
}
