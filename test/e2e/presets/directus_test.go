//go:build allapps

package presets

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// directus has a studio that consists of scripts, APIs for REST and GraphQL, and WebSockets.
var directus = app{
	preset: "directus", kind: "script, cookie", start: apps.StartDirectus, owner: apps.AliceMail, guest: apps.BobMail, script: true,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.PostJSON("/auth/login", `{"email":"`+account.Name+`","password":"`+account.Password+`","mode":"session"}`)
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.PostJSON("/auth/logout", `{"mode":"session"}`).Wants(t, http.StatusNoContent, "")
	},
	reads: []read{
		{path: "/users/me?fields=email,last_access,status", text: `"last_access"`},
		{path: "/users?fields=email,token,role", text: `"role"`},
		{path: "/settings", text: "project_name"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.PostJSON("/folders", `{"name":"Tides"}`).Wants(t, http.StatusOK, "")
		if got := c.Get("/folders"); !strings.Contains(got.Text, "Tides") {
			t.Errorf("nothing was written: %s", got.Text)
		}
	},
	spellings: []string{"ALICE@example.com", "Alice@Example.com", "alice@example.com ", " alice@example.com"},
	doors: []door{
		{"login for tokens", "POST", "/auth/login", jsonHeader(), `{"email":"alice@example.com","password":"` + apps.Alice.Password + `","mode":"json"}`},
		{"login for both", "POST", "/auth/login", jsonHeader(), `{"email":"alice@example.com","password":"` + apps.Alice.Password + `","mode":"cookie"}`},
		{"login for nothing that is said", "POST", "/auth/login", jsonHeader(), `{"email":"alice@example.com","password":"` + apps.Alice.Password + `"}`},
		{"login of a provider", "POST", "/auth/login/default", jsonHeader(), `{"email":"alice@example.com","password":"` + apps.Alice.Password + `"}`},
		{"GraphQL", "POST", "/graphql/system", jsonHeader(), `{"query":"mutation{auth_login(email:\"alice@example.com\",password:\"` + apps.Alice.Password + `\",mode:json){access_token}}"}`},
		{"GraphQL, spelt otherwise", "POST", "//graphql//SYSTEM", jsonHeader(), `{"query":"mutation{auth_login(email:\"alice@example.com\",password:\"` + apps.Alice.Password + `\",mode:session){access_token}}"}`},
		{"GraphQL by address", "GET", "/graphql/system?query=%7Busers_me%7Bemail%7D%7D", nil, ""},
		{"a token for a new password", "POST", "/auth/password/request", jsonHeader(), `{"email":"alice@example.com"}`},
		{"a new session", "POST", "/auth/refresh", jsonHeader(), `{"mode":"session"}`},
		{"registration", "POST", "/users/register", jsonHeader(), `{"email":"alice@example.com","password":"x"}`},
		{"a share", "POST", "/shares/auth", jsonHeader(), `{"share":"00000000-0000-0000-0000-000000000000","password":"` + apps.Alice.Password + `"}`},
		{"a WebSocket", "GET", "/websocket", webSocketHeader(), ""},
		{"a WebSocket of GraphQL", "GET", "/graphql", webSocketHeader(), ""},
		{"Basic", "GET", "/users/me", basic(apps.AliceMail), ""},
	},
	sessions: regexp.MustCompile(`^directus_(session|refresh)_token$`),
}

// webSocketHeader asks for a WebSocket.
func webSocketHeader() http.Header {
	return http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
}
