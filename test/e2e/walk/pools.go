package walk

// The parts of sequences for all apps. A target adds those to which its own app may react in an unexpected way.

var methods = []string{
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "post", "QUERY", "PUT", "PATCH", "OPTIONS",
}

// queries are queries such as those that make an app redirect.
var queries = []string{"next=/login", "next=/login", "next=/static/style.css", "next=/", "next=//other.invalid/", "x=1"}

// habits are headers to which apps bind sessions, or by which they judge a client.
var habits = []string{
	"Client-IP: 192.0.2.6", "X-Client-IP: 192.0.2.6", "True-Client-IP: 192.0.2.6", "CF-Connecting-IP: 192.0.2.6", "X-Real-IP: 192.0.2.6",
	"X-Forwarded-For: 192.0.2.6", "X-Forwarded-Proto: https", "Forwarded: for=192.0.2.6;proto=https", "Accept-Language: de",
	"User-Agent: (odd)", "Accept: application/xml", "Accept: application/json", "X-Script-Name: /static", "X-Requested-With: XMLHttpRequest",
	"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept-Encoding: gzip",
}

// headers are headers for single requests.
var headers = []string{
	"Range: bytes=0-7", "Range: bytes=-20", "If-None-Match: *", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT", "Accept: image/png",
	"X-Forwarded-Prefix: /static", "X-Ingress-Path: /static", "X-Base-Path: /static", "X-Mount-Path: /static", "X-Forwarded-Host: other.invalid",
	"X-Original-URL: /login", "X-Rewrite-URL: /", "X-HTTP-Method-Override: POST", "X-HTTP-Method-Override: GET", "Remote-User: alice",
	"X_Second_Factor_User: alice", "X-Second-Factor-User: alice", "X-Forwarded-User: alice", "Connection: Cookie", "Connection: X-Second-Factor-User",
	"Cookie: ledger_session=x", "X-Cookie: ledger_session=x", "Origin: https://other.invalid", "Sec-Fetch-Site: cross-site", "Te: trailers",
	"Content-Encoding: identity", "Sec-Fetch-Mode: navigate", "Sec-Purpose: prefetch", "Cache-Control: no-cache", "Upgrade-Insecure-Requests: 1",
}
