package custody

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// browserHeaders are what a browser sends with an ordinary request for a page.
func browserHeaders() http.Header {
	return http.Header{
		"Accept":                    {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"},
		"Accept-Encoding":           {"gzip, deflate, br, zstd"},
		"Accept-Language":           {"en-GB,en;q=0.5"},
		"Cookie":                    {"__Host-sallyport=0123456789abcdef; csrftoken=0123456789abcdef"},
		"Referer":                   {"https://app.example/"},
		"Sec-Fetch-Dest":            {"document"},
		"Sec-Fetch-Mode":            {"navigate"},
		"Sec-Fetch-Site":            {"same-origin"},
		"Sec-Fetch-User":            {"?1"},
		"Upgrade-Insecure-Requests": {"1"},
		"User-Agent":                {"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"},
		"Priority":                  {"u=0, i"},
	}
}

func TestCleanKeepsOrdinaryHeaders(t *testing.T) {
	h := browserHeaders()
	for _, name := range []string{
		"Content-Type", "Content-Length", "Content-Encoding", "Range", "If-Range", "X-Requested-With", "X-Csrf-Token", "X-Xsrf-Token",
		"X-Csrftoken", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Early-Data", "Expect", "Origin",
		"Sec-Websocket-Key", "Sec-Ch-Ua-Platform-Version", "Traceparent", "X-User-Agent", "Depth", "Destination", "Soapaction", "Grpc-Timeout",
		"X-Atlassian-Token", "X-Transmission-Session-Id", "Last-Event-Id", "Idempotency-Key", "X-Inertia", "Hx-Request", ":protocol",
		"Sec-Websocket-Extensions", "X-Wp-Nonce", "Requestverificationtoken", "If-None-Match",
		"Requesttoken", "Lock-Token", "If", "Kbn-Xsrf", "X-Zip", "X-Usergroup-Filter", "Next-Url", "Hx-Current-Url", "X-Dashboard-Uid",
		"X-Plex-Client-Identifier", "Ocs-Apirequest", "X-Hub-Signature-256", "X-Request-Id", "X-User-Timezone",
	} {
		h[name] = []string{"x", "y"}
	}
	want := maps.Clone(h)
	(&HeaderPolicy{}).Clean(h, CleanOptions{Verified: true})
	for name := range want {
		if !slices.Equal(h[name], want[name]) {
			t.Errorf("%s: got %q", name, h[name])
		}
	}
}

// TestP3_CleanDrops: to some app or server, each of these headers names a user or another request.
func TestP3_CleanDrops(t *testing.T) {
	for _, name := range []string{
		"X-Second-Factor", "X-Second-Factor-User", "X-Second-Factor-Anything", "X-Second-Factory", "X_second_factor", "X-Second.factor_user",
		"X!second~factor-User",
		"X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Original-Host", "X_original_url", "X-Rewrite-Url", "X-Envoy-Original-Path",
		"X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Middleware-Subrequest", "X-Sendfile-Type", "X-Accel-Mapping", "Script_name", "Path_info",
		"Remote-User", "Remote_user", "Remote.user", "Remote-Groups", "Remote-Name", "Remote-Email", "X-Remote-User", "X-Remote-Group",
		"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups", "X-Forwarded-Access-Token",
		"X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-User", "X-Webauth-User",
		"X-Authenticated-User", "X-Authenticated-Userid", "X-User", "X-User-Id", "X_user_id", "X-Username", "X-Email", "X-Authentik-Username",
		"X-Goog-Authenticated-User-Email", "X-Goog-Iap-Jwt-Assertion", "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email",
		"Tailscale-User-Login", "X-Ms-Client-Principal", "X-Ms-Client-Principal-Name", "X-Amzn-Oidc-Data", "X-Ssl-Client-Cert",
		"X-Ssl-Client-S-Dn", "Ssl-Client-Verify", "X-Client-Cert", "Client-Cert", "Client-Cert-Chain", "X-Tls-Client-Cert", "X-Proxy-User",
		"Proxy-User", "X-Token-User", "X-Consumer-Username", "X-Credential-Identifier", "Oidc-Claim-Sub", "Oidc_claim_sub", "Sm_user",
		"Iv-User", "Impersonate-User", "X-Hasura-Role", "X-Hasura-Admin-Secret", "X-Pomerium-Jwt-Assertion", "X-Shib-User", "Shib-Identity-Provider",
		"Proxy", "Proxy-Authorization", "Proxy_authorization", "Cookie2",
		"cookie", "COOKIE", "Content_length", "Content_type", "Content.type", "Transfer_encoding", "X_forwarded_for",
		"X_forwarded_proto", "X-Forwarded_host", "authorization", "host", "Early_data",
		"Authorization", "X-Api-Key", "Api-Key", "Apikey", "X_api_key", "X-Auth-Token", "X-Auth", "X-Access-Token", "X-Token", "Access-Token",
		"Private-Token", "X-Session-Token", "X-Vault-Token", "X-Redmine-Api-Key", "Dd-Api-Key", "X-Shopify-Access-Token", "X-Goog-Api-Key",
		"X-Http-Method-Override", "X-Method-Override", "X-Http-Method", "X_http_method_override",
		"Keep-Alive", "Proxy-Connection", "Http2-Settings",
		// Credentials, known by their endings.
		"X-Cookie", "Http-Cookie", "Http_cookie", "-Cookie", "Cookie_", "Cookie-1", "X-Cookies", "Cookie-Sid", "X-Apikeys", "X-Api-Keys",
		"X-Actual-Token", "X-Seafile-Token", "X_seafile_token", "X-Auth-Token2", "X-Registry-Auth", "X-Client-Secret", "X-Foo-Session",
		"X-Session-Id", "X-Sid", "X-Jwt", "Sessionid", "Private-Key", "X-Pwd", "X-Odd-Password", "X-Ticket", "Redirect_http_authorization",
		"Http-Authorization", "X-Http-Authorization", "Token-Value", "X-Appwrite-Session", "Signature",
		// Names with CGI's prefix, and names of which nothing remains after trimming.
		"Http_content_type", "Http-Remote-Groups", "Redirect_x_original_method", "Http_http_remote_groups", "-", "_7", "1",
		// Identities.
		"X-Trusted-User", "Authuser", "X-Foo-Username", "X-Foo-Users", "Http-Remote-User", "Redirect-Remote-User", "Sso-User-Id", "Gap-Auth",
		// Where the app is mounted.
		"X-Script-Name", "X_script_name", "Http-X-Script-Name", "X-Ingress-Path", "X-Base-Path", "X-Mount-Path", "X-Forwarded-Path",
		"X-Rewrite-Uri", "X-Forwarded-Context", "X-Proxycontextpath", "X-Rstudio-Root-Path", "X-Foo-Prefix", "X-Url-Prefix", "X-Some-Path",
		"X-Web-Root", "X-Uri", "X-Invoke-Path",
		// The origin of a request.
		"Client-Ip", "Client_ip", "True-Client-Ip", "X-Client-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "X-Real-Ip", "X-Cluster-Client-Ip",
		"Fastly-Client-Ip", "X-Originating-Ip", "X-Remote-Addr", "Forwarded", "X-Forwarded", "Forwarded-For", "X-Azure-Clientip",
		"X-Vercel-Forwarded-For", "Wl-Proxy-Client-Ip", "X-Appengine-User-Ip", "X-Forwarded-For2", "Http_x_forwarded_for",
		// The address of the app.
		"X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Forwarded-Port", "Front-End-Https", "X-Host", "X-Url-Scheme",
	} {
		for _, options := range []CleanOptions{{}, {Verified: true}, {Verified: true, Login: true}} {
			if options.Verified && !options.Login && fateOf(appendFold(nil, name)) == fateMethod {
				continue // TestP1_MethodOverride covers it
			}
			h := browserHeaders()
			h[name] = []string{"evil"}
			NewHeaderPolicy(nil).Clean(h, options)
			if _, kept := h[name]; kept || len(h) != len(browserHeaders()) {
				t.Errorf("%s is kept from %+v: %v", name, options, kept)
			}
			(*HeaderPolicy)(nil).Clean(http.Header{name: {"evil"}}, options)
		}
	}
}

func TestCleanPassHeader(t *testing.T) {
	policy := NewHeaderPolicy(NewPassHeaders(
		"authorization", "X-API-Key", "Remote-User", "X-Second-Factor-User", "Cookie_", "content_type", "X-Original-URL", "Proxy", "Connection",
		"X-HTTP-Method-Override", "Cookie2", "X_odd",
	))
	for name, want := range map[string]bool{
		"Authorization": true, "X-Api-Key": true, "Remote-User": true,
		"authorization": false, "X_api_key": false, "Remote_user": false, "X-Auth-Token": false,
		"X-Second-Factor-User": false, "Content_type": false, "X-Original-Url": false, "Proxy": false, "X-Http-Method-Override": false, "Cookie2": false,
		"Connection": false,
	} {
		h := http.Header{name: {"a", "b"}}
		for _, login := range []bool{false, true} { // in a verified session an override of the method passes by itself
			h := h.Clone()
			policy.Clean(h, CleanOptions{Verified: login, Login: login})
			if got := len(h[name]) == 2; got != want {
				t.Errorf("%s, login %v: kept %v, want %v", name, login, got, want)
			}
		}
	}
}

func TestP1_MethodOverride(t *testing.T) {
	for _, name := range []string{"X-Http-Method-Override", "X-Method-Override", "X-Http-Method", "Http-Method-Override", "X-Foo-Method-Override"} {
		for _, test := range []struct {
			options CleanOptions
			want    bool
		}{
			{CleanOptions{}, false},
			{CleanOptions{Login: true}, false},
			{CleanOptions{Verified: true, Login: true}, false},
			{CleanOptions{Verified: true}, true},
			{CleanOptions{Verified: true, Closed: func() bool { return false }}, true},
			{CleanOptions{Verified: true, Closed: func() bool { return true }}, false},
		} {
			h := http.Header{name: {"DELETE"}}
			h[strings.ReplaceAll(name, "-", "_")] = []string{"DELETE"} // only attackers send this
			NewHeaderPolicy(nil).Clean(h, test.options)
			if got := len(h) == 1 && h[name] != nil; got != test.want {
				t.Errorf("%s, verified %v, login %v: kept %v of %v", name, test.options.Verified, test.options.Login, got, h)
			}
		}
	}
}

func TestCleanConnection(t *testing.T) {
	for _, test := range []struct {
		name        string
		given, want http.Header
	}{
		{"keep-alive", http.Header{"Connection": {"keep-alive"}}, http.Header{}},
		{"close", http.Header{"Connection": {"close"}, "A": {"1"}}, http.Header{"A": {"1"}}},
		{
			"websocket",
			http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
			http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
		},
		{
			"websocket as Firefox has it",
			http.Header{"Connection": {"keep-alive, upgrade"}, "Upgrade": {"WebSocket"}},
			http.Header{"Connection": {"Upgrade"}, "Upgrade": {"WebSocket"}},
		},
		{
			"websocket on two lines",
			http.Header{"Connection": {"X-Second-Factor", "upgrade,Cookie"}, "Upgrade": {"websocket"}, "Cookie": {"a=1"}},
			http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Cookie": {"a=1"}},
		},
		{"websocket without upgrade", http.Header{"Connection": {"keep-alive"}, "Upgrade": {"websocket"}}, http.Header{}},
		{"upgrade to nothing", http.Header{"Connection": {"Upgrade"}}, http.Header{}},
		{"h2c", http.Header{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}, "Http2-Settings": {"x"}}, http.Header{}},
		{"websocket and h2c", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket, h2c"}}, http.Header{}},
		{"websocket, then h2c", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket", "h2c"}}, http.Header{}},
		{"alias of upgrade", http.Header{"Connection": {"Upgrade"}, "upgrade": {"websocket"}}, http.Header{}},
		{"trailers", http.Header{"Te": {"trailers"}, "Connection": {"te"}}, http.Header{"Te": {"trailers"}}},
		{"trailers and more", http.Header{"Te": {"gzip", "deflate, Trailers"}}, http.Header{"Te": {"trailers"}}},
		{"other encodings", http.Header{"Te": {"gzip;q=0.5"}}, http.Header{}},
	} {
		for range 8 { // maps are walked in another order each time
			got := test.given.Clone()
			NewHeaderPolicy(nil).Clean(got, CleanOptions{Verified: true})
			if !maps.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("%s: got %v, want %v", test.name, got, test.want)
			}
		}
	}
}

// TestP3_ConnectionNamesHeaders: `Connection: Cookie` makes a proxy delete the header after the gateway has set it. So
// the gateway removes the named headers at once, before it sets any. It keeps those on which gateway and app must
// agree.
func TestP3_ConnectionNamesHeaders(t *testing.T) {
	h := http.Header{
		"Connection":      {"close, X-Custom , ,x-second-factor-user,cookie", "Content-Type, x-forwarded-for", "early-data,Origin,remote-user,sec-fetch-site"},
		"X-Custom":        {"1"},
		"Cookie":          {"a=1"},
		"Content-Type":    {"text/plain"},
		"X-Forwarded-For": {"192.0.2.1"},
		"Early-Data":      {"1"},
		"Origin":          {"https://evil.example"},
		"Sec-Fetch-Site":  {"cross-site"},
		"Remote-User":     {"set by something before the gateway"},
	}
	NewHeaderPolicy(NewPassHeaders("Remote-User")).Clean(h, CleanOptions{Verified: true})
	names := slices.Sorted(maps.Keys(h))
	want := []string{"Content-Type", "Cookie", "Early-Data", "Origin", "Remote-User", "Sec-Fetch-Site", "X-Forwarded-For"}
	if !slices.Equal(names, want) {
		t.Errorf("kept %q, want %q", names, want)
	}
}

func TestOrdinaryHeadersAreJudgedTheSame(t *testing.T) {
	for name := range browserHeaders() {
		if !ordinary(name) {
			t.Errorf("%s takes the slow way", name)
		}
	}
	seen := 0
	for _, name := range slices.Concat(slices.Collect(maps.Keys(fates)), []string{"sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"}) {
		if !ordinary(textproto.CanonicalMIMEHeaderKey(name)) {
			continue
		}
		if seen++; fateOf([]byte(name)) != fateOpen {
			t.Errorf("%s is ordinary and not open", name)
		}
	}
	if seen != 29 {
		t.Errorf("%d ordinary headers are open", seen)
	}
}

func TestFatesAreFolded(t *testing.T) {
	var names []string
	for name := range fates {
		names = append(names, name)
	}
	for _, f := range families {
		names = append(names, f.prefix)
	}
	for _, list := range endings {
		for _, e := range list {
			names = append(names, e.text)
		}
	}
	for _, name := range append(names, openFamilies...) {
		if string(appendFold(nil, name)) != name {
			t.Errorf("%q is not folded, so that nothing fits it", name)
		}
	}
}

func TestCleanAllocatesNothing(t *testing.T) {
	policy := NewHeaderPolicy(NewPassHeaders("X-Api-Key"))
	h := browserHeaders()
	h["X-Custom-Header-Of-An-App"] = []string{"1"}
	if got := testing.AllocsPerRun(100, func() { policy.Clean(h, CleanOptions{Verified: true}) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
