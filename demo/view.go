package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed static
var staticFiles embed.FS

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// common has what every page shows.
type common struct {
	App, Title string
	// Login and Name are empty for a stranger.
	Login, Name string
	Token       string
	Theme, Flip string // the theme in use and the one that the button brings
	Here        string // the page's own address
	Links       []Link
	Alert       string
}

// common returns the common values of a page, and sets the cookies that the page needs.
func (a *App) common(w http.ResponseWriter, r *http.Request, title string) common {
	who := visitorOf(r)
	c := common{
		App: a.options.Title, Title: title, Links: a.options.Links, Here: "/", Token: a.formToken(w, r, who),
	}
	if user := a.accounts.find(who.login); user != nil {
		c.Login, c.Name = user.Login, user.Name
	}
	if r.Method == http.MethodGet {
		c.Here = safeNext(r.URL.RequestURI())
	}
	cookie, err := r.Cookie(ThemeCookie)
	if err != nil {
		cookie = &http.Cookie{Value: "auto"}
		setTheme(w, cookie.Value)
	}
	c.Theme, c.Flip = knownTheme(cookie.Value), "dark"
	if c.Theme == "dark" {
		c.Flip = "light"
	}
	return c
}

// render writes a complete page, or nothing of it.
func (a *App) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, view); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	a.writePage(w, r, status, page.Bytes())
}

type messageView struct{ common }

// message shows a page that has only an alert.
func (a *App) message(w http.ResponseWriter, r *http.Request, status int, title, alert string) {
	view := messageView{a.common(w, r, title)}
	view.Alert = alert
	a.render(w, r, status, "message", view)
}

// static serves the embedded files; there are no listings.
func static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path[len(r.URL.Path)-1] == '/' {
			http.NotFound(w, r)
			return
		}
		files.ServeHTTP(w, r)
	})
}

// Icon returns the app's icon, as SVG.
func Icon() []byte {
	icon, err := staticFiles.ReadFile("static/icon.svg")
	if err != nil {
		panic("demo: " + err.Error()) // it is embedded
	}
	return icon
}
