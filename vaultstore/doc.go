// Package vaultstore is the room for factor.Store in HashiCorp Vault: one document in KV v2 for each app and user, changed
// by check-and-set only. It is empty as yet, and `secrets vault` is refused as unknown until it is not.
//
// What moves in has to pass factor/storetest, as filestore does, and gets a guest module beside
// caddymodule.SecretsFile; nothing else in the house needs to change for it.
package vaultstore
