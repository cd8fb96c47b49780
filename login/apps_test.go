package login

import (
	"net/http"
	"regexp"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// app is one of the measured apps: how its login is configured, and the requests and answers that were measured.
type app struct {
	name     string
	block    Block
	identity *Identity
	requests []appRequest
	answers  []appAnswer
}

type appRequest struct {
	method, target, contentType, body string
	want                              string
}

type appAnswer struct {
	what     string
	status   int
	location string
	cookies  []string
	header   http.Header
	body     string
	want     Outcome
}

const gone = "=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/; HttpOnly"

func apps(t testing.TB) []app {
	line := func(lines ...string) [][]Rule { return rules(t, lines...) }
	return []app{
		{
			name:  "WordPress",
			block: Block{Paths: match.NewGlobs("/wp-login.php"), Username: Source{Form, "log"}, Success: line("cookie|wordpress_logged_in_*")},
			requests: []appRequest{
				{"POST", "/wp-login.php", mediaForm, "log=admin&pwd=Passw0rd%21wp&wp-submit=Log+In&redirect_to=http%3A%2F%2F127.0.0.1%2Fwp-admin%2F&testcookie=1", "login admin"},
				{"POST", "/wp-login.php?interim-login=1", mediaForm, "log=+BOB+&pwd=x%26y&rememberme=forever", "login bob"},
				{"GET", "/wp-login.php", "", "", "page"},
				{"GET", "/wp-login.php?log=admin&pwd=x", "", "", "refused 400"},
				{"POST", "/wp-comments-post.php", mediaForm, "author=x&comment=log", "no login"},
			},
			answers: []appAnswer{
				{
					"right", 302, "http://127.0.0.1:8080/wp-admin/",
					[]string{
						"wordpress_test_cookie=WP%20Cookie%20check; path=/",
						"wordpress_5c0=admin%7C1; path=/wp-content/plugins; HttpOnly", "wordpress_5c0=admin%7C1; path=/wp-admin; HttpOnly",
						"wordpress_logged_in_5c0=admin%7C17; path=/; HttpOnly",
					},
					nil, "", Succeeded,
				},
				{"right, interim", 200, "", []string{"wordpress_logged_in_5c0=admin%7C17; path=/; HttpOnly"}, nil, `<body class="login interim-login-success">`, Succeeded},
				{"wrong", 200, "", []string{"wordpress_test_cookie=WP%20Cookie%20check; path=/"}, nil, `<div id="login_error">`, Failed},
				{"logged out", 302, "/wp-login.php?loggedout=true", []string{"wordpress_logged_in_5c0=%20; expires=Mon, 24 Nov 2025 00:00:00 GMT; Max-Age=0; path=/"}, nil, "", Failed},
			},
		},
		{
			name: "DokuWiki",
			block: Block{
				Paths: match.NewGlobs("/*"), Methods: []string{"GET", "POST"}, When: []Condition{{Form, "u", "*"}}, Username: Source{Form, "u"},
				Success: line("cookie|DW*"), Failure: line("status|403"),
			},
			requests: []appRequest{
				{"POST", "/doku.php?id=start", mediaForm, "sectok=&id=start&do=login&u=admin&p=dokupass1&r=1", "login admin"},
				{"POST", "/doku.php?id=other", mediaForm, "u=+Admin&p=dokupass1", "login admin"},
				{"POST", "/doku.php?id=start", mediaForm, "sectok=1&id=start&do=save&wikitext=Hello%0Aworld", "no login"},
				{"GET", "/doku.php?id=start", "", "", "no login"},
				// This block does not take a login by the query, which must not slip through as a page.
				{"GET", "/doku.php?id=start&u=admin&p=dokupass1", "", "", "refused 400"},
				{"POST", "/doku.php?id=start&u=admin&p=x", mediaForm, "do=show", "refused 400"},
				{"POST", "/lib/exe/xmlrpc.php", "text/xml", "<methodCall/>", "unexamined 400"},
			},
			answers: []appAnswer{
				{"right", 302, "/doku.php?id=start", []string{"DW0123=YWRtaW4%3D%7C0%7Cx; path=/; HttpOnly"}, nil, "", Succeeded},
				{"wrong", 403, "", []string{"DW0123" + gone}, nil, `<div class="error">`, Failed},
				{"right, then taken back in the same answer", 302, "/", []string{"DW0123=YWRtaW4; path=/; HttpOnly", "DW0123" + gone}, nil, "", Failed},
				{"taken back, then set", 302, "/", []string{"DW0123" + gone, "DW0123=YWRtaW4; path=/; HttpOnly"}, nil, "", Succeeded},
			},
		},
		{
			name: "phpMyAdmin",
			block: Block{
				Paths: match.NewGlobs("/", "/index.php"), When: []Condition{{Form, "pma_username", "*"}}, Username: Source{Form, "pma_username"},
				Success: line("status|302", "cookie|pmaAuth-*"),
			},
			requests: []appRequest{
				{"POST", "/index.php?route=/", mediaForm, "route=%2F&lang=en&token=ab&set_session=x&pma_username=pma&pma_password=pmapw&server=1", "login pma"},
				{"POST", "/index.php?route=/sql", mediaForm, "db=a&sql_query=SELECT+1&token=ab", "no login"},
			},
			answers: []appAnswer{
				{"right", 302, "index.php?route=/&lang=en", []string{"phpMyAdmin=b; path=/; HttpOnly", "pmaUser-1=x; path=/; HttpOnly; SameSite=Strict", "pmaAuth-1=y; path=/; HttpOnly; SameSite=Strict"}, nil, "", Succeeded},
				{"wrong", 200, "", []string{"phpMyAdmin=c; path=/; HttpOnly", "pmaAuth-1" + gone}, nil, `<div id="pma_errors">`, Failed},
			},
		},
		{
			name: "Adminer",
			block: Block{
				Paths: match.NewGlobs("*"), When: []Condition{{Form, "auth[username]", "*"}}, Username: Source{Form, "auth[username]"},
			},
			identity: &Identity{Path: "/", Kind: Body, Pattern: mustPattern(`Logged as: <b>([^<]*)</b>`)},
			requests: []appRequest{
				{"POST", "/", mediaForm, "auth%5Bdriver%5D=server&auth%5Bserver%5D=&auth%5Busername%5D=adm&auth%5Bpassword%5D=admpw&auth%5Bdb%5D=", "login adm"},
				{"POST", "/any/where", mediaForm, "auth[driver]=server&auth[username]=adm&auth[password]=admpw", "login adm"},
				{"POST", "/?server=&username=adm&sql=", mediaForm, "query=select+1&token=1%3A2", "no login"},
				{"POST", "/", mediaForm, "auth[username]=adm&auth[username][]=root", "refused 400"},
				{"POST", "/", mediaForm, "auth[username]=adm&auth=root", "refused 400"},
			},
			// Byte for byte the same, right or wrong.
			answers: []appAnswer{{"right or wrong", 302, "/?server=&username=adm", []string{"adminer_sid=b; path=/; HttpOnly"}, nil, "", AskIdentity}},
		},
		{
			name: "MediaWiki",
			block: Block{
				Paths: match.NewGlobs("/index.php"), When: []Condition{{Query, "title", "Special:UserLogin"}}, Username: Source{Form, "wpName"},
				Success: line("status|302", "cookie|*UserID"),
			},
			requests: []appRequest{
				{"POST", "/index.php?title=Special:UserLogin", mediaForm, "wpName=Admin&wpPassword=Wikipassw0rd&wpLoginToken=a%2B%5C&authAction=login&title=Special%3AUserLogin", "login admin"},
				{"POST", "/index.php?title=Special:UserLogin", mediaForm, "wpName=_Admin&wpPassword=x", "login _admin"},
				{"POST", "/index.php?title=Main_Page&action=submit", mediaForm, "wpTextbox1=x", "no login"},
				{"POST", "/index.php?title=special:userlogin", mediaForm, "wpName=Admin", "refused 400"},
				{"POST", "/index.php?title=Main_Page&title=Special:UserLogin", mediaForm, "wpName=Admin", "refused 400"},
			},
			answers: []appAnswer{
				{"right", 302, "http://wiki.example/index.php/Main_Page", []string{"my_wiki_session=b; path=/; HttpOnly", "my_wikiUserID=1; path=/; HttpOnly", "my_wikiUserName=Admin; path=/; HttpOnly"}, nil, "", Succeeded},
				{"wrong", 200, "", nil, nil, `<div class="mw-message-box-error">`, Failed},
				{"no token", 200, "", []string{"my_wiki_session=c; path=/; HttpOnly"}, nil, `<div class="mw-message-box-error">`, Failed},
			},
		},
		{
			name:  "Django admin",
			block: Block{Paths: match.NewGlobs("/admin/login/"), Username: Source{Form, "username"}, Success: line("cookie|sessionid")},
			requests: []appRequest{
				{"POST", "/admin/login/?next=/admin/", mediaForm, "csrfmiddlewaretoken=abc&username=admin+&password=djangopw1&next=%2Fadmin%2F", "login admin"},
				{"POST", "/admin/login", mediaForm, "username=admin&password=x", "refused 400"},
				{"POST", "/admin/auth/user/add/", mediaForm, "username=new", "no login"},
			},
			answers: []appAnswer{
				{"right", 302, "/admin/", []string{"csrftoken=b; Path=/; SameSite=Lax", "sessionid=x; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax"}, nil, "", Succeeded},
				{"wrong", 200, "", []string{"csrftoken=a; Path=/"}, nil, `<p class="errornote">`, Failed},
				{"no csrf token", 403, "", nil, nil, "", Failed},
			},
		},
		{
			name:     "ZNC",
			block:    Block{Paths: match.NewGlobs("/login"), Username: Source{Form, "user"}},
			identity: &Identity{Path: "/", Kind: Body, Pattern: mustPattern(`Logged in as: ([^ <]+)`)},
			requests: []appRequest{{"POST", "/login", mediaForm, "submitted=1&user=admin&pass=zncpw1", "login admin"}},
			answers: []appAnswer{
				{"right or wrong", 302, "/?cookie_check=true", nil, nil, "", AskIdentity},
				{"no cookie", 403, "", nil, nil, "", Failed},
			},
		},
		{
			name:     "Parse Dashboard",
			block:    Block{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Success: line("location|/apps|/apps/*"), Failure: line("location|/login*")},
			requests: []appRequest{{"POST", "/login", mediaForm, "_csrf=abc&username=dash&password=dashpw1", "login dash"}},
			answers: []appAnswer{
				{"right", 302, "/apps", []string{"parse_dash=b; path=/; httponly"}, nil, "", Succeeded},
				{"wrong", 302, "/login", nil, nil, "", Failed},
			},
		},
		{
			name:     "Icinga Web",
			block:    Block{Paths: match.NewGlobs("/authentication/login"), Username: Source{Form, "username"}, Success: line("cookie|icingaweb2-session")},
			requests: []appRequest{{"POST", "/authentication/login", mediaForm + "; charset=UTF-8", "username=ICADMIN&password=icingapw1&formUID=form_login&CSRFToken=1%7C2", "login icadmin"}},
			answers: []appAnswer{
				{"right", 302, "/dashboard", []string{"Icingaweb2=b; path=/; HttpOnly", "icingaweb2-session=17; path=/; HttpOnly"}, nil, "", Succeeded},
				{"right, by script", 200, "", []string{"Icingaweb2=b; path=/; HttpOnly", "icingaweb2-session=17; path=/"}, http.Header{"X-Icinga-Redirect": {"%2Fdashboard"}}, "", Succeeded},
				{"wrong", 200, "", nil, nil, `<ul class="errors">`, Failed},
				{"no cookies", 302, "/authentication/login?_checkCookie=1", []string{"_chc=1; path=/"}, nil, "", Failed},
			},
		},
		{
			name:     "tt-rss",
			block:    Block{Paths: match.NewGlobs("/public.php"), When: []Condition{{Form, "op", "login"}}, Username: Source{Form, "login"}},
			identity: &Identity{Path: "/prefs.php", Kind: Body, Pattern: mustPattern(`data-login="([^"]+)"`)},
			requests: []appRequest{
				{"POST", "/public.php?return=%2F", mediaForm, "op=login&login=admin&password=password", "login admin"},
				{"POST", "/public.php", mediaForm, "op=rss&id=1", "no login"},
				// PHP runs a method in any case.
				{"POST", "/public.php", mediaForm, "op=LOGIN&login=admin&password=password", "refused 400"},
				{"POST", "/public.php?op=login", mediaForm, "login=admin&password=password", "refused 400"},
			},
			answers: []appAnswer{{"right or wrong", 302, "/", []string{"ttrss_sid=x; path=/; HttpOnly"}, nil, "", AskIdentity}},
		},
		{
			name:     "qBittorrent",
			block:    Block{Paths: match.NewGlobs("/api/v2/auth/login"), Username: Source{Form, "username"}, Success: line("body|Ok."), Failure: line("body|Fails.")},
			requests: []appRequest{{"POST", "/api/v2/auth/login", mediaForm + "; charset=UTF-8", "username=admin&password=adminadmin", "login admin"}},
			answers: []appAnswer{
				{"right", 200, "", []string{"SID=abc; HttpOnly; path=/; SameSite=Strict"}, nil, "Ok.", Succeeded},
				{"wrong", 200, "", nil, nil, "Fails.", Failed},
			},
		},
		{
			name:  "Directus",
			block: Block{Paths: match.NewGlobs("/auth/login"), Username: Source{JSON, "/email"}, Success: line("status|200", "json|/data/expires")},
			requests: []appRequest{
				{"POST", "/auth/login", "application/json", `{"email":"Admin@example.com","password":"directuspw1","mode":"session"}`, "login admin@example.com"},
				{"POST", "/auth/refresh", "application/json", `{"mode":"session"}`, "no login"},
			},
			answers: []appAnswer{
				{"right", 200, "", []string{"directus_session_token=ey; Path=/; HttpOnly"}, nil, `{"data":{"expires":86400000}}`, Succeeded},
				{"wrong", 401, "", nil, nil, `{"errors":[{"message":"Invalid user credentials.","extensions":{"code":"INVALID_CREDENTIALS"}}]}`, Failed},
			},
		},
		{
			name:  "Node-RED",
			block: Block{Paths: match.NewGlobs("/auth/token"), When: []Condition{{Form, "grant_type", "password"}}, Username: Source{Form, "username"}, Success: line("json|/access_token")},
			requests: []appRequest{
				{"POST", "/auth/token", mediaForm + "; charset=UTF-8", "client_id=node-red-editor&grant_type=password&scope=&username=admin&password=noderedpw1", "login admin"},
				// Express reads JSON in the same place.
				{"POST", "/auth/token", "application/json", `{"grant_type":"password","username":"admin"}`, "refused 400"},
			},
			answers: []appAnswer{
				{"right", 200, "", nil, nil, `{"access_token":"x","expires_in":604800,"token_type":"Bearer"}`, Succeeded},
				{"wrong", 403, "", nil, nil, `{"error":"invalid_grant"}`, Failed},
			},
		},
		{
			name:     "Verdaccio",
			block:    Block{Paths: match.NewGlobs("/-/verdaccio/sec/login"), Username: Source{JSON, "/username"}, Success: line("json|/token")},
			requests: []appRequest{{"POST", "/-/verdaccio/sec/login", "application/json", `{"username":"u1","password":"verdpw1"}`, "login u1"}},
			answers: []appAnswer{
				{"right", 200, "", nil, nil, `{"username":"u1","token":"ey"}`, Succeeded},
				{"wrong", 401, "", nil, nil, `{"error":"bad username/password, access denied"}`, Failed},
			},
		},
		{
			name:  "PocketBase",
			block: Block{Paths: match.NewGlobs("/api/collections/*/auth-with-password"), Username: Source{JSON, "/identity"}, Success: line("json|/token")},
			requests: []appRequest{
				{"POST", "/api/collections/users/auth-with-password", "application/json", `{"identity":"admin@example.com","password":"pocketpw12"}`, "login admin@example.com"},
				{"POST", "/api/collections/_superusers/auth-with-password?expand=", "application/json", `{"identity":"a","password":"b"}`, "login a"},
				{"POST", "/api/collections/users/auth-with-password", mediaForm, "identity=a&password=b", "refused 400"},
				{"POST", "/api/collections/users/records", "application/json", `{"identity":"a"}`, "no login"},
			},
			answers: []appAnswer{
				{"right", 200, "", nil, nil, `{"record":{"id":"1"},"token":"ey"}`, Succeeded},
				{"wrong", 400, "", nil, nil, `{"data":{},"message":"Failed to authenticate.","status":400}`, Failed},
			},
		},
		{
			name:     "shared password",
			block:    Block{Paths: match.NewGlobs("/login"), Username: Source{Kind: None}, Success: line("status|303"), Failure: line("location|/login*")},
			requests: []appRequest{{"POST", "/login", mediaForm, "password=x", "login -"}, {"POST", "/login", "text/plain", "x", "login -"}},
			answers: []appAnswer{
				{"right", 303, "/", nil, nil, "", Succeeded},
				{"wrong", 303, "/login?error", nil, nil, "", Failed},
			},
		},
		{
			name:     "status named in a success line",
			block:    Block{Paths: match.NewGlobs("/rpc"), Username: Source{Kind: None}, Success: line("status|200|409", "header|X-Transmission-Session-Id")},
			requests: []appRequest{{"POST", "/rpc", "application/json", `{"method":"session-get"}`, "login -"}},
			answers: []appAnswer{
				{"right", 409, "", nil, http.Header{"X-Transmission-Session-Id": {"x"}}, "", Succeeded},
				{"wrong", 401, "", nil, nil, "", Failed},
			},
		},
	}
}

// TestApps: the requests and answers of the apps that were measured.
func TestApps(t *testing.T) {
	for _, a := range apps(t) {
		set := &Set{Blocks: []Block{a.block}}
		if a.identity != nil {
			set.Identities = []Identity{*a.identity}
		}
		validated(t, set)
		for _, r := range a.requests {
			req := request(t, r.method, r.target, r.contentType, r.body)
			if got := outcome(recognise(t, set, req, r.body)); got != r.want {
				t.Errorf("%s: %s %s %q: %s, want %s", a.name, r.method, r.target, r.body, got, r.want)
			}
		}
		path := match.Path{Text: string(a.block.Paths[0]), Canonical: true}
		for _, answer := range a.answers {
			header := answer.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			if answer.location != "" {
				header.Set("Location", answer.location)
			}
			got := set.Judge(&set.Blocks[0], Answer{Status: answer.status, Header: header, Body: []byte(answer.body), SetCookies: answer.cookies}, path)
			if got != answer.want {
				t.Errorf("%s, %s: %v, want %v", a.name, answer.what, got, answer.want)
			}
		}
	}
}

func mustPattern(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// TestIdentityOfApps: who-am-I answers of the apps that were measured.
func TestIdentityOfApps(t *testing.T) {
	for _, test := range []struct {
		what     string
		identity Identity
		answer   Answer
		name     string
		verdict  Verdict
	}{
		{"Directus", Identity{Kind: JSON, Pointer: "/data/email"}, Answer{Status: 200, Body: []byte(`{"data":{"email":"admin@example.com"}}`)}, "admin@example.com", Known},
		{"Directus, stranger", Identity{Kind: JSON, Pointer: "/data/email"}, Answer{Status: 401, Body: []byte(`{"errors":[]}`)}, "", NotSignedIn},
		{"MediaWiki", Identity{Kind: JSON, Pointer: "/query/userinfo/id"}, Answer{Status: 200, Body: []byte(`{"query":{"userinfo":{"id":1,"name":"Admin"}}}`)}, "1", Known},
		{"MediaWiki, stranger", Identity{Kind: JSON, Pointer: "/query/userinfo/id"}, Answer{Status: 200, Body: []byte(`{"query":{"userinfo":{"id":0,"name":"127.0.0.1","anon":""}}}`)}, "", NotSignedIn},
		{"Parse Dashboard", Identity{Kind: Header, Header: "username"}, Answer{Status: 200, Header: http.Header{"Username": {"dash"}}}, "dash", Known},
		{"Parse Dashboard, stranger", Identity{Kind: Header, Header: "username"}, Answer{Status: 302, Header: http.Header{"Location": {"/login"}}}, "", NotSignedIn},
		{"Adminer", Identity{Kind: Body, Pattern: mustPattern(`Logged as: <b>([^<]*)</b>`)}, Answer{Status: 200, Body: []byte(`<p>Logged as: <b>adm@localhost</b>`)}, "adm@localhost", Known},
		{"Adminer, stranger", Identity{Kind: Body, Pattern: mustPattern(`Logged as: <b>([^<]*)</b>`)}, Answer{Status: 403, Body: []byte(`<form>`)}, "", NotSignedIn},
		{"tt-rss, stranger: both 200", Identity{Kind: Body, Pattern: mustPattern(`data-login="([^"]+)"`)}, Answer{Status: 200, Body: []byte(`<form>`)}, "", NotSignedIn},
	} {
		name, verdict := test.identity.Read(test.answer)
		if name != test.name || verdict != test.verdict {
			t.Errorf("%s: %q, %v; want %q, %v", test.what, name, verdict, test.name, test.verdict)
		}
	}
}
