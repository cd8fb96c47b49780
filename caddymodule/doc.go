// Package caddymodule is Caddy's side of Sallyport: it turns the words of the Caddyfile into the configuration of
// package gateway, keeps what has to survive a reload in Caddy's pools, and does nothing else.
//
// Modules: the app `second_factor` (the global block), its guests `second_factor.secrets.*` and
// `second_factor.sessions.*`, and the handler `http.handlers.second_factor`.
package caddymodule
