// Command sallyport is a complete Caddy web server with Sallyport built in. It has Caddy's commands and some of its
// own: `sallyport demo` shows the product on this machine, `sallyport code` computes a code like an authenticator app,
// and `sallyport vault`, `secrets` and others are short for `caddy second-factor vault` and so on, which any Caddy with
// the module has.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"sallyport.example/sallyport/caddymodule"
)

func main() {
	caddymodule.CommandsAtRoot()
	caddycmd.Main()
}
