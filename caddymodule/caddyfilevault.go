package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the module's own words.
func (s *SecretsVault) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := optionalArgument(d, &s.Address); err != nil {
		return err
	}
	var authMount string
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once(); err != nil {
			return err
		}
		var err error
		switch d.Val() {
		case "mount":
			err = oneArgument(d, &s.Mount)
		case "path":
			err = oneArgument(d, &s.Path)
		case "namespace":
			err = oneArgument(d, &s.Namespace)
		case "ca_cert":
			err = oneArgument(d, &s.CACert)
		case "client_cert":
			var files []string
			if err = someArguments(d, &files); err == nil && len(files) != 2 {
				err = d.ArgErr()
			}
			if err == nil {
				s.ClientCert, s.ClientKey = files[0], files[1]
			}
		case "transit":
			err = oneArgument(d, &s.Transit)
		case "timeout":
			err = durationArgument(d, &s.Timeout, 10*time.Millisecond)
		case "auth":
			s.Auth = new(VaultAuth)
			err = s.Auth.unmarshal(d)
		case "auth_mount":
			err = oneArgument(d, &authMount)
		default:
			err = unknown(d)
		}
		if err != nil {
			return err
		}
	}
	if authMount != "" {
		if s.Auth == nil || s.Auth.Method == "token" || s.Auth.Method == "token_file" {
			return d.Err("'auth_mount' needs an 'auth' that signs in: approle, kubernetes or cert")
		}
		s.Auth.Mount = authMount
	}
	return nil
}

// unmarshal reads the arguments of `auth`.
func (a *VaultAuth) unmarshal(d *caddyfile.Dispenser) error {
	var arguments []string
	if err := someArguments(d, &arguments); err != nil {
		return err
	}
	a.Method, arguments = arguments[0], arguments[1:]
	take := func(least int, targets ...*string) error {
		if len(arguments) < least || len(arguments) > len(targets) {
			return d.ArgErr()
		}
		for i, argument := range arguments {
			*targets[i] = argument
		}
		return nil
	}
	switch a.Method {
	case "token":
		err := take(1, &a.Token)
		a.Token = hideLiteral(a.Token)
		return err
	case "token_file":
		return take(1, &a.File)
	case "approle":
		return take(2, &a.RoleID, &a.File)
	case "kubernetes":
		return take(1, &a.Role, &a.File)
	case "cert":
		return take(0, &a.Role)
	}
	return d.Errf("unknown way to sign in to Vault '%s': want token, token_file, approle, kubernetes or cert", a.Method)
}

var _ caddyfile.Unmarshaler = (*SecretsVault)(nil)
