package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// vaultMethods are the ways to sign in to Vault, with their numbers of arguments and where these are stored.
var vaultMethods = []struct {
	name   string
	least  int
	fields func(*VaultAuth) []*string
}{
	{"token", 1, func(a *VaultAuth) []*string { return []*string{&a.Token} }},
	{"token_file", 1, func(a *VaultAuth) []*string { return []*string{&a.File} }},
	{"approle", 2, func(a *VaultAuth) []*string { return []*string{&a.RoleID, &a.File} }},
	{"kubernetes", 1, func(a *VaultAuth) []*string { return []*string{&a.Role, &a.File} }},
	{"cert", 0, func(a *VaultAuth) []*string { return []*string{&a.Role} }},
}

const authForms = "token <token>\ntoken_file <file>\napprole <role_id> <secret_id_file>\nkubernetes <role> [<token_file>]\ncert [<role>]"

// vaultSettings is the module, and the mount of the auth method, which may come before the method.
type vaultSettings struct {
	*SecretsVault
	authMount string
}

// vaultWords are the words of `secrets vault`.
func vaultWords() table[vaultSettings] {
	return table[vaultSettings]{
		row("mount", "<mount>", text(nil), func(b *vaultSettings) *string { return &b.Mount }, nil),
		row("path", "<path>", text(nil), func(b *vaultSettings) *string { return &b.Path }, nil),
		row("auth", authForms, optional(readAuth), func(b *vaultSettings) **VaultAuth { return &b.Auth }, nil),
		row("auth_mount", "<mount>", text(nil), func(b *vaultSettings) *string { return &b.authMount }, nil),
		row("namespace", "<name>", text(nil), func(b *vaultSettings) *string { return &b.Namespace }, nil),
		row("ca_cert", "<file>", text(nil), func(b *vaultSettings) *string { return &b.CACert }, nil),
		row("client_cert", "<file> <key_file>", readClientCert, func(b *vaultSettings) *vaultSettings { return b }, nil),
		row("transit", "<mount>/<key>", text(nil), func(b *vaultSettings) *string { return &b.Transit }, nil),
		row("timeout", "<duration>", atLeast(10*time.Millisecond), func(b *vaultSettings) *caddy.Duration { return &b.Timeout }, nil),
	}
}

// UnmarshalCaddyfile reads the module's own words.
func (s *SecretsVault) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	block := vaultSettings{SecretsVault: s}
	said, err := readModule(d, &s.Address, vaultWords(), &block)
	if err != nil || block.authMount == "" {
		return err
	}
	if s.Auth == nil || s.Auth.Method == "token" || s.Auth.Method == "token_file" {
		return said.blame("auth_mount", errors.New("auth_mount: it needs an 'auth' that signs in: approle, kubernetes or cert"))
	}
	s.Auth.Mount = block.authMount
	return nil
}

// readAuth reads the arguments of `auth`.
func readAuth(arguments []string, auth *VaultAuth) error {
	if err := some(arguments); err != nil {
		return err
	}
	var names []string
	for _, method := range vaultMethods {
		names = append(names, method.name)
	}
	at := slices.Index(names, arguments[0])
	if at < 0 {
		return fmt.Errorf("unknown way to sign in to Vault %w", oneOf(arguments[0], names...))
	}
	method, arguments := vaultMethods[at], arguments[1:]
	fields := method.fields(auth)
	if len(arguments) < method.least || len(arguments) > len(fields) {
		return errCount
	}
	auth.Method = method.name
	for i, argument := range arguments {
		*fields[i] = argument
	}
	auth.Token = hideLiteral(auth.Token)
	return nil
}

func readClientCert(arguments []string, block *vaultSettings) error {
	if err := some(arguments); err != nil {
		return err
	}
	if len(arguments) != 2 {
		return errCount
	}
	block.ClientCert, block.ClientKey = arguments[0], arguments[1]
	return nil
}

var _ caddyfile.Unmarshaler = (*SecretsVault)(nil)
