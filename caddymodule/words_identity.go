package caddymodule

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/login"
)

const (
	nameForm      = "json <pointer> | header <name> [<regexp>] | body <regexp> [json]"
	identityForms = "<path> " + nameForm + "\n<path> {\ntyped"
)

// identityWords are the words of an `identity` block.
func identityWords() table[Identity] {
	guests := row("guest", "<name>...", texts(nil), func(i *Identity) *[]string { return &i.Guests }, nil)
	guests.repeats = true
	return table[Identity]{
		row("method", "<method>", text(checkIdentityMethod), func(i *Identity) *string { return &i.Method }, nil),
		row("content_type", "<type>", text(checkContentType), func(i *Identity) *string { return &i.ContentType }, nil),
		row("body", "<text>", text(nil), func(i *Identity) *string { return &i.Body }, nil),
		row("name", nameForm, readIdentityName, func(i *Identity) *[]string { return &i.Name }, nil),
		guests,
		row("needs", "<cookie>", text(nil), func(i *Identity) *string { return &i.Needs }, nil),
		row("prefix", "<text>", optional(readPrefix), func(i *Identity) **string { return &i.Prefix }, nil),
	}
}

// readIdentity reads `identity`: a path with its arguments in one line or in a block, or `typed`.
func readIdentity(d *caddyfile.Dispenser, h *Handler, _ places) error {
	arguments := d.RemainingArgs()
	identity := new(Identity)
	said := make(places)
	var err error
	switch len(arguments) {
	case 1:
		if arguments[0] == "typed" {
			if h.IdentityTyped {
				return errors.New("'identity typed' stands here already")
			}
			h.IdentityTyped = true
			return noBlock(d)
		}
		identity.Path = arguments[0]
		said, err = identityWords().read(d, identity)
	case 3, 4: // the last may be a header's pattern, or say how a body's text is read
		identity.Path = arguments[0]
		if err = readIdentityName(arguments[1:], &identity.Name); err == nil {
			err = noBlock(d)
		}
	default:
		return errors.New("it takes a path, and json, header or body with what to look for; or typed")
	}
	if err != nil {
		return err
	}
	if identity.Name == nil {
		return errors.New("it needs 'name': where the answer has the name")
	}
	parsed, err := identity.parse()
	if err == nil {
		err = checkIdentity(*parsed)
	}
	if err != nil {
		return said.blame("identity", err)
	}
	h.Identities = append(h.Identities, identity)
	return nil
}

// adoptIdentity uses the preset's identities only if the site has none of its own.
func adoptIdentity(site, preset *Handler) {
	if len(site.Identities) == 0 && !site.IdentityTyped {
		site.Identities, site.IdentityTyped = preset.Identities, preset.IdentityTyped
	}
}

// askedAnywhere returns a valid identity request, in which a check replaces one part.
func askedAnywhere() login.Identity {
	return login.Identity{Path: "/", Kind: login.JSON, Pointer: "/name"}
}

// checkIdentity has package login check one identity request.
func checkIdentity(asked login.Identity) error {
	err := (&login.Set{Identities: []login.Identity{asked}}).Validate()
	switch {
	case err == nil:
		return nil
	case strings.HasSuffix(err.Error(), "takes no body"):
		what := "body"
		if asked.Body == "" {
			what = "content_type"
		}
		return errors.New(what + ": " + strings.TrimPrefix(err.Error(), "identity: "))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "identity: "))
}

func checkIdentityMethod(method string) error {
	asked := askedAnywhere()
	asked.Method = method
	return checkIdentity(asked)
}

func checkContentType(contentType string) error {
	asked := askedAnywhere()
	asked.Method, asked.ContentType = "POST", contentType
	return checkIdentity(asked)
}

func readIdentityName(arguments []string, value *[]string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], tokenKinds...); err != nil {
		return err
	}
	if len(arguments) > 3 {
		return errCount
	}
	*value = arguments
	parsed, err := (&Identity{Path: "/", Name: arguments}).parse()
	if err != nil {
		return err
	}
	return checkIdentity(*parsed)
}

// readPrefix reads a prefix, which may be empty.
func readPrefix(arguments []string, value *string) error {
	if len(arguments) != 1 {
		return errCount
	}
	*value = arguments[0]
	return checkPrefix(*value)
}
