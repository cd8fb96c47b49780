package apps

import (
	"fmt"
	"testing"
)

// StartWordPress runs WordPress over a MariaDB of its own. Alice administers and has written something that only she
// and other administrators may read; Bob has an account. It makes no requests to the internet. Ready within ten
// seconds.
func StartWordPress(t testing.TB) *App {
	t.Helper()
	db := startMariaDB(t)
	db.Must("CREATE DATABASE wordpress CHARACTER SET utf8mb4;\n")
	app := &App{Name: "wordpress", Folder: t.TempDir(), Version: "WordPress " + debianVersion(t, "wordpress")}
	app.copyTree(t, "/usr/share/wordpress", "")
	app.write(t, "wp-config.php", fmt.Sprintf(`<?php
define('DB_NAME', 'wordpress');
define('DB_USER', '%s');
define('DB_PASSWORD', '%s');
define('DB_HOST', '%s:%s');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
	define($name . '_KEY', 'salt');
	define($name . '_SALT', 'salt');
}
if (isset($_SERVER['HTTP_HOST'])) {
	define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
	define('WP_SITEURL', WP_HOME);
}
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
`, Alice.Name, Alice.Password, db.Host, db.Port))
	// The script does the same as WordPress' page for the installation.
	app.write(t, "set-up.php", fmt.Sprintf(`<?php
$_SERVER += ['HTTP_HOST' => '127.0.0.1', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_METHOD' => 'GET'];
define('WP_INSTALLING', true);
function wp_mail() { return true; }
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
wp_install('Harbour', '%s', '%s', false, '', '%s');
wp_create_user('%s', '%s', '%s');
wp_create_user('%s', '%s', '%s');
wp_insert_post(['post_title' => 'Tides', 'post_content' => 'The tide comes in at seven.', 'post_status' => 'private', 'post_author' => 1]);
`, Alice.Name, Alice.Email, Alice.Password, Bob.Name, Bob.Password, Bob.Email, Mallory.Name, Mallory.Password, Mallory.Email))
	app.run(t, nil, phpCommand(t, app.Name), "set-up.php")
	app.run(t, nil, "rm", "set-up.php")
	app.servePHP(t, "/wp-login.php", app.Folder, "")
	return app
}
