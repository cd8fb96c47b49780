package custody

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func onlyMine(token string) bool { return token == "mine-mine" }

// TestP3_CleanToken: in the headers in which apps take tokens, a bound token stays, with any scheme before it, and
// nothing else does.
func TestP3_CleanToken(t *testing.T) {
	policy := &HeaderPolicy{Token: "X-Special"}
	clean := func(h http.Header, bound func(string) bool) http.Header {
		policy.Clean(h, CleanOptions{Verified: true, Token: bound})
		return h
	}
	for _, name := range []string{"Authorization", "X-Auth", "X-Auth-Token", "Token", "X-Token", "X-Api-Key", "Jwt", "X-Access-Token", "X-Special"} {
		for _, value := range []string{"mine-mine", "Bearer mine-mine", "JWT mine-mine", "x-1 mine-mine"} {
			if got := clean(http.Header{name: {value}}, onlyMine); len(got) != 1 {
				t.Errorf("%s: %s is dropped", name, value)
			}
			if got := clean(http.Header{name: {value}}, nil); len(got) != 0 {
				t.Errorf("%s: %s stays where none may come", name, value)
			}
		}
		for _, values := range [][]string{
			{"other"},
			{"Bearer other"},
			{"mine-mine", "mine-mine"},
			{"Bearer mine-mine", "other"},
			{"Bearer mine-mine, other"},
			{"Bearer  mine-mine"},
			{"mine-mine other"},
			{" mine-mine"},
			{"\tmine-mine"},
			{"a,b mine-mine"},
			{""},
			{"Basic b3RoZXI6eA=="},
			{"Bearer\tmine-mine"},
		} {
			if got := clean(http.Header{name: values}, onlyMine); len(got) != 0 {
				t.Errorf("%s: %q stays", name, values)
			}
		}
	}
	for _, name := range []string{"Remote-User", "X-Forwarded-User", "X_Special", "X_Auth_Token", "x-special", "X-Second-Factor-Token", "X-Original-Token", "Proxy-Authorization"} {
		if got := clean(http.Header{name: {"mine-mine"}}, onlyMine); len(got) != 0 {
			t.Errorf("%s stays", name)
		}
	}
}

func TestEssential(t *testing.T) {
	for _, name := range []string{"Cookie", "Host", "Accept", "Connection", "X-Second-Factor", "content-type", "Upgrade"} {
		if !Essential(name) {
			t.Errorf("%s can carry a token", name)
		}
	}
	for _, name := range []string{"Authorization", "X-Auth", "X-Anything"} {
		if Essential(name) {
			t.Errorf("%s cannot carry a token", name)
		}
	}
}

// TestP3_CleanQuery: query fields in which apps take tokens stay if they hold a bound one, in any spelling of the name.
// All other fields stay unchanged.
func TestP3_CleanQuery(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""},
		{"a=1&b=%zz&&c", "a=1&b=%zz&&c"},
		{"tok=1&monkey=2&author=x", "tok=1&monkey=2&author=x"},
		{"token=mine-mine", "token=mine-mine"},
		{"token=mine%2Dmine", "token=mine%2Dmine"},
		{"authorization=Bearer+mine-mine", "authorization=Bearer+mine-mine"},
		{"token=other", ""},
		{"a=1&token=other&b=2", "a=1&b=2"},
		{"token", ""},
		{"token=", ""},
		{"token=mine-mine&token=other", "token=mine-mine"},
		{"access_token=other", ""},
		{"Access-Token=other", ""},
		{"ACCESSTOKEN=other", ""},
		{"%61uth=other", ""},
		{"%2561uth=other", ""},
		{"token[]=other", ""},
		{"token[a][b]=other", ""},
		{"token%00x=other", ""},
		{"api.key=other", ""},
		{"+token=other", ""},
		{"to\u212Aen=other", ""},
		{"a;token=other", ""},
		{"a=1;token=other", ""},
		{"a=1;b=2", "a=1;b=2"},
		{"token=%zz", ""},
		{"%74oken;0", ""},
		{"0;token", ""},
		{"token;a=mine-mine", ""},
		{"token=mine-mine;token=other", ""},
		{"%74oken=mine-mine", "%74oken=mine-mine"},
	} {
		if got := CleanQuery(test[0], onlyMine); got != test[1] {
			t.Errorf("%q: %q, want %q", test[0], got, test[1])
		}
		if got := CleanQuery(test[0], nil); strings.Contains(got, "mine") {
			t.Errorf("%q: %q where none may come", test[0], got)
		}
	}
}

// TestP3_CleanProtocols: a script can put a token among a WebSocket's subprotocols.
func TestP3_CleanProtocols(t *testing.T) {
	const long = "a-token-that-is-longer-than-any-name"
	bound := func(token string) bool { return token == long }
	for _, test := range []struct {
		lines []string
		bound func(string) bool
		want  string
	}{
		{nil, bound, ""},
		{[]string{"graphql-transport-ws"}, bound, "graphql-transport-ws"},
		{[]string{"bearer, " + long}, bound, "bearer, " + long},
		{[]string{"bearer, " + long}, nil, "bearer"},
		{[]string{"bearer", long + "x", "chat ,x"}, bound, "bearer, chat, x"},
		{[]string{long + "x"}, bound, ""},
	} {
		h := http.Header{}
		if test.lines != nil {
			h["Sec-Websocket-Protocol"] = test.lines
		}
		CleanProtocols(h, test.bound)
		if got := h.Get("Sec-Websocket-Protocol"); got != test.want || got == "" && len(h) > 0 {
			t.Errorf("%q: %q, want %q", test.lines, got, test.want)
		}
	}
}

// FuzzToken: neither a header nor a query lets through a token that is not bound, as common readers read them.
func FuzzToken(f *testing.F) {
	f.Add("Bearer mine-mine", "a=1&token=other")
	f.Add("other", "%74oken=mine-mine;access_token=other")
	f.Fuzz(func(t *testing.T, value, query string) {
		h := http.Header{"Authorization": {value}}
		(&HeaderPolicy{}).Clean(h, CleanOptions{Verified: true, Token: onlyMine})
		if kept := h.Get("Authorization"); kept != "" {
			fields := strings.Fields(kept)
			if fields[len(fields)-1] != "mine-mine" || len(fields) > 2 {
				t.Fatalf("%q stays", kept)
			}
		}
		cleaned := CleanQuery(query, onlyMine)
		if again := CleanQuery(cleaned, onlyMine); again != cleaned {
			t.Fatalf("%q, then %q", cleaned, again)
		}
		values, _ := url.ParseQuery(cleaned)
		halves, _ := url.ParseQuery(strings.ReplaceAll(cleaned, ";", "&"))
		for _, read := range []url.Values{values, halves} {
			for _, name := range []string{"token", "access_token", "auth", "jwt", "api_key"} {
				for _, got := range read[name] {
					if got != "mine-mine" && !strings.HasSuffix(got, " mine-mine") {
						t.Fatalf("%s=%q is left of %q", name, got, query)
					}
				}
			}
		}
	})
}
