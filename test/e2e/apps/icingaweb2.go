package apps

import (
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// icingaRouter serves the files in the public folder, and passes everything else to the program, like the web server's
// configuration that comes with it.
const icingaRouter = `<?php
$file = '/usr/share/icingaweb2/public' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (is_file($file) && !str_ends_with($file, '.php')) {
	return false;
}
// For an address with a dot in it, of a script that it puts together, PHP's own server says another file.
$_SERVER['SCRIPT_FILENAME'] = '/usr/share/icingaweb2/public/index.php';
require '/usr/share/icingaweb2/public/index.php';
`

// StartIcingaWeb2 runs Icinga Web 2 with its accounts in a MariaDB of its own; it monitors nothing. Alice administers,
// Bob has an account. Ready within ten seconds.
func StartIcingaWeb2(t testing.TB) *App {
	t.Helper()
	db := startMariaDB(t)
	app := &App{Name: "icingaweb2", Folder: t.TempDir(), Version: "Icinga Web " + debianVersion(t, "icingaweb2")}
	db.Must("CREATE DATABASE icinga CHARACTER SET utf8mb4; USE icinga; SOURCE /usr/share/icingaweb2/schema/mysql.schema.sql;\n")
	for _, account := range everybody {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatalf("icingaweb2: %v", err)
		}
		db.Must(fmt.Sprintf("INSERT INTO icinga.icingaweb_user (name, active, password_hash) VALUES ('%s', 1, '%s');\n", account.Name, hash))
	}
	app.write(t, "config/resources.ini", fmt.Sprintf("[db]\ntype = \"db\"\ndb = \"mysql\"\nhost = \"%s\"\nport = \"%s\"\ndbname = \"icinga\"\n"+
		"username = \"%s\"\npassword = \"%s\"\ncharset = \"utf8mb4\"\n", db.Host, db.Port, Alice.Name, Alice.Password))
	app.write(t, "config/config.ini", "[global]\nconfig_backend = \"db\"\nconfig_resource = \"db\"\n[logging]\nlog = \"none\"\n")
	app.write(t, "config/authentication.ini", "[users]\nbackend = \"db\"\nresource = \"db\"\n")
	app.write(t, "config/roles.ini", "[Administrators]\nusers = \"alice\"\npermissions = \"*\"\n")
	app.write(t, "storage/.keep", "")
	app.write(t, "router.php", icingaRouter)
	app.servePHP(t, "/img/favicon.png", "/usr/share/icingaweb2/public", filepath.Join(app.Folder, "router.php"),
		"ICINGAWEB_CONFIGDIR="+filepath.Join(app.Folder, "config"), "ICINGAWEB_STORAGEDIR="+filepath.Join(app.Folder, "storage"))
	return app
}
