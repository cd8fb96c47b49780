package vaultstore

import (
	"context"
	"crypto/sha256"

	"sallyport.example/sallyport/factor"
)

// knownSecret is what is remembered of a factor's secret: its fingerprint and, if transit seals it, its sealed form and
// the schema of that.
type knownSecret struct {
	sealed string
	schema int
	print  [sha256.Size]byte
}

// sealed returns the sealed forms by the factors' IDs; nil if nothing is sealed.
func (k known) sealed() map[string]string {
	var sealed map[string]string
	for id, secret := range k.secrets {
		if secret.sealed != "" {
			if sealed == nil {
				sealed = make(map[string]string, len(k.secrets))
			}
			sealed[id] = secret.sealed
		}
	}
	return sealed
}

// sameSecrets reports whether there is no new secret, and everything sealed now was also sealed before. Then earlier
// versions have nothing that must be destroyed.
func (k known) sameSecrets(before known) bool {
	if len(k.secrets) != len(before.secrets) {
		return false
	}
	for id, secret := range k.secrets {
		was, ok := before.secrets[id]
		if !ok || was.print != secret.print || (secret.sealed != "") && was.sealed == "" {
			return false
		}
	}
	return true
}

// sealable returns what transit seals of a record: the secrets of its factors by their IDs, and the user's address
// (mailID).
func sealable(record factor.Record) map[string][]byte {
	secrets := make(map[string][]byte, len(record.Factors)+1)
	for _, f := range record.Factors {
		if f.Secret != nil {
			secrets[f.ID] = f.Secret
		}
	}
	if record.Contact != nil && record.Contact.Mail != "" {
		secrets[mailID] = []byte(record.Contact.Mail)
	}
	return secrets
}

// seal returns the secrets of a record's factors, unsealed if there is no transit. A secret that was read sealed keeps
// its sealed form, unless the key was rotated since.
func (s *Store) seal(ctx context.Context, key factor.Key, record factor.Record, seen known) (map[string]knownSecret, error) {
	secrets, schema := make(map[string]knownSecret), record.Schema()
	for id, text := range sealable(record) {
		secret := knownSecret{print: s.memory.print(text)}
		if s.transit != nil {
			secret.schema = schema
			before := seen.secrets[id]
			if before.sealed != "" && before.schema == schema && before.print == secret.print && !s.transit.outdated(ctx, before.sealed) {
				secret.sealed = before.sealed
			} else {
				var err error
				if secret.sealed, err = s.transit.seal(ctx, text, belongsTo(key, schema, id)); err != nil {
					return nil, err
				}
			}
		}
		secrets[id] = secret
	}
	return secrets, nil
}

// belongsTo returns what a sealed secret is bound to: its user, and in schema 2, which has several, its factor. The
// address is bound to its user, and opens in no factor's place.
func belongsTo(key factor.Key, schema int, factorID string) []byte {
	switch {
	case factorID == mailID:
		return association("sallyport mail", key.App, key.User)
	case schema == documentSchema1:
		return association("sallyport seed", key.App, key.User)
	}
	return association("sallyport secret", key.App, key.User, factorID)
}
