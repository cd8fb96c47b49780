package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// Identities are the requests by which the gateway asks the app who is signed in. In JSON a single one has no list
// around it, as in earlier versions, which had only one.
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

// maxPrefix is the length of the longest prefix of names, in bytes.
const maxPrefix = 64

func checkPrefix(prefix string) error {
	if len(prefix) > maxPrefix || strings.ContainsFunc(prefix, unicode.IsControl) || strings.TrimSpace(prefix) != prefix {
		return fmt.Errorf("want at most %d characters, none of which is a control character, and no space at its ends", maxPrefix)
	}
	return nil
}

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
		if err := checkPrefix(*i.Prefix); err != nil {
			return nil, fmt.Errorf("prefix: %w", err)
		}
		identity.Prefix = *i.Prefix
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
