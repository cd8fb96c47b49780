//go:build allapps

package presets

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// The ways into the heavy apps.
func init() {
	wordPressForm := func(more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
		return sends("/wp-login.php", "log", "pwd", "wp-submit=Log+In&redirect_to=/wp-admin/"+more)
	}
	raisings["wordpress"] = raising{
		page:  "/wp-login.php",
		first: []entry{{name: "no page", send: wordPressForm("")}, {name: "remembered", send: wordPressForm("&rememberme=forever")}},
		ways: []entry{
			{name: "the login", send: wordPressForm("&testcookie=1")},
			{name: "the login, remembered", send: wordPressForm("&rememberme=forever")},
			{name: "the login anew", refused: true, send: sends("/wp-login.php?reauth=1", "log", "pwd", "reauth=1")},
			{name: "the login within a page", send: sends("/wp-login.php?interim-login=1", "log", "pwd", "interim-login=1")},
			{name: "the login by the account's address", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				return wordPressForm("")(t, c, apps.Account{Name: account.Email, Password: account.Password})
			}},
			{name: "a link with the password in the body", send: sends("/wp-login.php?redirect_to=/wp-admin/&log=alice", "log", "pwd", "")},
		},
	}

	raisings["mediawiki"] = raising{
		page:  "/index.php?title=Special:UserLogin",
		setUp: mediaWikiBot,
		first: []entry{{name: "remembered", send: mediaWikiForm("/index.php/Special:UserLogin", "wpName", "wpPassword", "wpLoginToken", "title=Special:UserLogin&authAction=login&wpRemember=1")}},
		ways: []entry{
			{name: "the login", send: mediaWikiForm("/index.php/Special:UserLogin", "wpName", "wpPassword", "wpLoginToken", "title=Special:UserLogin&authAction=login&force=")},
			{name: "the login, remembered", send: mediaWikiForm("/index.php?title=Special:UserLogin", "wpName", "wpPassword", "wpLoginToken", "authAction=login&wpRemember=1")},
			{name: "api.php, action=login", send: mediaWikiForm("/api.php", "lgname", "lgpassword", "lgtoken", "action=login&format=json")},
			{name: "api.php, action=clientlogin", send: mediaWikiForm("/api.php", "username", "password", "logintoken", "action=clientlogin&format=json&loginreturnurl=http://127.0.0.1/")},
			{name: "api.php, action=clientlogin, remembered", send: mediaWikiForm("/api.php", "username", "password", "logintoken", "action=clientlogin&format=json&rememberMe=1&loginreturnurl=http://127.0.0.1/")},
			{name: "making an account", refused: true, as: apps.Account{Name: "Newcomer", Password: "granite-ferry-31"}, send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				got := c.Get("/api.php?action=query&meta=tokens&type=createaccount&format=json&formatversion=2").Wants(t, http.StatusOK, "")
				token := strings.ReplaceAll(site.Find(t, regexp.MustCompile(`"createaccounttoken":"([^"]+)"`), got.Text), `\\`, `\`)
				return sends("/api.php", "username", "password", url.Values{
					"action": {"createaccount"}, "format": {"json"}, "retype": {account.Password}, "createreturnurl": {"http://127.0.0.1/"}, "createtoken": {token},
				}.Encode())(t, c, account)
			}},
			{name: "a bot password", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				return mediaWikiForm("/api.php", "lgname", "lgpassword", "lgtoken", "action=login&format=json")(t, c, apps.Account{Name: account.Name + "@bot", Password: botPassword})
			}},
		},
	}

	phpMyAdminIn := func(path, field, more string, header http.Header) func(testing.TB, *site.Client, apps.Account) site.Answer {
		return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
			t.Helper()
			page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
			values := url.Values{
				"token": {site.Find(t, phpMyAdminScript, page.Text)}, "server": {"1"}, "route": {"/"},
				field: {account.Name}, "pma_password": {account.Password},
			}
			with := form()
			for name, list := range header {
				with[name] = list
			}
			return c.Do("POST", path, with, values.Encode()+more)
		}
	}
	raisings["phpmyadmin"] = raising{
		page: "/",
		ways: []entry{
			{name: "the login", send: phpMyAdminIn("/index.php?route=/", "pma_username", "", nil)},
			{name: "the login at the root", send: phpMyAdminIn("/", "pma_username", "", nil)},
			{name: "the login below the program", send: phpMyAdminIn("/index.php/x?route=/", "pma_username", "", nil)},
			{name: "the login for a script", send: phpMyAdminIn("/index.php?route=/&session_timedout=1&ajax_request=1", "pma_username", "&ajax_request=1", nil)},
			{name: "the login by another spelling of its field", send: phpMyAdminIn("/index.php?route=/", "pma.username", "", nil)},
			{name: "the login by a link", refused: true, send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
				return links("/index.php?route=/&server=1&token="+url.QueryEscape(site.Find(t, phpMyAdminScript, page.Text)), "pma_username", "pma_password")(t, c, account)
			}},
			// With this header phpMyAdmin has another session besides the first, with cookies of other names.
			{name: "the login in the session for https", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				https := form()
				https.Set("Scheme", "https")
				page := c.Do("GET", "/", https.Clone(), "").Wants(t, http.StatusOK, "")
				return c.Do("POST", "/index.php?route=/", https, url.Values{
					"token": {html.UnescapeString(site.Find(t, phpMyAdminToken, page.Text))}, "set_session": {site.Find(t, phpMyAdminSession, page.Text)},
					"server": {"1"}, "route": {"/"}, "pma_username": {account.Name}, "pma_password": {account.Password},
				}.Encode())
			}},
		},
		headers: []http.Header{{"Scheme": {"https"}}},
	}

	raisings["icingaweb2"] = raising{
		page: "/authentication/login",
		first: []entry{{name: "remembered", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
			c.Get("/authentication/login")
			token := site.Find(t, icingaToken, c.Get("/authentication/login").Text)
			return sends("/authentication/login", "username", "password",
				url.Values{"rememberme": {"1"}, "formUID": {"form_login"}, "CSRFToken": {token}, "redirect": {""}, "btn_submit": {"Login"}}.Encode())(t, c, account)
		}}},
		ways: []entry{{name: "the login", refused: true, send: func(t testing.TB, c *site.Client, _ apps.Account) site.Answer {
			door := icingaLogin("", "/authentication/login", "")(t, c)
			return c.Do(door.method, door.path, door.header, door.body)
		}}},
	}

	raisings["parse-dashboard"] = raising{
		page: "/login",
		ways: []entry{{name: "the login", send: parseIn("/login", "")}, {name: "the login with a slash", send: parseIn("/login/", "")}},
	}

	ttRSSForm := func(path, more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
		return sends(path, "login", "password", more)
	}
	ttRSSInterface := func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		return c.PostJSON("/api/", fmt.Sprintf(`{"op":"login","user":%q,"password":%q}`, account.Name, account.Password))
	}
	raisings["tt-rss"] = raising{
		page: "/",
		first: []entry{
			{name: "no page", send: ttRSSForm("/public.php", "op=login")},
			{name: "remembered", send: ttRSSForm("/public.php", "op=login&remember_me=on")},
		},
		ways: []entry{
			{name: "the login", send: ttRSSForm("/public.php", "op=login")},
			{name: "the login, remembered", send: ttRSSForm("/public.php", "op=login&remember_me=on&bw_limit=on&safe_mode=on&profile=0")},
			{name: "its operation in the address", send: ttRSSForm("/public.php?op=login", "")},
			{name: "a link", refused: true, send: links("/public.php?op=login", "login", "password")},
			{name: "the interface for programs", refused: true, send: ttRSSInterface},
			{name: "profiles", refused: true, send: ttRSSForm("/public.php", "op=getProfiles")},
			{name: "sharing from outside", refused: true, send: ttRSSForm("/public.php?op=sharepopup", "op=sharepopup")},
		},
	}

	directusIn := func(path, more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
		return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
			t.Helper()
			return c.PostJSON(path, fmt.Sprintf(`{"email":%q,"password":%q%s}`, account.Name, account.Password, more))
		}
	}
	raisings["directus"] = raising{
		page: "/admin/login",
		ways: []entry{
			{name: "the login", send: directusIn("/auth/login", `,"mode":"session"`)},
			{name: "the login for a token", refused: true, send: directusIn("/auth/login", `,"mode":"json"`)},
			{name: "the login for a token and a cookie", refused: true, send: directusIn("/auth/login", `,"mode":"cookie"`)},
			// Within a session, the session is renewed.
			{name: "a token of hers, renewed", refused: true, send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				token := site.Find(t, regexp.MustCompile(`"refresh_token":"([^"]+)"`), directusIn("/auth/login", `,"mode":"json"`)(t, c, account).Text)
				return c.PostJSON("/auth/refresh", fmt.Sprintf(`{"refresh_token":%q,"mode":"session"}`, token))
			}},
			{name: "GraphQL", send: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
				return c.PostJSON("/graphql/system", fmt.Sprintf(`{"query":"mutation{auth_login(email:\"%s\",password:\"%s\",mode:session){access_token}}"}`, account.Name, account.Password))
			}},
		},
	}
}

// parseIn sends the form within a session, with that session's form token.
func parseIn(path, more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		page := c.Get("/apps").Wants(t, http.StatusOK, "")
		return sends(path, "username", "password", "_csrf="+url.QueryEscape(site.Find(t, parseToken, page.Text))+more)(t, c, account)
	}
}

// mediaWikiForm sends a name and a password with the session's token for logins.
func mediaWikiForm(path, name, password, token, more string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		var value string
		if page := c.Get("/index.php?title=Special:UserLogin"); mediaWikiToken.MatchString(page.Text) {
			value = html.UnescapeString(site.Find(t, mediaWikiToken, page.Text))
		} else {
			got := c.Get("/api.php?action=query&meta=tokens&type=login&format=json&formatversion=2").Wants(t, http.StatusOK, "")
			value = strings.ReplaceAll(site.Find(t, regexp.MustCompile(`"logintoken":"([^"]+)"`), got.Text), `\\`, `\`)
		}
		return sends(path, name, password, token+"="+url.QueryEscape(value)+"&"+more)(t, c, account)
	}
}

// botPassword is a password with which programs may use the owner's account.
const botPassword = "abcdefghijklmnopqrstuvw012345678"

func mediaWikiBot(t testing.TB, running *apps.App) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "php", "maintenance/createBotPassword.php", "--appid", "bot", "--grants", "basic", apps.AliceTitled.Name, botPassword)
	command.Dir = running.Folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}
