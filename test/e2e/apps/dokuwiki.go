package apps

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Where Debian's dokuwiki package puts the program and its configuration.
const (
	dokuWikiProgram       = "/usr/share/dokuwiki"
	dokuWikiConfiguration = "/etc/dokuwiki"
)

// ownFiles are not copied from the machine, because Debian or the machine's operator wrote them for the apps of this
// machine. DokuWiki's preload.php moves the configuration to /etc.
var ownFiles = map[string]bool{
	"LocalSettings.php": true, // of MediaWiki
	"wp-config.php":     true, // of WordPress
	"config.php":        true, // of Tiny Tiny RSS

	"inc/preload.php":     true,
	"install.php":         true,
	".htaccess":           true,
	"conf/htaccess":       true,
	"conf/local.php":      true,
	"conf/acl.auth.php":   true,
	"conf/users.auth.php": true,
}

// StartDokuWiki runs a DokuWiki from a copy of Debian's tree under PHP's own web server, with two workers. Alice and
// Bob may read and write; without an account nothing can be read. The page "start" says "Welcome to the harbour wiki".
// Ready within a second.
func StartDokuWiki(t testing.TB) *App {
	t.Helper()
	app := &App{Name: "dokuwiki", Folder: t.TempDir(), Version: "DokuWiki " + strings.TrimPrefix(debianVersion(t, "dokuwiki"), "0.0.")}
	app.copyTree(t, dokuWikiProgram, "")
	app.copyTree(t, dokuWikiConfiguration, "conf")

	// The default configuration of Debian's package differs from upstream's in one line, the place of the data.
	// local.php overrides that, like any operator's.
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
	for _, account := range everybody {
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

	app.servePHP(t, "/doku.php?id=start", app.Folder, "")
	return app
}

// copyTree copies a folder of the machine into the app's, except ownFiles. It follows symbolic links, because Debian
// keeps plugins and templates elsewhere and links to them.
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
		if ownFiles[name] {
			continue
		}
		source := filepath.Join(from, entry.Name())
		information, err := os.Stat(source)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link to a file that the machine's operator has to make first
		}
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

// replace changes a text in one of the app's files, which must have it.
func (a *App) replace(t testing.TB, name, old, changed string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(a.Folder, name))
	if err != nil || !strings.Contains(string(content), old) {
		t.Fatalf("%s: %s has no %q: %v", a.Name, name, old, err)
	}
	a.write(t, name, strings.ReplaceAll(string(content), old, changed))
}
