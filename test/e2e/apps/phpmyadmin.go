package apps

import (
	"fmt"
	"strings"
	"testing"
)

// StartPHPMyAdmin runs phpMyAdmin over a MariaDB of its own, in which Alice may do everything and Bob little. Ready
// within ten seconds.
func StartPHPMyAdmin(t testing.TB) *App {
	t.Helper()
	db := startMariaDB(t)
	app := &App{Name: "phpmyadmin", Folder: t.TempDir(), Version: "phpMyAdmin " + strings.TrimPrefix(debianVersion(t, "phpmyadmin"), "4:")}
	app.copyTree(t, "/usr/share/phpmyadmin", "")
	// Debian's package uses the machine's configuration; use the app's own instead.
	app.replace(t, "libraries/vendor_config.php", "'/etc/phpmyadmin/config.inc.php'", "ROOT_PATH . 'config.inc.php'")
	app.replace(t, "libraries/vendor_config.php", "'/var/lib/phpmyadmin/tmp/'", "ROOT_PATH . 'tmp/'")
	app.write(t, "tmp/.keep", "")
	app.write(t, "config.inc.php", fmt.Sprintf(`<?php
$cfg['blowfish_secret'] = 'saltsaltsaltsaltsaltsaltsaltsalt';
$cfg['Servers'][1] = ['auth_type' => 'cookie', 'host' => '%s', 'port' => '%s'];
$cfg['VersionCheck'] = false;
`, db.Host, db.Port))
	app.servePHP(t, "/", app.Folder, "")
	return app
}
