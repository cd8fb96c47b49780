package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// The words for paths. Package gate checks each by itself; how they fit together is checked when the whole block is
// read.

func checkLogout(paths []string) error {
	return checkPaths(paths, gate.Rules{Logout: match.NewGlobs(paths...)})
}

func checkProtect(paths []string) error {
	return checkPaths(paths, gate.Rules{Protect: match.NewGlobs(paths...)})
}

func checkShut(paths []string) error {
	return checkPaths(paths, gate.Rules{Shut: match.NewGlobs(paths...)})
}

// checkRefresh checks the paths like those of `protect`, because a path that issues tokens is closed to strangers.
func checkRefresh(paths []string) error {
	if err := checkProtect(paths); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "protect "))
	}
	return nil
}

func checkPaths(paths []string, rules gate.Rules) error {
	for _, path := range paths {
		if !isPath(path) {
			return fmt.Errorf("'%s': want a path such as /static/*", path)
		}
	}
	return checkRules(rules)
}

func isPath(text string) bool { return strings.HasPrefix(text, "/") || text == "*" }

// checkRules has package gate check some of the rules by themselves.
func checkRules(rules gate.Rules) error {
	rules.Base = "/second-factor"
	_, err := gate.NewPolicy(rules)
	return err
}

// checkLoginPage checks the login page, except for how it lies relative to `base`.
func checkLoginPage(page string) error {
	_, err := gate.NewPolicy(gate.Rules{Base: "/" + strings.Repeat("x", len(page)), LoginPage: page})
	return err
}

func checkMethods(methods []string) error { return checkRules(gate.Rules{Methods: methods}) }

// readPublic reads `public`: optional methods, and paths.
func readPublic(d *caddyfile.Dispenser, h *Handler, _ places) error {
	arguments := d.RemainingArgs()
	if err := some(arguments); err != nil {
		return err
	}
	var opening Opening
	for _, argument := range arguments {
		switch {
		case isPath(argument):
			opening.Paths = append(opening.Paths, argument)
		case len(opening.Paths) > 0 || argument != strings.ToUpper(argument):
			return fmt.Errorf("'%s': want a path such as /static/*, or in front of all paths a method in capitals", argument)
		default:
			opening.Methods = append(opening.Methods, argument)
		}
	}
	if len(opening.Paths) == 0 {
		return errors.New("want a path such as /static/* behind the methods")
	}
	if err := checkRules(gate.Rules{Public: []gate.Opening{opening.gate()}}); err != nil {
		return err
	}
	if len(opening.Methods) == 0 {
		h.Public = append(h.Public, opening.Paths...)
	} else {
		h.PublicMethods = append(h.PublicMethods, opening)
	}
	return noBlock(d)
}

func adoptPublic(site, preset *Handler) {
	adds(&site.Public, preset.Public)
	adds(&site.PublicMethods, preset.PublicMethods)
}

func (o Opening) gate() gate.Opening {
	return gate.Opening{Methods: o.Methods, Paths: match.NewGlobs(o.Paths...)}
}

// openings returns what strangers may request.
func (h *Handler) openings() (all []gate.Opening) {
	if len(h.Public) > 0 {
		all = append(all, Opening{Paths: h.Public}.gate())
	}
	for _, opening := range h.PublicMethods {
		all = append(all, opening.gate())
	}
	return all
}

// checkPaths has package gate check all rules about paths together.
func (h *Handler) checkPaths() error {
	page, err := h.loginPage()
	if err != nil {
		return err
	}
	_, err = gate.NewPolicy(gate.Rules{
		Base: h.base(), LoginPage: page, Public: h.openings(), Logout: match.NewGlobs(h.Logout...), Shut: match.NewGlobs(h.Shut...),
		Methods: h.Methods, Protect: match.NewGlobs(slices.Concat(h.Protect, h.Refresh)...),
	})
	return err
}
