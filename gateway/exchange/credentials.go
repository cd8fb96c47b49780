package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/internal/match"
)

// CheckCredentials returns what is wrong with the settings for credentials in requests: Logins, TokenHeader,
// TokenScheme, Refresh and PassHeaders. It looks at no others, so it can check a configuration before the rest is
// known. New calls it too.
func (c *Config) CheckCredentials() error {
	for _, pass := range c.PassHeaders {
		if err := pass.Validate(); err != nil {
			return fmt.Errorf("pass_header %w", err)
		}
	}
	tokens := len(c.Logins.Tokens()) > 0
	header := cmp.Or(c.TokenHeader, "Authorization")
	switch {
	case c.Logins.Basic() != nil && c.passes("Authorization"):
		return errors.New("pass_header Authorization: with username basic, only the password that was verified goes to the app")
	case !tokens && len(c.Refresh) > 0:
		return errors.New("refresh: no login says with 'token' where its answer carries one")
	case !tokens && c.TokenHeader != "":
		return errors.New("token_header: no login says with 'token' where its answer carries one")
	case !tokens:
		return nil
	case len(c.Refresh) > 0 && !c.Logins.Asks():
		return errors.New("refresh: set identity; only the app itself can say whose a new token is")
	case !match.IsToken(header) || strings.ContainsAny(header, "_.!#$%&'*+^`|~") || c.TokenScheme != "" && !match.IsToken(c.TokenScheme):
		return fmt.Errorf("token_header %q: want the name of a header, and perhaps a scheme", header)
	case custody.Essential(header):
		return fmt.Errorf("token_header %s: requests live by that header", header)
	}
	for _, name := range []string{"Authorization", header} {
		if c.passes(name) {
			return fmt.Errorf("pass_header %s: with token, only the tokens that were issued to a session go to the app", name)
		}
	}
	return nil
}

// passes reports whether clients may send a header to the app somewhere, in any spelling that a server could take
// for it.
func (c *Config) passes(header string) bool {
	return slices.ContainsFunc(c.PassHeaders, func(pass custody.PassHeader) bool {
		return match.FoldHeader(pass.Name) == match.FoldHeader(header)
	})
}

// isToken reports whether a text is a token of RFC 9110 §5.6.2.
