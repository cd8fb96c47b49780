// Command sallyport is a complete Caddy web server with Sallyport built in. It has all of Caddy's commands, and some of
// its own: `sallyport demo` shows the whole thing on this machine, `sallyport code` stands in for a phone.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "sallyport/caddymodule"
)

func main() { caddycmd.Main() }
