package apps

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// StartQBittorrent runs qBittorrent's web page with Alice's account, its only one. It talks to no peers, and wrong
// passwords ban nobody. Ready within two seconds.
func StartQBittorrent(t testing.TB) *App {
	t.Helper()
	app := newUnprivileged(t, "qbittorrent")
	app.Version = "qBittorrent " + debianVersion(t, "qbittorrent-nox")
	salt := []byte("saltsaltsaltsalt")
	// It stores passwords as PBKDF2 with SHA-512 and 100 000 rounds.
	key, err := pbkdf2.Key(sha512.New, Alice.Password, salt, 100_000, 64)
	if err != nil {
		t.Fatalf("qbittorrent: %v", err)
	}
	password := base64.StdEncoding.EncodeToString(salt) + ":" + base64.StdEncoding.EncodeToString(key)
	// It also checks the port in the Host header, which is the gateway's here. At a usual site's address the header has
	// no port.
	app.serve(t, "/", func(address string) process.Program {
		_, port, _ := net.SplitHostPort(address)
		app.write(t, "qBittorrent/config/qBittorrent.conf", fmt.Sprintf(`[LegalNotice]
Accepted=true

[BitTorrent]
Session\Interface=lo
Session\InterfaceAddress=127.0.0.1
Session\DHTEnabled=false
Session\LSDEnabled=false
Session\PeXEnabled=false

[Preferences]
WebUI\Address=127.0.0.1
WebUI\Port=%s
WebUI\LocalHostAuth=true
WebUI\Username=%s
WebUI\Password_PBKDF2="@ByteArray(%s)"
WebUI\HostHeaderValidation=false
WebUI\UseUPnP=false
WebUI\MaxAuthenticationFailCount=1000000000
`, port, Alice.Name, password))
		return process.Program{
			Folder: app.Folder, Arguments: []string{"qbittorrent-nox", "--profile=" + app.Folder, "--webui-port=" + port},
			Environment: []string{"HOME=" + app.Folder},
		}
	})
	return app
}
