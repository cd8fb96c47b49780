package vaultstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

// rotationCheck is how often the transit key's latest version is requested while seeds are being written.
const rotationCheck = time.Minute

// transit seals short secrets with a key of Vault's transit engine, which never leaves Vault. The owner of a secret is
// associated data, so a ciphertext that was moved cannot be opened. The key's type must support associated data
// (aes256-gcm96, the default, or chacha20-poly1305).
type transit struct {
	engine     *engine
	mount, key string
	now        func() time.Time

	mutex  sync.Mutex
	latest int64
	asked  time.Time
}

// newTransit reads the setting `<mount>/<key>`; the last part is the key.
func newTransit(engine *engine, setting string) (*transit, error) {
	setting = strings.Trim(setting, "/")
	at := strings.LastIndexByte(setting, '/')
	if at < 1 || !plainPath.MatchString(setting) {
		return nil, fmt.Errorf("transit: %q: want <mount>/<key>", setting)
	}
	return &transit{engine: engine, mount: setting[:at], key: setting[at+1:], now: time.Now}, nil
}

func (t *transit) seal(ctx context.Context, secret, belongsTo []byte) (sealed string, err error) {
	err = t.engine.call(ctx, "sealing with transit", func(ctx context.Context, client *api.Client) error {
		answer, err := client.Logical().WriteWithContext(ctx, t.mount+"/encrypt/"+t.key, map[string]any{
			"plaintext":       base64.StdEncoding.EncodeToString(secret),
			"associated_data": base64.StdEncoding.EncodeToString(belongsTo),
		})
		if err != nil {
			return err
		}
		if answer != nil {
			sealed, _ = answer.Data["ciphertext"].(string)
		}
		if version(sealed) == 0 {
			return errors.New("no ciphertext in the answer")
		}
		return nil
	})
	return sealed, err
}

// errForeign is what cannot be opened, for good.
var errForeign = corrupt("vault's transit key does not open the seed: it is another key's, another user's or damaged")

// isBadRequest reports whether Vault says that there is something wrong with what it got.
func isBadRequest(err error) bool {
	var refused *api.ResponseError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusBadRequest
}

// open returns the secret in a sealed text. The error is factor.ErrCorrupt if Vault says that the ciphertext is not of
// this key, or belongs to something else.
func (t *transit) open(ctx context.Context, sealed string, belongsTo []byte) (secret []byte, err error) {
	err = t.engine.call(ctx, "opening with transit", func(ctx context.Context, client *api.Client) error {
		answer, err := client.Logical().WriteWithContext(ctx, t.mount+"/decrypt/"+t.key, map[string]any{
			"ciphertext":      sealed,
			"associated_data": base64.StdEncoding.EncodeToString(belongsTo),
		})
		if isBadRequest(err) {
			return errForeign
		}
		if err != nil {
			return err
		}
		var encoded string
		if answer != nil {
			encoded, _ = answer.Data["plaintext"].(string)
		}
		if secret, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(secret) == 0 {
			return errors.New("no plaintext in the answer")
		}
		return nil
	})
	return secret, err
}

// openAll returns the secrets in sealed texts, by the names that these have; belongsTo says what each belongs to. It
// makes one call, however many there are, and fails as open does if one of them cannot be opened.
func (t *transit) openAll(ctx context.Context, sealed map[string]string, belongsTo func(name string) []byte) (map[string][]byte, error) {
	names := slices.Sorted(maps.Keys(sealed))
	secrets := make(map[string][]byte, len(names))
	if len(names) == 1 {
		secret, err := t.open(ctx, sealed[names[0]], belongsTo(names[0]))
		secrets[names[0]] = secret
		return secrets, err
	}
	batch := make([]map[string]any, len(names))
	for i, name := range names {
		batch[i] = map[string]any{"ciphertext": sealed[name], "associated_data": base64.StdEncoding.EncodeToString(belongsTo(name))}
	}
	err := t.engine.call(ctx, "opening with transit", func(ctx context.Context, client *api.Client) error {
		answer, err := client.Logical().WriteWithContext(ctx, t.mount+"/decrypt/"+t.key, map[string]any{"batch_input": batch})
		if isBadRequest(err) {
			return errForeign
		}
		if err != nil {
			return err
		}
		var results []any
		if answer != nil {
			results, _ = answer.Data["batch_results"].([]any)
		}
		if len(results) != len(names) {
			return errors.New("no plaintexts in the answer")
		}
		for i, name := range names { // results are in the order of the batch
			result, _ := results[i].(map[string]any)
			encoded, _ := result["plaintext"].(string)
			if secrets[name], err = base64.StdEncoding.DecodeString(encoded); err != nil || len(secrets[name]) == 0 {
				return errors.New("no plaintext in the answer")
			}
		}
		return nil
	})
	return secrets, err
}

// outdated reports whether the key was rotated since the secret was sealed. It asks Vault at most once a minute. If
// that fails it returns false, because the secret can still be opened.
func (t *transit) outdated(ctx context.Context, sealed string) bool {
	t.mutex.Lock()
	latest, now := t.latest, t.now()
	ask := now.Sub(t.asked) >= rotationCheck
	if ask {
		t.asked = now
	}
	t.mutex.Unlock()
	if ask {
		if asked, err := t.latestVersion(ctx); err == nil {
			latest = asked
			t.mutex.Lock()
			t.latest = latest
			t.mutex.Unlock()
		}
	}
	return version(sealed) < latest
}

func (t *transit) latestVersion(ctx context.Context) (latest int64, err error) {
	err = t.engine.call(ctx, "reading the transit key's version", func(ctx context.Context, client *api.Client) error {
		answer, err := client.Logical().ReadWithContext(ctx, t.mount+"/keys/"+t.key)
		if err != nil {
			return err
		}
		if answer == nil {
			return corrupt("there is no such transit key")
		}
		latest, err = wholeNumber(answer.Data["latest_version"])
		return err
	})
	return latest, err
}

// version returns the key version in `vault:v3:…`; 0 if the text is not a ciphertext of transit.
func version(sealed string) int64 {
	rest, ok := strings.CutPrefix(sealed, "vault:v")
	if !ok {
		return 0
	}
	number, _, ok := strings.Cut(rest, ":")
	if !ok {
		return 0
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 1 {
		return 0
	}
	return v
}

// association joins texts so that no two different lists of texts give the same bytes.
func association(texts ...string) []byte {
	var out []byte
	for _, text := range texts {
		out = strconv.AppendInt(out, int64(len(text)), 10)
		out = append(out, ':')
		out = append(out, text...)
	}
	return out
}
