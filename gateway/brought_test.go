package gateway

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestP1_StreamThatBroughtTheSession: a stranger opens a public stream, and its answer brings the app's session. Then
// she signs in as alice, by the password alone, to an app that takes over the cookie that is there. The stream went on,
// for as long as the app liked, with what is alice's: only streams that had taken the cookie along were cut. The
// controls: without a login it goes on, and at the app itself it shows alice.
func TestP1_StreamThatBroughtTheSession(t *testing.T) {
	for _, of := range []struct {
		what, login string
		elsewhere   bool
		waiting     bool
	}{
		{what: "no login"},
		{what: "a login", login: alicesForm},
		{what: "a login at another gateway", login: alicesForm, elsewhere: true},
		{what: "a second login", login: alicesForm, waiting: true},
	} {
		app, here, there, _, _ := raiseAtTwo(t)
		more, left := make(chan struct{}), make(chan struct{})
		next := upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/static/stream" {
				app.raisingApp.ServeHTTP(w, r)
				return
			}
			defer close(left)
			cookie := sid(r)
			if cookie == "" {
				cookie = "guest"
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: cookie, Path: "/", HttpOnly: true})
			}
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				app.mutex.Lock()
				fmt.Fprintf(w, "of %q\n", app.users[cookie])
				app.mutex.Unlock()
				_ = http.NewResponseController(w).Flush()
				select {
				case <-more:
				case <-r.Context().Done():
					return
				}
			}
		}), app.open)
		here.serve(next)
		there.serve(next)
		b := here.browser()
		if of.waiting { // a session whose factor is owed has no cookies of a stranger's
			b.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
		stream, err := b.client.Get(b.s.server.URL + "/static/stream")
		if err != nil {
			t.Fatal(err)
		}
		read := bufio.NewReader(stream.Body)
		if line, err := read.ReadString('\n'); line != "of \"\"\n" {
			t.Fatalf("%s: the first piece: %d %q %v", of.what, stream.StatusCode, line, err)
		}
		signsIn := b
		if of.elsewhere {
			signsIn = &browser{s: there, client: b.client}
		}
		if of.login != "" {
			signsIn.do("POST", "/login", asForm, of.login).wants(t, http.StatusSeeOther, "/second-factor/challenge")
			app.mutex.Lock()
			if user := app.users["guest"]; user != "alice" {
				t.Errorf("%s: the control: the app's session is %q's", of.what, user)
			}
			app.mutex.Unlock()
		}
		select {
		case more <- struct{}{}:
		case <-left: // it has been cut already
		}
		line, _ := read.ReadString('\n')
		if of.login == "" && line != "of \"\"\n" || strings.Contains(line, "alice") {
			t.Errorf("%s: %q", of.what, line)
		}
		_ = stream.Body.Close()
		close(more)
	}
}
