//go:build allapps

package presets

import (
	"html"
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/test/site"
)

func init() {
	leaves["phpmyadmin"] = func(t testing.TB, c *site.Client) {
		page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
		c.Post("/index.php?route=/logout", url.Values{"token": {site.Find(t, phpMyAdminScript, page.Text)}}).Wants(t, http.StatusFound, "")
	}
	leaves["mediawiki"] = func(t testing.TB, c *site.Client) {
		c.Do("POST", "/api.php", form(), url.Values{"action": {"logout"}, "format": {"json"}, "token": {mediaWikiCSRF(t, c)}}.Encode()).Wants(t, http.StatusOK, "")
	}
	leaves["wordpress"] = func(t testing.TB, c *site.Client) {
		page := c.Get("/wp-admin/profile.php").Wants(t, http.StatusOK, "")
		c.Get(html.UnescapeString(site.Find(t, wordPressLogout, page.Text))).Wants(t, http.StatusFound, "")
	}
}
