package custody

import (
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// documented are the headers that docs/configuration.md allows to everybody: the promise, written down independently of
// the code that keeps it.
var documented = strings.Fields(`
	Content-Type Content-Length Content-Encoding Content-Language Content-Disposition Content-Range
	Accept Accept-Charset Accept-Datetime Accept-Encoding Accept-Language
	If-Match If-None-Match If-Modified-Since If-Unmodified-Since If-Range Range
	Sec-Fetch-Site Sec-Ch-Ua-Platform-Version Sec-Gpc Sec-Purpose
	Sec-Websocket-Key Sec-Websocket-Version Sec-Websocket-Protocol Sec-Websocket-Extensions
	User-Agent Referer Origin Cache-Control Pragma Dnt Priority Upgrade-Insecure-Requests Save-Data Date X-Requested-With
	Access-Control-Request-Method Access-Control-Request-Headers Last-Event-Id Service-Worker
	X-Csrf-Token X-Csrftoken X-Xsrf-Token Csrf-Token Kbn-Xsrf
	Traceparent Tracestate X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto Via
	Cookie Host Transfer-Encoding Trailer Expect Early-Data`)

// isDocumented reports whether a header's name, spelled as net/http spells it, is one of the documented ones.
func isDocumented(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(documented, name) || strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "Sec-Ch-") ||
		strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf")
}

// inOneSpelling reports whether a name is spelled as net/http spells it, without characters that servers take for a
// hyphen.
func inOneSpelling(name string) bool {
	return name == textproto.CanonicalMIMEHeaderKey(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// TestP3_StrangersHeaders: from a client that is not verified, the app gets the documented headers and nothing else. A
// login counts as a stranger's whatever the session's state.
func TestP3_StrangersHeaders(t *testing.T) {
	for _, options := range []CleanOptions{{}, {Login: true}, {Verified: true, Login: true}} {
		for _, name := range documented {
			for spelling, want := range map[string]bool{name: true, strings.ReplaceAll(name, "-", "_"): !strings.Contains(name, "-"), strings.ToLower(name): false} {
				h := http.Header{spelling: {"x", "y"}}
				NewHeaderPolicy(nil).Clean(h, options)
				if got := slices.Equal(h[spelling], []string{"x", "y"}); got != want && !(ordinary(spelling) && got) {
					t.Errorf("%s: kept %v, want %v", spelling, got, want)
				}
			}
		}
		for _, name := range []string{
			"X-Anything", "Depth", "Destination", "Soapaction", "X-Wp-Nonce", "X-Hub-Signature-256", "From", "Forwarded", "X-Request-Id",
			"Accept-Version", "If", "Sec-Session-Id", "Sec-Anything", "Lock-Token", "Idempotency-Key", ":protocol", "Webhook_id", "X-Mark",
		} {
			h := http.Header{name: {"x"}}
			NewHeaderPolicy(nil).Clean(h, options)
			if len(h) != 0 {
				t.Errorf("%s is kept", name)
			}
		}
	}
}

// TestP3_PassHeaderForPaths: a header that is let through at some paths passes only there, and only if all servers
// agree that the path is one of these.
func TestP3_PassHeaderForPaths(t *testing.T) {
	policy := NewHeaderPolicy([]PassHeader{
		{Name: "X-API-Key", Paths: match.NewGlobs("/api/*", "/dav")},
		{Name: "X-Hub-Signature"},
		{Name: "Lock-Token", Paths: match.NewGlobs("/dav")},
		{Name: "webhook_id"},
	})
	for _, test := range []struct {
		name string
		path match.Path
		want bool
	}{
		{"X-Api-Key", match.Path{Text: "/api/me", Canonical: true}, true},
		{"X-Api-Key", match.Path{Text: "/dav", Canonical: true}, true},
		{"X-Api-Key", match.Path{Text: "/dav/x", Canonical: true}, false},
		{"X-Api-Key", match.Path{Text: "/", Canonical: true}, false},
		{"X-Api-Key", match.Path{Text: "/api/../me"}, false},
		{"X-Api-Key", match.Path{}, false},
		{"X_api_key", match.Path{Text: "/api/me", Canonical: true}, false},
		{"X-Hub-Signature", match.Path{}, true},
		{"X_hub_signature", match.Path{}, false},
		{"Lock-Token", match.Path{Text: "/dav", Canonical: true}, true},
		{"Lock-Token", match.Path{Text: "/", Canonical: true}, false},
		{"Webhook_id", match.Path{}, true},
		{"Webhook-Id", match.Path{}, false},
	} {
		h := http.Header{test.name: {"x"}}
		policy.Clean(h, CleanOptions{Path: test.path})
		if got := len(h) == 1; got != test.want {
			t.Errorf("%s at %+v: kept %v", test.name, test.path, got)
		}
	}
}

func TestPassHeaderValidate(t *testing.T) {
	for _, pass := range []PassHeader{
		{Name: "Authorization"},
		{Name: "x-api-key", Paths: match.NewGlobs("/api/*", "*")},
		{Name: "X-Real-IP"},
		{Name: "webhook_id"},
		{Name: "Accept"},
		{Name: "Lock-Token"},
	} {
		if err := pass.Validate(); err != nil {
			t.Errorf("%+v: %v", pass, err)
		}
	}
	for _, pass := range []PassHeader{
		{},
		{Name: "X Api"},
		{Name: "X-Second-Factor-User"},
		{Name: "X-Script-Name"},
		{Name: "x_script_name"},
		{Name: "X-HTTP-Method-Override"},
		{Name: "Connection"},
		{Name: "Cookie_"},
		{Name: "content_type"},
		{Name: "lock_token"},
		{Name: "X-Api-Key", Paths: match.NewGlobs("api")},
		{Name: "X-Api-Key", Paths: match.NewGlobs("/api?x=1")},
		{Name: "X-Api-Key", Paths: match.Globs{}},
	} {
		if err := pass.Validate(); err == nil {
			t.Errorf("%+v is accepted", pass)
		}
	}
}

// forbidden reports whether a name is of a class that no client may send without the operator's permission, as a
// careless app reads it: in CGI's form, with or without its prefix, in the plural or numbered.
func forbidden(name string) bool {
	variable := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z' || '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, name)
	variable = strings.TrimRight(strings.TrimLeft(variable, "_"), "_0123456789")
	for strings.HasPrefix(variable, "HTTP_") || strings.HasPrefix(variable, "REDIRECT_") {
		_, variable, _ = strings.Cut(variable, "_")
	}
	for _, whole := range []string{
		"X_SCRIPT_NAME", "SCRIPT_NAME", "X_INGRESS_PATH", "X_BASE_PATH", "X_MOUNT_PATH", "X_FORWARDED_PREFIX", "X_FORWARDED_PATH", "X_REWRITE_URL",
		"X_ORIGINAL_URL", "REMOTE_USER", "X_FORWARDED_USER", "FORWARDED", "X_FORWARDED_SSL",
	} {
		if variable == whole {
			return true
		}
	}
	for _, singular := range []string{variable, strings.TrimSuffix(variable, "S")} {
		for _, end := range []string{
			"COOKIE", "TOKEN", "KEY", "AUTH", "SESSION", "APIKEY", "JWT", "SECRET", "SESSION_ID", "PASSWORD", "_USER", "USERNAME", "_IP", "CLIENTIP",
		} {
			if strings.HasSuffix(singular, end) {
				return true
			}
		}
	}
	return false
}

// exempt reports whether a header is documented, or is harmless although it ends like a forbidden one. Both are exempt
// in their one spelling only.
func exempt(name string) bool {
	return inOneSpelling(name) && (isDocumented(name) || fates[strings.ToLower(name)] == fateSpelled)
}

// FuzzCleanNames: of a stranger's headers only those remain that are documented or passed. Of a verified session's
// headers none remains that a careless app reads as a credential, an identity, its own mount point, or an address.
func FuzzCleanNames(f *testing.F) {
	for _, name := range []string{
		"X-Cookie", "HTTP-Cookie", "HTTP_REDIRECT_COOKIE_2", "X-ApiKeys", "X-Actual-Token", "x.seafile.token", "Client-IP", "_client_ip_", "X-Script-Name",
		"X-CSRF-Token", "Sec-WebSocket-Key", "Sec-Fetch-User", "X-Api-Key", "Idempotency_Key", "http-http-cookie", "Redirect-Http-X-User",
	} {
		f.Add(name)
	}
	policy := NewHeaderPolicy(NewPassHeaders("X-Api-Key", "X-Own", "X-Script-Name"))
	f.Fuzz(func(t *testing.T, name string) {
		for _, name := range []string{name, textproto.CanonicalMIMEHeaderKey(name)} {
			if name == "Connection" || name == "Te" || name == "Upgrade" {
				continue // TestCleanConnection covers it
			}
			stranger := http.Header{name: {"x"}}
			policy.Clean(stranger, CleanOptions{})
			if _, kept := stranger[name]; kept && !(inOneSpelling(name) && isDocumented(name)) && name != "X-Api-Key" && name != "X-Own" {
				t.Errorf("a stranger's %q is kept", name)
			}
			verified := http.Header{name: {"x"}}
			policy.Clean(verified, CleanOptions{Verified: true})
			if _, kept := verified[name]; kept && forbidden(name) && !exempt(name) && name != "X-Api-Key" {
				t.Errorf("%q is kept in a verified session", name)
			}
			if len(stranger) > len(verified) {
				t.Errorf("a stranger may send %q, and a verified session may not", name)
			}
		}
	})
}

// TestP3_ForbiddenClasses combines what FuzzCleanNames would take long to find: each class, after many beginnings and
// in many spellings.
func TestP3_ForbiddenClasses(t *testing.T) {
	count := 0
	for _, end := range []string{
		"Cookie", "Cookies", "Token", "Key", "Apikeys", "Api-Key", "Auth", "Session", "Session-Id", "Jwt", "Secret", "Password", "Authorization",
		"User", "Username", "User-Id", "Client-Ip", "Real-Ip", "Client-Ipv6", "Remote-Addr", "Forwarded-For", "Script-Name", "Base-Path", "Url-Prefix",
	} {
		for _, first := range []string{"", "X-", "X-App-", "Actual-", "Http-", "Http-X-", "Redirect-", "Redirect-Http-X-", "-"} {
			for _, last := range []string{"", "-", "2", "-2"} {
				for _, joint := range []string{"-", "_", ".", "~"} {
					name := strings.ReplaceAll(first+end+last, "-", joint)
					if strings.EqualFold(name, "cookie") { // the header is rebuilt
						continue
					}
					count++
					for _, options := range []CleanOptions{{}, {Verified: true}} {
						for _, name := range []string{name, textproto.CanonicalMIMEHeaderKey(name), strings.ToLower(name)} {
							h := http.Header{name: {"x"}}
							NewHeaderPolicy(NewPassHeaders("X-Other")).Clean(h, options)
							if len(h) != 0 && !ordinary(name) {
								t.Errorf("%s is kept, verified %v", name, options.Verified)
							}
						}
					}
				}
			}
		}
	}
	if count < 3000 {
		t.Errorf("only %d names", count)
	}
}

// TestDocumentedHeaders: the lists in the manual, in this test and in the code are the same.
func TestDocumentedHeaders(t *testing.T) {
	for name, fate := range fates {
		if canonical := textproto.CanonicalMIMEHeaderKey(name); fate == fateOpen && !isDocumented(canonical) {
			t.Errorf("%s is open and not documented", canonical)
		}
	}
	manual, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), "**From everybody**")
	section, _, found := strings.Cut(section, "**From a verified session**")
	if !found {
		t.Fatal("the manual has no such section")
	}
	var named []string
	for line := range strings.Lines(section) {
		prefix := ""
		for i, text := range strings.Split(line, "`") {
			if i%2 == 0 {
				continue
			}
			if strings.HasPrefix(text, "-") {
				text = prefix + text
			} else if at := strings.LastIndexByte(text, '-'); at > 0 {
				prefix = text[:at]
			}
			named = append(named, textproto.CanonicalMIMEHeaderKey(text))
		}
	}
	for _, name := range documented {
		if strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "Sec-Ch-") || strings.Contains(strings.ToLower(name), "srf") {
			continue // the manual names these by their beginnings
		}
		if !slices.Contains(named, name) {
			t.Errorf("the manual does not name %s", name)
		}
	}
	for _, name := range named {
		if fateOf(appendFold(nil, strings.TrimSuffix(name, "*"))) != fateOpen && !strings.HasSuffix(name, "*") && !slices.Contains([]string{
			"Csrf", "Xsrf", "Connection", "Upgrade", "Te", "Trailers", // the manual says beside them how these go on
		}, name) {
			t.Errorf("the manual names %s, which is not open", name)
		}
	}
}
