package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/login"
	"sallyport/match"
)

// Identities are the questions by which an app says who is signed in. In JSON one of them stands by itself, as it did when there
// could be one only; several are a list.
type Identities []*Identity

// MarshalJSON implements json.Marshaler.
func (i Identities) MarshalJSON() ([]byte, error) {
	if len(i) == 1 {
		return json.Marshal(i[0])
	}
	return json.Marshal([]*Identity(i))
}

// UnmarshalJSON implements json.Unmarshaler. Unknown members are errors, as everywhere in Caddy's configuration.
func (i *Identities) UnmarshalJSON(content []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if first := bytes.TrimLeft(content, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return decoder.Decode((*[]*Identity)(i))
	}
	one := new(Identity)
	if err := decoder.Decode(one); err != nil {
		return err
	}
	*i = Identities{one}
	return nil
}

// parseIdentity reads `identity`: `typed`, or an address in one line or as a block.
func (h *Handler) parseIdentity(d *caddyfile.Dispenser) error {
	arguments := d.RemainingArgs()
	identity := new(Identity)
	switch len(arguments) {
	case 1:
		if arguments[0] == "typed" {
			if h.IdentityTyped {
				return d.Err("'identity typed' stands here already")
			}
			h.IdentityTyped = true
			return noBlock(d)
		}
		identity.Path = arguments[0]
		words := newWords(d)
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			if err := words.once("guest"); err != nil {
				return err
			}
			if err := identity.word(d); err != nil {
				return err
			}
		}
	case 3, 4: // the last may be a header's pattern, or say how a body's text is read
		identity.Path, identity.Name = arguments[0], arguments[1:]
		if err := noBlock(d); err != nil {
			return err
		}
	default:
		return d.Err("'identity' takes a path, and json, header or body with what to look for; or typed")
	}
	parsed, err := identity.parse()
	if err != nil {
		return d.Errf("identity: %v", err)
	}
	if err := (&login.Set{Identities: []login.Identity{*parsed}}).Validate(); err != nil {
		return d.Err(err.Error())
	}
	h.Identities = append(h.Identities, identity)
	return nil
}

func (i *Identity) word(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "method":
		return oneArgument(d, &i.Method)
	case "content_type":
		return oneArgument(d, &i.ContentType)
	case "body":
		return oneArgument(d, &i.Body)
	case "guest":
		return someArguments(d, &i.Guests)
	case "prefix":
		arguments := d.RemainingArgs()
		if len(arguments) != 1 { // which may be empty
			return d.ArgErr()
		}
		i.Prefix = &arguments[0]
		return noBlock(d)
	case "needs":
		return oneArgument(d, &i.Needs)
	case "name":
		if i.Name = d.RemainingArgs(); len(i.Name) != 2 && len(i.Name) != 3 {
			return d.ArgErr()
		}
		return noBlock(d)
	}
	return unknown(d)
}

// maxPrefix is how long a prefix of names may be, in bytes.
const maxPrefix = 64

func (i *Identity) parse() (*login.Identity, error) {
	quoted := len(i.Name) == 3 && i.Name[0] == string(login.Body) && i.Name[2] == string(login.JSON)
	if len(i.Name) != 2 && !quoted && (len(i.Name) != 3 || i.Name[0] != string(login.Header)) {
		return nil, errors.New("name: want json and a pointer, header and a name, or body and a regular expression, perhaps with json behind it")
	}
	identity := &login.Identity{
		Path: i.Path, Method: i.Method, ContentType: i.ContentType, Body: i.Body, Kind: login.Kind(i.Name[0]), Guests: i.Guests,
		Needs: match.Glob(i.Needs),
	}
	if i.Prefix != nil {
		if identity.Prefix = *i.Prefix; len(identity.Prefix) > maxPrefix || strings.ContainsFunc(identity.Prefix, unicode.IsControl) ||
			strings.TrimSpace(identity.Prefix) != identity.Prefix {
			return nil, fmt.Errorf("prefix: want at most %d characters, none of which is a control character, and no space at its ends", maxPrefix)
		}
	}
	pattern := ""
	switch identity.Kind {
	case login.JSON:
		identity.Pointer = i.Name[1]
	case login.Header:
		identity.Header = i.Name[1]
		if len(i.Name) == 3 {
			pattern = i.Name[2]
		}
	case login.Body:
		pattern, identity.Quoted = i.Name[1], quoted
	default:
		return nil, fmt.Errorf("%q: want json, header or body", i.Name[0])
	}
	if pattern != "" {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return nil, err
		}
		identity.Pattern = compiled
	}
	return identity, nil
}
