package caddymodule

import (
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
)

// TestPolicyWords: what the words about first factors, other ways and trusted browsers say is read, and what they
// cannot mean is refused.
func TestPolicyWords(t *testing.T) {
	for _, c := range []struct {
		arguments string
		networks  []string
		want      string
	}{
		{"open", nil, ""},
		{"code", nil, ""},
		{"network 10.0.0.0/8 2001:db8::/32 192.0.2.7 ::1", []string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "::1"}, ""},
		{"", nil, "argument count"},
		{"network", nil, "argument count"},
		{"code 10.0.0.0/8", nil, "argument count"},
		{"closed", nil, "want open, code or network"},
		{"network 10.0.0.0/33", nil, "is no network"},
		{"network office", nil, "is no network"},
		{"network ::ffff:10.0.0.0/104", nil, "is no network"},
		{"network fe80::1%eth0", nil, "is no network"},
	} {
		var h Handler
		err := readEnrolment(strings.Fields(c.arguments), &h)
		if c.want == "" && (err != nil || !slices.Equal(h.EnrolmentNetworks, c.networks)) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("enrolment %s: %q, %v, want %q", c.arguments, h.EnrolmentNetworks, err, c.want)
		}
	}
	for _, c := range []struct {
		arguments string
		key       bool
		want      string
	}{
		{"30d", false, ""},
		{"30d key", true, ""},
		{"", false, "argument count"},
		{"30d keys", false, "did you mean 'key'"},
		{"key 30d", false, "want key"},
		{"401d key", true, "at most 400d"},
		{"30d key key", false, "argument count"},
	} {
		var h Handler
		err := readRemember(strings.Fields(c.arguments), &h)
		if c.want == "" && (err != nil || h.Remember == 0 || h.RememberKey != c.key) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("remember %s: %t, %v, want %q", c.arguments, h.RememberKey, err, c.want)
		}
	}
	for name, ok := range map[string]bool{"any": true, "same": true, "none": true, "": false, "all": false} {
		if (checkFallback(name) == nil) != ok {
			t.Errorf("fallback %q", name)
		}
	}
}

// TestPolicyReachesTheFactors: `enrolment code` and `fallback` are the factors' own settings, by which they judge.
func TestPolicyReachesTheFactors(t *testing.T) {
	h := plainHandler()
	plain, err := h.factors()
	if err != nil || plain.EnrolmentCode || plain.Fallback != "" || plain.RememberKey {
		t.Errorf("by default: %+v, %v", plain, err)
	}
	h.Enrolment, h.Fallback = enrolmentCode, "same"
	said, err := h.factors()
	if err != nil || !said.EnrolmentCode || said.Fallback != factor.FallbackSame {
		t.Errorf("%+v, %v", said, err)
	}
}
