package custody

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// FuzzClean: a name is removed if CGI, WSGI or a server that folds everything could take it for one that a client must
// not send, whatever else was sent. Nothing is added. What remains does not change when it is cleaned again.
func FuzzClean(f *testing.F) {
	f.Add("X-Second_Factor: 1\nAccept: x", false, false)
	f.Add("Connection: upgrade, cookie\nUpgrade: websocket\nCookie: a=1\nX_forwarded_for: 1", true, false)
	f.Add("Connection: Upgrade\nUpgrade: websocket, h2c\nTe: trailers, gzip", true, true)
	f.Add("Authorization: x\nX-Api-Key: y\nx.api.key: z\nproxy: 1\nRemote User: u", false, true)
	f.Add("content_type: a\nContent-Type: b\nX-HTTP-Method-Override: PUT", true, true)
	f.Fuzz(func(t *testing.T, text string, verified, login bool) {
		h := make(http.Header)
		for line := range strings.SplitSeq(text, "\n") {
			name, value, _ := strings.Cut(line, ":")
			if raw, ok := strings.CutPrefix(name, "!"); ok {
				h[raw] = append(h[raw], value)
			} else {
				h.Add(name, strings.TrimSpace(value))
			}
		}
		before := h.Clone()
		policy := NewHeaderPolicy(NewPassHeaders("X-Api-Key", "X-Second-Factor", "cookie", "host"))
		options := CleanOptions{Verified: verified, Login: login}
		policy.Clean(h, options)
		for name, values := range h {
			checkKept(t, before, name, values, options)
		}
		again := h.Clone()
		policy.Clean(again, options)
		if !maps.EqualFunc(h, again, slices.Equal) {
			t.Fatalf("cleaned %v, cleaned again %v", h, again)
		}
		for _, name := range []string{"Cookie", "Content-Type", "Content-Length", "Accept", "User-Agent", "X-Api-Key", "Early-Data"} {
			named := hasToken(before["Connection"], name) && (name == "Accept" || name == "User-Agent")
			if !named && !slices.Equal(before[name], h[name]) {
				t.Fatalf("%s was %q and is %q", name, before[name], h[name])
			}
		}
	})
}

// checkKept judges a kept header by its CGI variable, in which every character that is no letter or digit is `_`.
func checkKept(t *testing.T, before http.Header, name string, values []string, options CleanOptions) {
	t.Helper()
	original, ok := before[name]
	if !ok {
		t.Fatalf("%q was added", name)
	}
	variable := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, name)
	for _, prefix := range []string{
		"X_SECOND_FACTOR", "X_ORIGINAL_", "X_REMOTE_", "REMOTE_", "X_AUTH_REQUEST_", "X_WEBAUTH_", "X_AUTHENTIK_", "CF_ACCESS_", "TAILSCALE_USER_",
		"X_SSL_CLIENT_", "SSL_CLIENT_", "X_CLIENT_CERT",
	} {
		if strings.HasPrefix(variable, prefix) {
			t.Fatalf("%q is kept", name)
		}
	}
	switch variable {
	case "AUTHORIZATION", "PROXY", "PROXY_AUTHORIZATION", "X_REWRITE_URL", "X_FORWARDED_USER", "X_AUTH_TOKEN", "X_ACCESS_TOKEN", "PRIVATE_TOKEN",
		"X_USER", "X_EMAIL", "KEEP_ALIVE", "HTTP2_SETTINGS", "PROXY_CONNECTION", "COOKIE2":
		t.Fatalf("%q is kept", name)
	case "COOKIE", "CONTENT_LENGTH", "CONTENT_TYPE", "TRANSFER_ENCODING", "HOST", "X_FORWARDED_FOR", "X_API_KEY", "EARLY_DATA":
		if name != textproto.CanonicalMIMEHeaderKey(match.FoldHeader(name)) || strings.ContainsAny(name, "_.~!") {
			t.Fatalf("%q is kept", name)
		}
	case "X_HTTP_METHOD_OVERRIDE", "X_METHOD_OVERRIDE", "X_HTTP_METHOD":
		if !options.Verified || options.Login {
			t.Fatalf("%q is kept", name)
		}
	case "CONNECTION":
		if !slices.Equal(values, []string{"Upgrade"}) || len(before["Upgrade"]) != 1 || !strings.EqualFold(before["Upgrade"][0], "websocket") {
			t.Fatalf("%q: %q", name, values)
		}
		return
	case "TE":
		if !slices.Equal(values, []string{"trailers"}) {
			t.Fatalf("%q: %q", name, values)
		}
		return
	}
	if !slices.Equal(values, original) {
		t.Fatalf("%q was %q and is %q", name, original, values)
	}
}
