// Package demo is Ledger: a small web app of the kind that people put behind a second factor. It has accounts with
// passwords, a login form, a page, a JSON interface, a WebSocket, Server-Sent Events, uploads and downloads, and the
// side doors that real apps have: aliases of a name, a JSON login, a password-reset link that signs in, Basic and API
// keys.
//
// The demo command runs it, and the end-to-end tests use it as the app behind the gateway. It knows nothing of the
// gateway and imports no other package of this module.
//
// # Addresses
//
//	GET, POST /login          form: username, password, next, csrf. 303 to next, or 200 with role="alert"
//	GET, POST /logout         303 to /login
//	GET  /reset?token=…       a password-reset link, good once: signs in, 303 to /
//	POST /theme               form: theme (auto, light, dark), next; sets the cookie `theme`
//	GET  /                    the ledger; strangers are sent to /login?next=…
//	POST /entries             form: text, amount, csrf
//	GET  /files               the files; POST takes multipart (csrf first, then file)
//	GET  /files/{name}        a download
//	POST /api/login           {"user":{"name":"…","password":"…"}}; 200 {"login":"…"} or 401
//	GET  /api/me              {"login":"alice"} or 401
//	GET, POST /api/entries    JSON; POST takes {"text":"…","amount":"12.50"}
//	GET  /ws                  WebSocket: first {"login":"alice"}, then every message is sent back
//	GET  /events?count=…      Server-Sent Events: `tick` so many times, then `done`
//	any  /echo                the request as it arrived, as JSON
//	POST /sink                reads a body of any length: {"bytes":…,"sha256":"…"}
//	GET  /source?bytes=…      an answer of that length
//	GET  /static/*            style and script; /static/private/* needs a sign-in
//
// Signed-in answers name the account in the header X-Ledger-User and pages also in <strong id="whoami">. /api/* takes
// `Authorization: Basic` and `X-Api-Key` as well as the session.
package demo
