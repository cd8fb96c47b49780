package factor_test

import (
	"bytes"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"sallyport/factor"
)

func newProposal() factor.Proposal {
	return factor.Proposal{
		App: "wiki", User: "alice", Secret: []byte("12345678901234567890"), Parameters: factor.DefaultParameters(),
		Replaces: "abc", Created: time.Date(2026, 11, 3, 10, 0, 0, 5, time.UTC),
	}
}

func TestProposalRoundTrip(t *testing.T) {
	proposal := newProposal()
	decoded, err := factor.DecodeProposal(proposal.Encode())
	if err != nil || !reflect.DeepEqual(decoded, proposal) {
		t.Fatalf("%v; the same: %v", err, reflect.DeepEqual(decoded, proposal))
	}
	for name, spoil := range map[string]func(*factor.Proposal){
		"empty seed":   func(p *factor.Proposal) { p.Secret = nil },
		"short seed":   func(p *factor.Proposal) { p.Secret = p.Secret[:15] },
		"long seed":    func(p *factor.Proposal) { p.Secret = make([]byte, 200) },
		"no user":      func(p *factor.Proposal) { p.User = "" },
		"bad user":     func(p *factor.Proposal) { p.User = "\xff" },
		"algorithm":    func(p *factor.Proposal) { p.Parameters.Algorithm = "MD5" },
		"no algorithm": func(p *factor.Proposal) { p.Parameters.Algorithm = "" },
		"digits":       func(p *factor.Proposal) { p.Parameters.Digits = 9 },
		"period":       func(p *factor.Proposal) { p.Parameters.Period = time.Millisecond },
		"skew":         func(p *factor.Proposal) { p.Parameters.Skew = 1000 },
		"nothing":      func(p *factor.Proposal) { *p = factor.Proposal{} },
	} {
		bad := newProposal()
		spoil(&bad)
		if err := bad.Validate(); !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
		if encoded := bad.Encode(); encoded != nil {
			t.Errorf("%s: was encoded", name)
		}
	}
	for _, encoded := range []string{"", "null", "{}", "[]", `{"schema":1}`, string(newProposal().Encode()) + "x", strings.Repeat(" ", 9000)} {
		if _, err := factor.DecodeProposal([]byte(encoded)); !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("%.20q: %v, want ErrInvalid", encoded, err)
		}
	}
}

func FuzzDecodeProposal(f *testing.F) {
	f.Add(newProposal().Encode())
	f.Add([]byte("null"))
	f.Add([]byte(`{"schema":1,"secret":"","period":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		proposal, err := factor.DecodeProposal(encoded)
		if err != nil {
			if !errors.Is(err, factor.ErrInvalid) {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		if len(proposal.Secret) < factor.MinSecret || proposal.User == "" {
			t.Fatal("a proposal that cannot be confirmed was accepted")
		}
		first := proposal.Encode()
		again, err := factor.DecodeProposal(first)
		if err != nil || !bytes.Equal(again.Encode(), first) {
			t.Fatalf("the round trip changes the proposal: %v", err)
		}
	})
}

// TestProposalURI reads the address back as authenticators do: the label is unescaped, then split at the first colon.
func TestProposalURI(t *testing.T) {
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
		uri := newProposal().URI(test.issuer, test.user)
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
		want := url.Values{"secret": {newProposal().Key()}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
		if test.wantIssuer != "" {
			want["issuer"] = []string{test.wantIssuer}
		}
		if !reflect.DeepEqual(query, want) {
			t.Errorf("%q: parameters %v, want %v", test.user, query, want)
		}
		if key, err := otp.NewKeyFromURL(uri); err != nil || key.Secret() != newProposal().Key() {
			t.Errorf("the otp library reads another key (%v)", err)
		}
	}
}

func TestProposalKey(t *testing.T) {
	proposal := newProposal()
	if key := proposal.Key(); key != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(key)
	}
	if key := proposal.GroupedKey(); key != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" {
		t.Error(key)
	}
	proposal.Secret = append(proposal.Secret, '1')
	if key := proposal.GroupedKey(); key != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ GE" {
		t.Error(key)
	}
}
