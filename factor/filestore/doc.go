// Package filestore is a factor.Store in one encrypted file (bbolt), for trying Sallyport out and for small sites that
// have no Vault.
//
// Every record is sealed with XChaCha20-Poly1305 under a key that is in a file of its own, and the database shows
// neither apps nor users. Whoever has both files can read everything, as with any key that a program can read by
// itself: keep them apart in backups. The store cannot detect that the whole database was put back to an earlier state.
// bbolt does not wipe what it frees, so sealed bytes of a deleted record may stay in the file until they are
// overwritten.
//
// The store fails closed (promise P6). bbolt itself has checksums on two pages only, takes an empty file for a new
// database, falls back to the last transaction but one when the newest is damaged, and may crash on a damaged page.
// This package therefore checks the file's structure before bbolt opens it. A sealed summary of all keys and versions
// proves at Open that nothing is missing, old or misplaced; from then on an index in memory does.
package filestore
