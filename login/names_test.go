package login

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// TestP4_OneNamePerAccount: the spellings under which apps sign in one account are one name here too.
func TestP4_OneNamePerAccount(t *testing.T) {
	for typed, want := range map[string]string{
		"alice": "alice", "ALICE": "alice", " alice": "alice", "alice ": "alice", "\u00a0alice\u3000": "alice", "Alice": "alice",
		"ＡＬＩＣＥ": "alice", "ﬁona": "fiona", "al\u017fo": "also", "\u212aarl": "karl", "ΝΊΚΟΣ": "νίκοσ", "νίκος": "νίκοσ",
		"e\u0301": "é", "É": "é", "İ": "i", "ı": "i", "i\u0307": "i", "I\u0307": "i", "İ\u0330": "\u1e2d", "ᾼ": "αι", "ᾳ": "αι", "Admin@Example.com": "admin@example.com", "a  b": "a  b", "User:Admin": "user:admin",
	} {
		if name, err := (Names{}).Normalise(typed); name != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", typed, name, err, want)
		}
	}
}

func TestCaseSensitive(t *testing.T) {
	if name, err := (Names{CaseSensitive: true}).Normalise(" Ａlice "); name != "Alice" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
}

// TestNamesRefused: invisible characters cannot distinguish two accounts, and databases drop them when they compare.
func TestNamesRefused(t *testing.T) {
	for _, typed := range []string{
		"", " ", "\u3000", "alice\x00", "alice\n", "\talice", "alice\x7f", "alice\u0085", "al\u200bice", "\u202ealice", "\u2066alice", "alice\ufeff",
		"alice\ufe0f", "alice\u034f", "alice\u3164", "alice\u115f", "alice\u00ad", "alice\u2028", "alice\ue000", "alice\U000e0041", "alice\u2800",
		"alice\xff", "alice\ufffd", strings.Repeat("a", NameLimit+1), strings.Repeat("ﷺ", 400), strings.Repeat("a", 50000), strings.Repeat(" ", 50000) + "alice",
	} {
		if name, err := (Names{}).Normalise(typed); !errors.Is(err, ErrName) || name != "" {
			t.Errorf("%q: %q, %v", typed, name, err)
		} else if typed != "" && strings.TrimSpace(typed) != "" && strings.Contains(err.Error(), typed) {
			t.Errorf("the error tells the name: %v", err)
		}
	}
	if _, err := (Names{}).Normalise(strings.Repeat("a", NameLimit)); err != nil {
		t.Error(err)
	}
}

// TestP4_AllowedFitsWhatWasTyped: the app got a name that the pattern does not allow, and distinguished it from the
// name that the gateway took it for. Somebody who registered that name in the app was asked for the other user's
// factor, or set up her own as the other's.
func TestP4_AllowedFitsWhatWasTyped(t *testing.T) {
	plain := regexp.MustCompile("[a-z]+")
	for _, typed := range []string{"\uff41lice", "\u212aarl", "al\u017fo", "\ufb01ona"} {
		if _, err := (Names{}).Normalise(typed); err != nil {
			t.Fatalf("the control: %q: %v", typed, err)
		}
		for _, sensitive := range []bool{false, true} {
			if name, err := (Names{Allowed: plain, CaseSensitive: sensitive}).Normalise(typed); err == nil {
				t.Errorf("%q is %q, case sensitive: %t", typed, name, sensitive)
			}
		}
	}
	letters := regexp.MustCompile(`\pL+`)
	if name, err := (Names{Allowed: letters}).Normalise("\ufdfa"); err == nil { // one letter that becomes four words
		t.Errorf("what it is kept under does not fit: %q", name)
	}
	if name, err := (Names{Allowed: plain}).Normalise(" Alice "); name != "alice" || err != nil {
		t.Errorf("in capitals: %q, %v", name, err)
	}
	if name, err := (Names{Allowed: plain, CaseSensitive: true}).Normalise("Alice"); err == nil {
		t.Errorf("in capitals, where they count: %q", name)
	}
}

// TestAllowedFitsWhole: a pattern that matches only a part of the name does not allow it.
func TestAllowedFitsWhole(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{`[a-z]+`, "alice", true},
		{`[a-z]+`, "alice1", false},
		{`[a-z]+`, "1alice", false},
		{`[a-z]+`, "álice", false},
		{`a|ab`, "ab", true},
		{`a*?`, "aaa", true},
		{`(?m)^a$|b`, "a b", false},
		{`^[a-z]+$`, "alice", true},
		{`[a-z]+@example\.com`, "alice@example.com", true},
		{`[a-z]+@example\.com`, "alice@example.com.evil", false},
		{``, "a", false},
	} {
		allowed := regexp.MustCompile(test.pattern)
		if _, err := (Names{Allowed: allowed}).Normalise(test.name); (err == nil) != test.want {
			t.Errorf("%s on %q: %v", test.pattern, test.name, err)
		}
		if found := allowed.FindString("ab"); test.pattern == `a|ab` && found != "a" {
			t.Error("the operator's pattern was changed")
		}
	}
}
