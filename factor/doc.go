// Package factor is the pure domain of second factors: the record in which a user's factors are kept, the throttle that
// limits guessing, trusted browsers, the activity, and the Store that keeps records. What a factor is, a Kind says:
// each has a package of its own (factor/totp, factor/recovery), which this one never imports; whoever makes a Service
// hands them in.
//
// It knows nothing of HTTP, Caddy or Vault. A Service is safe for concurrent use, also by several processes over one
// store: every decision is made by a compare-and-set of the user's record (promise P7), and nothing but a certain
// ErrNotFound from the store ever means "not enrolled" (promise P6).
package factor
