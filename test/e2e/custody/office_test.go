package custody

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// sid is the cookie of the office's sessions.
const sid = "sid"

// passwords of the office. alice is the owner, with a factor. carol and mallory are the attacker's own accounts,
// without and with a factor. Nobody else has a password, so that no other password is right.
var passwords = map[string]string{"alice": "alice-pw", "carol": "carol-pw", "mallory": "mallory-pw"}

// office is a small app: sessions by a cookie, pages that show whose they are, and a log of whom it took each request
// for. rooms are a test's own pages, which come before the usual ones.
type office struct {
	rooms func(v *visit) bool
	// binds are headers to which a session is bound: with another value than at its beginning it is nobody's.
	binds []string

	mutex    sync.Mutex
	count    int
	sessions map[string]map[string]string // by the cookie's value: the user of each realm
	bound    map[string]string            // the values that the bound headers had
	log      []seen
}

// seen is a request that came to the office, with the user for whom it was taken when it came and when it was answered.
type seen struct {
	method, uri   string
	before, after []string
	header        http.Header
}

// visit is one request.
type visit struct {
	*office
	w      http.ResponseWriter
	r      *http.Request
	id     string
	body   []byte
	fields url.Values // of the query and of a form or flat JSON document, whatever the method
}

// realm is the kind of account of the usual pages.
const realm = ""

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{office: o, w: w, r: r}
	if cookie, err := r.Cookie(sid); err == nil {
		v.id = cookie.Value
		o.mutex.Lock()
		if o.bound[v.id] != v.mark() {
			v.id = ""
		}
		o.mutex.Unlock()
	}
	entry := seen{method: r.Method, uri: r.RequestURI, before: v.users(), header: r.Header.Clone()}
	defer func() {
		entry.after = v.users()
		o.mutex.Lock()
		defer o.mutex.Unlock()
		o.log = append(o.log, entry)
	}()
	v.body, _ = io.ReadAll(r.Body) // what does not arrive is missing
	v.fields = r.URL.Query()
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind {
	case "application/x-www-form-urlencoded":
		if form, err := url.ParseQuery(string(v.body)); err == nil {
			maps.Copy(v.fields, form)
		}
	case "application/json":
		var flat map[string]string
		if json.Unmarshal(v.body, &flat) == nil {
			for name, value := range flat {
				v.fields.Set(name, value)
			}
		}
	}
	if o.rooms == nil || !o.rooms(v) {
		v.usual()
	}
}

// usual serves the pages that each test's app has: a login by form, who-am-I, what is public, and the rest for
// signed-in users.
func (v *visit) usual() {
	switch path := v.r.URL.Path; {
	case path == "/me":
		v.me(realm)
	case path == "/login" && v.r.Method == http.MethodPost:
		name, right := v.checked()
		if !right {
			http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
			return
		}
		v.signIn(name)
		http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
	case path == "/login", strings.HasPrefix(path, "/static/"):
		v.page()
	case v.user() == "":
		http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
	default:
		v.page()
	}
}

// me answers who is signed in.
func (v *visit) me(realm string) {
	v.w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(v.w, `{"name":%q}`, v.userOf(realm))
}

// page shows everything of the signed-in user, of each realm.
func (v *visit) page() {
	v.w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(v.w, "<!doctype html><title>Office</title>")
	for _, name := range v.users() {
		fmt.Fprint(v.w, "<p>", secretOf(name))
	}
}

func secretOf(name string) string { return "the secret of " + name }

// users returns the users for whom this session is taken.
func (v *visit) users() []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return slices.Sorted(maps.Values(v.sessions[v.id]))
}

func (v *visit) user() string { return v.userOf(realm) }

func (v *visit) userOf(realm string) string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.sessions[v.id][realm]
}

// checked returns the name and whether the password is right.
func (v *visit) checked() (name string, right bool) {
	name = v.fields.Get("username")
	return name, rightPassword(name, v.fields.Get("password"))
}

func rightPassword(name, password string) bool { return password != "" && passwords[name] == password }

// begin makes a session in which nobody is signed in and hands out its cookie.
func (v *visit) begin() {
	v.id = v.newSession()
	http.SetCookie(v.w, &http.Cookie{Name: sid, Value: v.id, Path: "/", HttpOnly: true})
}

// newSession makes a session without handing it out.
func (v *visit) newSession() string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.sessions == nil {
		v.sessions, v.bound = make(map[string]map[string]string), make(map[string]string)
	}
	v.count++
	id := "s" + strconv.Itoa(v.count)
	v.sessions[id], v.bound[id] = make(map[string]string), v.mark()
	return id
}

// mark returns the values of the headers to which sessions are bound.
func (v *visit) mark() string {
	var mark string
	for _, name := range v.binds {
		if mark += name + "=" + v.r.Header.Get(name) + ";"; name == "Host" {
			mark += v.r.Host
		}
	}
	return mark
}

// signIn begins a session of the user's.
func (v *visit) signIn(name string) {
	v.begin()
	v.raise(realm, name)
}

// raise signs a user in within the existing session, or in a new one.
func (v *visit) raise(realm, name string) {
	v.mutex.Lock()
	found := v.sessions[v.id] != nil
	v.mutex.Unlock()
	if !found {
		v.begin()
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.sessions[v.id][realm] = name
}

// rotate gives the session another cookie.
func (v *visit) rotate() {
	v.mutex.Lock()
	session := v.sessions[v.id]
	delete(v.sessions, v.id)
	v.count++
	v.id = "s" + strconv.Itoa(v.count)
	v.sessions[v.id], v.bound[v.id] = session, v.mark()
	v.mutex.Unlock()
	http.SetCookie(v.w, &http.Cookie{Name: sid, Value: v.id, Path: "/", HttpOnly: true})
}

// taken returns the log since the last call.
func (o *office) taken() []seen {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	log := o.log
	o.log = nil
	return log
}

// question reports whether this is one of the gateway's questions. No test sends a request there itself.
func (s *seen) question() bool {
	path, _, _ := strings.Cut(s.uri, "?")
	return path == "/me" || strings.HasSuffix(path, "/me")
}
