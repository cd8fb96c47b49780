// Package factor is the pure domain of second factors: time-based one-time codes (RFC 6238), recovery codes, the
// throttle that limits guessing, the record in which all of this is kept, and the Store that keeps records.
//
// It knows nothing of HTTP, Caddy or Vault. A Service is safe for concurrent use, also by several processes over one
// store: every decision is made by a compare-and-set of the user's record (promise P7), and nothing but a certain
// ErrNotFound from the store ever means "not enrolled" (promise P6).
package factor
