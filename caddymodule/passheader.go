package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/internal/match"
)

// PassHeader is a header that clients may send to the app. In JSON it is a name, or an object if the header is let
// through at some paths only.
type PassHeader struct {
	// The name of the header.
	Name string `json:"name,omitempty"`
	// The canonical paths at which the header is let through. They take `*`. Default: all paths
	For []string `json:"for,omitempty"`
}

// passHeaderObject is the object form, without PassHeader's methods.
type passHeaderObject PassHeader

// MarshalJSON writes the short form if there are no paths.
func (p PassHeader) MarshalJSON() ([]byte, error) {
	if len(p.For) == 0 {
		return json.Marshal(p.Name)
	}
	return json.Marshal(passHeaderObject(p))
}

// UnmarshalJSON reads either form. Unknown members are errors, as elsewhere in the configuration.
func (p *PassHeader) UnmarshalJSON(text []byte) error {
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '"' {
		*p = PassHeader{}
		return json.Unmarshal(text, &p.Name)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	object := passHeaderObject{}
	if err := decoder.Decode(&object); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("pass_header: more than one value")
	}
	if object.For != nil && len(object.For) == 0 {
		return errors.New("pass_header: 'for' names no path")
	}
	*p = PassHeader(object)
	return nil
}

// custody converts it for package custody.
func (p PassHeader) custody() custody.PassHeader {
	passed := custody.PassHeader{Name: p.Name}
	if len(p.For) > 0 {
		passed.Paths = match.NewGlobs(p.For...)
	}
	return passed
}

// passHeaders returns the headers of the whole site, including its preset's.
func (h *Handler) passHeaders() []custody.PassHeader {
	var passed []custody.PassHeader
	for _, header := range h.PassHeader {
		passed = append(passed, header.custody())
	}
	return passed
}

// readPassHeader reads a line of `pass_header`: names, and optionally `for` and paths.
func readPassHeader(d *caddyfile.Dispenser, h *Handler, _ places) error {
	names := d.RemainingArgs()
	if err := some(names); err != nil {
		return err
	}
	var paths []string
	if at := slices.Index(names, "for"); at >= 0 {
		names, paths = names[:at:at], names[at+1:]
		if len(names) == 0 || len(paths) == 0 {
			return errors.New("it takes names, and perhaps 'for' and paths behind them")
		}
	}
	for _, name := range names {
		header := PassHeader{Name: name, For: paths}
		if err := header.custody().Validate(); err != nil {
			return err
		}
		for _, other := range h.PassHeader {
			if strings.EqualFold(other.Name, name) && (len(other.For) == 0 || len(paths) == 0) {
				return fmt.Errorf("%s: it is let through everywhere by another line, or twice in this one", name)
			}
		}
		h.PassHeader = append(h.PassHeader, header)
	}
	return noBlock(d)
}

func adoptPassHeader(site, preset *Handler) { adds(&site.PassHeader, preset.PassHeader) }
