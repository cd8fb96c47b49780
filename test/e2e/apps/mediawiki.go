package apps

import (
	"path/filepath"
	"strings"
	"testing"
)

// AliceTitled, BobTitled and MalloryTitled are the accounts in MediaWiki, where names begin with a capital letter.
var (
	AliceTitled = Account{Name: "Alice", Password: Alice.Password, FullName: Alice.FullName, Email: Alice.Email}
	BobTitled   = Account{Name: "Bob", Password: Bob.Password, FullName: Bob.FullName, Email: Bob.Email}

	MalloryTitled = Account{Name: "Mallory", Password: Mallory.Password, FullName: Mallory.FullName, Email: Mallory.Email}
)

// StartMediaWiki runs MediaWiki over SQLite. Alice administers; Bob has an account, and everybody may make one. Without
// an account nothing can be read, and wrong passwords lock nobody out. Ready within ten seconds.
func StartMediaWiki(t testing.TB) *App {
	t.Helper()
	return StartMediaWikiWith(t)
}

// StartMediaWikiWith is StartMediaWiki with more accounts.
func StartMediaWikiWith(t testing.TB, more ...Account) *App {
	t.Helper()
	app := &App{Name: "mediawiki", Folder: t.TempDir(), Version: "MediaWiki " + strings.TrimPrefix(debianVersion(t, "mediawiki"), "1:")}
	php := phpCommand(t, app.Name)
	app.copyTree(t, "/usr/share/mediawiki", "")
	app.run(t, nil, php, "maintenance/install.php", "--dbtype", "sqlite", "--dbpath", filepath.Join(app.Folder, "data"), "--scriptpath", "",
		"--pass", Alice.Password, "Harbour wiki", Alice.Name)
	for _, account := range append([]Account{Bob, Mallory}, more...) {
		app.run(t, nil, php, "maintenance/createAndPromote.php", account.Name, account.Password)
	}
	app.write(t, "text", "Welcome to the harbour wiki.")
	app.run(t, nil, "sh", "-c", php+" maintenance/edit.php --user Alice 'Main Page' < text")
	app.run(t, nil, "sh", "-c", `printf '%s\n' '$wgServer = WebRequest::detectServer(false);' '$wgGroupPermissions["*"]["read"] = false;' '$wgPasswordAttemptThrottle = [];' >> LocalSettings.php`)
	app.servePHP(t, "/index.php", app.Folder, "")
	return app
}
