package caddymodule

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/login/presets"
)

// readPreset reads `preset`: the words of a known app, which the site's own words add to or override. The adapted
// configuration has the words and not the preset's name, so that a new version of the program never changes a
// configuration that was adapted before.
func readPreset(d *caddyfile.Dispenser, h *Handler, _ places) error {
	var name string
	if err := text(nil)(d.RemainingArgs(), &name); err != nil {
		return err
	}
	words, err := presets.Text(name)
	if near := nearest(name, presets.Names()); err != nil && near != "" {
		return fmt.Errorf("unknown preset '%s': did you mean '%s'?", name, near)
	} else if err != nil {
		return err
	}
	if h.preset, err = parsePreset(name, words); err != nil {
		return err
	}
	return noBlock(d)
}

// parsePreset parses a preset's words alone; errors name the preset's line.
func parsePreset(name, words string) (*Handler, error) {
	tokens, err := caddyfile.Tokenize([]byte("second_factor {\n"+words+"}\n"), "preset "+name)
	if err != nil {
		return nil, err
	}
	for i := range tokens {
		tokens[i].Line-- // the block around the words is added here
	}
	preset := new(Handler)
	d := caddyfile.NewDispenser(tokens)
	d.Next()
	if _, err := siteWords().ofPresets().read(d, preset); err != nil {
		return nil, err
	}
	return preset, nil
}
