// Package sallyport is the top of the house. It holds the example configuration; everything else has a room of its own:
//
//	cmd/sallyport   the binary: Caddy, this module, the demo command
//	caddymodule     Caddy's side: app, handler, Caddyfile, guest modules
//	─────────────── core, plain net/http ───────────────
//	gateway         the pipeline, which joins the rooms below
//	gate            what may this request do? state × place → decision; pure
//	login           recognising a login, reading the name, judging the answer
//	custody         the app's cookies; rebuilding the request's headers
//	session         scs, the states, stores
//	pages           templates, styles, view models
//	locale          the words, in each language
//	factor          the record, its factors of any kind, the throttle; the Kind and Store interfaces
//	factor/totp     the kind of authenticator apps
//	factor/recovery the kind of recovery codes
//	factor/filestore  factor.Store in an encrypted file
//	internal/age    the one comparison of ages
//	internal/match  globs, the one canonical spelling of a path, folds of names
//
// Arrows point down only; house_test.go keeps it so.
package sallyport

import (
	_ "embed"

	// Whoever has xcaddy build a Caddy with this module names the module, and Go imports its root.
	_ "sallyport.example/sallyport/caddymodule"
)

// Caddyfile is the commented example that an operator starts from, and what the demo command runs. The variables in it
// (SALLYPORT_SITE, SALLYPORT_APP, SALLYPORT_SECRETS, SALLYPORT_ADMIN, SALLYPORT_LOG_LEVEL) all have defaults.
//
//go:embed Caddyfile
var Caddyfile []byte
