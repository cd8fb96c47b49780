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

// literalPrefix begins what stands in Caddy's configuration in place of a secret that the Caddyfile spells out.
const literalPrefix = "literal:"

// literalRounds makes each guess at a hash cost about a tenth of a second.
const literalRounds = 200_000

// literals are the secrets that Caddyfiles spelled out in this process, by what stands for them. Caddy shows its
// configuration at `/config/` and keeps it in autosave.json, where a token must not stand (P9). The stand-in is a hash,
// so that a reload with the same token, which another process adapts, is understood by the one that has it; a slow one,
// for it may be a password's.
var literals sync.Map

// hideLiteral returns what stands for a secret in the configuration. A placeholder, such as {env.VAULT_TOKEN}, stands
// for itself.
func hideLiteral(secret string) string {
	if secret == "" || strings.HasPrefix(secret, "{") && strings.HasSuffix(secret, "}") {
		return secret
	}
	hash, err := pbkdf2.Key(sha256.New, secret, []byte("sallyport literal"), literalRounds, 16)
	if err != nil {
		panic(err) // it knows no error but for lengths, which are fixed
	}
	standIn := literalPrefix + hex.EncodeToString(hash)
	literals.Store(standIn, secret)
	return standIn
}

// revealLiteral returns the secret that a setting stands for. Its errors show neither.
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
