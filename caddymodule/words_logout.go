package caddymodule

import (
	"errors"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// LogoutField is a sign-out without an address of its own.
type LogoutField struct {
	// The path of the request. It takes `*`.
	Path string `json:"path"`
	// The place of the field: `form` or `json`.
	Kind string `json:"kind"`
	// The field's name, or a JSON pointer.
	Name string `json:"name"`
	// The value that the field must have; a glob.
	Value string `json:"value"`
}

func (f LogoutField) exit() login.Exit {
	return login.Exit{Path: match.Glob(f.Path), Field: login.Condition{Kind: login.Kind(f.Kind), Name: f.Name, Value: f.Value}}
}

// readLogout reads a line of `logout`: paths, or one path and a field of the request's body.
func readLogout(d *caddyfile.Dispenser, h *Handler, _ places) error {
	arguments := d.RemainingArgs()
	if err := some(arguments); err != nil {
		return err
	}
	if len(arguments) > 1 && !isPath(arguments[1]) {
		if err := oneOf(arguments[1], string(login.Form), string(login.JSON)); err != nil {
			return err
		}
		if len(arguments) != 4 {
			return errors.New("behind form or json it takes the name of a field and its value")
		}
		field := LogoutField{arguments[0], arguments[1], arguments[2], arguments[3]}
		exit := field.exit()
		if err := exit.Validate(); err != nil {
			return err
		}
		h.LogoutFields = append(h.LogoutFields, field)
		return noBlock(d)
	}
	if err := checkLogout(arguments); err != nil {
		return err
	}
	h.Logout = append(h.Logout, arguments...)
	return noBlock(d)
}

func adoptLogout(site, preset *Handler) {
	adds(&site.Logout, preset.Logout)
	adds(&site.LogoutFields, preset.LogoutFields)
}
