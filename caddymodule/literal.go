package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// literalPrefix begins what stands in Caddy's configuration in place of a secret that the Caddyfile spells out.
const literalPrefix = "literal:"

// literals are the secrets that Caddyfiles spelled out in this process, by what stands for them. Caddy shows its configuration at
// `/config/` and keeps it in autosave.json, where a token must not stand (P9). The stand-in is a hash, so that a reload with the
// same token, which another process adapts, is understood by the one that has it.
var literals sync.Map

// hideLiteral returns what stands for a secret in the configuration. A placeholder, such as {env.VAULT_TOKEN}, stands for itself.
func hideLiteral(secret string) string {
	if secret == "" || strings.HasPrefix(secret, "{") && strings.HasSuffix(secret, "}") {
		return secret
	}
	hash := sha256.Sum256([]byte("sallyport literal\x00" + secret))
	standIn := literalPrefix + hex.EncodeToString(hash[:16])
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
