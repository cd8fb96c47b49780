package apps

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// StartZNC runs the web page of a ZNC, an IRC bouncer, where Alice administers and Bob has an account. It listens to no
// IRC and connects to nothing. It trusts a proxy on this machine to name the client's address. Ready within a second.
func StartZNC(t testing.TB) *App {
	t.Helper()
	return StartZNCWithout(t, "")
}

// StartZNCWithout is like StartZNC, without the line of its configuration that begins with a word.
func StartZNCWithout(t testing.TB, word string) *App {
	t.Helper()
	app := newUnprivileged(t, "znc")
	app.Version = "ZNC " + debianVersion(t, "znc")
	app.serve(t, "/", func(address string) process.Program {
		_, port, _ := net.SplitHostPort(address)
		var users strings.Builder
		for _, account := range everybody {
			const salt = "saltsaltsalt"
			sum := sha256.Sum256([]byte(account.Password + salt))
			fmt.Fprintf(&users, "<User %s>\n\tPass = sha256#%s#%s#\n\tAdmin = %t\n\tNick = %s\n\tRealName = %s\n\tQuitMsg = %s\n</User>\n",
				account.Name, hex.EncodeToString(sum[:]), salt, account == Alice, account.Name, account.FullName, account.Email)
		}
		conf := fmt.Sprintf(`Version = 1.8.2
TrustedProxy = 127.0.0.1
LoadModule = webadmin
<Listener web>
	Host = 127.0.0.1
	Port = %s
	IPv4 = true
	IPv6 = false
	SSL = false
	AllowIRC = false
	AllowWeb = true
</Listener>
%s`, port, users.String())
		var kept strings.Builder
		for line := range strings.Lines(conf) {
			if word == "" || !strings.HasPrefix(line, word) {
				kept.WriteString(line)
			}
		}
		app.write(t, "configs/znc.conf", kept.String())
		return process.Program{Folder: app.Folder, Arguments: []string{"znc", "--foreground", "--debug", "--datadir", app.Folder}}
	})
	return app
}
