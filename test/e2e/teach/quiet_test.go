package teach

import (
	"context"
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

type bodyKey struct{}

func withBody(ctx context.Context, body string) context.Context {
	return context.WithValue(ctx, bodyKey{}, body)
}

// TestP9LearnIsQuiet: whoever reads what the command has printed, or finds a file of its, gets no password, cookie,
// token or nonce, although it held and used them all. The app repeats its secrets wherever it can.
func TestP9LearnIsQuiet(t *testing.T) {
	t.Parallel()
	const wrong, right = "marked-wrong-password", "marked-right-password"
	users := []demo.User{{Login: "alice", Name: "Alice Liddell", Password: right}}
	app := demo.New(demo.Options{Users: users, Knobs: demo.Knobs{LeakSession: true}})
	address := site.Serve(t, app)
	marked := []string{wrong, right, url.QueryEscape(right), base64.StdEncoding.EncodeToString([]byte("alice:" + right))}
	record := new(archive)
	through := record.recording(t, address)
	steps := func(c *site.Client) {
		signIn := func(password string) site.Answer {
			page := c.Get("/login")
			token := site.Find(t, csrf, page.Text)
			marked = append(marked, token)
			return c.Post("/login", url.Values{"username": {"alice"}, "password": {password}, "next": {"/"}, "csrf": {token}})
		}
		signIn(wrong)
		answer := signIn(right).Wants(t, http.StatusSeeOther, "")
		session := answer.Header.Get("X-Session-Token")
		if session == "" || !strings.Contains(answer.Location(), session) {
			t.Fatalf("the app leaks nothing: %v", answer.Header)
		}
		marked = append(marked, session)
		c.Get(answer.Location()).Wants(t, http.StatusOK, "")
		c.Get("/files?sid="+session+"&q="+right).Wants(t, http.StatusOK, "")
		c.Get("/api/me").Wants(t, http.StatusOK, "")
		c.Post("/logout", url.Values{"csrf": {session}}).Wants(t, http.StatusSeeOther, "")
	}
	live := Live(t, address, steps)
	steps((&site.Site{Address: through, URL: "http://" + through}).Client(t))
	archived := Archive(t, record.write(t), "--try", "http://"+address)
	for _, taught := range []Taught{live, archived} {
		if taught.Status != 0 || len(taught.Failures()) > 0 || !strings.Contains(taught.Block, "identity /api/me json /login") {
			t.Errorf("there is nothing to look at: %d\n%s\n%s", taught.Status, taught.Block, taught.Said)
		}
		written := taught.Block + taught.Said
		err := filepath.WalkDir(taught.Folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			written += path + string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range marked {
			if secret != "" && strings.Contains(written, secret) {
				t.Errorf("%q is written:\n%s", secret, written)
			}
		}
	}
}

// TestGuide: the guide is a page without scripts that says what was seen, other machines cannot reach it or the app
// through it, and another site's page cannot end it.
func TestGuide(t *testing.T) {
	t.Parallel()
	app := site.Serve(t, demo.New(demo.Options{}))
	taught := Live(t, app, func(c *site.Client) {
		page := c.Get("/sallyport-learn/").Wants(t, http.StatusOK, "")
		if strings.Contains(page.Text, "<script") || !strings.Contains(page.Text, `action="/sallyport-learn/finish"`) || strings.Contains(page.Text, "Seen: the app names you") {
			t.Errorf("the guide: %s", page.Text)
		}
		c.Do("GET", "/", http.Header{"Host": {"rebound.example"}}, "").Wants(t, http.StatusForbidden, "")
		c.Do("POST", "/sallyport-learn/finish", http.Header{"Sec-Fetch-Site": {"cross-site"}}, "").Wants(t, http.StatusForbidden, "")
		c.Get("/sallyport-learn/finish").Wants(t, http.StatusNotFound, "")
		c.Get("/sallyport-learn").Wants(t, http.StatusSeeOther, "/sallyport-learn/")
		variants()[0].steps(t)(c)
		for _, step := range []string{"Seen: a password", "Seen: another one", "Seen: the app names you"} {
			if page := c.Get("/sallyport-learn/"); !strings.Contains(page.Text, step) {
				t.Errorf("the guide does not say %q: %s", step, page.Text)
			}
		}
	})
	if taught.Status != 0 {
		t.Errorf("status %d: %s", taught.Status, taught.Said)
	}
	for _, arguments := range [][]string{
		{"learn"},
		{"learn", "http://" + app, "--listen", "0.0.0.0:0"},
		{"learn", "http://" + app, "--listen", "nonsense"},
		{"learn", "nonsense"},
		{"learn", "http://" + app + "/path"},
		{"learn", "http://alice:pw@" + app},
		{"learn", "http://" + app, "--har", "x"},
		{"learn", "http://" + app, "--try", "http://" + app},
	} {
		command, ended, _ := prepare(t, arguments)
		if taught := ended(command.Run()); taught.Status != 1 || taught.Block != "" || strings.Contains(taught.Said, "alice:pw") {
			t.Errorf("%q: status %d, %q, %s", arguments, taught.Status, taught.Block, taught.Said)
		}
	}
}
