package apps

import (
	"crypto/sha1"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
)

// TTRSSWithOTP is an account in Tiny Tiny RSS for which the app's own one-time passwords are on. TTRSSSeed is their
// seed.
var TTRSSWithOTP = Account{Name: "carol", Password: "saffron-pulley-63", FullName: "Carol Example", Email: "carol@example.com"}

// TTRSSSeed is the seed in base32, which the app derives from the account's salt.
var TTRSSSeed = base32.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sha1Of("salt"))[:12]))

func sha1Of(text string) []byte {
	sum := sha1.Sum([]byte(text))
	return sum[:]
}

// StartTTRSS runs Tiny Tiny RSS over a MariaDB of its own, with accounts for Alice, Bob and TTRSSWithOTP. It fetches no
// feeds. Ready within ten seconds.
func StartTTRSS(t testing.TB) *App {
	t.Helper()
	db := startMariaDB(t)
	db.Must("CREATE DATABASE ttrss CHARACTER SET utf8mb4; USE ttrss; SOURCE /usr/share/tt-rss/schema/ttrss_schema_mysql.sql;\n")
	app := newUnprivileged(t, "tt-rss")
	app.Version = "Tiny Tiny RSS " + debianVersion(t, "tt-rss")
	app.copyTree(t, "/usr/share/tt-rss/www", "")
	for _, folder := range []string{"lock", "feed-icons", "cache/export", "cache/images", "cache/js", "cache/upload", "cache/starred-images", "cache/simplepie"} {
		app.write(t, folder+"/.keep", "")
	}
	app.write(t, "config.php", fmt.Sprintf(`<?php
define('DB_TYPE', 'mysql');
define('DB_HOST', '%s');
define('DB_PORT', '%s');
define('DB_USER', '%s');
define('DB_PASS', '%s');
define('DB_NAME', 'ttrss');
define('MYSQL_CHARSET', 'UTF8');
define('SELF_URL_PATH', 'http://' . ($_SERVER['HTTP_HOST'] ?? '127.0.0.1') . '/');
define('_SKIP_SELF_URL_PATH_CHECKS', true);
define('SINGLE_USER_MODE', false);
define('SIMPLE_UPDATE_MODE', false);
define('PHP_EXECUTABLE', '/usr/bin/php');
define('LOCK_DIRECTORY', 'lock');
define('CACHE_DIR', 'cache');
define('ICONS_DIR', 'feed-icons');
define('ICONS_URL', 'feed-icons');
define('AUTH_AUTO_CREATE', false);
define('AUTH_AUTO_LOGIN', false);
define('FORCE_ARTICLE_PURGE', 0);
define('ENABLE_REGISTRATION', false);
define('REG_NOTIFY_ADDRESS', 'nobody@example.com');
define('REG_MAX_USERS', 10);
define('SESSION_COOKIE_LIFETIME', 86400);
define('SMTP_FROM_NAME', 'Tiny Tiny RSS');
define('SMTP_FROM_ADDRESS', 'nobody@example.com');
define('DIGEST_SUBJECT', 'News');
define('CHECK_FOR_UPDATES', false);
define('ENABLE_GZIP_OUTPUT', false);
define('PLUGINS', 'auth_internal, note');
define('LOG_DESTINATION', '');
define('CONFIG_VERSION', 26);
`, db.Host, db.Port, Alice.Name, Alice.Password))
	for _, account := range append(slices.Clone(everybody), TTRSSWithOTP) {
		// It stores passwords as SHA-256 over the salt and the password.
		db.Must(fmt.Sprintf("INSERT INTO ttrss.ttrss_users (login, pwd_hash, salt, access_level, email, created) VALUES "+
			"('%[1]s', CONCAT('MODE2:', SHA2(CONCAT('salt', '%[2]s'), 256)), 'salt', 0, '%[3]s', NOW());\n", account.Name, account.Password, account.Email))
	}
	db.Must("UPDATE ttrss.ttrss_users SET otp_enabled = 1 WHERE login = '" + TTRSSWithOTP.Name + "';\n")
	// Programs may sign in too, with the account's own password, as on many sites.
	db.Must("INSERT INTO ttrss.ttrss_user_prefs (owner_uid, pref_name, value) SELECT id, 'ENABLE_API_ACCESS', 'true' FROM ttrss.ttrss_users;\n")
	app.servePHP(t, "/", app.Folder, "")
	return app
}
