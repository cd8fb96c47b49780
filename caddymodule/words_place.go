package caddymodule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// place is the position of a word: its file, its line, and the imports that included it. A word of a block also has the
// arguments that stand behind it on its line.
type place struct {
	token     caddyfile.Token
	arguments []string
}

// placed is an error that names its line.
type placed struct{ error }

// Unwrap returns the error as Caddy wrote it.
func (p placed) Unwrap() error { return p.error }

// wrap adds the position to an error that has none.
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

// places are the positions of a block's words, in the order in which they were read. The key of a word in an inner
// block has both names, as in "brand logo".
type places map[string][]place

// within adds the words of an inner block.
func (p places) within(outer string, inner places) {
	for name, where := range inner {
		p[outer+" "+name] = where
	}
}

// last returns the last position of a word.
func (p places) last(name string) (place, bool) {
	where := p[name]
	if len(where) == 0 {
		return place{}, false
	}
	return where[len(where)-1], true
}

// directiveWord is the key under which the position of the directive itself is stored.
const directiveWord = "second_factor"

// directive returns the position of the directive; the zero value if that is not known.
func (p places) directive() place {
	where, _ := p.last(directiveWord)
	return where
}

// blame adds the line to an error about several words of a block. Such an error begins with the setting it is about; if
// the block does not have that word, the error is left for the surrounding word.
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
