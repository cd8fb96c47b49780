package caddymodule

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
)

// siteWith is a Caddyfile's site of these hosts, with these words.
func siteWith(hosts, words string) string {
	return fmt.Sprintf("%s {\n\tsecond_factor {\n\t\tapp wiki\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /n\n%s\n\t}\n}\n", hosts, words)
}

// TestRPID: passkeys are bound to the first host that is a name, unless rp_id names another; a host that a client can
// choose never is one.
func TestRPID(t *testing.T) {
	for _, test := range []struct{ hosts, words, want string }{
		{"wiki.example.com", "", `"passkey":{"rp_id":"wiki.example.com"}`},
		{"http://127.0.0.1:8080, http://localhost:8080", "", `"passkey":{"elsewhere":["127.0.0.1"],"rp_id":"localhost"}`},
		{"*.example.com, wiki.example.com, wiki.internal.example", "", `"passkey":{"elsewhere":["wiki.internal.example"],"rp_id":"wiki.example.com"}`},
		{"wiki.example.com, blog.example.com", "passkey {\n rp_id example.com\n user_verification required\n}", `"passkey":{"rp_id":"example.com","user_verification":"required"}`},
		{":8080", "", ""},
		{"http://127.0.0.1", "", ""},
		{"*.example.com", "", ""},
	} {
		config, err := adapt(siteWith(test.hosts, test.words))
		if err != nil || test.want == "" && strings.Contains(string(config), `"passkey"`) || !strings.Contains(string(config), test.want) {
			t.Errorf("%s: %v %s", test.hosts, err, config)
		}
	}
	for _, words := range []string{
		"factors", "factors odd", "factors totp totp", "passkey {\n rp_id https://example.com\n}", "passkey {\n rp_id 192.0.2.1\n}",
		"passkey {\n user_verification always\n}", "passkey {\n odd\n}",
	} {
		if _, err := adapt(siteWith("wiki.example.com", words)); err == nil || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%q: %v", words, err)
		}
	}
}

// TestPasskeysAreOffered: what the words say reaches the factors, and where passkeys are not offered the log says so,
// as a warning for who asked for them.
func TestPasskeysAreOffered(t *testing.T) {
	for _, test := range []struct {
		factors []string
		passkey *Passkey
		site    string
		offered bool
		log     string
	}{
		{nil, &Passkey{RPID: "example.com"}, "https://wiki.example.com", true, ""},
		{nil, &Passkey{RPID: "example.com"}, "https://wiki.example.org", false, ""},
		{nil, nil, "https://wiki.example.com", false, "level=INFO"},
		{[]string{"totp"}, &Passkey{RPID: "example.com"}, "https://wiki.example.com", false, ""},
		{[]string{"totp", "passkey"}, nil, "https://wiki.example.com", false, "level=WARN"},
		{[]string{"passkey"}, &Passkey{RPID: "example.com", Elsewhere: []string{"a.b"}}, "https://example.com", true, "level=WARN"},
	} {
		h := plainHandler()
		h.Factors, h.Passkey = test.factors, test.passkey
		config, err := h.factors()
		if err != nil {
			t.Fatal(err)
		}
		if got := factor.NewService(factor.NewMemoryStore(), config).Each().Offers(factor.MethodPasskey, test.site); got != test.offered {
			t.Errorf("%v, %+v at %s: %v", test.factors, test.passkey, test.site, got)
		}
		var log bytes.Buffer
		h.tellPasskeys(slog.New(slog.NewTextHandler(&log, nil)))
		if (log.Len() > 0) != (test.log != "") || !strings.Contains(log.String(), test.log) {
			t.Errorf("%v, %+v: the log says %q", test.factors, test.passkey, log.String())
		}
	}
	for _, wrong := range []func(*Handler){
		func(h *Handler) { h.Factors = []string{"odd"} },
		func(h *Handler) { h.Passkey = &Passkey{RPID: "Example.com"} },
		func(h *Handler) { h.Passkey = &Passkey{UserVerification: "always"} },
	} {
		h := plainHandler()
		wrong(h)
		if _, err := h.factors(); err == nil {
			t.Errorf("%v, %+v is taken", h.Factors, h.Passkey)
		}
	}
}
