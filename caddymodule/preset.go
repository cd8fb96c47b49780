package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/login/presets"
)

// parsePreset reads `preset`: the words of a known app, which those beside it add to or override. Nothing of it is left in the
// configuration but what it says, so that a new version of the program changes no configuration that was adapted before.
func (h *Handler) parsePreset(d *caddyfile.Dispenser) error {
	var name string
	if err := oneArgument(d, &name); err != nil {
		return err
	}
	text, err := presets.Text(name)
	if err != nil {
		return d.WrapErr(err)
	}
	preset, err := readPreset(name, text)
	if err != nil {
		return d.WrapErr(err)
	}
	h.preset = preset
	return nil
}

// readPreset reads a preset's text by itself; errors name its line.
func readPreset(name, text string) (*Handler, error) {
	tokens, err := caddyfile.Tokenize([]byte("second_factor {\n"+text+"}\n"), "preset "+name)
	if err != nil {
		return nil, err
	}
	for i := range tokens {
		tokens[i].Line-- // the block around it is ours
	}
	preset := new(Handler)
	d := caddyfile.NewDispenser(tokens)
	d.Next()
	if err := preset.readWords(d, "preset"); err != nil {
		return nil, err
	}
	return preset, nil
}

// adopt takes over what the preset says and the site does not. Lists add up; of the login blocks the site's own come first, for
// the first one that fits a request takes it.
func (h *Handler) adopt(preset *Handler) {
	h.Logins = append(h.Logins, preset.Logins...)
	for _, list := range []struct {
		own    *[]string
		preset []string
	}{
		{&h.Logout, preset.Logout},
		{&h.Public, preset.Public},
		{&h.Protect, preset.Protect},
		{&h.Shut, preset.Shut},
		{&h.Hold, preset.Hold},
		{&h.Pass, preset.Pass},
		{&h.Rotates, preset.Rotates},
		{&h.Refresh, preset.Refresh},
		{&h.Origins, preset.Origins},
	} {
		*list.own = append(list.preset[:len(list.preset):len(list.preset)], *list.own...)
	}
	h.PassHeader = slices.Concat(preset.PassHeader, h.PassHeader)
	h.PublicMethods = append(preset.PublicMethods[:len(preset.PublicMethods):len(preset.PublicMethods)], h.PublicMethods...)
	if h.LoginPage == "" {
		h.LoginPage = preset.LoginPage
	}
	if len(h.Identities) == 0 && !h.IdentityTyped {
		h.Identities, h.IdentityTyped = preset.Identities, preset.IdentityTyped
	}
	if len(h.Methods) == 0 {
		h.Methods = preset.Methods
	}
	if h.Usernames == "" {
		h.Usernames = preset.Usernames
	}
	if h.TokenHeader == nil {
		h.TokenHeader = preset.TokenHeader
	}
	if h.Recheck == 0 {
		h.Recheck = preset.Recheck
	}
	h.CaseSensitive = h.CaseSensitive || preset.CaseSensitive
	h.Guard = h.Guard || preset.Guard
	h.Renews = h.Renews || preset.Renews
}
