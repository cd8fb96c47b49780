package apps

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// djangoWelcome matches the greeting of the user who is signed in: the first name if the account has one, else the
// account's name. createsuperuser sets no first name.
var djangoWelcome = regexp.MustCompile(`Welcome,\s*<strong>([^<]+)</strong>`)

var djangoToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// djangoSignIn loads the login page and posts its form.
func djangoSignIn(b *browser, name, password string) answer {
	b.t.Helper()
	page := b.get("/admin/login/?next=/admin/")
	token := djangoToken.FindStringSubmatch(page.body)
	if token == nil {
		b.t.Fatalf("no token in the login page, which answered %d", page.status)
	}
	return b.post("/admin/login/?next=/admin/", url.Values{
		"csrfmiddlewaretoken": {token[1]}, "username": {name}, "password": {password}, "next": {"/admin/"},
	})
}

// TestDjango records how Django's admin signs in and out, for the gateway's configuration:
//
//	login /admin/login/, username form username, success status 302
//
// The greeting cannot serve as identity, because it is the first name if the account has one.
func TestDjango(t *testing.T) {
	t.Parallel()
	app := StartDjango(t)

	t.Run("a stranger is sent to the login page", func(t *testing.T) {
		stranger := newBrowser(t, app)
		stranger.get("/admin/").want(t, http.StatusFound, "/admin/login/?next=/admin/")
		stranger.get("/admin/auth/user/").want(t, http.StatusFound, "/admin/login/?next=/admin/auth/user/")
		stranger.get("/admin/login/?next=/admin/").want(t, http.StatusOK, "", "+csrftoken")
		stranger.get("/static/admin/css/base.css").want(t, http.StatusOK, "")
	})

	t.Run("a wrong password answers 200 and renews the token's cookie", func(t *testing.T) {
		b := newBrowser(t, app)
		failed := djangoSignIn(b, Alice.Name, "wrong")
		failed.want(t, http.StatusOK, "", "+csrftoken")
		if !strings.Contains(failed.body, `class="errornote"`) {
			t.Error("no error note")
		}
		b.get("/admin/").want(t, http.StatusFound, "/admin/login/?next=/admin/")
	})

	t.Run("without the token the right password answers 403", func(t *testing.T) {
		newBrowser(t, app).post("/admin/login/?next=/admin/", url.Values{
			"username": {Alice.Name}, "password": {Alice.Password}, "next": {"/admin/"},
		}).want(t, http.StatusForbidden, "")
	})

	t.Run("the right password answers 302 and sets the session's cookie", func(t *testing.T) {
		for _, account := range []Account{Alice, Bob} {
			b := newBrowser(t, app)
			b.get("/admin/login/")
			before := b.cookie("csrftoken")
			signedIn := djangoSignIn(b, account.Name, account.Password)
			signedIn.want(t, http.StatusFound, "/admin/", "+csrftoken", "+sessionid")
			if b.cookie("csrftoken") == before {
				t.Error("the token's cookie has its old value")
			}
			if line := signedIn.header.Values("Set-Cookie")[1]; !strings.Contains(line, "HttpOnly") {
				t.Errorf("the session's cookie is open to scripts: %s", line)
			}

			index := b.get("/admin/")
			index.want(t, http.StatusOK, "")
			if name := djangoWelcome.FindStringSubmatch(index.body); name == nil || name[1] != account.Name {
				t.Errorf("the index greets %q, want %s", name, account.Name)
			}

			// The session's cookie is enough, so the gateway must not let it out.
			thief := newBrowser(t, app)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/admin/", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.AddCookie(&http.Cookie{Name: "sessionid", Value: b.cookie("sessionid")})
			thief.send(request).want(t, http.StatusOK, "")

			b.get("/admin/logout/").want(t, http.StatusOK, "", "-sessionid")
			b.get("/admin/").want(t, http.StatusFound, "/admin/login/?next=/admin/")
		}
	})

	t.Run("signed in already, the login page sends on", func(t *testing.T) {
		b := newBrowser(t, app)
		djangoSignIn(b, Alice.Name, Alice.Password)
		b.get("/admin/login/").want(t, http.StatusFound, "/admin/")
	})

	t.Run("names are cut of spaces but keep their case", func(t *testing.T) {
		b := newBrowser(t, app)
		djangoSignIn(b, " alice ", Alice.Password).want(t, http.StatusFound, "/admin/", "+csrftoken", "+sessionid")
		if name := djangoWelcome.FindStringSubmatch(b.get("/admin/").body); name == nil || name[1] != Alice.Name {
			t.Errorf("the index greets %q, want %s", name, Alice.Name)
		}
		djangoSignIn(newBrowser(t, app), "ALICE", Alice.Password).want(t, http.StatusOK, "", "+csrftoken")
	})

	t.Run("a new password renews the session's cookie and keeps the session", func(t *testing.T) {
		b := newBrowser(t, app)
		djangoSignIn(b, Bob.Name, Bob.Password)
		before := b.cookie("sessionid")
		token := djangoToken.FindStringSubmatch(b.get("/admin/password_change/").body)
		if token == nil {
			t.Fatal("no token in the form")
		}
		b.post("/admin/password_change/", url.Values{
			"csrfmiddlewaretoken": {token[1]}, "old_password": {Bob.Password},
			"new_password1": {"chestnut-anchor-13"}, "new_password2": {"chestnut-anchor-13"},
		}).want(t, http.StatusFound, "/admin/password_change/done/", "+sessionid")
		if b.cookie("sessionid") == before {
			t.Error("the session's cookie has its old value")
		}
		b.get("/admin/").want(t, http.StatusOK, "")
	})

	t.Run("the log has the requests", func(t *testing.T) {
		if !strings.Contains(app.Log(), "GET /admin/auth/user/") {
			t.Error("a request is missing")
		}
	})
}
