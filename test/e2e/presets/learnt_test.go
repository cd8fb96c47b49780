package presets

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/teach"
	"sallyport.example/sallyport/test/site"
)

// TestLearnt: what `learn` proposes for a real app, its preset withheld, holds in the suite as the preset does: the
// usual work of a user, other spellings of the name, and every other door with the password alone.
func TestLearnt(t *testing.T) {
	for _, a := range all {
		if strings.Contains(a.kind, "token") {
			continue // their pages are made by scripts, and only a browser that runs those fetches what they need
		}
		t.Run(a.preset, func(t *testing.T) {
			t.Parallel()
			running := a.start(t)
			taught := teach.Live(t, running.Address, a.showsHow(t), "--no-preset")
			t.Logf("%s\n%s", taught.Block, taught.Said)
			if failures := taught.Failures(); taught.Status != 0 || len(failures) > 0 {
				t.Errorf("status %d, %q", taught.Status, failures)
			}
			a.signOut = nil // where it leads depends on what is public; the command has tried it itself
			front := func(t *testing.T) *protected {
				lines := "app " + a.preset + "\n" + taught.Words(t) + byHand[a.preset] + a.more
				return &protected{Site: site.Start(t, running.Address, lines, site.Options{}), app: a}
			}
			day := (*protected).walk
			if a.day != nil {
				day = func(p *protected, t *testing.T) { a.day(t, p) }
			}
			t.Run("walk", func(t *testing.T) { day(front(t), t) })
			t.Run("spellings", func(t *testing.T) { front(t).trySpellings(t) })
			t.Run("doors", func(t *testing.T) { front(t).tryDoors(t) })
		})
	}
}

// byHand are the lines that a person has to add, for doors that nobody came by while it was recorded.
var byHand = map[string]string{
	"wordpress": "shut /xmlrpc.php*\n",
}

// leaves sign out at the app itself where signOut wants the gateway's answers.
var leaves = map[string]func(testing.TB, *site.Client){}

var bearer = regexp.MustCompile(`"(?:access_)?token":\s*"([^"]+)"`)

// showsHow does what the guide of `learn` says.
func (a app) showsHow(t testing.TB) func(*site.Client) {
	return func(c *site.Client) {
		t.Helper()
		path := "/"
		for range 4 {
			page := c.Get(path)
			if page.StatusCode < 300 || page.StatusCode >= 400 {
				break
			}
			if next := page.Location(); strings.HasPrefix(next, "/") {
				path = next
			}
		}
		wrong := a.owner
		wrong.Password = "not-" + a.owner.Password
		a.signIn(t, c, wrong)
		answer := a.signIn(t, c, a.owner)
		if found := bearer.FindStringSubmatch(answer.Text); found != nil && strings.Contains(a.kind, "token") {
			scheme := "Bearer "
			if a.preset == "pocketbase" {
				scheme = ""
			}
			c.Header = http.Header{"Authorization": {scheme + found[1]}}
		}
		for _, read := range a.reads {
			c.Do("GET", read.path, read.header, "")
		}
		if leave := leaves[a.preset]; leave != nil {
			leave(t, c)
		} else if a.signOut != nil && !strings.Contains(a.kind, "Basic") {
			a.signOut(t, c)
		}
	}
}

// TestRecognised: a known app is proposed its preset, which holds in the trial, and another app's is not.
func TestRecognised(t *testing.T) {
	for _, a := range all {
		t.Run(a.preset, func(t *testing.T) {
			t.Parallel()
			taught := teach.Live(t, a.start(t).Address, a.showsHow(t))
			if words := taught.Words(t); !strings.Contains(words, "\n\tpreset "+a.preset+"\n") || taught.Status != 0 || len(taught.Failures()) > 0 {
				t.Errorf("status %d\n%s\n%s", taught.Status, words, taught.Said)
			}
		})
	}
}
