package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// inTwoSteps is an app that answers a right password with another form, and signs in when that form is sent. It goes on
// with the session that it finds.
func inTwoSteps(seen *[]string) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		_ = r.ParseForm()
		cookie := ""
		if c, err := r.Cookie("sid"); err == nil {
			cookie = c.Value
		}
		w.Header().Set("Content-Type", "text/html")
		name, in := strings.CutPrefix(cookie, "in-")
		switch {
		case r.URL.Path == "/me" && in:
			fmt.Fprintf(w, `{"name":%q}`, name)
		case r.URL.Path == "/me":
			fmt.Fprint(w, `{}`)
		case r.Method == http.MethodPost:
			*seen = append(*seen, cookie)
			switch u := r.PostForm.Get("u"); {
			case r.PostForm.Has("later") && strings.HasPrefix(cookie, "half-"):
				w.Header().Set("Set-Cookie", "sid=in-"+strings.TrimPrefix(cookie, "half-")+"; Path=/; HttpOnly")
				w.Header().Set("Location", "/")
				w.WriteHeader(http.StatusFound)
			case u != "" && r.PostForm.Get("p") == "pw-"+u:
				w.Header().Set("Set-Cookie", "sid=half-"+u+"; Path=/; HttpOnly")
				fmt.Fprint(w, "<!doctype html><form>a new password, or later <input name=later value=1>")
			default:
				fmt.Fprint(w, "<!doctype html><form>")
			}
		default:
			fmt.Fprint(w, "<!doctype html>")
		}
		return nil
	}
}

// TestP5_SecondStep: what the first step of a login left at the app goes with its second step, which has no name, and
// not with anybody else's first step. Without the word `continues` it goes with neither, and nobody gets in.
func TestP5_SecondStep(t *testing.T) {
	for _, continues := range []bool{true, false} {
		var seen []string
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Logins = login.Set{
				Blocks: []login.Block{{
					Paths: match.NewGlobs("/login"), When: []login.Condition{{Kind: login.Form, Name: "later", Value: "*"}},
					Username: login.Source{Kind: login.None}, Fields: []string{"u=", "p="}, Continues: continues,
				}, {
					Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}, Fields: []string{"p"},
				}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
			}
		})
		s.serve(inTwoSteps(&seen))
		b := s.browser()
		post := func(b *browser, body string) answer { return b.do("POST", "/login", formType, body) }
		if got := post(b, "u=alice&p=pw-alice"); continues && (got.StatusCode != http.StatusOK || !strings.Contains(got.body, "a new password, or later")) {
			t.Fatalf("the first step: %d %s", got.StatusCode, got.body)
		}
		b.wantsState("anonymous", "")
		if got := post(b, "u=&p=&later=1"); (got.StatusCode == http.StatusFound) != continues {
			t.Errorf("continues %t: the second step: %d %s", continues, got.StatusCode, got.body)
		}
		if continues {
			b.wantsState("verified", "alice")
		} else {
			b.wantsState("anonymous", "")
		}

		// Bob's first step does not lead to alice's second, and a second step with a name is none.
		seen = nil
		b = s.browser()
		post(b, "u=alice&p=pw-alice")
		for _, body := range []string{"u=bob&p=&later=1", "u=&p=pw-bob&later=1", "u=&p=&later=1&u=bob", "u=&p=&later=1&x=1"} {
			if got := post(b, body); got.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", body, got.StatusCode)
			}
		}
		post(b, "u=bob&p=pw-bob")
		if fmt.Sprint(seen) != "[ ]" {
			t.Errorf("what alice's first step left went with bob's: %q", seen)
		}
		b.wantsState("anonymous", "")
	}
}
