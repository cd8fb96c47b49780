package watch

import (
	"context"
	"html/template"
	"net/http"

	"sallyport.example/sallyport/learn"
)

// Guide is the path of the guide. The app's own answers below it are not reachable.
const Guide = "/sallyport-learn/"

type exchangeKey struct{}

func withExchange(ctx context.Context, e *learn.Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

func exchangeOf(ctx context.Context) *learn.Exchange {
	e, _ := ctx.Value(exchangeKey{}).(*learn.Exchange)
	return e
}

// guide has the pages that say what to do.
type guide struct{ proxy *Proxy }

// seen is what the guide shows of the record.
type seen struct {
	learn.Progress
	Done bool
}

func (g guide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	switch {
	case r.URL.Path == Guide+"finish" && r.Method == http.MethodPost:
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "send this from the guide", http.StatusForbidden)
			return
		}
		_ = guidePage.Execute(w, seen{Done: true}) // a browser that has gone is no harm
		g.proxy.once.Do(func() { close(g.proxy.finished) })
	case r.URL.Path == Guide && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		_ = guidePage.Execute(w, seen{Progress: learn.New(g.proxy.Exchanges()).Progress()})
	case r.URL.Path+"/" == Guide:
		http.Redirect(w, r, Guide, http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

var guidePage = template.Must(template.New("guide").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sallyport learns how the app signs people in</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
li { margin: .6rem 0 }
li span { color: #3a7d44; font-weight: 600 }
@media (prefers-color-scheme: dark) { li span { color: #7fd08c } }
button { font: inherit; padding: .5rem 1rem }
</style>
</head>
<body>
<main>
{{if .Done}}<h1>Done</h1>
<p role="status">The proposal is printed where <code>sallyport learn</code> was started. This page can be closed.</p>
{{else}}<h1>Show Sallyport how people sign in</h1>
<p>Do these steps in the app, in this order, and come back here. Use an account of your own, and a private window, so that nobody is signed in yet.
Passwords are kept in memory until the proposal was tried, and are written nowhere.</p>
<ol>
<li><a href="/" target="_blank" rel="noopener">Open the app</a> and its login page. {{if .Pages}}<span>Seen.</span>{{end}}</li>
<li>Sign in once with your name and a <strong>wrong</strong> password. {{if .Passwords}}<span>Seen: a password.</span>{{end}}</li>
<li>Sign in with the <strong>right</strong> password. {{if .Different}}<span>Seen: another one.</span>{{end}}</li>
<li>Open a page that shows your user name, such as your profile or the settings. {{if .Named}}<span>Seen: the app names you.</span>{{end}}</li>
<li>Sign out. {{if .Left}}<span>Seen.</span>{{end}}</li>
</ol>
<p><a href="/sallyport-learn/">Look again at what was seen</a></p>
<form method="post" action="/sallyport-learn/finish"><button>Finish</button></form>
{{end}}</main>
</body>
</html>
`))
