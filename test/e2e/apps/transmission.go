package apps

import (
	"encoding/json"
	"net"
	"strconv"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// StartTransmission runs Transmission's daemon with Alice as its one account, and nothing but its web interface and RPC
// open. It has no torrents and talks to no peer. Ready after a second.
func StartTransmission(t testing.TB) *App {
	t.Helper()
	app := &App{Name: "transmission", Folder: t.TempDir(), Version: "Transmission " + debianVersion(t, "transmission-daemon")}
	app.serveUntil(t, "/transmission/web/", 401, func(address string) process.Program {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := json.Marshal(map[string]any{
			"rpc-enabled": true, "rpc-bind-address": host, "rpc-port": number, "rpc-whitelist": "127.0.0.1",
			"rpc-authentication-required": true, "rpc-username": Alice.Name, "rpc-password": Alice.Password,
			"bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "peer-port": 0, "dht-enabled": false, "lpd-enabled": false,
			"pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false, "download-dir": app.Folder + "/downloads",
		})
		if err != nil {
			t.Fatal(err)
		}
		app.write(t, "settings.json", string(settings))
		return process.Program{Folder: app.Folder, Arguments: []string{"transmission-daemon", "--foreground", "--log-debug", "--config-dir", app.Folder}}
	})
	return app
}
