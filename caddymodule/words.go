package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// word is one word of a block of the Caddyfile, as a row of a table. B is the type of the block's settings.
type word[B any] struct {
	name string
	// form is what may follow the word, as the grammar writes it: one line for each form.
	form string
	// repeats says that the word may occur several times.
	repeats bool
	// read reads and checks what follows the word. Its errors need not name the word or its line.
	read func(d *caddyfile.Dispenser, block *B, said places) error
	// adopt merges a preset's value into the site's. It is nil if presets cannot have the word.
	adopt func(site, preset *B)
	// inner is the grammar of the word's own block.
	inner []grammar
}

// table is all words of a block.
type table[B any] []word[B]

// grammar describes a word, for error messages. The comments and docs/configuration.md must agree with it.
type grammar struct {
	name, form string
	inner      []grammar
}

// errCount is returned for a wrong number of arguments. The table replaces it by an error that shows the word's form.
var errCount = errors.New("wrong argument count")

// row makes the row of a word whose arguments are the value of one field. merge merges a preset's value into the
// site's; if it is nil, presets cannot have the word.
func row[B, V any](
	name, form string, read func(arguments []string, value *V) error, field func(*B) *V, merge func(site *V, preset V),
) word[B] {
	made := word[B]{name: name, form: form, read: func(d *caddyfile.Dispenser, block *B, _ places) error {
		if err := read(d.RemainingArgs(), field(block)); err != nil {
			return err
		}
		return noBlock(d)
	}}
	if merge != nil {
		made.adopt = func(site, preset *B) { merge(field(site), *field(preset)) }
	}
	return made
}

// blockRow makes the row of a word that has a block and no arguments. check checks the whole block.
func blockRow[B, V any](name string, words table[V], field func(*B) **V, check func(*V) error) word[B] {
	return word[B]{name: name, form: "{", inner: words.grammar(), read: func(d *caddyfile.Dispenser, block *B, said places) error {
		if d.NextArg() {
			return errCount
		}
		value := new(V)
		*field(block) = value
		inner, err := words.read(d, value)
		if err != nil {
			return err
		}
		said.within(name, inner)
		if check == nil {
			return nil
		}
		return inner.blame(name, check(value))
	}}
}

// read reads a block and returns the positions of its words.
func (t table[B]) read(d *caddyfile.Dispenser, block *B) (places, error) {
	said := make(places)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		ahead := *d // to look at what follows, and leave it to be read
		here, name := place{d.Token(), ahead.RemainingArgs()}, d.Val()
		found := t.find(name)
		if found == nil {
			return nil, here.wrap(t.unknown(name))
		}
		if before := said[name]; len(before) > 0 && !found.repeats {
			return nil, here.wrap(fmt.Errorf("'%s' stands on line %d already", name, before[0].token.Line))
		}
		said[name] = append(said[name], here)
		if err := found.read(d, block, said); err != nil {
			var there placed
			if errors.Is(err, errCount) && !errors.As(err, &there) {
				err = fmt.Errorf("%w: want '%s'", errCount, found.usage())
			}
			return nil, here.wrap(named(name, err))
		}
	}
	return said, nil
}

// adopt merges a preset's settings into the site's.
func (t table[B]) adopt(site, preset *B) {
	for i := range t {
		if t[i].adopt != nil {
			t[i].adopt(site, preset)
		}
	}
}

// ofPresets returns the words that a preset can have.
func (t table[B]) ofPresets() (words table[B]) {
	for i := range t {
		if t[i].adopt != nil {
			words = append(words, t[i])
		}
	}
	return words
}

func (t table[B]) find(name string) *word[B] {
	for i := range t {
		if t[i].name == name {
			return &t[i]
		}
	}
	return nil
}

// unknown returns the error for a word that is not in the table. If the word belongs in an inner block, it says so.
func (t table[B]) unknown(name string) error {
	var blocks []string
	for i := range t {
		if slices.ContainsFunc(t[i].inner, func(g grammar) bool { return g.name == name }) {
			blocks = append(blocks, "'"+t[i].name+"'")
		}
	}
	if len(blocks) > 0 {
		return fmt.Errorf("unknown word '%s': it belongs into the block of %s", name, choice(blocks))
	}
	return unknown("word", name, t.names())
}

func (t table[B]) names() (names []string) {
	for i := range t {
		names = append(names, t[i].name)
	}
	return names
}

func (t table[B]) grammar() (all []grammar) {
	for i := range t {
		all = append(all, grammar{t[i].name, t[i].form, t[i].inner})
	}
	return all
}

// usage shows how a word is written.
func (w *word[B]) usage() string {
	forms := strings.Split(w.form, "\n")
	for i, form := range forms {
		forms[i] = strings.TrimSpace(w.name + " " + form)
		if strings.HasSuffix(form, "{") {
			forms[i] += " ... }"
		}
	}
	return strings.Join(forms, "' or '")
}

// named prepends the word to an error that does not begin with it.
func named(name string, err error) error {
	rest, begins := strings.CutPrefix(err.Error(), name)
	var there placed
	if errors.As(err, &there) || begins && strings.Trim(rest[:min(1, len(rest))], ` :"`) == "" {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// noBlock refuses a block after a word that has none.
func noBlock(d *caddyfile.Dispenser) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return place{token: d.Token()}.wrap(fmt.Errorf("unexpected '%s'", d.Val()))
	}
	return nil
}
