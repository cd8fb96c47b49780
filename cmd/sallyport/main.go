// Command sallyport is a complete Caddy web server with Sallyport built in. It has all of Caddy's commands, and some of
// its own: `sallyport demo` shows the whole thing on this machine, `sallyport code` stands in for a phone, and
// `sallyport vault`, `secrets` and `preset` are what any Caddy with the module has as `caddy second-factor vault` ...
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
