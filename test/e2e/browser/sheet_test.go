package browser

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func painted(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, c)
		}
	}
	var content bytes.Buffer
	if err := png.Encode(&content, picture); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// TestSheets: each picture is on a sheet, none over another, wide ones at half their size.
func TestSheets(t *testing.T) {
	folder := t.TempDir()
	var files []string
	for i, width := range []int{390, 390, 390, 390, 390, 390} {
		file := filepath.Join(folder, string(rune('a'+i))+".png")
		if err := os.WriteFile(file, painted(t, width, 1200, color.RGBA{R: uint8(10 * (i + 1)), A: 255}), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if err := Sheets(folder, "narrow", files); err != nil {
		t.Fatal(err)
	}
	for i, sheet := range []string{"narrow-1", "narrow-1", "narrow-1", "narrow-1", "narrow-1", "narrow-2"} {
		index, err := os.ReadFile(filepath.Join(folder, sheet+".txt"))
		if err != nil || !strings.Contains(string(index), filepath.Base(files[i])) {
			t.Errorf("%s does not name %s: %v\n%s", sheet, files[i], err, index)
		}
	}
	sheet, err := readPNG(filepath.Join(folder, "narrow-1.png"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if r, _, _, _ := sheet.At(i*(390+sheetGap)+5, 5).RGBA(); r>>8 != uint32(10*(i+1)) {
			t.Errorf("column %d begins with %d", i, r>>8)
		}
	}
	wide := filepath.Join(folder, "wide.png")
	if err := os.WriteFile(wide, painted(t, 1280, 800, color.White), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Sheets(folder, "wide", []string{wide}); err != nil {
		t.Fatal(err)
	}
	if sheet, err = readPNG(filepath.Join(folder, "wide-1.png")); err != nil || sheet.Bounds().Dy() > 400+sheetGap {
		t.Errorf("%v %v", sheet.Bounds(), err)
	}
}

// TestSmall: Small writes the same picture with few colours, and Beside puts pictures side by side.
func TestSmall(t *testing.T) {
	joined, err := Beside(painted(t, 20, 10, color.RGBA{R: 200, A: 255}), painted(t, 30, 40, color.RGBA{B: 100, A: 255}))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "small.png")
	if err := Small(file, joined); err != nil {
		t.Fatal(err)
	}
	got, err := readPNG(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, few := got.(*image.Paletted); !few || got.Bounds().Size() != image.Pt(50, 40) {
		t.Errorf("%T of %v", got, got.Bounds())
	}
	for at, want := range map[image.Point]color.RGBA{{X: 5, Y: 5}: {R: 200, A: 255}, {X: 25, Y: 30}: {B: 100, A: 255}, {X: 5, Y: 30}: {R: 255, G: 255, B: 255, A: 255}} {
		if c := color.RGBAModel.Convert(got.At(at.X, at.Y)); c != want {
			t.Errorf("at %v there is %v, want %v", at, c, want)
		}
	}
}
