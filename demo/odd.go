package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// This file has the unusual ways of signing in that some real apps have (see Knobs).

// attempt has the fields of a login.
type attempt struct{ username, email, password, next, csrf string }

// oddRoutes adds the addresses that only knobs open.
func (a *App) oddRoutes(mux *http.ServeMux) {
	if a.options.Knobs.Realms {
		mux.HandleFunc("GET /admin/login", a.showLogin)
		mux.HandleFunc("POST /admin/login", a.adminLogin)
		mux.HandleFunc("GET /admin/{$}", a.adminPage)
		mux.HandleFunc("GET /api/admin/me", a.adminMe)
	}
	if a.options.Knobs.APISession {
		mux.HandleFunc("GET /whoami", a.me)
	}
}

// start begins a session and sends its cookie.
func (a *App) start(w http.ResponseWriter, r *http.Request, login, admin string) visitor {
	who := a.sessions.create(login)
	who.admin, who.bound = admin, a.bindingOf(r)
	a.sessions.set(who.id, who.admin, who.bound)
	a.setSession(w, who.id)
	a.chosen(w, r)
	return who
}

// chosen changes the session's cookie as the request's parameters say.
func (a *App) chosen(w http.ResponseWriter, r *http.Request) {
	if !a.options.Knobs.ChoosesCookie {
		return
	}
	lines := w.Header()["Set-Cookie"]
	line := &lines[len(lines)-1]
	if seconds, err := strconv.Atoi(r.FormValue("cookie_for")); err == nil {
		*line += "; Max-Age=" + strconv.Itoa(seconds)
	}
	if domain := r.FormValue("cookie_domain"); domain != "" && !strings.ContainsAny(domain, "; ,\r\n") {
		*line += "; Domain=" + domain
	}
}

// remember sets a cookie that signs an account in again.
func (a *App) remember(w http.ResponseWriter, login string) {
	if a.options.Knobs.Remembers {
		value := a.remembered.create(login).id
		http.SetCookie(w, &http.Cookie{Name: RememberCookie, Value: value, Path: "/", MaxAge: 30 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
}

// recall returns the account of such a cookie; empty if there is none.
func (a *App) recall(r *http.Request) string {
	cookie, err := r.Cookie(RememberCookie)
	if err != nil || !a.options.Knobs.Remembers {
		return ""
	}
	found, _ := a.remembered.find(cookie.Value)
	return found.login
}

// found looks a session up, and reports whether this request may use it.
func (a *App) found(r *http.Request, id string) (visitor, bool) {
	who, ok := a.sessions.find(id)
	if !ok || who.bound != a.bindingOf(r) {
		return visitor{}, false
	}
	return who, true
}

// bindingOf returns the value to which a session that begins with this request is bound.
func (a *App) bindingOf(r *http.Request) string {
	if a.options.Knobs.Binds == "" {
		return ""
	}
	return strings.Join(r.Header.Values(a.options.Knobs.Binds), ",")
}

// startAPI begins a session that is valid below /api only.
func (a *App) startAPI(w http.ResponseWriter, login string) {
	id := a.sessions.create(login).id
	http.SetCookie(w, &http.Cookie{Name: APICookie, Value: id, Path: "/api", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// readsAPISession reports whether a request may use the session of /api. It may also be used at /whoami, to which
// browsers do not send it.
func readsAPISession(r *http.Request) bool { return isAPI(r) || r.URL.Path == "/whoami" }

// apiVisitor returns the sender of a request to /api if that has a session of its own, else otherwise.
func (a *App) apiVisitor(r *http.Request, otherwise visitor) visitor {
	for _, cookie := range r.CookiesNamed(APICookie) {
		if who, ok := a.sessions.find(cookie.Value); ok {
			return who
		}
	}
	return otherwise
}

// looseLogin serves /login by every method.
func (a *App) looseLogin(w http.ResponseWriter, r *http.Request) {
	tried := readLoosely(w, r)
	switch {
	case tried.password != "":
		a.signInWith(w, r, tried)
	case r.Method == http.MethodPost:
		a.loginPage(w, r, http.StatusBadRequest, "The form could not be read.", "/", "")
	default:
		a.showLogin(w, r)
	}
}

// readLoosely reads a login from wherever some framework would: address, form, multipart or JSON, also in the body of a
// GET.
func readLoosely(w http.ResponseWriter, r *http.Request) attempt {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	r.Body = io.NopCloser(bytes.NewReader(body))
	values := url.Values{}
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind {
	case "application/json":
		var document map[string]any
		if json.Unmarshal(body, &document) == nil {
			if user, ok := document["user"].(map[string]any); ok {
				document = map[string]any{"username": user["name"], "password": user["password"]}
			}
			for name, value := range document {
				if text, ok := value.(string); ok {
					values.Set(name, text)
				}
			}
		}
	case "multipart/form-data":
		if r.ParseMultipartForm(bodyLimit) == nil {
			values = r.MultipartForm.Value
		}
	default:
		if parsed, err := url.ParseQuery(string(body)); err == nil {
			values = parsed
		}
	}
	for name, list := range r.URL.Query() {
		values[name] = append(values[name], list...)
	}
	return attempt{
		username: values.Get("username"), email: values.Get("email"), password: values.Get("password"),
		next: values.Get("next"), csrf: values.Get("csrf"),
	}
}

// oneAddress reads the page's name from the parameter `do`.
func oneAddress(r *http.Request) *http.Request {
	query := r.URL.Query()
	if r.URL.Path != "/" || !query.Has("do") {
		return r
	}
	name := query.Get("do")
	query.Del("do")
	return withPath(r, "/"+name, query.Encode())
}

// signInAnywhere accepts a form with a name and a password at any address.
func (a *App) signInAnywhere(w http.ResponseWriter, r *http.Request, before visitor) visitor {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || parseForm(r) != nil || r.PostFormValue("password") == "" {
		return before
	}
	user := a.accounts.check(r.PostFormValue("username"), r.PostFormValue("password"))
	if user == nil {
		return before
	}
	id := a.signIn(w, r, before, user.Login)
	who, _ := a.sessions.find(id)
	return who
}

// answeredOddly answers a successful login if a knob wants another answer than a redirect, and reports whether it did.
func (a *App) answeredOddly(w http.ResponseWriter, r *http.Request, id string) bool {
	accept := r.Header.Get("Accept")
	if a.options.Knobs.PickyAccept && accept != "" && !strings.Contains(accept, "text/html") && !strings.Contains(accept, "*/*") {
		who, _ := a.sessions.find(id)
		w.Header().Set("X-Ledger-User", who.login)
		writeError(w, http.StatusNotAcceptable, "text/html only")
		return true
	}
	if a.options.Knobs.LoginStatus == 0 {
		return false
	}
	who, _ := a.sessions.find(id)
	w.Header().Set("X-Ledger-User", who.login)
	a.message(w, r.WithContext(withVisitor(r.Context(), who)), a.options.Knobs.LoginStatus, "Signed in", "")
	return true
}

// adminLogin signs in to the second realm. The sign-in to the first one stays.
func (a *App) adminLogin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	_ = parseForm(r) // an unreadable form counts as empty
	who := visitorOf(r)
	user := a.accounts.check(r.PostFormValue("username"), r.PostFormValue("password"))
	if user == nil || !a.sameToken(r, who, r.PostFormValue("csrf")) {
		a.loginPage(w, r, http.StatusOK, "Wrong user name or password.", "/admin/", "")
		return
	}
	a.sessions.end(who.id)
	a.start(w, r, who.login, user.Login)
	http.Redirect(w, r, "/admin/", http.StatusSeeOther)
}

func (a *App) adminPage(w http.ResponseWriter, r *http.Request) {
	who := visitorOf(r)
	if who.admin == "" {
		http.Redirect(w, r, "/admin/login", http.StatusSeeOther)
		return
	}
	a.message(w, r, http.StatusOK, "Administration", "Administrator: "+who.admin)
}

func (a *App) adminMe(w http.ResponseWriter, r *http.Request) {
	if who := visitorOf(r); who.admin != "" {
		writeJSON(w, http.StatusOK, map[string]string{"login": who.admin})
		return
	}
	writeError(w, http.StatusUnauthorized, "sign in first")
}

// mounted removes from the path the prefix that a header names, as if a proxy had set it.
func mounted(r *http.Request) *http.Request {
	for _, name := range []string{"X-Script-Name", "X-Forwarded-Prefix", "X-Ingress-Path", "X-Base-Path", "X-Mount-Path"} {
		prefix := strings.TrimSuffix(foldedHeader(r.Header, name), "/")
		if rest, found := strings.CutPrefix(r.URL.Path, prefix); found && prefix != "" && strings.HasPrefix(rest, "/") {
			return withPath(r, rest, r.URL.RawQuery)
		}
	}
	return r
}

// fill sets so many large cookies, and then smaller and smaller ones, until no further cookie fits.
func fill(w http.ResponseWriter, r *http.Request) {
	count, _ := strconv.Atoi(r.URL.Query().Get("fill"))
	if count = min(count, 100); count <= 0 {
		return
	}
	set := func(name string, number, size int) {
		for i := range number {
			http.SetCookie(w, &http.Cookie{Name: name + strconv.Itoa(i), Value: strings.Repeat("f", size), Path: "/", HttpOnly: true})
		}
	}
	set("fill", count, 900)
	set("filla", 10, 150)
	set("fillb", 10, 20)
	set("fillc", 10, 1)
}

// translated returns a text in the reader's language.
func (a *App) translated(r *http.Request, text string) string {
	if a.options.Knobs.Translates && strings.HasPrefix(r.Header.Get("Accept-Language"), "de") {
		return "Name oder Passwort sind falsch."
	}
	return text
}

// writePage writes a page, or the requested part of it.
func (a *App) writePage(w http.ResponseWriter, r *http.Request, status int, page []byte) {
	if a.options.Knobs.Translates && r.Header.Get("Range") != "" && status == http.StatusOK {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(page)
}
