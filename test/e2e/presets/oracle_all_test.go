//go:build allapps

package presets

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/tap"
	"sallyport.example/sallyport/test/e2e/walk"
	"sallyport.example/sallyport/test/site"
)

// The attacks on the other apps.
func init() {
	attacks["mediawiki"] = attack{
		questions: []tap.Question{
			tap.Body("app", "/api.php?action=query&meta=userinfo&assert=user&format=json&formatversion=2", `"userinfo":\{"id":[1-9][0-9]*,"name":"((?:[^"\\]|\\.)+)"`),
			tap.Body("page", "/index.php?title=Special:BlankPage", `"wgUserName":"((?:[^"\\]|\\.)+)"`),
		},
		doors: []walk.Door{{
			Path: "/index.php/Special:UserLogin", Form: [2]string{"wpName", "wpPassword"}, Token: "wpLoginToken", Page: "/index.php?title=Special:UserLogin",
			More: url.Values{"title": {"Special:UserLogin"}, "authAction": {"login"}, "wploginattempt": {"Log in"}, "wpEditToken": {`+\`}, "force": {""}},
		}, {
			Path: "/index.php?title=Special:UserLogin", Form: [2]string{"wpName", "wpPassword"}, Token: "wpLoginToken", Page: "/index.php?title=Special:UserLogin",
			More: url.Values{"authAction": {"login"}},
		}},
		more: []walk.Door{{
			Path: "/api.php?action=login&format=json", Form: [2]string{"lgname", "lgpassword"}, Token: "lgtoken", Page: "/index.php?title=Special:UserLogin",
		}, {
			Path: "/api.php?action=clientlogin&format=json", Form: [2]string{"username", "password"}, Token: "logintoken", Page: "/index.php?title=Special:UserLogin",
			More: url.Values{"loginreturnurl": {"http://127.0.0.1/"}},
		}},
		// The API's login accepts the token of the page's login.
		fields: map[string]*regexp.Regexp{"lgtoken": mediaWikiToken, "logintoken": mediaWikiToken},
		pages:  []string{"/index.php/Main_Page", "/index.php?title=Special:Preferences", "/index.php?title=Special:UserLogin"}, public: []string{"/load.php?modules=startup&only=scripts"},
		queries: []string{"title=Special:UserLogout", "title=Special:UserLogin", "returnto=Special:UserLogin"}, mallory: apps.MalloryTitled,
	}
	attacks["phpmyadmin"] = attack{
		questions: []tap.Question{tap.Body("app", "/index.php?route=/&server=1",
			`<li class="list-group-item">\s*[^<]*?\s{2,}([^<]+)@[^<@]+</li>\s*<li class="list-group-item">\s*[^<]*<span lang="en" dir="ltr">`)},
		doors: []walk.Door{{
			Path: "/index.php?route=/", Form: [2]string{"pma_username", "pma_password"}, Token: "token", Page: "/", More: url.Values{"server": {"1"}, "route": {"/"}},
		}, {
			Path: "/index.php/x?route=/", Form: [2]string{"pma_username", "pma_password"}, Token: "token", Page: "/", More: url.Values{"server": {"1"}},
		}, {Path: "/url.php", Form: [2]string{"pma_username", "pma_password"}}},
		more:   []walk.Door{{Path: "/index.php?route=/", Form: [2]string{"pma.username", "pma_password"}, Token: "token", Page: "/", More: url.Values{"server": {"1"}}}},
		fields: map[string]*regexp.Regexp{"token": phpMyAdminToken}, needs: "pmaAuth-",
		pages: []string{"/index.php?route=/", "/index.php?route=/database/structure&server=1&db=quay", "/"}, public: []string{"/themes/pmahomme/css/theme.css"},
		queries: []string{"server=1", "route=/logout", "session_timedout=1&ajax_request=1", "lang=de"}, headers: []string{"Accept-Language: de"}, mallory: apps.Mallory,
	}
	attacks["wordpress"] = attack{
		questions: []tap.Question{
			tap.Body("app", "/wp-admin/profile.php", `id="user_login" value="([^"]+)"`),
			// Its pages outside /wp-admin use another cookie.
			{Realm: "page", Method: http.MethodGet, Target: "/wp-admin/admin-ajax.php?action=logged-in", Name: wordPressName},
		},
		doors: []walk.Door{
			{Path: "/wp-login.php", Form: [2]string{"log", "pwd"}, More: url.Values{"redirect_to": {"/wp-admin/"}, "wp-submit": {"Log In"}}},
			{Path: "/wp-login.php?interim-login=1", Form: [2]string{"log", "pwd"}, More: url.Values{"interim-login": {"1"}}},
		},
		more:  []walk.Door{{Path: "/index.php?rest_route=/wp/v2/users/me", Basic: true}, {Path: "/xmlrpc.php", Form: [2]string{"log", "pwd"}}, {Path: "/", Form: [2]string{"log", "pwd"}}},
		pages: []string{"/wp-admin/", "/wp-admin/profile.php", "/wp-login.php", "/"}, public: []string{"/wp-includes/css/buttons.css"},
		queries: []string{"redirect_to=/wp-login.php", "interim-login=1", "reauth=1", "action=logout", "action=lostpassword"}, mallory: apps.Mallory,
	}
	attacks["icingaweb2"] = attack{
		questions: []tap.Question{tap.Body("app", "/layout/menu", `<i class="user-ball">[^<]*</i>([^<]+)</a>`)},
		doors: []walk.Door{{
			Path: "/authentication/login", Form: [2]string{"username", "password"}, Token: "CSRFToken", Page: "/authentication/login",
			More: url.Values{"rememberme": {"0"}, "formUID": {"form_login"}, "redirect": {""}, "btn_submit": {"Login"}},
		}},
		more: []walk.Door{{
			Path: "/index.php/authentication/login", Form: [2]string{"username", "password"}, Token: "CSRFToken", Page: "/authentication/login",
			More: url.Values{"rememberme": {"1"}, "formUID": {"form_login"}, "redirect": {""}, "btn_submit": {"Login"}},
		}, {
			Path: "/authentication/login/x", Form: [2]string{"username", "password"}, Token: "CSRFToken", Page: "/authentication/login",
			More: url.Values{"rememberme": {"1"}, "formUID": {"form_login"}, "redirect": {""}, "btn_submit": {"Login"}},
		}, {Path: "/dashboard", Basic: true}, {Path: "/css/icinga.min.css", Basic: true}},
		// It sets a cookie first, and shows the form only if that is sent back.
		cookie: "_chc=1",
		pages:  []string{"/dashboard", "/account", "/authentication/login"}, public: []string{"/img/favicon.png"},
		queries: []string{"_checkCookie=1", "redirect=authentication/logout"}, headers: []string{"X-Requested-With: XMLHttpRequest", "Accept: application/json", "X-Icinga-Accept: text/html"},
		mallory: apps.Mallory,
	}
	attacks["parse-dashboard"] = attack{
		questions: []tap.Question{tap.Header("app", "/apps", "username")},
		doors:     []walk.Door{{Path: "/login", Form: [2]string{"username", "password"}, Token: "_csrf", Page: "/login"}},
		more:      []walk.Door{{Path: "/login/", Form: [2]string{"username", "password"}, Token: "_csrf", Page: "/login"}},
		fields:    map[string]*regexp.Regexp{"_csrf": parseToken},
		pages:     []string{"/apps/harbour", "/parse-dashboard-config.json", "/login"}, public: []string{"/bundles/dashboard.bundle.js"}, markerHeaders: []string{"Username"},
		mallory: apps.Mallory,
	}
	attacks["tt-rss"] = attack{
		questions: []tap.Question{{Realm: "app", Method: "GET", Target: "/backend.php?op=opml&method=export", Name: func(answer *http.Response, _ []byte) string {
			if found := ttRSSName.FindStringSubmatch(answer.Header.Get("Content-Disposition")); answer.StatusCode == http.StatusOK && found != nil {
				return found[1]
			}
			return ""
		}}},
		doors: []walk.Door{{Path: "/public.php", Form: [2]string{"login", "password"}, More: url.Values{"op": {"login"}}}},
		more: []walk.Door{
			{Path: "/public.php?op=login", Form: [2]string{"login", "password"}},
			{Path: "/public.php?op=sharepopup", Form: [2]string{"login", "password"}},
			{Path: "/api/", JSON: `{"op":"login","user":%q,"password":%q}`},
		},
		pages: []string{"/", "/prefs.php", "/backend.php?op=pref-prefs&method=index"}, public: []string{"/css/default.css"},
		queries: []string{"op=login", "op=logout", "return=/public.php"}, headers: []string{"User-Agent: (odd)"}, mallory: apps.Mallory,
	}
	attacks["directus"] = attack{
		questions: []tap.Question{tap.JSON("app", "/users/me?fields=email", "/data/email")},
		doors:     []walk.Door{{Path: "/auth/login", JSON: `{"email":%q,"password":%q,"mode":"session"}`}, {Path: "/auth/login/default", JSON: `{"email":%q,"password":%q,"mode":"session"}`}},
		more:      []walk.Door{{Path: "/auth/login", JSON: `{"email":%q,"password":%q,"mode":"json"}`}, {Path: "/auth/login", JSON: `{"email":%q,"password":%q}`}},
		pages:     []string{"/users?fields=email,token,role", "/settings", "/admin/login"}, public: []string{"/server/info", "/auth"}, sockets: []string{"/websocket", "/graphql"},
		mallory: apps.MalloryMail,
	}
	attacks["prometheus"] = attack{
		questions: []tap.Question{byBasic("/-/healthy")},
		doors:     []walk.Door{{Path: "/classic/graph", Basic: true}, {Path: "/api/v1/status/config", Basic: true}},
		pages:     []string{"/classic/graph", "/api/v1/status/config", "/metrics"}, public: []string{"/-/ready"}, mallory: apps.Mallory,
	}
	attacks["node-red"] = attack{
		questions: []tap.Question{tap.JSON("app", "/settings", "/user/username")},
		doors: []walk.Door{
			{Path: "/auth/token", Form: [2]string{"username", "password"}, More: url.Values{"client_id": {"node-red-editor"}, "grant_type": {"password"}, "scope": {""}}},
			{Path: "/auth/token", JSON: `{"client_id":"node-red-editor","grant_type":"password","scope":"","username":%q,"password":%q}`},
		},
		more:  []walk.Door{{Path: "/auth/token/", Form: [2]string{"username", "password"}, More: url.Values{"client_id": {"node-red-admin"}, "grant_type": {"password"}, "scope": {"*"}}}},
		pages: []string{"/settings/user", "/flows", "/"}, public: []string{"/theme", "/auth/login"}, sockets: []string{"/comms"}, mallory: apps.Mallory,
		bearer: func(t testing.TB, answer site.Answer) http.Header {
			t.Helper()
			var body struct {
				Token string `json:"access_token"`
			}
			if err := json.Unmarshal([]byte(answer.Text), &body); err != nil || body.Token == "" {
				t.Fatalf("no token: %d %s", answer.StatusCode, answer.Text)
			}
			return http.Header{"Authorization": {"Bearer " + body.Token}}
		},
		// After five wrong passwords for a name within ten minutes it refuses that name.
		refused: http.StatusForbidden,
		forgive: func(address string) {
			for _, account := range []apps.Account{apps.Alice, apps.Bob, apps.Mallory} {
				once(http.MethodPost, address+"/auth/token", form(), nodeREDForm(account).Encode())
			}
		},
	}
	attacks["pocketbase"] = attack{
		questions: []tap.Question{pocketBaseQuestion()},
		doors: []walk.Door{
			{Path: superusers + "/auth-with-password", JSON: `{"identity":%q,"password":%q}`},
			{Path: superusers + "/auth-with-password", Form: [2]string{"identity", "password"}},
			{Path: "/api/collections/pbc_3142635823/auth-with-password", JSON: `{"identity":%q,"password":%q}`},
		},
		more:  []walk.Door{{Path: "/api/collections/_superusers//auth-with-password", JSON: `{"identity":%q,"password":%q}`}},
		pages: []string{"/api/collections", "/api/settings", "/_/"}, public: []string{superusers + "/auth-methods"}, mallory: apps.MalloryMail,
		bearer: func(t testing.TB, answer site.Answer) http.Header {
			t.Helper()
			return http.Header{"Authorization": {issued(t, answer)}}
		},
	}
	attacks["verdaccio"] = attack{
		questions: []tap.Question{{Realm: "app", Method: "GET", Target: "/-/verdaccio/data/packages?asked", Name: verdaccioName}},
		doors:     []walk.Door{{Path: "/-/verdaccio/sec/login", JSON: `{"username":%q,"password":%q}`}},
		more: []walk.Door{
			{Path: "/harbour", Basic: true}, {Path: "/-/v1/search?text=harbour", Basic: true}, {Path: "/-/user/org.couchdb.user:alice", JSON: `{"name":%q,"password":%q}`},
		},
		pages: []string{"/-/verdaccio/data/packages", "/-/verdaccio/data/sidebar/harbour", "/"}, public: []string{"/-/static/favicon.ico"}, mallory: apps.Mallory,
		bearer: func(t testing.TB, answer site.Answer) http.Header {
			t.Helper()
			return http.Header{"Authorization": {"Bearer " + issued(t, answer)}}
		},
	}
}

var ttRSSName = regexp.MustCompile(`^attachment; filename=tt-rss_(.+)_[0-9]{4}-[0-9]{2}-[0-9]{2}\.opml$`)

// wordPressName returns the name of a user who is signed in to WordPress. The answer does not have it; the cookie does.
func wordPressName(answer *http.Response, body []byte) string {
	if answer.StatusCode != http.StatusOK || string(body) != "1" {
		return ""
	}
	for _, cookie := range answer.Request.Cookies() {
		if strings.HasPrefix(cookie.Name, "wordpress_logged_in_") {
			name, _, _ := strings.Cut(strings.ReplaceAll(cookie.Value, "%7C", "|"), "|")
			return name
		}
	}
	return "somebody"
}

// pocketBaseQuestion is the same question as the preset's: a POST that renews the token.
func pocketBaseQuestion() tap.Question {
	question := tap.JSON("app", superusers+"/auth-refresh", "/record/email")
	question.Method = http.MethodPost
	return question
}

// verdaccioName returns the user of a request's token or password if the app accepts it. The app's answer has no name.
func verdaccioName(answer *http.Response, body []byte) string {
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), verdaccioTide) {
		return ""
	}
	if name, _, ok := answer.Request.BasicAuth(); ok {
		return name
	}
	parts := strings.Split(strings.TrimPrefix(answer.Request.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return "somebody"
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	var who struct{ Name string }
	if err != nil || json.Unmarshal(claims, &who) != nil || who.Name == "" {
		return "somebody"
	}
	return who.Name
}
