package caddymodule

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// TestDeskWords: the block is read, and each error names its line.
func TestDeskWords(t *testing.T) {
	d := new(Desk)
	err := d.UnmarshalCaddyfile(caddyfile.NewTestDispenser(`second_factor_desk {
		apps wiki ledger
		operator {http.auth.user.id}
		base /desk
	}`))
	if err != nil || strings.Join(d.Apps, " ") != "wiki ledger" || d.Operator != "{http.auth.user.id}" || d.Base != "/desk" {
		t.Errorf("%+v, %v", d, err)
	}
	for block, want := range map[string]string{
		"second_factor_desk":                                                                      "'apps' is missing",
		"second_factor_desk wiki {\n}":                                                            "wrong argument count",
		"second_factor_desk {\n\tapps wiki\n}":                                                    "'operator' is missing",
		"second_factor_desk {\n\toperator {http.auth.user.id}\n}":                                 "'apps' is missing",
		"second_factor_desk {\n\tapps\n}":                                                         "want 'apps <name>...'",
		"second_factor_desk {\n\tapps a\n\tapps b\n}":                                             "stands on line 2 already",
		"second_factor_desk {\n\tapps a\n\toperator alice\n}":                                     "want a placeholder",
		"second_factor_desk {\n\tapps a\n\toperator {http.request.uri.query.who}\n}":              "the client's word",
		"second_factor_desk {\n\tapps a\n\toperator {http.second_factor.state}\n}":                "want a placeholder",
		"second_factor_desk {\n\tapps a\n\toperator {http.auth.user.id}\n\tbase desk\n}":          "want a path",
		"second_factor_desk {\n\tapps a\n\toperator {http.auth.user.id}\n\toperators x\n}":        "operators",
		"second_factor_desk {\n\tapps a {\n\tx\n\t}\n\toperator {http.auth.user.id}\n}":           "unexpected 'x'",
		"second_factor_desk {\n\tapps a\n\toperator {http.auth.user.id} {http.auth.user.id}\n\t}": "operator",
	} {
		err := new(Desk).UnmarshalCaddyfile(caddyfile.NewTestDispenser(block))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want %q", block, err, want)
		}
	}
	for _, operator := range []string{"{http.auth.user.id}", "{http.second_factor.user}", "{http.request.header.Remote-User}", "{http.request.tls.client.subject}"} {
		if _, err := deskOperator(operator); err != nil {
			t.Errorf("%s: %v", operator, err)
		}
	}
}
