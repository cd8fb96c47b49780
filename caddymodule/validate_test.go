package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// validate does what `caddy validate` does with a Caddyfile of these global options and sites. It returns this module's
// log lines at WARN, each as the setting and the text.
func validate(t *testing.T, global, sites string) (warnings []string, err error) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	adapted, err := adapt(fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tstorage file_system %s\n\tlog {\n\t\toutput file %s\n\t\tformat json\n\t}\n\t%s\n}\n%s",
		t.TempDir(), log, global, sites))
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	err = caddy.Validate(&config)
	text, readErr := os.ReadFile(log)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	for line := range strings.Lines(string(text)) {
		var entry struct{ Level, Logger, Msg, Setting string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Level == "warn" && strings.Contains(entry.Logger, "second_factor") {
			warnings = append(warnings, entry.Setting+": "+entry.Msg)
		}
	}
	return warnings, err
}

// block returns a second_factor with the given lines in it, which causes no warning by itself.
func block(lines string) string {
	return "second_factor {\n\t\tapp wiki\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /name\n" + lines + "\n\t}\n"
}

const secretsLine = "second_factor {\n\t\tsecrets file /nowhere/secrets.db\n\t}\n"

// TestP2_PlainHTTPIsAnErrorAtStart: a site that would take passwords and sessions over a network in plain http is
// refused at start. The control: the same site over https, on loopback, or behind a trusted proxy, is accepted.
func TestP2_PlainHTTPIsAnErrorAtStart(t *testing.T) {
	const behind = "servers {\n\t\ttrusted_proxies static 192.0.2.7\n\t}\n"
	for _, test := range []struct {
		name, global, address, bind string
		want, warns                 string
	}{
		{"a name", "", "http://wiki.example.com", "", "plain http at :80", ""},
		{"a port", "", ":8080", "", "plain http at :8080", ""},
		{"a port of a name", "", "http://wiki.example.com:8080", "", "plain http at :8080", ""},
		{"an address", "", "http://192.0.2.1", "", "plain http at :80", ""},
		{"bound to a network", "", "http://wiki.example.com", "192.0.2.1", "plain http at 192.0.2.1:80", ""},
		{"bound to a network too", "", "http://wiki.example.com", "127.0.0.1 192.0.2.1", "plain http at 192.0.2.1:80", ""},
		{"bound to all", "", "http://wiki.example.com", "0.0.0.0", "plain http at 0.0.0.0:80", ""},
		{"without automatic https", "auto_https off", "http://wiki.example.com:8443", "", "plain http at :8443", ""},
		{"a host of this machine and another one", "", "http://127.0.0.1:8080, http://wiki.example.com:8080", "", "plain http at :8080", ""},

		{"https", "", "wiki.example.com", "", "", ""},
		{"https without automatic https", "auto_https off", "https://wiki.example.com:8443", "", "", ""},
		{"https at any port", "", "https://wiki.example.com:8443", "", "", ""},
		{"bound to loopback", "", "http://wiki.example.com", "127.0.0.1", "", "trusted_proxies: plain http"},
		{"bound to loopback by name", "", "http://wiki.example.com", "localhost", "", "trusted_proxies: plain http"},
		{"bound to loopback of IPv6", "default_bind ::1", ":8080", "", "", "trusted_proxies: plain http"},
		{"bound to a socket", "", "http://wiki.example.com", "unix//run/x.sock", "", ""},
		{"for this machine", "", "http://localhost:8080", "", "", "bind: plain http"},
		{"for this machine by address", "", "http://127.0.0.1:8080", "", "", "bind: plain http"},
		{"behind a proxy", behind, "http://wiki.example.com", "", "", ""},
		{"behind a proxy on loopback", behind, "http://wiki.example.com", "127.0.0.1", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bind := ""
			if test.bind != "" {
				bind = "bind " + test.bind
			}
			warnings, err := validate(t, test.global+"\n\t"+secretsLine, test.address+" {\n\t"+bind+"\n\t"+block("")+"}\n")
			if test.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v; want %q", err, test.want)
			}
			if err == nil && !only(warnings, test.warns) {
				t.Errorf("warned of %q; want %q", warnings, test.warns)
			}
		})
	}
}

// only reports whether there is exactly one warning, which begins with want; or none, if want is empty.
func only(warnings []string, want string) bool {
	if want == "" {
		return len(warnings) == 0
	}
	return len(warnings) == 1 && strings.HasPrefix(warnings[0], want)
}

// TestTrustedProxies: Caddy's server still has the unexported field with the trusted proxies.
func TestTrustedProxies(t *testing.T) {
	if trustsProxies(new(caddyhttp.Server)) {
		t.Error("a server without trusted proxies seems to have some")
	}
}

// TestP2_SecureIsTheProxysWord: only a proxy that the server trusts can say that the browser's connection is encrypted.
// If a client's own word counted, it would get a cookie on a connection that others can read.
func TestP2_SecureIsTheProxysWord(t *testing.T) {
	for _, test := range []struct {
		name    string
		trusted any
		said    []string
		want    bool
	}{
		{"trusted", true, []string{"https"}, true},
		{"not trusted", false, []string{"https"}, false},
		{"nothing known of that", nil, []string{"https"}, false},
		{"plain", true, []string{"http"}, false},
		{"silent", true, nil, false},
		{"empty", true, []string{""}, false},
		{"two lines", true, []string{"https", "https"}, false},
		{"two words", true, []string{"https, http"}, false},
		{"two words the same", true, []string{"https,https"}, false},
		{"another word", true, []string{"wss"}, false},
		{"shouted", true, []string{"HTTPS"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), new(caddyhttp.Server))
		caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, test.trusted)
		r.Header["X-Forwarded-Proto"] = test.said
		if got := secure(r); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		// Later handlers may change the header; the result stays.
		r.Header["X-Forwarded-Proto"] = map[bool][]string{true: nil, false: {"https"}}[test.want]
		if got := secure(r); got != test.want {
			t.Errorf("%s, and the header has changed: %v", test.name, got)
		}
	}
}

// TestP4_OneAppTwoMeanings: two sites with one app share its users, sessions and factors. If they found the user's name
// in different fields or pages, mallory, who can choose her name at the second site, could be alice at the first. The
// control: sites with equal settings may share an app, and sites with different settings may have different apps.
func TestP4_OneAppTwoMeanings(t *testing.T) {
	const login = "login /login {\n\t\t\tusername form u\n\t\t}\n"
	site := func(host, app, lines string) string {
		return host + ".example.com {\n\tsecond_factor {\n\t\tapp " + app + "\n\t\t" + lines + "\n\t}\n}\n"
	}
	one := site("one", "wiki", login+"identity /me json /name")
	for name, other := range map[string]string{
		"another field":          "login /login {\n\t\t\tusername form nick\n\t\t}\n\t\tidentity /me json /name",
		"another login beside":   login + "\t\tlogin /more {\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /name",
		"another rule":           "login /login {\n\t\t\tusername form u\n\t\t\tsuccess status 204\n\t\t}\n\t\tidentity /me json /name",
		"another identity":       login + "\t\tidentity /me json /nick",
		"no identity":            "login /login {\n\t\t\tusername form u\n\t\t\tfields p\n\t\t\tsuccess cookie sid\n\t\t}\n\t\tidentity typed",
		"names with their case":  login + "\t\tidentity /me json /name\n\t\tcase_sensitive",
		"set-up for everyone":    login + "\t\tidentity /me json /name\n\t\trequire everyone",
		"names of another shape": login + "\t\tidentity /me json /name\n\t\tusernames [a-z]+",
	} {
		_, err := validate(t, secretsLine, one+site("two", "wiki", other))
		if err == nil || !strings.Contains(err.Error(), `app "wiki"`) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := validate(t, secretsLine, one+site("two", "files", other)); err != nil {
			t.Errorf("the control, %s as another app: %v", name, err)
		}
		if _, err := validate(t, secretsLine, site("two", "wiki", other)); err != nil {
			t.Errorf("the control, %s in a configuration that comes after: %v", name, err)
		}
	}
	same := login + "\t\tidentity /me json /name\n\t\tpublic /static/*\n\t\tidle 5m"
	for range 2 { // the second run shows that nothing is left of the first configuration
		if _, err := validate(t, secretsLine, one+site("two", "wiki", same)); err != nil {
			t.Errorf("the control, with equal settings: %v", err)
		}
	}
}

// TestWarnings: a setting that has no effect, or another one than it seems to have, causes a warning that names it. An
// ordinary site causes none.
func TestWarnings(t *testing.T) {
	const typed = "second_factor {\n\t\tapp wiki\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields p\n\t\t\tsuccess cookie sid\n\t\t}\n\t\tidentity typed\n"
	for _, test := range []struct{ name, site, want string }{
		{"nothing", block(""), ""},
		{"all in order", block("\t\tpublic /static/*\n\t\tprotect /static/private/*\n\t\tidle 1h\n\t\tlifetime 2h\n\t\trecheck 30s"), ""},
		{"success", strings.Replace(block(""), "username form u", "username form u\n\t\t\tsuccess status 302", 1), "success: "},
		{"rotates", block("\t\trotates sid"), "rotates: "},
		{"case_sensitive", block("\t\tcase_sensitive"), "case_sensitive: "},
		{"fields", strings.Replace(block(""), "username form u", "username form u\n\t\t\twhen form u *", 1), "fields: "},
		{"fields that are there", strings.Replace(block(""), "username form u", "username form u\n\t\t\twhen form u *\n\t\t\tfields p", 1), ""},
		{"prefix", block("\t\tidentity /admin/me json /name"), "prefix: several"},
		{"prefix that is empty", block("\t\tidentity /admin/me {\n\t\t\tname json /name\n\t\t\tprefix \"\"\n\t\t}"), ""},
		{"protect without public", block("\t\tprotect /private/*"), "protect: protect /private/*"},
		{"protect beside public", block("\t\tpublic /static/*\n\t\tprotect /private/*"), "protect: protect /private/*"},
		{"protect in another case", block("\t\tpublic /Static/*\n\t\tprotect /static/private"), ""},
		{"protect by a pattern", block("\t\tpublic /*.css\n\t\tprotect /private/*"), ""},
		{"methods without the login's", block("\t\tmethods GET PUT"), "methods: the login at /login comes by POST"},
		{"methods with the login's", block("\t\tmethods GET POST"), ""},
		{"enrolment by a password", block("\t\trequire everyone"), "enrolment: require everyone with enrolment open"},
		{"enrolment that is open", block("\t\trequire everyone\n\t\tenrolment open"), "enrolment: require everyone with enrolment open"},
		{"enrolment by a code", block("\t\trequire everyone\n\t\tenrolment code"), ""},
		{"enrolment from a network", block("\t\trequire everyone\n\t\tenrolment network 10.0.0.0/8"), ""},
		{"enrolment where nobody must", block("\t\tenrolment open"), ""},
		{"idle", block("\t\tidle 2h\n\t\tlifetime 2h"), "idle: "},
		{"throttle", block("\t\tthrottle {\n\t\t\tfree 3\n\t\t\tstop 3\n\t\t\tdelay 1m\n\t\t}"), "throttle: "},
		{"handle", "handle /wiki/* {\n\t" + block("") + "\trespond ok\n\t}\n", ""},
		{"handle_path", "handle_path /wiki/* {\n\t" + block("") + "\trespond ok\n\t}\n", "handle_path: second_factor stands where /wiki"},
		{"handle_path around it", "handle_path /wiki/* {\n\thandle /a/* {\n\t" + block("") + "\t}\n\t}\n", "handle_path: second_factor stands where /wiki"},
		{"handle_path beside it", block("") + "\thandle_path /wiki/* {\n\t\trespond ok\n\t}\n", ""},
		{"strip_prefix before it", "route {\n\turi strip_prefix /wiki\n\t" + block("") + "\t}\n", "handle_path: second_factor stands where /wiki"},
		{"strip_prefix behind it", "route {\n\t" + block("") + "\turi strip_prefix /wiki\n\t}\n", ""},
		{"renews", typed + "\t\trenews\n\t}\n", "renews: "},
		{"recheck", typed + "\t\trecheck 5m\n\t}\n", "recheck: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			warnings, err := validate(t, secretsLine, "wiki.example.com {\n\t"+test.site+"}\n")
			if err != nil {
				t.Fatal(err)
			}
			var about []string
			for _, w := range warnings {
				if !strings.HasPrefix(w, "identity: ") { // every site with identity typed has this one
					about = append(about, w)
				}
			}
			if !only(about, test.want) {
				t.Errorf("warned of %q; want %q", about, test.want)
			}
		})
	}
}

// TestMeet compares meet with trying out all short texts.
func TestMeet(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "", false},
		{"*", "", true},
		{"*", "anything", true},
		{"*", "*", true},
		{"/a/*", "/a/b", true},
		{"/a/*", "/b/*", false},
		{"/a*", "*b", true},
		{"*.css", "/private/*", true},
		{"*.css", "*.js", false},
		{"/a/*/c", "/a/b/*", true},
		{"/a/*/c", "/a/b", false},
		{"ab*", "a*b", true},
		{"a*b*c", "abc", true},
		{"a*bb*c", "abc", false},
	} {
		if meet(test.a, test.b) != test.want || meet(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.want)
		}
	}
}
