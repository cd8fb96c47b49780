package browser

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// The size of a contact sheet, and what is between its pictures, in pixels.
const (
	sheetWidth  = 2000
	sheetHeight = 2000
	sheetGap    = 12
)

// Sheets joins pictures to contact sheets, so that many pages can be looked at in a few files: name-1.png and so on in
// the folder, each with a text file that says which picture is where. Pictures that are wider than 700 pixels are shown
// at half their size, and pictures that are too high for a sheet are cut off.
func Sheets(folder, name string, pictures []string) error {
	var sheet *image.RGBA
	var index strings.Builder
	var bottoms []int
	count, column := 0, 0
	flush := func() error {
		if sheet == nil {
			return nil
		}
		count++
		high := 0
		for _, bottom := range bottoms {
			high = max(high, bottom)
		}
		file := filepath.Join(folder, fmt.Sprintf("%s-%d", name, count))
		if err := writePNG(file+".png", sheet.SubImage(image.Rect(0, 0, sheetWidth, min(high, sheetHeight)))); err != nil {
			return err
		}
		err := os.WriteFile(file+".txt", []byte(index.String()), 0o600)
		sheet = nil
		index.Reset()
		return err
	}
	for _, path := range pictures {
		picture, err := readPNG(path)
		if err != nil {
			return err
		}
		if picture.Bounds().Dx() > 700 {
			picture = half(picture)
		}
		size := picture.Bounds().Size()
		for attempt := 0; ; attempt++ {
			if sheet == nil {
				sheet = image.NewRGBA(image.Rect(0, 0, sheetWidth, sheetHeight))
				draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.Gray{Y: 0x80}), image.Point{}, draw.Src)
				bottoms, column = make([]int, (sheetWidth+sheetGap)/(size.X+sheetGap)), 0
			}
			for ; column < len(bottoms); column++ {
				if bottoms[column]+size.Y <= sheetHeight || bottoms[column] == 0 {
					break
				}
			}
			if column < len(bottoms) {
				break
			}
			if err := flush(); err != nil {
				return err
			}
		}
		at := image.Pt(column*(size.X+sheetGap), bottoms[column])
		draw.Draw(sheet, image.Rectangle{at, at.Add(size)}, picture, picture.Bounds().Min, draw.Src)
		fmt.Fprintf(&index, "%s: column %d, %d down\n", filepath.Base(path), column+1, at.Y)
		bottoms[column] += size.Y + sheetGap
	}
	return flush()
}

// half returns a picture at half its size: each of its pixels is the mean of four.
func half(picture image.Image) image.Image {
	size := picture.Bounds().Size()
	from := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(from, from.Bounds(), picture, picture.Bounds().Min, draw.Src)
	to := image.NewRGBA(image.Rect(0, 0, size.X/2, size.Y/2))
	for y := range size.Y / 2 {
		above, below, line := from.Pix[2*y*from.Stride:], from.Pix[(2*y+1)*from.Stride:], to.Pix[y*to.Stride:]
		for i := range 4 * (size.X / 2) {
			at := i/4*8 + i%4
			sum := int(above[at]) + int(above[at+4]) + int(below[at]) + int(below[at+4])
			line[i] = uint8(sum / 4) // the mean of four bytes
		}
	}
	return to
}

// Beside puts pictures side by side, on white.
func Beside(pictures ...[]byte) ([]byte, error) {
	var all []image.Image
	var size image.Point
	for _, content := range pictures {
		picture, err := png.Decode(bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		all = append(all, picture)
		size = image.Pt(size.X+picture.Bounds().Dx(), max(size.Y, picture.Bounds().Dy()))
	}
	joined := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(joined, joined.Bounds(), image.White, image.Point{}, draw.Src)
	left := 0
	for _, picture := range all {
		at := image.Pt(left, 0)
		draw.Draw(joined, image.Rectangle{at, at.Add(picture.Bounds().Size())}, picture, picture.Bounds().Min, draw.Src)
		left += picture.Bounds().Dx()
	}
	var content bytes.Buffer
	err := png.Encode(&content, joined)
	return content.Bytes(), err
}

// Small writes a picture of a page as a PNG with at most 64 colours, the most frequent ones, with the best compression.
func Small(file string, content []byte) error {
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		return err
	}
	counts := make(map[color.RGBA]int)
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[coarse(picture.At(x, y))]++
		}
	}
	colours := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	sort.Slice(colours, func(i, j int) bool {
		a, b := colours[i], colours[j]
		if counts[a] != counts[b] {
			return counts[a] > counts[b]
		}
		return fmt.Sprint(a) < fmt.Sprint(b)
	})
	palette := make(color.Palette, 0, 64)
	for _, c := range colours[:min(len(colours), 64)] {
		palette = append(palette, c)
	}
	few := image.NewPaletted(bounds, palette)
	indices := make(map[color.RGBA]uint8)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := coarse(picture.At(x, y))
			index, known := indices[c]
			if !known {
				index = uint8(palette.Index(c)) // of at most 64
				indices[c] = index
			}
			few.SetColorIndex(x, y, index)
		}
	}
	return writePNG(file, few)
}

// coarse rounds a colour, so that colours that look the same become equal.
func coarse(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	step := func(v uint32) uint8 {
		if v >= 0xfc00 {
			return 0xff
		}
		return uint8(v>>8) &^ 3
	}
	return color.RGBA{R: step(r), G: step(g), B: step(b), A: 0xff}
}

func readPNG(file string) (image.Image, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return png.Decode(bytes.NewReader(content))
}

func writePNG(file string, picture image.Image) error {
	var content bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&content, picture); err != nil {
		return err
	}
	return os.WriteFile(file, content.Bytes(), 0o644)
}
