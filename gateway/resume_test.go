package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gateway/signin"
)

// TestP2_ResumeHeaders: an app tells its own script in headers what to do after a login (Icinga: where to go on). These
// headers wait with the answer, and come after the factor is passed and not before. Headers that servers and browsers
// obey are not among them.
func TestP2_ResumeHeaders(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	key := s.enrolled("alice", demo.AlicePassword)
	const long = signin.MaxScriptHeaders + 1
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		cookie, _ := r.Cookie("SID")
		switch {
		case r.URL.Path == "/api/me" && (cookie == nil || cookie.Value != "alices"):
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/api/me":
			_, _ = io.WriteString(w, `{"login":"alice"}`)
		default:
			h := w.Header()
			h["Set-Cookie"] = []string{"SID=alices; HttpOnly"}
			h["X-App-Redirect"], h["Hx-Redirect"] = []string{"/dashboard"}, []string{"/one", "/two"}
			h["X-Frame-Options"], h["X-Accel-Redirect"], h["Clear-Site-Data"] = []string{"ALLOWALL"}, []string{"/secret"}, []string{`"*"`}
			h["X-Zlong"] = []string{strings.Repeat("x", long)}
		}
		return nil
	})
	b := s.browser()
	withheld := b.send("POST", "/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`, asScript)
	if h := withheld.Header; withheld.StatusCode != http.StatusUnauthorized || h["X-App-Redirect"] != nil || h["Hx-Redirect"] != nil {
		t.Fatalf("before the factor: %d %v", withheld.StatusCode, h)
	}
	if early := b.send("GET", "/second-factor/resume", "", asScript); early.Header["X-App-Redirect"] != nil {
		t.Errorf("before the factor, at /resume: %v", early.Header)
	}
	h := b.passScript(key).Header
	if h.Get("X-App-Redirect") != "/dashboard" || strings.Join(h["Hx-Redirect"], " ") != "/one /two" {
		t.Errorf("the script's own are not there: %v", h)
	}
	if h.Get("X-Frame-Options") == "ALLOWALL" || h["X-Accel-Redirect"] != nil || h["Clear-Site-Data"] != nil || h["Set-Cookie"] != nil || h["X-Zlong"] != nil {
		t.Errorf("more than the script's own: %v", h)
	}
	if again := b.send("GET", "/second-factor/resume", "", asScript); again.Header["X-App-Redirect"] != nil {
		t.Errorf("a second time: %v", again.Header)
	}
}
