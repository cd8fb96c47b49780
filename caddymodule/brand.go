package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sallyport.example/sallyport/pages"
)

// Brand is the look of the gateway's own pages.
type Brand struct {
	// The name at the top of the pages. Default: the value of `issuer`
	Name string `json:"name,omitempty"`
	// The file of a picture beside the name: PNG, SVG, JPEG or WebP, at most 256 KiB. Default: none
	Logo string `json:"logo,omitempty"`
	// The colour of buttons and links: `#rgb` or `#rrggbb`. Default: a blue
	Colour string `json:"colour,omitempty"`
	// Whom to ask, where a page has no other way on. Default: "your administrator"
	Help string `json:"help,omitempty"`
	// Where these words lead: https, mailto, tel, or a path on this site. Default: nowhere
	HelpLink string `json:"help_link,omitempty"`
	// The folder of the files that replace the templates of the pages. Default: none
	Templates string `json:"templates,omitempty"`
}

func checkLanguage(tag string) error {
	there := pages.Languages()
	if !slices.ContainsFunc(there, func(known string) bool { return strings.EqualFold(known, tag) }) {
		return fmt.Errorf("language '%s': want one of %s", tag, strings.Join(there, ", "))
	}
	return nil
}

// pages makes the pages of this site. It reads the files that the brand names.
func (h *Handler) pages() (*pages.Renderer, error) {
	if h.Language != "" {
		if err := checkLanguage(h.Language); err != nil {
			return nil, fmt.Errorf("second_factor: %w", err)
		}
	}
	if h.Brand == nil {
		renderer, err := pages.NewThemed(pages.Options{Language: h.Language})
		return renderer, at("language", err)
	}
	renderer, word, err := h.Brand.pages(h.Language)
	if err != nil {
		return nil, lines.wrap(h, "brand "+word, err)
	}
	return renderer, nil
}

// pages makes pages with this brand. With an error it returns the word that is wrong.
func (b *Brand) pages(language string) (renderer *pages.Renderer, word string, err error) {
	options := pages.Options{Language: language}
	options.Brand.Name, options.Brand.Colour = b.Name, b.Colour
	options.Brand.Help, options.Brand.HelpLink = b.Help, b.HelpLink
	if b.Logo != "" {
		if options.Brand.Logo, err = readLogo(b.Logo); err != nil {
			return nil, "logo", at("brand: logo", err)
		}
	}
	if b.Templates != "" {
		// os.Root keeps reads inside the folder, wherever a link in it points.
		folder, err := os.OpenRoot(b.Templates)
		if err != nil {
			return nil, "templates", at("brand: templates", err)
		}
		defer func() { _ = folder.Close() }() // it was only read
		options.Brand.Templates = folder.FS()
	}
	renderer, err = pages.NewThemed(options)
	var wrong *pages.BrandError
	switch {
	case errors.As(err, &wrong) && wrong.Setting == "logo":
		return nil, "logo", at("brand: logo "+b.Logo, wrong.Err)
	case errors.As(err, &wrong) && wrong.Setting == "help":
		return nil, "help", at("brand: help", wrong.Err)
	case errors.As(err, &wrong) && wrong.Setting == "templates":
		return nil, "templates", at("brand: templates "+b.Templates, wrong.Err)
	}
	return renderer, "colour", at("brand", err)
}

// readLogo reads the file of a logo. It reads one byte more than is allowed, to notice a file that is too large.
func readLogo(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, pages.MaxLogo+1))
}
