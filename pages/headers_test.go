package pages

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHeaders holds every page against contract 5.4, whatever the writer carried before.
func TestHeaders(t *testing.T) {
	r := New(Options{})
	for _, s := range samples(r) {
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"1"`)
		if err := s.show(w); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": policyOf(r, s),
			"Content-Length": strconv.Itoa(w.Body.Len()), "Content-Encoding": "", "Etag": "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", s.name, name, got, want)
			}
		}
	}
}

// policyOf is the policy that a page is to have: a script for keys stands where a browser can be trusted, one for
// passkeys where these are used or made, and neither anywhere else.
func policyOf(r *Renderer, s sample) string {
	if strings.HasPrefix(s.name, "trust") || s.name == "challenge-proof" {
		return r.policies[bundleTrust]
	}
	if strings.HasPrefix(s.name, "desk") {
		return r.policies[bundleDesk]
	}
	switch s.name {
	case "challenge-trusted-passkey":
		return r.policies[bundleBoth]
	case "challenge-passkey", "setup-passkey", "setup-passkey-further", "confirm-add", "confirm-rename", "confirm-remove", "confirm-remove-last":
		return r.policies[bundlePasskey]
	}
	return r.Policy()
}

// TestPolicy: the policy denies everything by default and allows exactly the style and script that are sent.
func TestPolicy(t *testing.T) {
	r := New(Options{})
	for _, s := range samples(r) {
		page := answer(t, s)
		root := parse(t, page.Body.String())
		directives := make(map[string]string)
		for directive := range strings.SplitSeq(page.Header().Get("Content-Security-Policy"), "; ") {
			name, value, _ := strings.Cut(directive, " ")
			directives[name] = value
		}
		for name, want := range map[string]string{
			"default-src": "'none'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
		} {
			if directives[name] != want {
				t.Errorf("%s: %s %q, want %q", s.name, name, directives[name], want)
			}
			if !strings.Contains(StrictPolicy, name+" "+want) {
				t.Errorf("the strict policy lacks %s %s", name, want)
			}
		}
		if strings.HasPrefix(s.name, "desk") && directives["connect-src"] != "'self'" {
			t.Errorf("%s: its search cannot ask", s.name)
		}
		delete(directives, "connect-src")
		if len(directives) != 6 {
			t.Errorf("%s: policy %v", s.name, directives)
		}
		// The hash is of the text as a browser parses it, not of the file.
		for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
			for _, element := range all(root, tag, "", "") {
				if got := source(element.FirstChild.Data); !slices.Contains(strings.Fields(directives[directive]), got) || len(element.Attr) > 0 {
					t.Errorf("%s: <%s> is %s, allowed is %s", s.name, tag, got, directives[directive])
				}
			}
		}
		for _, element := range all(root, "", "", "") {
			for _, a := range element.Attr {
				if element.Data == "use" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: <use> of what is elsewhere", s.name)
				}
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "srcset" {
					t.Errorf("%s: <%s %s> is not allowed by the policy", s.name, element.Data, a.Key)
				}
			}
			switch element.Data {
			case "link", "img", "iframe", "object", "embed", "base", "image":
				t.Errorf("%s: <%s>", s.name, element.Data)
			}
		}
	}
}

func TestSecurityHeadersStrict(t *testing.T) {
	h := http.Header{"Content-Security-Policy": {"default-src *"}}
	SecurityHeaders(h, "")
	if got := h.Values("Content-Security-Policy"); len(got) != 1 || got[0] != StrictPolicy {
		t.Errorf("policy %q", got)
	}
}

// TestRetryAfter: where a wait is known, the header tells machines what the page tells people, unless the caller has
// said it.
func TestRetryAfter(t *testing.T) {
	r := New(Options{})
	tests := []struct {
		name, before, want string
		show               func(w http.ResponseWriter) error
	}{
		{"challenge", "", "31", func(w http.ResponseWriter) error {
			return r.Challenge(w, 429, ChallengeView{Common: Common{Wait: 30*time.Second + 1}})
		}},
		{"challenge looked at", "", "", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: Common{Wait: time.Minute}})
		}},
		{"error", "", "5", func(w http.ResponseWriter) error {
			return r.Error(w, 503, ErrorView{RetryAfter: 5 * time.Second})
		}},
		{"error, caller's", "7", "7", func(w http.ResponseWriter) error {
			return r.Error(w, 503, ErrorView{RetryAfter: 5 * time.Second})
		}},
		{"error without", "", "", func(w http.ResponseWriter) error { return r.Error(w, 503, ErrorView{}) }},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		if test.before != "" {
			w.Header().Set("Retry-After", test.before)
		}
		if err := test.show(w); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Retry-After"); got != test.want {
			t.Errorf("%s: Retry-After %q, want %q", test.name, got, test.want)
		}
	}
}

// broken is a connection that has gone away.
type broken struct{ http.ResponseWriter }

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteError(t *testing.T) {
	err := New(Options{}).Challenge(broken{httptest.NewRecorder()}, 200, ChallengeView{})
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}
