package demo

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// App is the whole web app with its state, which is all in memory. It is an [http.Handler] and safe for concurrent use.
type App struct {
	options      Options
	accounts     *accounts
	sessions     *sessions
	remembered   *sessions
	resets       *resets
	ledgers      *ledgers
	files        *files
	recorder     *recorder
	failIdentity atomic.Int32
	mails        sync.Map // login to e-mail address
	mux          *http.ServeMux

	// life ends the streams and sockets that are open when the app is closed.
	life context.Context
	end  context.CancelFunc
}

// New makes an app. It panics if the options are invalid: two accounts of one name, a reset token for an unknown
// account, a password longer than bcrypt's 72 bytes.
func New(options Options) *App {
	options = options.withDefaults()
	life, end := context.WithCancel(context.Background())
	app := &App{
		options:  options,
		accounts: newAccounts(options.Users, options.Cost),
		sessions: newSessions(options.Now), remembered: newSessions(options.Now),
		resets:   newResets(),
		ledgers:  newLedgers(options.Now),
		files:    newFiles(options.FileLimit, options.StoreLimit, options.Now),
		recorder: &recorder{limit: options.Knobs.Record},
		life:     life,
		end:      end,
	}
	for token, login := range options.ResetTokens {
		who := app.accounts.find(login)
		if who == nil {
			panic("demo: reset token for an unknown account: " + login)
		}
		app.resets.put(token, who.Login)
	}
	app.mux = app.routes()
	return app
}

// Close ends open sockets and event streams. Other requests are served as before.
func (a *App) Close() { a.end() }

func (a *App) routes() *http.ServeMux {
	mux := http.NewServeMux()
	if a.options.Knobs.LooseLogin {
		mux.HandleFunc("/login", a.looseLogin)
	} else {
		mux.HandleFunc("GET /login", a.showLogin)
		mux.HandleFunc("POST /login", a.login)
	}
	a.oddRoutes(mux)
	mux.HandleFunc("GET /logout", a.logout)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /reset", a.reset)
	mux.HandleFunc("POST /theme", a.theme)

	mux.HandleFunc("GET /{$}", a.page(a.showLedger))
	mux.HandleFunc("POST /entries", a.page(a.addEntry))
	mux.HandleFunc("GET /files", a.page(a.showFiles))
	mux.HandleFunc("POST /files", a.page(a.upload))
	mux.HandleFunc("GET /files/{name}", a.page(a.download))

	if a.options.Knobs.LooseLogin {
		mux.HandleFunc("/api/login", a.loginJSON)
	} else {
		mux.HandleFunc("POST /api/login", a.loginJSON)
	}
	mux.HandleFunc("GET /api/me", a.me)
	mux.HandleFunc("GET /api/entries", a.call(a.listEntries))
	mux.HandleFunc("POST /api/entries", a.call(a.postEntry))

	mux.HandleFunc("GET /ws", a.call(a.socket))
	mux.HandleFunc("GET /events", a.call(a.events))
	mux.HandleFunc("/echo", a.call(a.echo))
	mux.HandleFunc("/sink", a.call(a.sink))
	mux.HandleFunc("GET /source", a.call(a.source))

	mux.Handle("GET /static/", static())
	mux.HandleFunc("GET /static/private/", a.page(func(w http.ResponseWriter, r *http.Request, _ visitor) {
		static().ServeHTTP(w, r)
	}))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, staticFiles, "static/icon.svg")
	})
	return mux
}

// ServeHTTP implements [http.Handler].
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	knobs := a.options.Knobs
	arrived := r
	if knobs.TrustHeaders {
		r = obeyHeaders(r)
	}
	if knobs.LoosePaths {
		r = loosePath(r)
	}
	if knobs.Mounts {
		r = mounted(r)
	}
	if knobs.OneAddress {
		r = oneAddress(r)
	}
	if knobs.Fills {
		fill(w, r)
	}
	if knobs.Gzip && acceptsGzip(r) {
		zip := &gzipWriter{ResponseWriter: w}
		defer zip.close()
		w = zip
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")

	who := a.identify(w, r)
	if who.login != "" {
		header.Set("X-Ledger-User", who.login)
	}
	if who.admin != "" {
		header.Set("X-Ledger-Admin", who.admin)
	}
	if a.recorder.limit > 0 {
		done := a.recorder.note(arrived, r, who.login)
		defer done()
	}
	if knobs.Rotate && who.login != "" && who.id != "" {
		if fresh, ok := a.sessions.rotate(who.id); ok {
			a.setSession(w, fresh)
		}
	}
	if knobs.SetAlways {
		if who.id == "" {
			who = a.start(w, r, "", "")
		} else {
			a.setSession(w, who.id)
		}
	}
	a.mux.ServeHTTP(w, r.WithContext(withVisitor(r.Context(), who)))
}

// page guards a handler for page loads: strangers are redirected to the login form.
func (a *App) page(next func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := visitorOf(r)
		if who.login == "" {
			target := "/login"
			if r.Method == http.MethodGet && r.URL.Path != "/" {
				target += "?next=" + queryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, target, http.StatusSeeOther)
			return
		}
		next(w, r, who)
	}
}

// call guards a handler for scripts and programs: strangers get 401.
func (a *App) call(next func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := visitorOf(r)
		if who.login == "" {
			writeError(w, http.StatusUnauthorized, "sign in first")
			return
		}
		next(w, r, who)
	}
}

// isAPI reports whether a request is to the part of the app that accepts other credentials than the session.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
