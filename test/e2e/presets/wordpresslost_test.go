//go:build allapps

package presets

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var (
	wordPressLink   = regexp.MustCompile(`http://[^/\s]+(/wp-login\.php\?action=rp\S+)`)
	wordPressKey    = regexp.MustCompile(`name="rp_key" value="([^"]+)"`)
	wordPressAction = regexp.MustCompile(`<form name="(?:lostpassword|resetpass|register)form"[^>]* action="http://[^/"]+([^"]+)"`)
)

// wordPressMail makes WordPress write its mail into a file, let people register, and add a post with a password of its
// own.
const wordPressMail = `<?php
function wp_mail($to, $subject, $message) { return (bool) file_put_contents(ABSPATH . 'mail.txt', $message); }
add_filter('pre_option_users_can_register', fn() => '1');
add_action('init', function () {
	if (!get_posts(['post_type' => 'any', 'name' => 'berths', 'post_status' => 'publish'])) {
		wp_insert_post(['post_name' => 'berths', 'post_title' => 'Berths', 'post_content' => 'Berth nine is free.', 'post_status' => 'publish', 'post_password' => 'knot-31']);
	}
});
`

// mailed waits for WordPress' mail, and returns the link in it for setting a password.
func mailed(t testing.TB, running *apps.App) string {
	t.Helper()
	file := filepath.Join(running.Folder, "mail.txt")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && wordPressLink.Match(text) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			return site.Find(t, wordPressLink, string(text))
		}
		if time.Now().After(deadline) {
			t.Fatal("no mail with a link was written")
		}
	}
}

// setByLink sets a password with a mailed link and WordPress' own form.
func setByLink(t testing.TB, c *site.Client, link, password string) site.Answer {
	t.Helper()
	for _, cookie := range c.Get(link).Wants(t, http.StatusFound, "").Cookies() {
		c.SetCookie(cookie.Name, cookie.Value) // for all paths
	}
	page := c.Get("/wp-login.php?action=rp").Wants(t, http.StatusOK, "")
	return c.Post(site.Find(t, wordPressAction, page.Text), url.Values{
		"pass1": {password}, "pass2": {password}, "rp_key": {html.UnescapeString(site.Find(t, wordPressKey, page.Text))}, "wp-submit": {"Save Password"},
	})
}

// TestWordPressLostPassword: for people who are not signed in and have no password, WordPress has forms whose purpose
// is in the query of their addresses. All of them work for strangers, and none signs anybody in: after setting a new
// password a user has to sign in with it, and is asked for the factor.
func TestWordPressLostPassword(t *testing.T) {
	t.Parallel()
	running := apps.StartWordPress(t)
	lay(t, running, "wp-content/mu-plugins/mail.php", wordPressMail)
	blog := wordPress
	blog.more = "\t\tpublic /?*\n"
	p, direct := blog.behind(t, running)
	p.enrolOwner(t)

	for _, test := range []struct {
		name string
		at   *site.Site
		more string
	}{{"app", direct, "1"}, {"gateway", p.Site, "2"}} {
		t.Run(test.name, func(t *testing.T) {
			c := test.at.Client(t)
			page := c.Get("/wp-login.php?action=lostpassword").Wants(t, http.StatusOK, "")
			for _, action := range []string{site.Find(t, wordPressAction, page.Text), "/wp-login.php?action=retrievepassword"} {
				got := c.Post(action, url.Values{"user_login": {"alice"}, "redirect_to": {""}, "wp-submit": {"Get New Password"}})
				got.Wants(t, http.StatusFound, "")
				if !strings.HasSuffix(got.Location(), "wp-login.php?checkemail=confirm") {
					t.Errorf("%s leads to %s", action, got.Location())
				}
				link, password := mailed(t, running), "gannet-anchor-"+test.more+action[len(action)-3:]
				if got := setByLink(t, c, link, password); !strings.Contains(got.Text, "Your password has been reset.") {
					t.Fatalf("the password was not set: %d %.2000s", got.StatusCode, got.Text)
				}
				owner := p.owner
				owner.Password = password
				if test.at == p.Site {
					p.wantsState(t, c, "anonymous", "")
					p.wantsClosed(t, c, "with a new password that was not typed at the login")
					p.wantsChallenge(t, p.signIn(t, c, owner))
					c = p.Client(t)
				} else if got := p.signIn(t, c, owner); got.StatusCode != http.StatusFound {
					t.Fatalf("the new password does not sign in: %d", got.StatusCode)
				}
			}

			c = test.at.Client(t)
			page = c.Get("/wp-login.php?action=register").Wants(t, http.StatusOK, "")
			got := c.Post(site.Find(t, wordPressAction, page.Text), url.Values{
				"user_login": {"carol" + test.more}, "user_email": {"carol" + test.more + "@example.com"}, "redirect_to": {""}, "wp-submit": {"Register"},
			})
			got.Wants(t, http.StatusFound, "")
			if !strings.HasSuffix(got.Location(), "wp-login.php?checkemail=registered") {
				t.Errorf("registering leads to %s: %.600s", got.Location(), got.Text)
			}
			if got := setByLink(t, c, mailed(t, running), "first-password-9"); !strings.Contains(got.Text, "Your password has been reset.") {
				t.Fatalf("the first password was not set: %d %.2000s", got.StatusCode, got.Text)
			}
			wordPressLogin(c, apps.Account{Name: "carol" + test.more, Password: "first-password-9"}, "/wp-admin/", "").Wants(t, http.StatusFound, "")

			// The password of a post is not that of an account.
			c = test.at.Client(t)
			got = c.Do("POST", "/wp-login.php?action=postpass", http.Header{
				"Content-Type": form()["Content-Type"], "Referer": {test.at.URL + "/?name=berths"},
			}, "post_password=knot-31")
			got.Wants(t, http.StatusFound, "")
			if page := c.Get("/?name=berths"); !strings.Contains(page.Text, "Berth nine is free.") {
				t.Errorf("the password of a post leads to %s, and there: %d %.2000s", got.Location(), page.StatusCode, page.Text)
			}
		})
	}
}

// TestP1_WordPressLoginByAnyQuery: the thief has alice's password. At the address that is open to strangers' forms, a
// name and a password count as the login or are refused, whatever the query says, or have no effect if WordPress does
// not read them. The control is the app itself, which signs in with some of these queries.
func TestP1_WordPressLoginByAnyQuery(t *testing.T) {
	t.Parallel()
	running := apps.StartWordPress(t)
	lay(t, running, "wp-content/mu-plugins/mail.php", wordPressMail)
	p, direct := wordPress.behind(t, running)
	p.enrolOwner(t)
	credentials := "log=alice&pwd=" + apps.Alice.Password
	signsIn := 0
	for _, query := range []string{
		"", "action=login", "action=", "action=nothing", "action[]=login", "action=lostpassword", "action=retrievepassword", "action=resetpass", "action=rp",
		"action=register", "action=postpass", "action=confirm_admin_email", "action=confirmaction", "action=checkemail", "action=logout",
		"interim-login=1", "customize-login=1", "reauth=1", "loggedout=true", "redirect_to=/wp-admin/profile.php", "wp_lang=de_DE", "checkemail=confirm",
		"key=x&login=alice", "action=lostpassword&action=login", "rest_route=/wp/v2/users/me",
	} {
		for _, body := range []string{credentials, credentials + "&action=login", "%20" + credentials, "user_login=alice&user_pass=" + apps.Alice.Password} {
			control := direct.Client(t)
			control.Get("/wp-login.php")
			if got := control.Do("POST", "/wp-login.php?"+query, form(), body); strings.Contains(strings.Join(got.Header["Set-Cookie"], "\n"), "wordpress_logged_in_") {
				signsIn++
			}
			c := p.Client(t)
			c.Get("/wp-login.php")
			got := c.Do("POST", "/wp-login.php?"+query, form(), body)
			what := query + " with " + body
			p.tellsNothing(t, got, what)
			p.mustNotBeIn(t, c, what)
		}
		// The name and the password in the query, with a form that has neither.
		c := p.Client(t)
		got := c.Do("POST", "/wp-login.php?"+query+"&"+credentials, form(), "testcookie=1")
		p.tellsNothing(t, got, query)
		p.mustNotBeIn(t, c, query)
	}
	if signsIn < 4 {
		t.Errorf("the app itself signs in by %d of these, so that the test shows little", signsIn)
	}
}
