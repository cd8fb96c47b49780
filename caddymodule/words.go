package caddymodule

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// words remembers which words of a block were read: a setting that stands twice is a mistake, of which one half would be
// ignored silently.
type words struct {
	d     *caddyfile.Dispenser
	lines map[string]int
}

func newWords(d *caddyfile.Dispenser) *words { return &words{d: d, lines: make(map[string]int)} }

// once is an error where the word under the cursor was read before, except for those that may be repeated.
func (w *words) once(repeatable ...string) error {
	word := w.d.Val()
	for _, other := range repeatable {
		if word == other {
			return nil
		}
	}
	if line, again := w.lines[word]; again {
		return w.d.Errf("'%s' stands on line %d already", word, line)
	}
	w.lines[word] = w.d.Line()
	return nil
}

func unknown(d *caddyfile.Dispenser) error { return d.Errf("unknown word '%s'", d.Val()) }

// noArguments is for words that stand alone.
func noArguments(d *caddyfile.Dispenser, target *bool) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	*target = true
	return noBlock(d)
}

// oneArgument reads the one argument of a word.
func oneArgument(d *caddyfile.Dispenser, target *string) error {
	arguments := d.RemainingArgs()
	if len(arguments) != 1 || arguments[0] == "" {
		return d.ArgErr()
	}
	*target = arguments[0]
	return noBlock(d)
}

// optionalArgument reads the one argument that a guest module may have behind its name.
func optionalArgument(d *caddyfile.Dispenser, target *string) error {
	d.Next()
	if d.NextArg() {
		*target = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// someArguments reads one argument or more.
func someArguments(d *caddyfile.Dispenser, target *[]string) error {
	arguments := d.RemainingArgs()
	if len(arguments) == 0 {
		return d.ArgErr()
	}
	for _, argument := range arguments {
		if argument == "" {
			return d.Err("an argument is empty")
		}
	}
	*target = append(*target, arguments...)
	return noBlock(d)
}

// durationArgument reads a duration such as 90s, 10m, 24h or 14d.
func durationArgument(d *caddyfile.Dispenser, target *caddy.Duration, least time.Duration) error {
	var text string
	if err := oneArgument(d, &text); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil {
		return d.Errf("'%s' is no duration, such as 90s, 10m, 24h or 14d", text)
	}
	if duration < least {
		return d.Errf("'%s' is too short; at least %s", text, least)
	}
	*target = caddy.Duration(duration)
	return nil
}

// numberArgument reads a number from least to most.
func numberArgument(d *caddyfile.Dispenser, target *int, least, most int) error {
	var text string
	if err := oneArgument(d, &text); err != nil {
		return err
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < least || number > most {
		return d.Errf("'%s': want a number from %d to %d", text, least, most)
	}
	*target = number
	return nil
}

// noBlock refuses a block after a word that has none.
func noBlock(d *caddyfile.Dispenser) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("unexpected '%s'", d.Val())
	}
	return nil
}

// siteHosts are the hosts of the site that a directive stands in, each once. One is empty that is not fixed, as those
// of `:8080` and `*.example.com` are; a name that a client can choose must never scope anything.
//
// Caddy does not tell a directive where it stands, so the field is read by reflection; TestDefaultApp notices when a new
// version of Caddy has it no longer.
func siteHosts(h httpcaddyfile.Helper) (hosts []string) {
	block := reflect.ValueOf(h).FieldByName("parentBlock")
	if !block.IsValid() {
		return nil
	}
	keys := block.FieldByName("Keys")
	if !keys.IsValid() || keys.Kind() != reflect.Slice {
		return nil
	}
	for i := range keys.Len() {
		host := ""
		if text := keys.Index(i).FieldByName("Text"); text.IsValid() && text.Kind() == reflect.String {
			address, err := httpcaddyfile.ParseAddress(text.String())
			if err == nil && !strings.ContainsAny(address.Host, "*{}") {
				host = strings.ToLower(address.Host)
			}
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// defaultApp is the name of an app whose site does not say it: the site's host, where it has one, and only one. Under
// several hosts nobody could say whether the app is the one, with the users of the one, or each of them has users of
// its own.
func defaultApp(h httpcaddyfile.Helper) (string, error) {
	hosts := siteHosts(h)
	h.Reset()
	h.Next() // errors name the line of the directive
	switch {
	case len(hosts) > 1:
		return "", h.Errf("this site has %d hosts: name the app with 'app <name>'", len(hosts))
	case len(hosts) == 0 || hosts[0] == "":
		return "", h.Err("this site has no host of its own: name the app with 'app <name>'")
	}
	return hosts[0], nil
}

// at names a setting in an error of Provision, which no longer knows lines.
func at(setting string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("second_factor: %s: %w", setting, err)
}
