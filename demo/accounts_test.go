package demo

import (
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestAccounts(t *testing.T) {
	as := newAccounts(DefaultUsers(), bcrypt.MinCost)
	for _, test := range []struct{ name, password, want string }{
		{"alice", AlicePassword, "alice"},
		{"BOB ", BobPassword, "bob"},
		{"alice", BobPassword, ""},
		{"alice", "", ""},
		{"nobody", AlicePassword, ""},
		{"", "", ""},
	} {
		got := ""
		if who := as.check(test.name, test.password); who != nil {
			got = who.Login
		}
		if got != test.want {
			t.Errorf("%q with %q is %q", test.name, test.password, got)
		}
	}
	for _, who := range as.all {
		if who.Password != "" {
			t.Errorf("%s's password is stored in plain text", who.Login)
		}
	}
}

// An account without an API key must not be opened by an empty one.
func TestNoKeyOpensNothing(t *testing.T) {
	as := newAccounts([]User{{Login: "carol", Password: "x"}}, bcrypt.MinCost)
	if who := as.byKey(""); who != nil {
		t.Errorf("an empty key is %s", who.Login)
	}
	if as.find("") != nil {
		t.Error("an empty name finds an account")
	}
	if as.all[0].Name != "carol" {
		t.Error("a name is missing")
	}
}
