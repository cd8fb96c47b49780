package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

var update = flag.Bool("update", false, "write the golden files anew")

func adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// TestAdapt compares what Caddyfiles become with golden files; `go test -update` writes them anew.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, err := adapt(string(text))
			if err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, config, "", "\t"); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden := strings.TrimSuffix(file, ".caddyfiletest") + ".json"
			if *update {
				if err := os.WriteFile(golden, pretty.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(pretty.Bytes(), want) {
				t.Errorf("%s has changed:\n%s", golden, pretty.String())
			}
		})
	}
}

// TestDefaultApp: the site's host names the app, but a host that a client can choose never does: with another Host
// header the user would have no second factor. If there are several hosts none names the app.
func TestDefaultApp(t *testing.T) {
	block := " {\n\tsecond_factor {\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /n\n\t}\n}\n"
	for site, want := range map[string]string{
		"wiki.example.com": "wiki.example.com", "http://127.0.0.1:8080": "127.0.0.1", "Wiki.Example.com": "wiki.example.com",
		"http://wiki.example.com, https://wiki.example.com": "wiki.example.com",
	} {
		config, err := adapt(site + block)
		if err != nil || !strings.Contains(string(config), `"app":"`+want+`"`) {
			t.Errorf("%s: %v %s", site, err, config)
		}
	}
	for _, site := range []string{
		":8080", "*.example.com", "http://", "wiki.example.com, other.example.com", "wiki.example.com, *.example.com", "localhost, 127.0.0.1",
	} {
		if _, err := adapt(site + block); err == nil || !strings.Contains(err.Error(), "app <name>") || !strings.Contains(err.Error(), "Caddyfile:2") {
			t.Errorf("%s: %v", site, err)
		}
		if _, err := adapt(site + strings.Replace(block, "\n\t\tlogin", "\n\t\tapp wiki\n\t\tlogin", 1)); err != nil {
			t.Errorf("%s, named: %v", site, err)
		}
	}
}

// TestErrorsNameTheLine: unknown, repeated and malformed words are errors, and say where.
func TestErrorsNameTheLine(t *testing.T) {
	const (
		me   = "\t\tidentity /me json /n\n"
		bare = "\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n"
		good = bare + me
	)
	for _, test := range []struct{ name, lines, want string }{
		{"unknown", good + "\t\tbanana 1\n", "unknown word 'banana'"},
		{"grace for some", good + "\t\trequire enrolled grace 14d\n", "everyone"},
		{"grace without a time", good + "\t\trequire everyone grace\n", "grace <duration>"},
		{"grace of nothing", good + "\t\trequire everyone grace soon\n", "such as 14d"},
		{"offer of what is required", good + "\t\toffer\n\t\trequire everyone\n", "what is required is not offered"},
		{"offer with an argument", good + "\t\toffer twice\n", "argument"},
		{"remember for ever", good + "\t\tremember 401d\n", "at most 400d"},
		{"remember for a moment", good + "\t\tremember 1s\n", "too short"},
		{"remember twice", good + "\t\tremember 1d\n\t\tremember 2d\n", "stands on line"},
		{"repeated", good + "\t\tidle 1h\n\t\tidle 2h\n", "stands on line"},
		{"repeated in login", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tusername form v\n\t\t}\n", "stands on line"},
		{"no login", "\t\tapp x\n", "describe the app's login"},
		{"no username", "\t\tlogin /login {\n\t\t}\n", "username"},
		{"no path", "\t\tlogin {\n\t\t\tusername form u\n\t\t}\n", "argument"},
		{"path without slash", "\t\tlogin login {\n\t\t\tusername form u\n\t\t}\n", "path"},
		{"token of nothing", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken\n\t\t}\n", "argument"},
		{"token of a form", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken form t\n\t\t}\n", "token"},
		{"token with a bad pointer", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken json t\n\t\t}\n", "pointer"},
		{"token of every request", "\t\tlogin * {\n\t\t\tusername basic\n\t\t\ttoken body\n\t\t}\n", "username basic"},
		{"token and Authorization", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken body\n\t\t}\n" + me + "\t\tpass_header Authorization\n", "pass_header"},
		{"token_header of no token", good + "\t\ttoken_header X-Auth\n", "token_header"},
		{"token_header with too much", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken body\n\t\t}\n" + me + "\t\ttoken_header X-Auth a b\n", "token_header"},
		{"refresh of no token", good + "\t\trefresh /refresh\n", "refresh"},
		{"refresh without identity", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken body\n\t\t}\n\t\trefresh /refresh\n", "identity"},
		{"basic with a field", "\t\tlogin /login {\n\t\t\tusername basic u\n\t\t}\n", "username basic"},
		{"basic with a condition", "\t\tlogin /login {\n\t\t\tusername basic\n\t\t\twhen form u *\n\t\t}\n", "username basic"},
		{"basic twice", "\t\tlogin /login {\n\t\t\tusername basic\n\t\t}\n\t\tlogin /api {\n\t\t\tusername basic\n\t\t}\n", "username basic"},
		{"basic and Authorization", "\t\tlogin * {\n\t\t\tusername basic\n\t\t}\n" + me + "\t\tpass_header authorization\n", "pass_header"},
		{"basic judged and asked", "\t\tlogin * {\n\t\t\tusername basic\n\t\t\tsuccess status 409\n\t\t}\n\t\tidentity /me json /n\n", "identity"},
		{"placeholder of nobody", "\t\tlogin * {\n\t\t\tusername placeholder\n\t\t}\n", "placeholder"},
		{"placeholder without http", "\t\tlogin * {\n\t\t\tusername placeholder {env.HOME}\n\t\t}\n", "placeholder"},
		{"placeholder that is text", "\t\tlogin * {\n\t\t\tusername placeholder alice\n\t\t}\n", "placeholder"},
		{"placeholder with text", "\t\tlogin * {\n\t\t\tusername placeholder \"u{http.auth.user.id}\"\n\t\t}\n", "placeholder"},
		{"placeholder of the client", "\t\tlogin * {\n\t\t\tusername placeholder {http.request.cookie.user}\n\t\t}\n", "client's word"},
		{"placeholder of ours", "\t\tlogin * {\n\t\t\tusername placeholder {http.second_factor.user}\n\t\t}\n", "placeholder"},
		{"placeholder for a part", "\t\tlogin /a/* {\n\t\t\tusername placeholder {http.auth.user.id}\n\t\t}\n", "login *"},
		{"placeholder beside a login", good + "\t\tlogin * {\n\t\t\tusername placeholder {http.auth.user.id}\n\t\t}\n", "placeholder"},
		{"placeholder and identity", "\t\tlogin * {\n\t\t\tusername placeholder {http.auth.user.id}\n\t\t}\n\t\tidentity /me json /n\n", "identity"},
		{"bad rule", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tsuccess weather good\n\t\t}\n", "success"},
		{"bad status", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tsuccess status 999\n\t\t}\n", "success"},
		{"bad when", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\twhen form x\n\t\t}\n", "when"},
		{"everything is a login", "\t\tlogin * {\n\t\t\tusername form u\n\t\t}\n", "login"},
		{"notify nobody", good + "\t\tnotify\n", "wrong argument count"},
		{"notify by pigeon", good + "\t\tnotify pigeon\n", "way to notify"},
		{"notify twice", good + "\t\tmail {\n\t\t\taddress json /m\n\t\t}\n\t\tnotify mail\n\t\tnotify mail\n", "stands there already"},
		{"notify without an address", good + "\t\tnotify mail\n", "mail { address json <pointer> }"},
		{"mail with nothing", good + "\t\tmail {\n\t\t}\n", "address json"},
		{"mail with a bad pointer", good + "\t\tmail {\n\t\t\taddress json m\n\t\t}\n", "pointer"},
		{"mail of a typed name", bare + "\t\tidentity typed\n\t\tmail {\n\t\t\taddress json /m\n\t\t}\n", ""},
		{"change_password elsewhere", good + "\t\tchange_password https://evil.example\n", "path on this site"},
		{"webhook to nowhere", good + "\t\tnotify webhook {\n\t\t\tsecret s\n\t\t}\n", "want the address"},
		{"webhook without an address", good + "\t\tnotify webhook\n", "address"},
		{"webhook to a path", good + "\t\tnotify webhook /hook {\n\t\t\tsecret s\n\t\t}\n", "want an address"},
		{"webhook without a secret", good + "\t\tnotify webhook https://hooks.example.com/\n", "'secret'"},
		{"webhook with an empty secret", good + "\t\tnotify webhook https://hooks.example.com/ {\n\t\t\tsecret \"\"\n\t\t}\n", "secret"},
		{"webhook with two secrets", good + "\t\tnotify webhook https://hooks.example.com/ {\n\t\t\tsecret a b\n\t\t}\n", "secret"},
		{"webhook to two addresses", good + "\t\tnotify webhook https://a.example.com/ https://b.example.com/ {\n\t\t\tsecret s\n\t\t}\n", "argument"},
		{"webhook with another word", good + "\t\tnotify webhook https://hooks.example.com/ {\n\t\t\tsecrets s\n\t\t}\n", "did you mean"},
		{"bad duration", good + "\t\tidle soon\n", "duration"},
		{"negative duration", good + "\t\tidle -1h\n", "too short"},
		{"bad regexp", good + "\t\tusernames [\n", "usernames"},
		{"bad identity", good + "\t\tidentity /me body no-group\n", "identity"},
		{"prefix without a text", good + "\t\tidentity /me {\n\t\t\tname json /n\n\t\t\tprefix\n\t\t}\n", "argument"},
		{"prefix with a space", good + "\t\tidentity /me {\n\t\t\tname json /n\n\t\t\tprefix \" a\"\n\t\t}\n", "prefix"},
		{"identity without a name", good + "\t\tidentity /me\n", "identity"},
		{"bad require", good + "\t\trequire nobody\n", "enrolled or everyone"},
		{"bad digits", good + "\t\ttotp {\n\t\t\tdigits 5\n\t\t}\n", "6 to 8"},
		{"bad algorithm", good + "\t\ttotp {\n\t\t\talgorithm MD5\n\t\t}\n", "SHA1, SHA256 or SHA512"},
		{"bad throttle", good + "\t\tthrottle {\n\t\t\tstop 1000\n\t\t}\n", "1 to 100"},
		{"too many arguments", good + "\t\tapp a b\n", "argument"},
		{"flag with an argument", good + "\t\tcase_sensitive yes\n", "argument"},
		{"link with an argument", good + "\t\tsettings_link on\n", "argument"},
		{"guard with an argument", good + "\t\tguard on\n", "argument"},
		{"guard twice", good + "\t\tguard\n\t\tguard\n", "stands on line"},
		{"renews with an argument", good + "\t\trenews always\n", "argument"},
		{"link into two places", good + "\t\tsettings_link nav ul\n", "in quotes"},
		{"link into nothing that can be", good + "\t\tsettings_link \"nav >\"\n", "no CSS selector"},
		{"link into nothing", good + "\t\tsettings_link \"\"\n", "CSS selector"},
		{"link twice", good + "\t\tsettings_link\n\t\tsettings_link\n", "stands on line"},
		{"brand with an argument", good + "\t\tbrand Example {\n\t\t\tname x\n\t\t}\n", "argument"},
		{"brand without words", good + "\t\tbrand {\n\t\t}\n", "brand"},
		{"brand without a block", good + "\t\tbrand\n", "brand"},
		{"brand, twice", good + "\t\tbrand {\n\t\t\tname x\n\t\t}\n\t\tbrand {\n\t\t\tname x\n\t\t}\n", "stands on line"},
		{"brand, unknown", good + "\t\tbrand {\n\t\t\tcolor 06c\n\t\t}\n", "unknown word 'color'"},
		{"brand, repeated", good + "\t\tbrand {\n\t\t\tname x\n\t\t\tname y\n\t\t}\n", "stands on line"},
		{"brand, no name", good + "\t\tbrand {\n\t\t\tname\n\t\t}\n", "argument"},
		{"brand, empty name", good + "\t\tbrand {\n\t\t\tname \"\"\n\t\t}\n", "argument"},
		{"brand, two logos", good + "\t\tbrand {\n\t\t\tlogo a b\n\t\t}\n", "argument"},
		{"brand, block in it", good + "\t\tbrand {\n\t\t\tlogo a {\n\t\t\t\tb\n\t\t\t}\n\t\t}\n", "unexpected"},
		{"brand, colour without quotes", good + "\t\tbrand {\n\t\t\tcolour #06c\n\t\t}\n", "in quotes"},
		{"brand, two colours", good + "\t\tbrand {\n\t\t\tcolour 06c 06d\n\t\t}\n", "argument"},
		{"brand, help without words", good + "\t\tbrand {\n\t\t\thelp \"\"\n\t\t}\n", "extension 100"},
		{"brand, help in three", good + "\t\tbrand {\n\t\t\thelp a b c\n\t\t}\n", "help <text> [<url>]"},
		{"brand, help that runs", good + "\t\tbrand {\n\t\t\thelp a javascript:alert(1)\n\t\t}\n", "no link"},
		{"brand, bad colour", good + "\t\tbrand {\n\t\t\tcolour red\n\t\t}\n", "no colour"},
		{"language, none", good + "\t\tlanguage\n", "argument"},
		{"language, two", good + "\t\tlanguage de fr\n", "argument"},
		{"language, not there", good + "\t\tlanguage tlh\n", "en, ar, de"},
		{"language, twice", good + "\t\tlanguage de\n\t\tlanguage fr\n", "stands on line"},
		{"pass_header of nothing", good + "\t\tpass_header\n", "Caddyfile:7"},
		{"pass_header for no path", good + "\t\tpass_header X-A for\n", "Caddyfile:7"},
		{"pass_header without a name", good + "\t\tpass_header for /a\n", "Caddyfile:7"},
		{"pass_header for a path without slash", good + "\t\tpass_header X-A for a\n", "/api/*"},
		{"pass_header for a query", good + "\t\tpass_header X-A for /a?b\n", "query"},
		{"pass_header of no name", good + "\t\tpass_header \"X A\"\n", "name of a header"},
		{"pass_header of another place", good + "\t\tpass_header X-B\n\t\tpass_header X-Script-Name\n", "Caddyfile:8"},
		{"pass_header of a method", good + "\t\tpass_header X-HTTP-Method-Override\n", "cannot be let through"},
		{"pass_header in another spelling", good + "\t\tpass_header Content_Type\n", "Content-Type"},
		{"pass_header twice", good + "\t\tpass_header X-A\n\t\tpass_header x-a\n", "Caddyfile:8"},
		{"pass_header everywhere and somewhere", good + "\t\tpass_header X-A for /a\n\t\tpass_header X-A\n", "Caddyfile:8"},
		{"token and Authorization somewhere", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken body\n\t\t}\n" + me + "\t\tpass_header Authorization for /dav\n", "pass_header"},
		{"public without slash", good + "\t\tpublic static\n", "path"},
		{"public of a method only", good + "\t\tpublic POST\n", "behind the methods"},
		{"public, method behind the path", good + "\t\tpublic /a POST\n", "in front of all paths"},
		{"public, method in small letters", good + "\t\tpublic post /a\n", "a method in capitals"},
		{"public of a tunnel", good + "\t\tpublic CONNECT /a\n", "CONNECT"},
		{"public of no method", good + "\t\tpublic G=T /a\n", "no method"},
		{"protect of nothing", good + "\t\tprotect //x\n", "Caddyfile:7"},
		{"protect of nothing, reason", good + "\t\tprotect //x\n", "fits nothing"},
		{"protect with a query", good + "\t\tprotect /x?y=z\n", "a query"},
		{"shut of nothing", good + "\t\tshut /a/../b\n", "shut"},
		{"refresh with a query", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\ttoken body\n\t\t}\n" + me + "\t\trefresh /x?y=z\n", "refresh"},
		{"shut without slash", good + "\t\tshut x\n", "path"},
		{"methods of none", good + "\t\tmethods\n", "wrong argument count"},
		{"methods in small letters", good + "\t\tmethods GET post\n", "methods"},
		{"methods that go to no app", good + "\t\tmethods GET TRACE\n", "methods"},
		{"methods twice", good + "\t\tmethods GET\n\t\tmethods POST\n", "stands on line"},
		{"methods with a block", good + "\t\tmethods GET {\n\t\t\tPOST\n\t\t}\n", "unexpected"},
		{"login_page elsewhere", good + "\t\tlogin_page https://example.com/login\n", "login_page"},
		{"no identity", bare, "identity typed"},
		{"identity typed and asked", good + "\t\tidentity typed\n", "typed"},
		{"identity typed, twice", bare + "\t\tidentity typed\n\t\tidentity typed\n", "already"},
		{"identity typed with a block", bare + "\t\tidentity typed {\n\t\t\tguest x\n\t\t}\n", "unexpected"},
		{"identity typed without fields", bare + "\t\tidentity typed\n", "'fields'"},
		{
			"identity typed without success",
			"\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields p\n\t\t\tsuccess status 302\n\t\t}\n\t\tidentity typed\n", "'success' line",
		},
		{"identity in a body, read by another word", bare + "\t\tidentity /me body n(.) html\n", "perhaps with json"},
		{"identity in JSON, with a word more", bare + "\t\tidentity /me json /n json\n", "perhaps with json"},
		{"identity at no path", bare + "\t\tidentity me json /n\n", "Caddyfile:6"},
		{"identity with a bad pointer", bare + "\t\tidentity /me json n\n\t\tidentity /you json /n\n", "Caddyfile:6"},
		{"guest of nobody", good + "\t\tidentity /you {\n\t\t\tname json /n\n\t\t\tguest\n\t\t}\n", "argument"},
		{"fields with a value of the name", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields u=alice\n\t\t}\n", "usernames"},
		{"fields with a value and no name", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields =x\n\t\t}\n", "no name of a field"},
		{"only_here of nothing", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tonly_here\n\t\t}\n", "only_here"},
		{"continues with a name", "\t\tlogin /login {\n\t\t\tcontinues\n\t\t\tusername form u\n\t\t\twhen form skip *\n\t\t\tfields x\n\t\t}\n", "username none"},
		{"continues what nothing tells", "\t\tlogin /login {\n\t\t\tcontinues\n\t\t\tusername none\n\t\t\tfields x\n\t\t}\n", "continues"},
		{"continues with anything", "\t\tlogin /login {\n\t\t\tcontinues\n\t\t\tusername none\n\t\t\twhen form skip *\n\t\t}\n", "continues"},
		{"continues with a word", "\t\tlogin /login {\n\t\t\tcontinues x\n\t\t\tusername none\n\t\t}\n", "argument"},
		{
			"continues a typed login", "\t\tlogin /login {\n\t\t\tcontinues\n\t\t\tusername none\n\t\t\twhen form skip *\n\t\t\tfields x\n" +
				"\t\t\tsuccess cookie sid\n\t\t}\n\t\tidentity typed\n", "no login continues",
		},
		{"only_here with a word", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\twhen form u *\n\t\t\tonly_here x\n\t\t}\n", "argument"},
		{"fields of nothing", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields\n\t\t}\n", "argument"},
		{"fields, twice", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfields a\n\t\t\tfields b\n\t\t}\n", "stands on line"},
		{"from a host", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfrom example.com\n\t\t}\n", "no origin"},
		{"from a page", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tfrom https://example.com/\n\t\t}\n", "Caddyfile:5"},
		{"origins of nothing", good + "\t\torigins\n", "argument"},
		{"origins in capitals", good + "\t\torigins https://Example.com\n", "origins"},
		{"method of a login", "\t\tlogin /login {\n\t\t\tusername form u\n\t\t\tmethod P=T\n\t\t}\n" + me, "Caddyfile:5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := adapt("example.com {\n\tsecond_factor {\n" + test.lines + "\t}\n}\n")
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("%v: want a line and %q", err, test.want)
			}
		})
	}
}

func TestGlobalErrors(t *testing.T) {
	for _, test := range []struct{ block, want string }{
		{"banana", "unknown word 'banana'"},
		{"secrets", "argument"},
		{"secrets etcd https://etcd:2379", "unknown kind of secrets 'etcd'"},
		{"secrets vault https://a https://b", "argument"},
		{"secrets vault {\n\t\t\tbanana\n\t\t}", "unknown word 'banana'"},
		{"secrets vault {\n\t\t\tmount a\n\t\t\tmount b\n\t\t}", "stands on line"},
		{"secrets vault {\n\t\t\tauth\n\t\t}", "argument"},
		{"secrets vault {\n\t\t\tauth password x\n\t\t}", "unknown way to sign in"},
		{"secrets vault {\n\t\t\tauth token\n\t\t}", "argument"},
		{"secrets vault {\n\t\t\tauth approle only-the-role\n\t\t}", "argument"},
		{"secrets vault {\n\t\t\tauth token_file /a /b\n\t\t}", "argument"},
		{"secrets vault {\n\t\t\tauth_mount x\n\t\t}", "auth_mount"},
		{"secrets vault {\n\t\t\tauth token_file /a\n\t\t\tauth_mount x\n\t\t}", "auth_mount"},
		{"secrets vault {\n\t\t\tclient_cert /only-one\n\t\t}", "argument"},
		{"secrets vault {\n\t\t\ttimeout soon\n\t\t}", "duration"},
		{"sessions etcd https://etcd:2379", "unknown kind of sessions 'etcd'"},
		{"sessions redis", "address is missing"},
		{"sessions redis \"\"", "address is missing"},
		{"sessions redis redis://a redis://b", "argument"},
		{"sessions redis redis://a {\n\t\t\tbanana\n\t\t}", "unknown word 'banana'"},
		{"sessions redis redis://a {\n\t\t\tca_cert\n\t\t}", "argument"},
		{"sessions redis redis://a {\n\t\t\ttimeout 2s\n\t\t\ttimeout 3s\n\t\t}", "stands on line"},
		{"sessions redis redis://a {\n\t\t\ttimeout soon\n\t\t}", "duration"},
		{"sessions postgres", "address is missing"},
		{"sessions postgres host=a dbname=b", "argument"},
		{"sessions postgres postgres://a {\n\t\t\tca_cert /a\n\t\t}", "unknown word 'ca_cert'"},
		{"sessions memory 5", "argument"},
		{"sessions file /a /b", "argument"},
		{"sessions file {\n\t\t\tbanana\n\t\t}", "unknown word 'banana'"},
		{"secrets file /a /b", "argument"},
		{"secrets file /a {\n\t\t\tbanana\n\t\t}", "unknown word 'banana'"},
		{"sessions memory\n\t\tsessions memory", "stands on line"},
	} {
		_, err := adapt("{\n\tsecond_factor {\n\t\t" + test.block + "\n\t}\n}\n:80 {\n}\n")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%q: %v", test.block, err)
		}
	}
	if _, err := adapt("{\n\tsecond_factor {\n\t}\n\tsecond_factor {\n\t}\n}\n:80 {\n}\n"); err == nil {
		t.Error("two global blocks were accepted")
	}
}

// FuzzCaddyfile: whatever an operator types, parsing ends with a configuration or an error, and never with a panic.
func FuzzCaddyfile(f *testing.F) {
	for _, seed := range []string{
		"app x", "login /a {\nusername form u\n}", "totp {\ndigits 6\n}", "identity /a json /b", "throttle {", "}", "login /a {{", "public",
		"login /a {\nwhen form a b\nsuccess status 3xx\n}\n}", "\"", "`", "{$X}", "idle 1h {\nx\n}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, lines string) {
		if strings.Contains(lines, "import") {
			return // a word of Caddy's that opens files
		}
		_, _ = adapt("example.com {\n\tsecond_factor {\n" + lines + "\n\t}\n}\n")
	})
}

// TestFileWords: every word of `secrets file` is read, not only the first.
func TestFileWords(t *testing.T) {
	_, err := adapt("{\n\tsecond_factor {\n\t\tsecrets file /a {\n\t\t\tkey_file /b\n\t\t\tbanana\n\t\t}\n\t}\n}\n:80 {\n}\n")
	if err == nil || !strings.Contains(err.Error(), "unknown word 'banana'") {
		t.Errorf("a word behind the first one: %v", err)
	}
}
