package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/gate"
	"sallyport/login"
	"sallyport/match"
)

// pathArguments reads the paths of `logout`, `protect`, `refresh` and `shut`. Package gate says what is wrong with them, while the line
// is known.
func pathArguments(d *caddyfile.Dispenser, target *[]string) error {
	word := d.Val()
	var paths []string
	if err := someArguments(d, &paths); err != nil {
		return err
	}
	for _, path := range paths {
		if !isPath(path) {
			return d.Errf("%s '%s': want a path such as /static/*", word, path)
		}
	}
	rules := gate.Rules{}
	switch globs := match.NewGlobs(paths...); word {
	case "logout":
		rules.Logout = globs
	case "shut":
		rules.Shut = globs
	default:
		rules.Protect = globs
	}
	if err := checkRules(rules); err != nil {
		return d.Err(strings.Replace(err.Error(), "protect ", word+" ", 1))
	}
	*target = append(*target, paths...)
	return nil
}

func isPath(text string) bool { return strings.HasPrefix(text, "/") || text == "*" }

// checkRules has package gate look at some of the rules by themselves.
func checkRules(rules gate.Rules) error {
	rules.Base = "/second-factor"
	_, err := gate.NewPolicy(rules)
	return err
}

// parseLoginPage reads `login_page`. Where it lies with regard to `base` is known at the end of the block only.
func (h *Handler) parseLoginPage(d *caddyfile.Dispenser) error {
	if err := oneArgument(d, &h.LoginPage); err != nil {
		return err
	}
	if err := checkRules(gate.Rules{LoginPage: h.LoginPage}); err != nil && !strings.HasPrefix(h.LoginPage, "/second-factor") {
		return d.Err(err.Error())
	}
	return nil
}

// parsePublic reads `public`: methods, if any are said, and paths.
func (h *Handler) parsePublic(d *caddyfile.Dispenser) error {
	var words []string
	if err := someArguments(d, &words); err != nil {
		return err
	}
	var opening Opening
	for _, word := range words {
		switch {
		case isPath(word):
			opening.Paths = append(opening.Paths, word)
		case len(opening.Paths) > 0 || word != strings.ToUpper(word):
			return d.Errf("public '%s': want a path such as /static/*, or in front of all paths a method in capitals", word)
		default:
			opening.Methods = append(opening.Methods, word)
		}
	}
	if len(opening.Paths) == 0 {
		return d.Err("public: want a path such as /static/* behind the methods")
	}
	if err := checkRules(gate.Rules{Public: []gate.Opening{opening.gate()}}); err != nil {
		return d.Err(err.Error())
	}
	if len(opening.Methods) == 0 {
		h.Public = append(h.Public, opening.Paths...)
	} else {
		h.PublicMethods = append(h.PublicMethods, opening)
	}
	return nil
}

func (o Opening) gate() gate.Opening {
	return gate.Opening{Methods: o.Methods, Paths: match.NewGlobs(o.Paths...)}
}

// openings are what strangers may ask for.
func (h *Handler) openings() (all []gate.Opening) {
	if len(h.Public) > 0 {
		all = append(all, Opening{Paths: h.Public}.gate())
	}
	for _, opening := range h.PublicMethods {
		all = append(all, opening.gate())
	}
	return all
}

// originArguments reads origins, as browsers write them.
func originArguments(d *caddyfile.Dispenser, target *[]string) error {
	word := d.Val()
	var origins []string
	if err := someArguments(d, &origins); err != nil {
		return err
	}
	for _, origin := range origins {
		if err := login.ValidateOrigin(origin); err != nil {
			return d.Errf("%s: %v", word, err)
		}
	}
	*target = append(*target, origins...)
	return nil
}

// methodArguments reads the methods that the app takes.
func methodArguments(d *caddyfile.Dispenser, target *[]string) error {
	if err := someArguments(d, target); err != nil {
		return err
	}
	if err := checkRules(gate.Rules{Methods: *target}); err != nil {
		return d.Err(err.Error())
	}
	return nil
}
