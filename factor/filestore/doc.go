// Package filestore is a factor.Store in one encrypted file (bbolt), for trying Sallyport out and for small sites that
// have no Vault.
//
// Every record is sealed with XChaCha20-Poly1305 under a key that lies in a file of its own, and neither the apps nor
// the users can be read in the database. Whoever has both files has everything, as with any key that a program can read
// by itself: keep them apart in backups. A database that was put back to an earlier state as a whole cannot be told
// from the present one. bbolt does not wipe what it frees, so that sealed bytes of a deleted record may stay in the
// file until they are written over.
//
// The store fails closed (promise P6). bbolt itself has checksums on two pages only, takes an empty file for a new
// database, falls back to the last transaction but one when the newest is damaged, and may crash on a damaged page.
// Here the file's structure is looked over before bbolt may touch it, and a sealed summary of all keys and versions
// proves at Open that nothing is missing, old or misplaced; from then on an index in memory does.
package filestore
