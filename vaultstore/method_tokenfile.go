package vaultstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"
)

// tokenFileMethod uses the token that another program, such as Vault Agent, keeps in a file.
type tokenFileMethod struct {
	path string
}

// TokenFile uses the token in a file, such as a sink of Vault Agent. When Vault is used, the file is checked at most
// once a second, and also after Vault has refused the token. A new token replaces the old one once Vault accepts it: an
// empty file, or half a token, changes nothing.
func TokenFile(path string) Method {
	return tokenFileMethod{path: path}
}

func (m tokenFileMethod) Name() string         { return "token_file" }
func (m tokenFileMethod) mark() credentialMark { return markOf(m.path) }
func (m tokenFileMethod) follows() bool        { return true }

func (m tokenFileMethod) validate() error {
	if m.path == "" {
		return errors.New("the file is not named")
	}
	return nil
}

func (m tokenFileMethod) login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	token, err := readCredential(m.path)
	if err == nil {
		err = validateToken(token)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the token's file: %w", err)
	}
	return describeToken(ctx, client, token)
}
