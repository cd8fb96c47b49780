package totp

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/pquerna/otp"
)

// TestAddress reads the address back as authenticators do: the label is unescaped, then split at the first colon.
func TestAddress(t *testing.T) {
	key := typedKey([]byte(rfcSecrets[SHA1]))
	if key != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(key)
	}
	tests := []struct{ issuer, user, wantIssuer, wantUser string }{
		{"Example Wiki", "alice", "Example Wiki", "alice"},
		{"Example: Wiki", "urn:x:alice", "Example- Wiki", "urn-x-alice"},
		{"a%3Ab", "c%3Ad", "a%3Ab", "c%3Ad"},
		{"A&B=C?D#E/F+G", "a&secret=AAAA", "A&B=C?D#E/F+G", "a&secret=AAAA"},
		{"Müller", "名前 👩", "Müller", "名前 👩"},
		{"a\x00b\u202ec\nd", "x\r\ny\u200bz", "abc d", "x  yz"},
		{"  padded ", "\xff\xfe-", "padded", "-"},
		{"", "alice", "", "alice"},
		{strings.Repeat("i", 500), strings.Repeat("ü", 500), strings.Repeat("i", 300), strings.Repeat("ü", 50)},
	}
	for _, test := range tests {
		uri := address(test.issuer, test.user, key, DefaultParameters())
		if len(uri) > 1200 {
			t.Errorf("%q: %d bytes are too many for a QR code", test.user, len(uri))
		}
		parsed, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q: %v", uri, err)
		}
		if parsed.Scheme != "otpauth" || parsed.Host != "totp" || parsed.Fragment != "" || strings.Contains(uri, "+") {
			t.Errorf("%q is not an otpauth address", uri)
		}
		label := strings.TrimPrefix(parsed.Path, "/")
		issuer, user, found := strings.Cut(label, ":")
		if !found {
			issuer, user = "", label
		}
		if issuer != test.wantIssuer || user != test.wantUser {
			t.Errorf("label reads %q, %q; want %q, %q", issuer, user, test.wantIssuer, test.wantUser)
		}
		query, err := url.ParseQuery(parsed.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"secret": {key}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
		if test.wantIssuer != "" {
			want["issuer"] = []string{test.wantIssuer}
		}
		if !reflect.DeepEqual(query, want) {
			t.Errorf("%q: parameters %v, want %v", test.user, query, want)
		}
		if read, err := otp.NewKeyFromURL(uri); err != nil || read.Secret() != key {
			t.Errorf("the otp library reads another key (%v)", err)
		}
	}
}
