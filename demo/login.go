package demo

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
)

// bodyLimit bounds forms and JSON.
const bodyLimit = 64 << 10

// loginView has what the login page shows.
type loginView struct {
	common
	Next     string
	Username string
}

func (a *App) showLogin(w http.ResponseWriter, r *http.Request) {
	who := visitorOf(r)
	next := safeNext(r.URL.Query().Get("next"))
	if who.login != "" {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	a.loginPage(w, r, http.StatusOK, "", next, "")
}

func (a *App) loginPage(w http.ResponseWriter, r *http.Request, status int, alert, next, username string) {
	view := loginView{common: a.common(w, r, "Sign in"), Next: next, Username: username}
	view.Alert = alert
	a.render(w, r, status, "login", view)
}

// login handles the form. It answers a wrong password with 200 and the form again, as most apps do. A user who is
// signed in then stays signed in.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	if err := parseForm(r); err != nil {
		a.loginPage(w, r, http.StatusBadRequest, "The form could not be read.", "/", "")
		return
	}
	a.signInWith(w, r, attempt{
		username: r.PostFormValue("username"), email: r.PostFormValue("email"), password: r.PostFormValue("password"),
		next: r.FormValue("next"), csrf: r.PostFormValue("csrf"),
	})
}

// signInWith handles a login, wherever its fields were.
func (a *App) signInWith(w http.ResponseWriter, r *http.Request, tried attempt) {
	next, username := safeNext(tried.next), tried.username
	who := visitorOf(r)
	if a.options.Knobs.EmailField && tried.email != "" {
		username = tried.email
	}
	if who.login != "" && (a.options.Knobs.SendOn || a.options.Knobs.OneAddress) {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	if !a.sameToken(r, who, tried.csrf) {
		a.loginPage(w, r, http.StatusForbidden, "The form has expired. Please try again.", next, username)
		return
	}
	user := a.accounts.check(username, tried.password)
	if user == nil {
		a.loginPage(w, r, http.StatusOK, a.translated(r, "Wrong user name or password."), next, username)
		return
	}
	id := a.signIn(w, r, who, user.Login)
	if a.answeredOddly(w, r, id) {
		return
	}
	if a.options.Knobs.LeakSession {
		next = leak(w, id, next)
		w.Header().Set("Location", next)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusSeeOther)
		_, _ = w.Write([]byte("session " + id + "\n"))
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// signIn makes a session for the account, sends its cookie, and ends the earlier session.
func (a *App) signIn(w http.ResponseWriter, r *http.Request, before visitor, login string) string {
	if a.options.Knobs.TellsByCookie {
		http.SetCookie(w, &http.Cookie{Name: LastCookie, Value: rand.Text(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	a.remember(w, login)
	if a.options.Knobs.OneSession {
		a.sessions.endAll(login)
	}
	if a.options.Knobs.ElevateInPlace && a.sessions.elevate(before.id, login) {
		return before.id
	}
	a.sessions.end(before.id)
	return a.start(w, r, login, before.admin).id
}

// leak puts the session into a header and into the address, and returns that address.
func leak(w http.ResponseWriter, id, next string) string {
	w.Header().Set("X-Session-Token", id)
	mark := "?"
	if strings.Contains(next, "?") {
		mark = "&"
	}
	return next + mark + "sid=" + id
}

// loginJSON is the same for scripts. It needs no form token, because other sites cannot send JSON.
func (a *App) loginJSON(w http.ResponseWriter, r *http.Request) {
	var request struct {
		User struct {
			Name     string `json:"name"`
			Password string `json:"password"`
		} `json:"user"`
	}
	if !readJSON(w, r, &request) {
		return
	}
	user := a.accounts.check(request.User.Name, request.User.Password)
	if user == nil {
		writeError(w, http.StatusUnauthorized, "wrong user name or password")
		return
	}
	answer := map[string]string{"login": user.Login}
	switch {
	case a.options.Knobs.BearerTokens:
		answer["token"] = a.sessions.create(user.Login).id
	case a.options.Knobs.APISession:
		a.startAPI(w, user.Login)
	default:
		id := a.signIn(w, r, visitorOf(r), user.Login)
		if a.options.Knobs.LeakSession {
			leak(w, id, "/")
			answer["session"] = id
		}
	}
	w.Header().Set("X-Ledger-User", user.Login)
	writeJSON(w, http.StatusOK, answer)
}

// reset signs in whoever has a password-reset link. (A real app would ask for a new password next.)
func (a *App) reset(w http.ResponseWriter, r *http.Request) {
	login, ok := a.resets.take(r.URL.Query().Get("token"))
	if !ok {
		a.message(w, r, http.StatusForbidden, "Link expired", "This link has been used or is not valid.")
		return
	}
	a.signIn(w, r, visitorOf(r), login)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout needs no form token, as in many apps: another site can only annoy users with it.
func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	a.sessions.end(visitorOf(r).id)
	if cookie, err := r.Cookie(RememberCookie); err == nil {
		a.remembered.end(cookie.Value)
	}
	clearSession(w)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// theme stores in a cookie how pages should look.
func (a *App) theme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	setTheme(w, knownTheme(r.PostFormValue("theme")))
	http.Redirect(w, r, safeNext(r.PostFormValue("next")), http.StatusSeeOther)
}

func setTheme(w http.ResponseWriter, theme string) {
	http.SetCookie(w, &http.Cookie{
		Name: ThemeCookie, Value: theme, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode,
	})
}

// knownTheme returns a known theme, and `auto` for anything else.
func knownTheme(theme string) string {
	if theme == "light" || theme == "dark" {
		return theme
	}
	return "auto"
}

// safeNext allows only addresses of this app: a path from the root that no browser reads as another host.
func safeNext(next string) string {
	if len(next) > 2000 || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	for i := range len(next) {
		if next[i] <= ' ' || next[i] >= 0x7f {
			return "/"
		}
	}
	address, err := url.Parse(next)
	if err != nil || address.Host != "" || address.Scheme != "" || strings.HasPrefix(address.Path, "//") {
		return "/"
	}
	return next
}

func queryEscape(text string) string { return url.QueryEscape(text) }

// parseForm reads a form of either encoding.
func parseForm(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return r.ParseMultipartForm(bodyLimit)
	}
	return r.ParseForm()
}
