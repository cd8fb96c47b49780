package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/session"
)

// sessionsOf adapts a line of the global block, loads the guest that it names, and calls its Provision and Connect.
func sessionsOf(t *testing.T, line string) (Sessions, string, error) {
	t.Helper()
	config, err := adapt("{\n\tsecond_factor {\n\t\tsecrets file /nowhere\n\t\t" + line + "\n\t}\n}\n:80 {\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := sessionsIn(t, config)
	return sessions, string(config), err
}

func sessionsIn(t *testing.T, config []byte) (Sessions, error) {
	t.Helper()
	var parsed struct {
		Apps struct {
			SecondFactor struct{ Sessions json.RawMessage } `json:"second_factor"`
		}
	}
	if err := json.Unmarshal(config, &parsed); err != nil {
		t.Fatal(err)
	}
	var named struct{ Module string }
	if err := json.Unmarshal(parsed.Apps.SecondFactor.Sessions, &named); err != nil {
		t.Fatal(err)
	}
	info, err := caddy.GetModule("second_factor.sessions." + named.Module)
	if err != nil {
		t.Fatal(err)
	}
	guest := info.New()
	if err := json.Unmarshal(parsed.Apps.SecondFactor.Sessions, guest); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := guest.(caddy.CleanerUpper).Cleanup(); err != nil {
			t.Error(err)
		}
	})
	if err := guest.(caddy.Provisioner).Provision(caddy.Context{}); err != nil {
		return nil, err
	}
	sessions := guest.(Sessions)
	return sessions, sessions.Connect(guests{})
}

// TestP9_AddressInTheCaddyfile: an address with a password that the Caddyfile spells out is used, but is not in the
// configuration, and printing the settings does not show it. A placeholder and an address without a password stay as
// they are.
func TestP9_AddressInTheCaddyfile(t *testing.T) {
	t.Setenv("SALLYPORT_TEST_PASSWORD", "hidden")
	t.Setenv("SALLYPORT_TEST_HOST", "db.internal")
	for line, shown := range map[string]bool{
		"sessions redis redis://:hidden@db.internal":                                                false,
		"sessions redis redis://:hidden/with@slash@db.internal":                                     false,
		"sessions redis redis://hidden@db.internal":                                                 false,
		"sessions redis redis://:hidden@{env.SALLYPORT_TEST_HOST}":                                  false,
		"sessions redis redis+sentinel://db.internal?master_name=m&password=hidden":                 false,
		"sessions postgres postgres://u:hidden@db.internal/a":                                       false,
		"sessions postgres postgres://db.internal/a?user=u&password=hidden":                         false,
		"sessions postgres \"host=db.internal password = hidden\"":                                  false,
		"sessions redis redis://:{env.SALLYPORT_TEST_PASSWORD}@{env.SALLYPORT_TEST_HOST}":           true,
		"sessions redis redis://user:{env.SALLYPORT_TEST_PASSWORD}@db.internal":                     true,
		"sessions redis redis://db.internal":                                                        true,
		"sessions postgres \"host=db.internal password={env.SALLYPORT_TEST_PASSWORD} dbname=a\"":    true,
		"sessions postgres postgres://u:{env.SALLYPORT_TEST_PASSWORD}@db.internal/a?sslmode=prefer": true,
	} {
		sessions, config, err := sessionsOf(t, line)
		malformed := strings.Contains(line, "slash")
		if (err != nil) != malformed || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", line, err)
		}
		if strings.Contains(config, "hidden") || shown == strings.Contains(config, `"literal:`) {
			t.Errorf("%s: the configuration has %s", line, config)
		}
		if err != nil {
			continue
		}
		var place string
		switch s := sessions.(type) {
		case *SessionsRedis:
			place = s.pooled.store.String()
		case *SessionsPostgres:
			place = s.pooled.store.String()
		}
		if !strings.Contains(place, "db.internal") || strings.Contains(place, "hidden") {
			t.Errorf("%s: %s", line, place)
		}
	}
}

// TestSessionsServerProvisions: neither `caddy validate` nor a start without the server makes a call. A reload with the
// same settings keeps the connections. A bad setting is an error that names it.
func TestSessionsServerProvisions(t *testing.T) {
	shared := map[string]*session.Shared{}
	for _, line := range []string{"sessions redis redis://127.0.0.1:1", "sessions postgres postgres://127.0.0.1:1/a", "sessions file /nowhere/else"} {
		for _, more := range []string{"", " {\n\t\t\ttimeout 5s\n\t\t}"} {
			if more != "" && strings.Contains(line, "file") {
				continue
			}
			first, _, err := sessionsOf(t, line+more)
			if err != nil {
				t.Fatal(err)
			}
			second, _, err := sessionsOf(t, line+more)
			if err != nil || second.Shared() != first.Shared() {
				t.Errorf("%s: a reload with the same settings made other connections (%v)", line, err)
			}
			shared[line+more] = first.Shared()
		}
	}
	seen := map[*session.Shared]string{}
	for line, one := range shared {
		if other, again := seen[one]; again {
			t.Errorf("%s and %s share their sessions", line, other)
		}
		seen[one] = line
	}

	noCertificate := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noCertificate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"sessions redis {env.SALLYPORT_NO_SUCH}":                                          "address",
		"sessions redis http://127.0.0.1":                                                 "address of Redis",
		"sessions redis rediss://127.0.0.1 {\n\t\t\tca_cert /nowhere/ca.pem\n\t\t}":       "ca_cert",
		"sessions redis rediss://127.0.0.1 {\n\t\t\tca_cert " + noCertificate + "\n\t\t}": "ca_cert",
		"sessions redis rediss://127.0.0.1 {\n\t\t\tca_cert {env.SALLYPORT_NO}\n\t\t}":    "ca_cert",
		"sessions postgres http://127.0.0.1":                                              "address of PostgreSQL",
		"sessions postgres {env.SALLYPORT_NO_SUCH}":                                       "address",
	} {
		if _, _, err := sessionsOf(t, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that names %s", line, err, want)
		}
	}
	// A stand-in that another process made is unknown here, and the error does not show it.
	config := fmt.Sprintf(`{"apps":{"second_factor":{"sessions":{"module":"redis","address":"%s%s"}}}}`, literalPrefix, strings.Repeat("0", 32))
	if _, err := sessionsIn(t, []byte(config)); err == nil || !strings.Contains(err.Error(), "only a restart") || strings.Contains(err.Error(), "0000") {
		t.Errorf("a stand-in of another process: %v", err)
	}
}
