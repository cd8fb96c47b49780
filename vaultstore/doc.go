// Package vaultstore keeps second factors in HashiCorp Vault: a factor.Store over a KV v2 mount.
//
// There is one document for each user of each app, at <path>/<app>/<SHA-256 of the identity>, changed by check-and-set
// only. Only a clean 404 from a mount that is known to be KV v2 means that there is no record; anything else that is
// not a complete document of this package is an error (P6). The package also signs in to Vault and keeps the token
// alive (Connection), seals seeds with Vault's transit engine, keeps the key that seals sessions at rest, and tells
// operators what a token may do (Check) and must be allowed to do (Policy).
//
// # Versions
//
// KV v2 counts the versions of a document from 1, and starts again at 1 after its metadata were deleted. Disabling
// deletes them so that no old seed survives. A number alone could therefore mean two different enrolments, and a caller
// that read the first could overwrite the second. So each enrolment has a generation: a random number in the document,
// in the custom metadata, and in every factor.Version. A document whose generation differs from the metadata's is
// damaged, and opens nothing.
package vaultstore
