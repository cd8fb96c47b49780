package login

import (
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestP1_Entry: a stranger sees the login page and nothing that could be more than that.
func TestP1_Entry(t *testing.T) {
	set := validated(t, &Set{
		Blocks: []Block{
			{Paths: match.NewGlobs("/login", "/admin/*/login"), Username: Source{Form, "user"}},
			{Paths: match.NewGlobs("/index.php"), When: []Condition{{Query, "title", "Special:UserLogin"}}, Username: Source{Form, "wpName"}},
			{Paths: match.NewGlobs("*"), When: []Condition{{Form, "u", "*"}}, Username: Source{Form, "u"}},
			{Paths: match.NewGlobs("/token"), Methods: []string{"GET"}, Username: Source{Query, "name"}},
			{Paths: match.NewGlobs("/api"), When: []Condition{{Query, "a", "1"}, {JSON, "/op", "login"}}, Username: Source{JSON, "/u"}},
		},
		Identities: []Identity{{Path: "/me", Kind: Header, Header: "X-User"}},
	})
	socket := request(t, "GET", "/login", "", "", "Upgrade: websocket", "Connection: Upgrade")
	if got := outcome(recognise(t, set, socket, "")); got != "refused 405" {
		t.Errorf("a WebSocket is no page, but %s", got)
	}
	for _, test := range []struct {
		method, target, body string
		want                 string
	}{
		{"GET", "/login", "", "page"},
		{"HEAD", "/login", "", "page"},
		{"GET", "/login?next=/a", "", "page"},
		{"GET", "/login?next=%zz", "", "page"},
		{"GET", "/admin/x/login", "", "page"},
		{"GET", "/index.php?title=Special:UserLogin", "", "page"},
		{"GET", "/index.php?title=Special:UserLogin&returnto=Main+Page", "", "page"},

		{"POST", "/login", "", "refused 400"},
		{"get", "/login", "", "refused 405"},
		{"GET", "/login", "user=bob", "refused 405"},
		{"GET", "/login?user=bob", "", "refused 400"},
		{"GET", "/login?USER[]=bob", "", "refused 400"},
		{"GET", "/login/", "", "no login"},
		{"GET", "//login", "", "no login"},
		{"GET", "/Login", "", "no login"},
		{"GET", "/login;x", "", "no login"},
		{"GET", "/%6cogin", "", "no login"},
		{"GET", "/other", "", "no login"},
		{"GET", "/", "", "no login"},
		{"GET", "/index.php", "", "no login"},
		{"GET", "/index.php?title=Main_Page", "", "no login"},
		{"GET", "/index.php?title=special:userlogin", "", "no login"},
		{"GET", "/index.php?title=Main_Page&title=Special:UserLogin", "", "no login"},
		{"GET", "/index.php?title=Special:UserLogin&Title=Main_Page", "", "no login"},
		{"GET", "/index.php?title=Special:UserLogin;title=Main_Page", "", "no login"},
		{"GET", "/index.php?title=Special:UserLogin&title[]=Main_Page", "", "no login"},
		{"GET", "/index.php?title=Special:UserLogin&a=%zz", "", "no login"},
		{"GET", "/token", "", "refused 400"},
		{"HEAD", "/token", "", "refused 400"},
		{"GET", "/api?a=1", "", "no login"},
	} {
		r := request(t, test.method, test.target, "", test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %s %q: %s, want %s", test.method, test.target, test.body, got, test.want)
		}
	}
}
