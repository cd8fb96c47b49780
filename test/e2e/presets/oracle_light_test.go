package presets

import (
	"net/http"
	"net/url"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/tap"
	"sallyport.example/sallyport/test/e2e/walk"
)

// The attacks on the light apps.
func init() {
	attacks["django-admin"] = attack{
		// The greeting is the account's name if there is no first name, as here.
		questions: []tap.Question{tap.Body("app", "/admin/?asked", `Welcome,\s*<strong>([^<]+)</strong>`)},
		doors: []walk.Door{{
			Path: "/admin/login/", Form: [2]string{"username", "password"}, More: url.Values{"next": {"/admin/"}},
			Token: "csrfmiddlewaretoken", Page: "/admin/login/",
		}},
		more:  []walk.Door{{Path: "/admin/", Form: [2]string{"username", "password"}, More: url.Values{"this_is_the_login_form": {"1"}}}},
		pages: []string{"/admin/", "/admin/auth/user/", "/admin/login/"}, public: []string{"/static/admin/css/base.css"},
		queries: []string{"next=/admin/login/", "next=/static/admin/css/base.css"}, mallory: apps.Mallory,
	}
	attacks["dokuwiki"] = attack{
		questions: []tap.Question{
			tap.Body("app", "/doku.php?do=profile", `<input [^>]*name="login"[^>]*disabled="disabled"[^>]*value="([^"]+)"`),
			tap.Body("page", "/doku.php?id=start&asked", `<bdi>[^<]*</bdi> \(<bdi>([^<]+)</bdi>\)`),
		},
		doors: []walk.Door{
			{Path: "/doku.php?id=start", Form: [2]string{"u", "p"}, More: url.Values{"do": {"login"}, "id": {"start"}, "sectok": {""}}},
			{Path: "/doku.php?id=robots.txt", Form: [2]string{"u", "p"}, More: url.Values{"do": {"login"}}},
			{Path: "/doku.php?id=start", Form: [2]string{"u", "p"}},
			{Path: "/doku.php?do=profile", Form: [2]string{"u", "p"}, More: url.Values{"r": {"1"}}},
		},
		more: []walk.Door{
			{Path: "/feed.php", Form: [2]string{"u", "p"}},
			{Path: "/lib/exe/css.php", Form: [2]string{"u", "p"}},
			{Path: "/lib/exe/xmlrpc.php", Basic: true},
			{Path: "/doku.php?id=start", Basic: true},
		},
		pages: []string{"/doku.php?id=start", "/doku.php?do=profile", "/doku.php?do=login"}, public: []string{"/lib/exe/css.php", "/lib/tpl/dokuwiki/images/favicon.ico"},
		queries: []string{"do=login", "id=robots.txt", "do=logout", "do=profile", "do=resendpwd", "do=register"}, named: true, mallory: apps.Mallory,
		headers: []string{"Accept-Language: de", "Accept-Encoding: gzip", "Client-IP: 192.0.2.6", "X-Forwarded-For: 192.0.2.6"},
	}
	attacks["qbittorrent"] = attack{
		questions: []tap.Question{tap.JSON("app", "/api/v2/app/preferences", "/web_ui_username")},
		doors:     []walk.Door{{Path: "/api/v2/auth/login", Form: [2]string{"username", "password"}}},
		more:      []walk.Door{{Path: "/login", Form: [2]string{"username", "password"}}, {Path: "/api/v2/app/version", Basic: true}},
		pages:     []string{"/", "/api/v2/app/version", "/api/v2/app/preferences"}, public: []string{"/css/login.css"},
		headers: []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: 127.0.0.1"}, markerHeaders: nil,
	}
	attacks["transmission"] = attack{
		questions: []tap.Question{byBasic("/transmission/web/")},
		doors:     []walk.Door{{Path: "/transmission/web/", Basic: true}, {Path: "/transmission/rpc", Basic: true}},
		pages:     []string{"/transmission/web/", "/transmission/web/index.html", "/transmission/rpc"},
		public:    []string{"/transmission/web/"},
		// After a hundred requests in a row without the right password it accepts none until it is restarted.
		refused: http.StatusUnauthorized,
		forgive: func(address string) { once(http.MethodGet, address+"/transmission/web/", basic(apps.Alice), "") },
	}
	attacks["znc"] = attack{
		questions: []tap.Question{tap.Body("app", "/", `<span class="user_name">([^<]+)</span>`)},
		doors:     []walk.Door{{Path: "/login", Form: [2]string{"user", "pass"}, More: url.Values{"submitted": {"1"}}}},
		more: []walk.Door{
			{Path: "/mods/global/webadmin/edituser", Basic: true},
			{Path: "/pub/_default_.css", Basic: true},
			{Path: "/mods/global/webadmin/", Form: [2]string{"user", "pass"}, More: url.Values{"submitted": {"1"}}},
		},
		pages: []string{"/", "/mods/global/webadmin/edituser", "/login"}, public: []string{"/pub/_default_.css"}, mallory: apps.Mallory, named: true,
	}
}
