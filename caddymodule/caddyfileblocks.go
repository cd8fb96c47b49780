package caddymodule

import (
	"errors"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/factor/totp"
	"sallyport/login"
)

// parseLogin reads one `login` block.
func (h *Handler) parseLogin(d *caddyfile.Dispenser) error {
	block := Login{Paths: d.RemainingArgs()}
	if len(block.Paths) == 0 {
		return d.ArgErr()
	}
	for _, path := range block.Paths {
		if !strings.HasPrefix(path, "/") && path != "*" {
			return d.Errf("login path '%s': want a path such as /login", path)
		}
	}
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once("when", "success", "failure", "token"); err != nil {
			return err
		}
		if err := block.word(d); err != nil {
			return err
		}
	}
	if block.Username == nil {
		return d.Err("'login' needs 'username': where the typed name stands")
	}
	parsed, err := block.parse()
	if err == nil {
		err = checkLogin(parsed)
	}
	if err != nil {
		return d.Errf("login: %v", err)
	}
	h.Logins = append(h.Logins, block)
	return nil
}

// checkLogin has package login look at a block by itself, while its line is known. Blocks whose names stand in every request depend on
// what stands beside them.
func checkLogin(block login.Block) error {
	if block.Username.Kind == login.Basic || block.Username.Kind == login.Placeholder {
		return nil
	}
	asked := login.Identity{Path: "/", Kind: login.JSON, Pointer: "/name"}
	err := (&login.Set{Blocks: []login.Block{block}, Identities: []login.Identity{asked}}).Validate()
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "login block 1: "))
}

func (l *Login) word(d *caddyfile.Dispenser) error {
	var line []string
	word := d.Val()
	switch word {
	case "method":
		if err := someArguments(d, &l.Methods); err != nil {
			return err
		}
		for i, method := range l.Methods {
			l.Methods[i] = strings.ToUpper(method)
		}
		return nil
	case "fields":
		return someArguments(d, &l.Fields)
	case "only_here":
		return noArguments(d, &l.OnlyHere)
	case "continues":
		return noArguments(d, &l.Continues)
	case "from":
		return originArguments(d, &l.From)
	case "when":
		if line = d.RemainingArgs(); len(line) != 3 {
			return d.Err("'when' takes form, query or json, a name or pointer, and a value")
		}
		l.When = append(l.When, line)
	case "username":
		if line = d.RemainingArgs(); len(line) == 0 {
			return d.ArgErr()
		}
		l.Username = line
	case "token":
		if line = d.RemainingArgs(); len(line) == 0 {
			return d.ArgErr()
		}
		if _, err := login.ParseToken(line); err != nil {
			return d.Err(err.Error())
		}
		l.Token = append(l.Token, line)
	case "success", "failure":
		if line = d.RemainingArgs(); len(line) == 0 {
			return d.ArgErr()
		}
		if _, err := login.ParseRules(line[0], line[1:]); err != nil {
			return d.Errf("%s: %v", word, err)
		}
		if word == "success" {
			l.Success = append(l.Success, line)
		} else {
			l.Failure = append(l.Failure, line)
		}
	default:
		return unknown(d)
	}
	return noBlock(d)
}

func (h *Handler) parseRequire(d *caddyfile.Dispenser) error {
	arguments := d.RemainingArgs()
	switch {
	case len(arguments) == 0:
		return d.ArgErr()
	case arguments[0] != "enrolled" && arguments[0] != "everyone":
		return d.Errf("require '%s': want enrolled or everyone", arguments[0])
	case len(arguments) == 3 && arguments[0] == "everyone" && arguments[1] == "grace":
		grace, err := caddy.ParseDuration(arguments[2])
		if err != nil || grace < time.Minute {
			return d.Errf("grace '%s': want a duration of a minute or more, such as 14d", arguments[2])
		}
		h.Grace = caddy.Duration(grace)
	case len(arguments) > 1:
		return d.Err("'require' takes enrolled, or everyone, which may have a 'grace <duration>' behind it")
	}
	h.Require = arguments[0]
	return noBlock(d)
}

func (h *Handler) parseTOTP(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	h.TOTP = new(TOTP)
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once(); err != nil {
			return err
		}
		var err error
		switch d.Val() {
		case "algorithm":
			if err = oneArgument(d, &h.TOTP.Algorithm); err == nil {
				switch totp.Algorithm(h.TOTP.Algorithm) {
				case totp.SHA1, totp.SHA256, totp.SHA512:
				default:
					err = d.Errf("algorithm '%s': want SHA1, SHA256 or SHA512", h.TOTP.Algorithm)
				}
			}
		case "digits":
			err = numberArgument(d, &h.TOTP.Digits, 6, 8)
		case "period":
			err = durationArgument(d, &h.TOTP.Period, 1)
		case "skew":
			h.TOTP.Skew = new(int)
			err = numberArgument(d, h.TOTP.Skew, 0, 10)
		default:
			err = unknown(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) parseThrottle(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	h.Throttle = new(Throttle)
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once(); err != nil {
			return err
		}
		var err error
		switch d.Val() {
		case "free":
			err = numberArgument(d, &h.Throttle.Free, 1, 100)
		case "delay":
			err = durationArgument(d, &h.Throttle.Delay, 1)
		case "max_delay":
			err = durationArgument(d, &h.Throttle.MaxDelay, 1)
		case "stop":
			err = numberArgument(d, &h.Throttle.Stop, 1, 100)
		default:
			err = unknown(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkAll finds what only the whole block shows to be wrong.
func (h *Handler) checkAll(d *caddyfile.Dispenser) error {
	if strings.ContainsAny(h.App, "{}") {
		return d.Errf("app '%s': a placeholder is not replaced here; write the name, or a site for each app", h.App)
	}
	if _, err := h.logins(); err != nil {
		return d.Err(strings.TrimPrefix(err.Error(), "second_factor: "))
	}
	if err := h.checkPolicy(); err != nil {
		return d.Err(err.Error())
	}
	if h.App != "" {
		if _, err := h.factors(); err != nil {
			return d.Err(strings.TrimPrefix(err.Error(), "second_factor: "))
		}
	}
	return nil
}
