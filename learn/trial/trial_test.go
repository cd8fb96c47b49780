package trial

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/learn"
)

// fake is a gateway and its app in one, with a hole.
type fake struct {
	hole    string
	reached atomic.Int64
}

// ServeHTTP keeps a session's state in its cookie.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	state, user := "anonymous", ""
	if cookie, err := r.Cookie("state"); err == nil {
		state, user, _ = strings.Cut(cookie.Value, "-")
	}
	become := func(state, user string) {
		http.SetCookie(w, &http.Cookie{Name: "state", Value: state + "-" + user, Path: "/"})
	}
	open := state == "verified" || f.hole == "open to strangers" || f.hole == "open while pending" && state == "pending"
	switch r.URL.Path {
	case base + "/status":
		fmt.Fprintf(w, `{"state":%q,"user":%q}`, state, user)
	case base + "/challenge":
		become("verified", user)
		w.WriteHeader(http.StatusNoContent)
	case "/login":
		f.reached.Add(1)
		name := r.PostFormValue("user")
		right := r.PostFormValue("password") == "right" && strings.EqualFold(name, "alice")
		if f.hole != "another user" {
			name = "alice"
		}
		switch {
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<form method="post" action="/login"><input name="user"><input type="password" name="password"></form>`)
		case right && f.hole == "no challenge", !right && f.hole == "wrong passwords":
			become("verified", name)
		case right:
			become("pending", name)
		}
	case "/logout":
		if f.hole != "no sign-out" {
			become("anonymous", "")
		}
	case "/me":
		if !open && f.hole != "names anybody" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		f.reached.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"login":"alice"}`)
	default:
		if open {
			f.reached.Add(1)
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	}
}

// proposal is what is learnt of that app.
func proposal(t *testing.T, app *url.URL) *learn.Proposal {
	t.Helper()
	exchange := func(method, path, body string, status int, kind, content string) learn.Exchange {
		e := learn.Exchange{
			Method: method, URL: app.ResolveReference(&url.URL{Path: path}), Header: http.Header{}, Body: []byte(body),
			Status: status, Answer: http.Header{"Content-Type": {kind}}, Content: []byte(content),
		}
		if body != "" {
			e.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return e
	}
	recording := learn.New([]learn.Exchange{
		exchange("GET", "/login", "", 200, "text/html", `<form action="/login"><input name="user"><input type="password" name="password"></form>`),
		exchange("POST", "/login", "user=alice&password=wrong", 200, "text/plain", ""),
		exchange("POST", "/login", "user=alice&password=right", 200, "text/plain", ""),
		exchange("GET", "/page", "", 200, "text/plain", ""),
		exchange("GET", "/me", "", 200, "application/json", `{"login":"alice"}`),
		exchange("GET", "/logout", "", 200, "text/plain", ""),
	})
	made, err := recording.Propose(learn.Options{})
	if err != nil || made.Identity != "/me" {
		t.Fatalf("%+v, %v", made, err)
	}
	return made
}

// TestTrialFindsHoles: a gateway that lets somebody through is found out, by the line about it; one that does not is
// not.
func TestTrialFindsHoles(t *testing.T) {
	for hole, want := range map[string]string{
		"":                   "",
		"open to strangers":  "a stranger reaches",
		"open while pending": "nothing of the app is reached",
		"wrong passwords":    "a wrong password",
		"no challenge":       "meets the challenge",
		"another user":       "in other letters",
		"names anybody":      "does not name the account to a stranger",
		"no sign-out":        "sign-out",
	} {
		t.Run(hole, func(t *testing.T) {
			f := &fake{hole: hole}
			server := httptest.NewServer(f)
			defer server.Close()
			app, err := url.Parse(server.URL + "/")
			if err != nil {
				t.Fatal(err)
			}
			results, err := Run(t.Context(), proposal(t, app), app, Gate{
				Address: app.Host, Reached: func() int { return int(f.reached.Load()) }, Opens: func(string) bool { return false },
				Code: func() (string, error) { return "000000", nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			found, all := "", ""
			for _, result := range results {
				all += result.String() + "\n"
				if !result.OK && !result.Unknown {
					found += result.Text + "\n"
				}
			}
			if (found == "") != (hole == "") || !strings.Contains(found, want) || len(results) < 5 {
				t.Errorf("found %q, want %q:\n%s", found, want, all)
			}
		})
	}
}
