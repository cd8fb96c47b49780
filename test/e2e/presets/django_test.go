package presets

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var djangoToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// djangoAdmin renews its session with each login, and greets people by their first name.
var djangoAdmin = app{
	preset: "django-admin", kind: "form", start: apps.StartDjango, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		page := c.Get("/admin/login/?next=/admin/").Wants(t, http.StatusOK, "")
		return c.Post("/admin/login/?next=/admin/", url.Values{
			"csrfmiddlewaretoken": {site.Find(t, djangoToken, page.Text)}, "username": {account.Name}, "password": {account.Password}, "next": {"/admin/"},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Get("/admin/logout/").Wants(t, http.StatusOK, "")
	},
	reads: []read{
		{path: "/admin/", text: "Site administration"},
		{path: "/admin/auth/user/", text: apps.Bob.Email},
		{path: "/admin/password_change/", text: "old_password"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/admin/auth/group/add/").Wants(t, http.StatusOK, "")
		c.Post("/admin/auth/group/add/", url.Values{"csrfmiddlewaretoken": {site.Find(t, djangoToken, page.Text)}, "name": {"Harbour"}}).Wants(t, http.StatusFound, "")
		if got := c.Get("/admin/auth/group/"); !strings.Contains(got.Text, "Harbour") {
			t.Errorf("nothing was written: %d", got.StatusCode)
		}
	},
	spellings: []string{"alice ", " alice", "ALICE", "\uff41lice", "\u00a0alice\u3000"},
	doors: []door{
		{"Basic", "GET", "/admin/", basic(apps.Alice), ""},
		{"a name by a header", "GET", "/admin/", http.Header{"Remote-User": {"alice"}, "Remote_user": {"alice"}}, ""},
		{"login by address", "GET", "/admin/login/?username=alice&password=" + apps.Alice.Password, nil, ""},
		{"password in the address", "POST", "/admin/login/?password=" + apps.Alice.Password, form(), "username=alice"},
		{"login under another address", "POST", "/admin//login/", form(), "username=alice&password=" + apps.Alice.Password},
		{"login by another method", "PUT", "/admin/login/", form(), "username=alice&password=" + apps.Alice.Password},
		{"login on any page", "POST", "/admin/", form(), "username=alice&this_is_the_login_form=1&password=" + apps.Alice.Password},
	},
	sessions: regexp.MustCompile(`^sessionid$`),
}
