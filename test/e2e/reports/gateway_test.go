// Package reports tests, in a real browser, problems that users of comparable software have reported. Each test has an
// app of a few lines that behaves like theirs.
package reports

import (
	"net/http"
	"net/url"
	"os"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// app is an app of a few lines. Alice signs in with any password at /login, and /me says who is signed in. The test
// adds everything else.
type app struct {
	*http.ServeMux
	// after is the address to which a login redirects.
	after string
}

func newApp(after string) *app {
	a := &app{http.NewServeMux(), after}
	a.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Sign in", `<form method="post" action="/login"><input name="user" id="user"><input name="password" type="password"><button>Sign in</button></form>`)
	})
	a.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: r.FormValue("user"), Path: "/", HttpOnly: true})
		http.Redirect(w, r, a.after, http.StatusFound)
	})
	a.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("sid")
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"login":"` + cookie.Value + `"}`))
	})
	a.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Path: "/", HttpOnly: true, MaxAge: -1})
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	return a
}

// page writes one of the app's pages.
func page(w http.ResponseWriter, heading, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><head><link rel="icon" href="data:,"><title>` + heading + `</title></head><body><h1>` + heading + `</h1>` + body + `</body></html>`))
}

// block is what the Caddyfile says about such an app. An authenticator has twenty codes without waiting.
const block = `
		app ledger
		login /login {
			username form user
		}
		identity /me json /login
		renews
		logout /logout
		public /open/*
		totp {
			skew 10
		}
`

const skew = 10

// protected is an app behind the real gateway, in which alice has a second factor.
type protected struct {
	*site.Site
	phone *site.Authenticator
}

// protect puts a gateway in front of an app. more are further lines of its block.
func protect(t *testing.T, app http.Handler, more string, options site.Options) *protected {
	t.Helper()
	p := &protected{Site: site.Start(t, site.Serve(t, app), block+more, options)}
	c := p.Client(t)
	c.Post("/login", url.Values{"user": {"alice"}}).Wants(t, http.StatusFound, "")
	p.phone, _ = c.Enrol(skew)
	c.SignOut()
	return p
}

// signIn types a password into the app's own form.
func (p *protected) signIn(b *driver.Browser, name string) {
	b.Goto(p.URL + "/login")
	b.Fill("#user", name)
	b.Follow(driver.Labelled("Sign in"))
}

// prove types a code, and does not wait for what comes.
func (p *protected) prove(t *testing.T, b *driver.Browser, scripts bool) {
	t.Helper()
	b.WaitPath("/second-factor/challenge")
	b.Fill("[name=code]", p.phone.Code(t)) // with scripts the form sends itself
	if !scripts {
		b.Click(driver.Labelled("Verify"))
	}
}

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
