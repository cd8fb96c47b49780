package vaultstore

import (
	"strings"
	"testing"
)

// TestPolicy: the policy names the setting's own paths and nothing beyond them. TestLeastPolicy shows with a real Vault
// that it is enough, and that every line is needed.
func TestPolicy(t *testing.T) {
	policy, err := Policy("kv/team", "gate", "seal/keys/door")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(policy, "\n") {
		if !strings.HasPrefix(line, "path ") {
			continue
		}
		path := strings.Split(line, `"`)[1]
		switch path {
		case "kv/team/data/gate/*", "kv/team/metadata/gate/*", "kv/team/destroy/gate/*",
			"seal/keys/encrypt/door", "seal/keys/decrypt/door", "seal/keys/keys/door", "auth/token/lookup-self", "auth/token/renew-self":
		default:
			t.Errorf("the policy allows %s", path)
		}
	}
	for _, forbidden := range []string{"sudo", `"patch"`, "# \n"} {
		if strings.Contains(policy, forbidden) {
			t.Errorf("the policy has %q in it", forbidden)
		}
	}
	plain, err := Policy("", "", "")
	if err != nil || strings.Contains(plain, "crypt") || !strings.Contains(plain, `path "secret/data/sallyport/*"`) {
		t.Errorf("the default policy, %v:\n%s", err, plain)
	}
	for _, bad := range [][3]string{{"*", "", ""}, {"", "a/*", ""}, {"", "", "transit"}, {"", "", `t/k" {}`}} {
		if _, err := Policy(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestTransitVersions: only what transit writes has a version.
func TestTransitVersions(t *testing.T) {
	for text, want := range map[string]int64{
		"vault:v1:abc": 1, "vault:v12:abc": 12, "": 0, "vault:v1": 0, "vault:v0:x": 0, "vault:v-1:x": 0, "vault:vx:y": 0, "v1:abc": 0,
	} {
		if got := version(text); got != want {
			t.Errorf("%q has version %d, want %d", text, got, want)
		}
	}
	if string(association("ab", "c")) == string(association("a", "bc")) {
		t.Error("two associations are the same")
	}
}
