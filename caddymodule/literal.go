package caddymodule

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// literalPrefix begins the stand-in that Caddy's configuration has for a secret that the Caddyfile spells out.
const literalPrefix = "literal:"

// literalRounds makes each guess at a hash cost about a tenth of a second.
const literalRounds = 200_000

// literals maps stand-ins to the secrets that Caddyfiles spelled out in this process. Caddy shows its configuration at
// `/config/` and keeps it in autosave.json, where a token must not appear (P9). The stand-in is a hash, so that the
// process that has the token understands a reload with the same token that another process adapted. The hash is slow,
// because the secret may be a password.
var literals sync.Map

// hideLiteral returns the stand-in for a secret in the configuration. A placeholder, such as {env.VAULT_TOKEN}, is
// returned unchanged.
func hideLiteral(secret string) string {
	if secret == "" || strings.HasPrefix(secret, "{") && strings.HasSuffix(secret, "}") {
		return secret
	}
	hash, err := pbkdf2.Key(sha256.New, secret, []byte("sallyport literal"), literalRounds, 16)
	if err != nil {
		panic(err) // it only fails for wrong lengths, and these are fixed
	}
	standIn := literalPrefix + hex.EncodeToString(hash)
	literals.Store(standIn, secret)
	return standIn
}

// revealLiteral returns the secret that a stand-in replaced. Its errors contain neither.
func revealLiteral(setting, value string) (string, error) {
	if strings.HasPrefix(value, literalPrefix) {
		secret, ok := literals.Load(value)
		if !ok {
			return "", fmt.Errorf("%s: the Caddyfile spells out a new secret, which only a restart can bring in; "+
				"a placeholder such as {env.NAME}, or a file, can be reloaded", setting)
		}
		return secret.(string), nil
	}
	secret, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	return secret, nil
}
