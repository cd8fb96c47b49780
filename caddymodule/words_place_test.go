package caddymodule

import (
	"fmt"
	"strings"
	"testing"
)

// wrongLine marks the line that an error must name.
const wrongLine = " # here"

// marked returns a Caddyfile without the mark, and the number of the marked line.
func marked(t *testing.T, text string) (plain string, line int) {
	t.Helper()
	before, after, found := strings.Cut(text, wrongLine)
	if !found || strings.Contains(after, wrongLine) {
		t.Fatalf("want one marked line in\n%s", text)
	}
	return before + after, 1 + strings.Count(before, "\n")
}

const (
	loginLines = "\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n"
	goodLines  = loginLines + "\t\tidentity /me json /n\n"
	moreLines  = "\t\tapp wiki\n"
)

// TestErrorsNameTheWord: an error names its own word and that word's line, whatever follows it.
func TestErrorsNameTheWord(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		// Errors of one word by itself.
		{"\t\tlogin /login {\n\t\t\tusername cookie x # here\n\t\t\tmethod POST\n\t\t}\n\t\tidentity /me json /n\n", "username: 'cookie': want form, query, json, basic"},
		{"\t\tlogin /login {\n\t\t\tusername frm x # here\n\t\t\tmethod POST\n\t\t}\n", "username: 'frm': did you mean 'form'?"},
		{"\t\tlogin /login {\n\t\t\tusername placeholder {http.request.cookie.u} # here\n\t\t\tmethod POST\n\t\t}\n", "username placeholder"},
		{"\t\tlogin /login {\n\t\t\twhen from u * # here\n\t\t\tusername form u\n\t\t}\n", "when: 'from': did you mean 'form'?"},
		{"\t\tlogin /login {\n\t\t\twhen form u # here\n\t\t\tusername form u\n\t\t}\n", "want 'when form|query|json <name> <value>'"},
		{"\t\tlogin /login {\n\t\t\tsuccess statsu 302 # here\n\t\t\tusername form u\n\t\t}\n", "success: 'statsu': did you mean 'status'?"},
		{"\t\tlogin /login {\n\t\t\tfailure status 9 # here\n\t\t\tusername form u\n\t\t}\n", "failure: status \"9\""},
		{"\t\tlogin /login {\n\t\t\ttoken json x # here\n\t\t\tusername form u\n\t\t}\n", "token: "},
		{"\t\tlogin /login {\n\t\t\tfields =x # here\n\t\t\tusername form u\n\t\t}\n", "fields: "},
		{"\t\tlogin /login {\n\t\t\tmethod P=T # here\n\t\t\tusername form u\n\t\t}\n", "method \"P=T\""},
		{"\t\tlogin /login {\n\t\t\tfrom x # here\n\t\t\tusername form u\n\t\t}\n", "from: \"x\" is no origin"},
		{"\t\tlogin login { # here\n\t\t\tusername form u\n\t\t}\n", "login: 'login': want a path"},
		{loginLines + "\t\tidentity /api/me body login # here\n" + moreLines, "identity: the regular expression must have exactly one group"},
		{loginLines + "\t\tidentity /me jsno /n # here\n" + moreLines, "identity: 'jsno': did you mean 'json'?"},
		{loginLines + "\t\tidentity /me {\n\t\t\tname body x # here\n\t\t\tmethod GET\n\t\t}\n" + moreLines, "name: the regular expression"},
		{loginLines + "\t\tidentity /me {\n\t\t\tmethod P=T # here\n\t\t\tname json /n\n\t\t}\n" + moreLines, "method \"P=T\""},
		{loginLines + "\t\tidentity /me {\n\t\t\tprefix \" \" # here\n\t\t\tname json /n\n\t\t}\n" + moreLines, "prefix: want"},
		{loginLines + "\t\tidentity //me { # here\n\t\t\tname json /n\n\t\t}\n" + moreLines, "identity: path"},
		{goodLines + "\t\tpublic static/* # here\n" + moreLines, "public: 'static/*': want a path such as /static/*"},
		{goodLines + "\t\tprotect static/* # here\n" + moreLines, "protect: 'static/*': want a path"},
		{goodLines + "\t\tlogout out # here\n" + moreLines, "logout: 'out': want a path"},
		{goodLines + "\t\tlogout /a jsn /m x # here\n" + moreLines, "logout: 'jsn'"},
		{goodLines + "\t\tlogout /a json m x # here\n" + moreLines, "logout /a json \"m\""},
		{goodLines + "\t\tlogout /a form m # here\n" + moreLines, "logout: behind form or json"},
		{goodLines + "\t\trefresh //x # here\n" + moreLines, "refresh: \"//x\""},
		{goodLines + "\t\tlogin_page https://a/b # here\n" + moreLines, "login_page"},
		{goodLines + "\t\tusernames ( # here\n" + moreLines, "usernames: error parsing regexp"},
		{goodLines + "\t\tbase second-factor # here\n" + moreLines, "base \"second-factor\": want a plain path"},
		{goodLines + "\t\tcookie \"a b;c\" # here\n" + moreLines, "cookie \"a b;c\": use letters"},
		{goodLines + "\t\tremember 500d # here\n" + moreLines, "remember: want at most 400d"},
		{goodLines + "\t\tapp {host} # here\n\t\tidle 1h\n", "app: '{http.request.host}': a placeholder"},
		{goodLines + "\t\tmethods GTE get # here\n" + moreLines, "methods \"get\""},
		{goodLines + "\t\ttoken_header Cookie # here\n" + moreLines, "token_header Cookie"},
		{goodLines + "\t\trequire everone # here\n" + moreLines, "require: 'everone': did you mean 'everyone'? want enrolled or everyone"},
		{goodLines + "\t\tlanguage tlh # here\n" + moreLines, "language 'tlh'"},
		{goodLines + "\t\ttotp {\n\t\t\tperiod 1500ms # here\n\t\t\tdigits 6\n\t\t}\n" + moreLines, "period must be whole seconds"},
		{goodLines + "\t\ttotp {\n\t\t\talgorithm SHA265 # here\n\t\t\tdigits 6\n\t\t}\n" + moreLines, "algorithm: 'SHA265': did you mean 'SHA256'?"},
		{goodLines + "\t\tbrand {\n\t\t\tcolour blue # here\n\t\t\tname x\n\t\t}\n" + moreLines, "colour"},
		{goodLines + "\t\tidle # here\n" + moreLines, "idle: wrong argument count: want 'idle <duration>'"},
		{goodLines + "\t\ttotp 6 # here\n" + moreLines, "want 'totp { ... }'"},

		// Unknown words.
		{goodLines + "\t\tidel 1h # here\n" + moreLines, "unknown word 'idel': did you mean 'idle'?"},
		{goodLines + "\t\tlogn_page /x # here\n" + moreLines, "did you mean 'login_page'?"},
		{goodLines + "\t\tusername form u # here\n" + moreLines, "unknown word 'username': it belongs into the block of 'login'"},
		{goodLines + "\t\tbanana # here\n" + moreLines, "unknown word 'banana': want preset, app, issuer"},
		{goodLines + "\t\tthrottle {\n\t\t\tbanana # here\n\t\t\tfree 5\n\t\t}\n" + moreLines, "unknown word 'banana': want free, delay, max_delay or stop"},
		{goodLines + "\t\tbrand {\n\t\t\tcolor x # here\n\t\t\tname x\n\t\t}\n" + moreLines, "did you mean 'colour'?"},
		{"\t\tpreset dokuwki # here\n" + moreLines, "did you mean 'dokuwiki'?"},

		// Errors of several words together.
		{goodLines + "\t\trequire everyone\n\t\toffer # here\n" + moreLines, "offer: what is required"},
		{goodLines + "\t\tlogin_page /second-factor/x # here\n" + moreLines, "login_page: the app's login page cannot lie below base"},
		{goodLines + "\t\tbase /login\n\t\tlogin_page /login/x # here\n" + moreLines, "login_page: the app's login page"},
		{"\t\tlogin /login* { # here\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /n\n" + moreLines, "login_page: name the login page"},
		{goodLines + "\t\ttoken_header X-Auth # here\n" + moreLines, "token_header: no login says with 'token'"},
		{goodLines + "\t\trefresh /refresh # here\n" + moreLines, "refresh: no login says with 'token'"},
		{goodLines + "\t\tthrottle {\n\t\t\tdelay 2h\n\t\t\tmax_delay 1h # here\n\t\t\tfree 1\n\t\t}\n" + moreLines, "throttle: max_delay must not"},
		{goodLines + "\t\tthrottle {\n\t\t\tdelay 2h # here\n\t\t\tfree 1\n\t\t}\n" + moreLines, "throttle: delay: max_delay must not"},
		{goodLines + "\t\tthrottle {\n\t\t\tfree 5\n\t\t\tstop 2 # here\n\t\t\tdelay 1m\n\t\t}\n" + moreLines, "throttle: stop must not"},
		{goodLines + "\t\tbrand { # here\n\t\t}\n" + moreLines, "brand: want a block with name, logo"},
		{
			"\t\tlogin /a {\n\t\t\tusername form u\n\t\t\tfields p\n\t\t\tsuccess cookie s\n\t\t}\n\t\tidentity /me json /n\n\t\tidentity typed # here\n" + moreLines,
			"identity: it is either asked at an address, or typed",
		},
		{loginLines + "\t\tidentity /me {\n\t\t\tbody x # here\n\t\t\tname json /n\n\t\t}\n" + moreLines, "identity: body: GET takes no body"},
		{loginLines + "\t\tidentity /me {\n\t\t\tcontent_type x/y # here\n\t\t\tname json /n\n\t\t}\n" + moreLines, "content_type: GET takes no body"},
		{"\t\tlogin /login {\n\t\t\tusername form u\n\t\t\twhen json /a b # here\n\t\t\tmethod POST\n\t\t}\n", "login: 'when json' and 'username form'"},
		{"\t\tlogin /login {\n\t\t\tonly_here # here\n\t\t\tusername form u\n\t\t}\n", "login: only_here: say with 'when'"},
		{"\t\tlogin /login {\n\t\t\tfields u=a # here\n\t\t\tusername form u\n\t\t}\n", "login: fields: "},
		{"\t\tlogin /login {\n\t\t\tcontinues # here\n\t\t\tusername form u\n\t\t}\n", "login: continues: "},
		{"\t\tlogin /login { # here\n\t\t\tmethod POST\n\t\t}\n" + moreLines, "login: it needs 'username'"},
		{"\t\tlogin * { # here\n\t\t\tusername form u\n\t\t}\n" + moreLines, "login: path \"*\" takes every request"},
		{loginLines + "\t\tlogin * {\n\t\t\tmethod GET\n\t\t\tusername basic # here\n\t\t}\n", "username basic: it stands in every request"},
		{
			goodLines + "\t\tlogin * {\n\t\t\tsuccess status 302\n\t\t\tusername basic # here\n\t\t}\n" + moreLines,
			"username basic: with identity, success and failure",
		},
		{
			"\t\tlogin /a {\n\t\t\tusername form u\n\t\t\tfields p\n\t\t\tsuccess cookie s\n\t\t}\n\t\tlogin /b { # here\n\t\t\tusername form u\n\t\t}\n" +
				"\t\tlogin /c {\n\t\t\tusername form u\n\t\t}\n\t\tidentity typed\n",
			"login: identity typed: name all fields",
		},
		{"\t\tpreset dokuwiki # here\n\t\tidentity typed\n" + moreLines, "login: identity typed: add a 'success' line"},
	} {
		text, line := marked(t, "example.com {\n\tsecond_factor {\n"+test.lines+"\t}\n}\n")
		_, err := adapt(text)
		if err == nil {
			t.Errorf("accepted:\n%s", test.lines)
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.HasSuffix(err.Error(), fmt.Sprintf(", at Caddyfile:%d", line)) ||
			strings.Count(err.Error(), ", at ") != 1 {
			t.Errorf("%v\nwant %q at line %d", err, test.want, line)
		}
	}
}

// TestGlobalErrorsNameTheWord: the same for the global block.
func TestGlobalErrorsNameTheWord(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		{"secret vault # here\n\t\tsessions memory", "unknown word 'secret': did you mean 'secrets'?"},
		{"secrets vualt # here\n\t\tsessions memory", "unknown kind of secrets 'vualt': did you mean 'vault'?"},
		{"secrets etcd # here\n\t\tsessions memory", "unknown kind of secrets 'etcd': want file or vault"},
		{"sessions etcd # here\n\t\tsecrets vault", "want file, memory, postgres or redis"},
		{"secrets # here\n\t\tsessions memory", "wrong argument count: want 'secrets <module> ...'"},
		{"secrets vault a b # here\n\t\tsessions memory", "vault: wrong argument count"},
		{"secrets vault {\n\t\t\tauth aprole a b # here\n\t\t\ttimeout 1s\n\t\t}", "auth: unknown way to sign in to Vault 'aprole': did you mean 'approle'?"},
		{"secrets vault {\n\t\t\tauth_mount a # here\n\t\t\ttimeout 1s\n\t\t}\n\t\tsessions memory", "auth_mount: it needs an 'auth'"},
		{"secrets vault {\n\t\t\ttimeout 1ms # here\n\t\t\tmount a\n\t\t}", "timeout: '1ms' is too short"},
		{"secrets file {\n\t\t\tkeyfile a # here\n\t\t}\n\t\tsessions memory", "did you mean 'key_file'?"},
		{"sessions redis # here\n\t\tsecrets vault", "the server's address is missing"},
		{"sessions memory {\n\t\t\ttimeout 1s # here\n\t\t}\n\t\tsecrets vault", "unknown word 'timeout': nothing stands in this block"},
	} {
		text, line := marked(t, "{\n\tsecond_factor {\n\t\t"+test.lines+"\n\t}\n}\n:80 {\n}\n")
		_, err := adapt(text)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasSuffix(err.Error(), fmt.Sprintf(", at Caddyfile:%d", line)) ||
			strings.Count(err.Error(), ", at ") != 1 {
			t.Errorf("%v\nwant %q at line %d", err, test.want, line)
		}
	}
}

// TestErrorsInImports: if a word came from an import, its error says so.
func TestErrorsInImports(t *testing.T) {
	_, err := adapt("(factor) {\n\tsecond_factor {\n" + goodLines + "\t\tidle {args[0]}\n" + moreLines + "\t}\n}\nexample.com {\n\timport factor soon\n}\n")
	if err == nil || !strings.Contains(err.Error(), "idle: 'soon' is no duration") || !strings.Contains(err.Error(), "Caddyfile:7 import chain") {
		t.Error(err)
	}
}
