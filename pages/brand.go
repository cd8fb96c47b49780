package pages

import (
	_ "embed"
	"io/fs"
)

// What the pages need for a logo; it is part of the style only if there is one.
//
//go:embed brand.css
var brandStyle string

// Brand is how an operator makes the pages look like their own. The zero value changes nothing.
type Brand struct {
	// Name stands at the top of the pages. Default: Common.App. It is text.
	Name string
	// Logo is the content of a picture's file: PNG, SVG, JPEG or WebP of at most MaxLogo bytes. Default: none.
	Logo []byte
	// Colour is the accent colour, as ParseColour takes it. Where it would be hard to read it is made darker in the
	// light scheme, and lighter in the dark one. Default: the one of style.css.
	Colour string
	// Templates holds, at its top, files that take the place of those in templates/ of the same name, and style.css,
	// which is put behind the gateway's own. Names that begin with a dot are not looked at; others are errors. Default:
	// none.
	Templates fs.FS
}

// BrandError is what is wrong with one setting of a Brand.
type BrandError struct {
	// Setting is logo, colour or templates.
	Setting string
	Err     error
}

func (e *BrandError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap is the error itself.
func (e *BrandError) Unwrap() error { return e.Err }

// mark is what the head of a page shows of the brand.
type mark struct {
	// Name is text. Logo is its address; empty for none.
	Name, Logo string
	// Width and Height are those of the logo.
	Width, Height int
}

// mark is the brand as a page shows it that has this Common.
func (r *Renderer) mark(c Common) mark {
	m := mark{Name: harmless(r.name)}
	if m.Name == "" {
		m.Name = c.App
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
	style := styleSheet
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
		style += brandStyle
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
