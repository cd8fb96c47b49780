package login

import (
	"testing"

	"sallyport/match"
)

// TestP1_Entry: a stranger sees the login page and nothing that could be more than it.
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
	if set.IsEntry(socket, match.ParsePath(socket.URL)) {
		t.Error("a WebSocket is no page")
	}
	for _, test := range []struct {
		method, target, body string
		want                 bool
	}{
		{"GET", "/login", "", true},
		{"HEAD", "/login", "", true},
		{"GET", "/login?next=/a", "", true},
		{"GET", "/login?next=%zz", "", true},
		{"GET", "/admin/x/login", "", true},
		{"GET", "/index.php?title=Special:UserLogin", "", true},
		{"GET", "/index.php?title=Special:UserLogin&returnto=Main+Page", "", true},

		{"POST", "/login", "", false},
		{"get", "/login", "", false},
		{"GET", "/login", "user=bob", false},
		{"GET", "/login?user=bob", "", false},
		{"GET", "/login?USER[]=bob", "", false},
		{"GET", "/login/", "", false},
		{"GET", "//login", "", false},
		{"GET", "/Login", "", false},
		{"GET", "/login;x", "", false},
		{"GET", "/%6cogin", "", false},
		{"GET", "/other", "", false},
		{"GET", "/", "", false},
		{"GET", "/index.php", "", false},
		{"GET", "/index.php?title=Main_Page", "", false},
		{"GET", "/index.php?title=special:userlogin", "", false},
		{"GET", "/index.php?title=Main_Page&title=Special:UserLogin", "", false},
		{"GET", "/index.php?title=Special:UserLogin&Title=Main_Page", "", false},
		{"GET", "/index.php?title=Special:UserLogin;title=Main_Page", "", false},
		{"GET", "/index.php?title=Special:UserLogin&title[]=Main_Page", "", false},
		{"GET", "/index.php?title=Special:UserLogin&a=%zz", "", false},
		{"GET", "/token", "", false},
		{"HEAD", "/token", "", false},
		{"GET", "/api?a=1", "", false},
	} {
		r := request(t, test.method, test.target, "", test.body)
		if got := set.IsEntry(r, match.ParsePath(r.URL)); got != test.want {
			t.Errorf("%s %s %q: %v", test.method, test.target, test.body, got)
		}
	}
}
