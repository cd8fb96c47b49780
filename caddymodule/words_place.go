package caddymodule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// place is where a word stands: its file and line, and by which imports it came there.
type place struct{ token caddyfile.Token }

// placed is an error that names its line.
type placed struct{ error }

// Unwrap returns the error as Caddy wrote it.
func (p placed) Unwrap() error { return p.error }

// wrap adds the place to an error that names none.
func (p place) wrap(err error) error {
	var there placed
	if err == nil || errors.As(err, &there) {
		return err
	}
	d := caddyfile.NewDispenser([]caddyfile.Token{p.token})
	d.Next()
	return placed{d.WrapErr(err)}
}

// String returns the file and the line.
func (p place) String() string { return fmt.Sprintf("%s:%d", p.token.File, p.token.Line) }

// places are where the words of a block stand, in the order in which they were read. A word of a block in this one
// has the name of both, as in "brand logo".
type places map[string][]place

// within adds the words of an inner block.
func (p places) within(outer string, inner places) {
	for name, where := range inner {
		p[outer+" "+name] = where
	}
}

// last returns where a word stood last.
func (p places) last(name string) (place, bool) {
	where := p[name]
	if len(where) == 0 {
		return place{}, false
	}
	return where[len(where)-1], true
}

// blame adds the line to an error about several words of a block. Such an error begins with the setting that it is
// about; where that word does not stand in the block, the error is left to the word around it.
func (p places) blame(outer string, err error) error {
	if err == nil {
		return nil
	}
	if where, ok := p.last(setting(err.Error())); ok {
		return where.wrap(named(outer, err))
	}
	return err
}

// setting returns the setting that an error begins with.
func setting(text string) string {
	text = strings.TrimLeft(text, "'")
	if end := strings.IndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }); end >= 0 {
		text = text[:end]
	}
	return text
}
