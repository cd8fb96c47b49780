package vaultstore

import (
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/vault"
)

// rules splits a policy into its rules.
func rules(policy string) []string {
	var out []string
	for _, block := range strings.Split(policy, "path ")[1:] {
		block, _, _ = strings.Cut(block, "}\n")
		out = append(out, "path "+block+"}\n")
	}
	return out
}

// TestLeastPolicy: with the printed policy everything works, and if any one capability is missing from it, Check says
// which. The test also removes what Vault's default policy allows everybody.
func TestLeastPolicy(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	server.Policy("default", "# nothing")
	check := func(policy string) Report {
		connection := newConnection(t, server, restricted(t, server, policy))
		defer connection.Close()
		return newStore(t, server, Settings{Connection: connection, Path: newPathNamed, Transit: transitKey}).Check(t.Context())
	}
	policy, err := Policy(DefaultMount, newPathNamed, transitKey)
	if err != nil {
		t.Fatal(err)
	}
	report := check(policy)
	if err := report.Err(); err != nil || report.Clock.Abs() > 2*time.Second || len(report.Findings) < 15 {
		t.Fatalf("with the whole policy: %v (%d findings)", err, len(report.Findings))
	}
	all := rules(policy)
	for i, rule := range all {
		list := rule[strings.Index(rule, "[")+1 : strings.Index(rule, "]")]
		capabilities := strings.Split(list, ", ")
		for missing := range capabilities {
			left := append(append([]string{}, capabilities[:missing]...), capabilities[missing+1:]...)
			reduced := append(append([]string{}, all[:i]...), all[i+1:]...)
			if len(left) > 0 {
				reduced = append(reduced, strings.Replace(rule, list, strings.Join(left, ", "), 1))
			}
			if strings.Contains(rule, "renew-self") {
				continue // other tests show that renewal needs it
			}
			report := check(strings.Join(reduced, "\n"))
			if report.Err() == nil {
				t.Errorf("nothing is missing without %s of %s", capabilities[missing], rule)
			}
			for _, finding := range report.Findings {
				if finding.Err != nil && finding.Advice == "" {
					t.Errorf("%s: no advice for %v", finding.What, finding.Err)
				}
			}
		}
	}
	if left := everything(t, server, newStore(t, server, Settings{Path: newPathNamed})); strings.Count(left, "~check") > len(all)*5 {
		t.Errorf("left behind: %s", left)
	}
}

const newPathNamed = "policy-test"

// TestCheckSaysWhatIsWrong: each problem has a finding of its own, with advice.
func TestCheckSaysWhatIsWrong(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	wantsFinding := func(name string, store *Store, what string) {
		t.Helper()
		report := store.Check(t.Context())
		for _, finding := range report.Findings {
			if finding.What == what && finding.Err != nil && finding.Advice != "" {
				return
			}
		}
		t.Errorf("%s: no finding %q: %v", name, what, report.Err())
	}
	if err := newStore(t, server, Settings{Transit: transitKey}).Check(t.Context()).Err(); err != nil {
		t.Fatalf("with everything there: %v", err)
	}
	wantsFinding("no mount", newStore(t, server, Settings{Mount: "none"}), "the mount is KV version 2")
	wantsFinding("bad token", newStore(t, server, Settings{Connection: newConnection(t, server, Token("hvs.none"))}), "signed in")
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"delete_version_after": "720h"}); err != nil {
		t.Fatal(err)
	}
	wantsFinding("versions end", newStore(t, server, Settings{}), "versions stay")
	if _, err := server.Client().Logical().Write("transit/keys/other", map[string]any{"type": "rsa-2048"}); err != nil {
		t.Fatal(err)
	}
	if err := newStore(t, server, Settings{Transit: "transit/other"}).Check(t.Context()).Err(); err == nil {
		t.Error("a key without associated data was accepted")
	}
	server.Seal()
	wantsFinding("sealed", newStore(t, server, Settings{}), "unsealed")
	server.Unseal()
	server.AwaitActive()
	server.Down()
	wantsFinding("down", newStore(t, server, Settings{}), "reachable")
}
