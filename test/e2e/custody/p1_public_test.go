package custody

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// syncing hands out a private repository to a client that speaks its protocol, which it recognises by the content type,
// whatever the path and the method. /hook takes messages.
func syncing(v *visit) bool {
	kind := v.r.Header.Get("Content-Type") + v.r.Header.Get("Content-Disposition") + v.r.Header.Get("Content-Encoding")
	switch {
	case strings.Contains(kind, "application/x-sync"), v.r.URL.Path != "/hook" && v.r.Method == http.MethodPost && len(v.body) > 0 && v.r.URL.Path != "/login" && v.user() == "":
		v.mutex.Lock()
		v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{"alice"}})
		v.mutex.Unlock()
		fmt.Fprint(v.w, secretOf("alice"))
	case v.r.URL.Path == "/hook":
		fmt.Fprint(v.w, "heard")
	case v.r.URL.Path == "/style.css":
		fmt.Fprint(v.w, "p {}")
	default:
		return false
	}
	return true
}

// TestP1_PublicIsToRead: `public /style.css` opened every method, and an app that takes any path for its sync interface
// handed out a private repository to a POST there. Public paths are open to GET and HEAD, without a body and without
// headers that describe one, and to what else the operator names.
func TestP1_PublicIsToRead(t *testing.T) {
	t.Parallel()
	h := open(t, common+"\t\tpublic /style.css\n\t\tpublic POST /hook\n"+form+asks, site.Options{}, syncing)
	factor := h.enrol(t, "alice")
	owing := h.Client(t)
	logIn(owing, "alice")
	for _, path := range []string{"/style.css", "/static/x", "/login", "/hook"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT", "PROPFIND", "SYNC"} {
			for _, more := range []string{
				"Content-Type: application/x-sync", "content-type: application/x-sync", "Content-Encoding: application/x-sync",
				"Content-Disposition: application/x-sync", "Content-Type: text/plain", "Content_Type: application/x-sync", "Content-Type: application/x-sync\r\nTransfer-Encoding: chunked",
				"Content-Type : application/x-sync",
			} {
				for _, body := range []string{"pull", ""} {
					chunked := strings.Contains(more, "chunked")
					switch {
					case chunked && body == "":
						continue
					case chunked:
						body = "4\r\npull\r\n0\r\n\r\n"
					}
					request := struct{ name, method, target, body, more string }{"", method, path, body, more}
					if !chunked && body != "" {
						request.more += fmt.Sprintf("\r\nContent-Length: %d", len(body))
					}
					if path == "/hook" && method == "POST" {
						continue // the operator opened this
					}
					what := method + " " + path + " " + more + " " + body
					if text := raw(t, h.app, "", request); strings.Contains(more, "Content-Type: application/x-sync") && method != "HEAD" && !strings.Contains(text, secretOf("alice")) {
						t.Fatalf("%s: the app itself: %.300s", what, text)
					}
					h.taken()
					for who, cookie := range map[string]string{"a stranger": "", "one who owes": "sallyport=" + owing.Token()} {
						if text := raw(t, h.Site, cookie, request); strings.Contains(text, secretOf("alice")) {
							t.Errorf("%s of %s: %.300s", what, who, text)
						}
						h.wantsNoneTaken(t, what+" of "+who)
					}
				}
			}
		}
	}
	c := h.Client(t)
	c.Get("/style.css").Wants(t, http.StatusOK, "")
	if got := c.Do("POST", "/hook", http.Header{"Content-Type": {"application/json"}}, "{}"); got.Text != "heard" {
		t.Errorf("what the operator opened is shut: %d", got.StatusCode)
	}
	h.stillHonest(t, factor)
}

// raw sends a request exactly as written, and returns everything that comes back.
func raw(t *testing.T, s *site.Site, cookie string, request struct{ name, method, target, body, more string }) string {
	t.Helper()
	l := dial(t, s)
	head := request.method + " " + request.target + " HTTP/1.1\r\nHost: " + s.Address + "\r\nAccept: text/html\r\nConnection: close\r\n"
	if cookie != "" {
		head += "Cookie: " + cookie + "\r\n"
	}
	if _, err := l.conn.Write([]byte(head + request.more + "\r\n\r\n" + request.body)); err != nil {
		t.Fatal(err)
	}
	return l.rest()
}
