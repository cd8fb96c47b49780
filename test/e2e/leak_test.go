package e2e

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
)

// leak is a way in which an app gives its session away before its actual answer.
type leak struct {
	name string
	// lines are Set-Cookie lines, in which %s stands for the session's value.
	lines []string
	// early are headers of a 103 answer, late are those of the trailer, and other are those of the answer.
	early, late, other map[string]string
	// unannounced: the trailers are not named in the header Trailer.
	unannounced bool
	body        string
	gzip        bool
	// forScripts marks cookies that a browser may have after the factor is passed, or from an answer that is no
	// login's.
	forScripts bool
	// noCookie marks leaks other than by cookies. After the factor these are a matter between the app and its page.
	noCookie bool
}

var leaks = []leak{
	{name: "HttpOnly", lines: []string{"leak=%s; HttpOnly"}},
	{name: "HttpOnly in odd spelling", lines: []string{"leak=%s ;\thttponly ; path=/", "leak2=%s;HTTPONLY", "leak3=%s; Secure; HttpOnly=false"}},
	{name: "name with a bracket", lines: []string{"S[ID]=%s"}},
	{name: "name with a colon", lines: []string{"user:sid=%s"}},
	{name: "name with a space", lines: []string{"my sid=%s"}},
	{name: "name beyond ASCII", lines: []string{"s\xefd=%s"}},
	{name: "value beyond ASCII", lines: []string{"leak=caf\xc3\xa9-%s", "leak2=\xff%s"}},
	{name: "value with a space", lines: []string{"leak=a %s"}},
	{name: "value with quotes", lines: []string{`leak="a\"%s`, `leak2="%s"; HttpOnly`}},
	{name: "value with a backslash", lines: []string{`leak=\%s`}},
	{name: "no name", lines: []string{"=%s", "%s", "; HttpOnly", "=; leak=%s"}},
	{name: "begins with a dollar", lines: []string{"$leak=%s"}},
	{name: "same name in another spelling", lines: []string{"LEDGER_SESSION=%s", "ledger.session=%s", "ledger%%5fsession=%s"}},
	{name: "prefixes", lines: []string{"__Host-leak=%s; Path=/; Secure; HttpOnly", "__Secure-leak=%s; Secure; HttpOnly"}},
	{name: "csrf that scripts cannot read", lines: []string{"leak_csrf=%s; HttpOnly"}},
	{name: "the gateway's own name", lines: []string{"sallyport=%s; Path=/", "__Host-sallyport=%s", "SallyPort=%s"}},
	{name: "many", lines: slicesRepeat("leak%d=%%s; HttpOnly; Path=/p", 30)},
	{name: "csrf for scripts", lines: []string{"xsrf-token=%s"}, forScripts: true},
	{name: "passed", lines: []string{"theme=%s"}, forScripts: true},
	{name: "plain", lines: []string{"leak=%s; Path=/"}, forScripts: true},
	{name: "103", early: map[string]string{"Set-Cookie": "ledger_session=%s; HttpOnly", "Link": "</static/style.css>; rel=preload"}},
	{name: "103 in odd spelling", early: map[string]string{"SET-COOKIE": "leak=%s", "Set-Cookie2": "leak=%s"}},
	{name: "trailer", late: map[string]string{"Set-Cookie": "ledger_session=%s; HttpOnly"}},
	{name: "trailer, unannounced", late: map[string]string{"Set-Cookie": "ledger_session=%s; HttpOnly"}, unannounced: true},
	{name: "trailer in odd spelling", late: map[string]string{"set-cookie": "leak=%s", "SET-COOKIE2": "leak=%s"}, unannounced: true},
	{name: "trailer among others", late: map[string]string{"Set-Cookie": "ledger_session=%s", "X-Checksum": "1"}},
	{name: "Set-Cookie2", other: map[string]string{"Set-Cookie2": "leak=%s; Version=1"}},
	{name: "headers", noCookie: true, other: map[string]string{
		"X-Session-Token": "%s", "Authorization": "Bearer %s", "Refresh": "0;url=/?sid=%s", "Link": "</?sid=%s>; rel=next", "Etag": `"%s"`,
		"Content-Location": "/?sid=%s", "Www-Authenticate": "Session %s", "Access-Token": "%s", "Location": "/files?sid=%s",
	}},
	{name: "headers of a 103", noCookie: true, early: map[string]string{"X-Session-Token": "%s", "Link": "</?sid=%s>; rel=preload"}},
	{name: "headers of a trailer", noCookie: true, late: map[string]string{"X-Session-Token": "%s"}},
	{name: "body", noCookie: true, body: "<script>session='%s'</script>"},
	{name: "compressed body", noCookie: true, body: "<script>session='%s'</script>", gzip: true},
	{name: "large body", noCookie: true, body: "%s" + strings.Repeat("x", 600<<10)},
}

func slicesRepeat(form string, times int) (all []string) {
	for i := range times {
		all = append(all, fmt.Sprintf(form, i))
	}
	return all
}

// leaking is the app; it leaks in the way that the request's header X-Leak names.
type leaking struct {
	app http.Handler

	mu sync.Mutex
	// values are the sessions that it gave away.
	values []string
}

func (l *leaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var how *leak
	for i := range leaks {
		// The gateway's own question carries the header too.
		if leaks[i].name == r.Header.Get("X-Leak") && r.URL.Path != "/api/me" {
			how = &leaks[i]
		}
	}
	if how == nil {
		l.app.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	l.app.ServeHTTP(recorder, r)
	answer := recorder.Result()
	defer answer.Body.Close()
	value := ""
	for _, cookie := range answer.Cookies() {
		if cookie.Name == demo.SessionCookie {
			value = cookie.Value
		}
	}
	l.mu.Lock()
	l.values = append(l.values, value)
	l.mu.Unlock()
	how.answer(w, r, answer, recorder.Body.Bytes(), value)
}

// latest returns the session that was given away last; "" if there was none to give.
func (l *leaking) latest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.values) == 0 {
		return ""
	}
	return l.values[len(l.values)-1]
}

// shown returns the session that was given away and occurs in text.
func (l *leaking) shown(text string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, value := range l.values {
		if value != "" && strings.Contains(text, value) {
			return value
		}
	}
	return ""
}

func (how *leak) answer(w http.ResponseWriter, r *http.Request, answer *http.Response, body []byte, value string) {
	fill := func(form string) string { return strings.ReplaceAll(strings.ReplaceAll(form, "%%", "%"), "%s", value) }
	h := w.Header()
	if how.early != nil {
		for name, form := range how.early {
			h[name] = []string{fill(form)}
		}
		w.WriteHeader(http.StatusEarlyHints)
		clear(h)
	}
	for name, values := range answer.Header {
		h[name] = values
	}
	for _, form := range how.lines {
		h["Set-Cookie"] = append([]string{fill(form)}, h["Set-Cookie"]...)
	}
	for name, form := range how.other {
		h[name] = []string{fill(form)}
	}
	for name := range how.late {
		if !how.unannounced {
			h.Add("Trailer", name)
		}
	}
	if how.body != "" {
		body = []byte(fill(how.body))
	}
	delete(h, "Content-Length")
	if how.gzip {
		h.Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(answer.StatusCode)
	if how.gzip {
		zip := gzip.NewWriter(w)
		_, _ = zip.Write(body)
		_ = zip.Close()
	} else {
		_, _ = w.Write(body)
	}
	for name, form := range how.late {
		if how.unannounced {
			name = http.TrailerPrefix + name
		}
		h[name] = []string{fill(form)}
	}
	if how.late != nil {
		_ = http.NewResponseController(w).Flush()
	}
}

// newLeaking makes a siege of the leaking app.
func newLeaking(t *testing.T, knobs demo.Knobs, lines string) (*siege, *leaking) {
	t.Helper()
	l := new(leaking)
	s := newSiege(t, knobs, lines, func(app http.Handler) http.Handler {
		l.app = app
		return l
	})
	return s, l
}
