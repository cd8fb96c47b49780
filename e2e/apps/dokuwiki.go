package apps

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sallyport/e2e/process"
)

// Where Debian's dokuwiki package puts the program and its configuration.
const (
	dokuWikiProgram       = "/usr/share/dokuwiki"
	dokuWikiConfiguration = "/etc/dokuwiki"
)

// dokuWikiOwn are the files that are not taken over from the machine: those that Debian or the machine's operator wrote
// for the wiki of this machine. preload.php moves the configuration to /etc.
var dokuWikiOwn = map[string]bool{
	"inc/preload.php":     true,
	"install.php":         true,
	".htaccess":           true,
	"conf/htaccess":       true,
	"conf/local.php":      true,
	"conf/acl.auth.php":   true,
	"conf/users.auth.php": true,
}

// StartDokuWiki runs a DokuWiki from a copy of Debian's tree under PHP's own web server, with two workers. Alice and Bob
// may read and write; without an account nothing can be read. The page "start" says "Welcome to the harbour wiki".
// Ready within a second.
func StartDokuWiki(t testing.TB) *App {
	t.Helper()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Fatalf("dokuwiki: %v (scripts/install-test-packages installs what the tests need)", err)
	}
	app := &App{Name: "dokuwiki", Folder: t.TempDir()}
	app.copyTree(t, dokuWikiProgram, "")
	app.copyTree(t, dokuWikiConfiguration, "conf")

	// The default configuration of Debian's package differs from upstream's in one line: where the data is. local.php
	// overrides it, as any operator's does.
	app.write(t, "conf/local.php", `<?php
$conf['title']       = 'Harbour wiki';
$conf['useacl']      = 1;
$conf['superuser']   = '@admin';
$conf['savedir']     = './data';
$conf['updatecheck'] = 0; // ask nobody outside for news
`)
	app.write(t, "conf/acl.auth.php", "# <?php exit()?>\n*\t@ALL\t0\n*\t@user\t8\n")
	var users strings.Builder
	users.WriteString("# <?php exit()?>\n")
	for _, account := range []Account{Alice, Bob} {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatalf("dokuwiki: %v", err)
		}
		fmt.Fprintf(&users, "%s:%s:%s:%s:user\n", account.Name, hash, account.FullName, account.Email)
	}
	app.write(t, "conf/users.auth.php", users.String())

	for _, folder := range []string{
		"attic", "cache", "index", "locks", "log", "media", "media_attic", "media_meta", "meta", "pages", "tmp",
	} {
		if err := os.MkdirAll(filepath.Join(app.Folder, "data", folder), 0o755); err != nil {
			t.Fatalf("dokuwiki: %v", err)
		}
	}
	app.write(t, "data/pages/start.txt", "====== Start ======\n\nWelcome to the harbour wiki.\n")

	app.serve(t, "/doku.php?id=start", func(address string) process.Program {
		return process.Program{
			Folder:      app.Folder,
			Arguments:   []string{php, "-S", address, "-t", app.Folder},
			Environment: []string{"PHP_CLI_SERVER_WORKERS=2"},
		}
	})
	return app
}

// copyTree copies a folder of the machine into the app's, following symbolic links (Debian keeps plugins and templates
// elsewhere and links to them). Files in dokuWikiOwn are left out.
func (a *App) copyTree(t testing.TB, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatalf("%s: %v (scripts/install-test-packages installs what the tests need)", a.Name, err)
	}
	if err := os.MkdirAll(filepath.Join(a.Folder, to), 0o755); err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	for _, entry := range entries {
		name := filepath.Join(to, entry.Name())
		if dokuWikiOwn[name] {
			continue
		}
		source := filepath.Join(from, entry.Name())
		information, err := os.Stat(source)
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		if information.IsDir() {
			a.copyTree(t, source, name)
			continue
		}
		if err := copyFile(source, filepath.Join(a.Folder, name), information.Mode()|0o600); err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
	}
}

func copyFile(from, to string, mode fs.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, mode.Perm())
}
