package caddymodule

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/learn"
	"sallyport.example/sallyport/login/presets"
)

// TestLearnFlags: what does not fit together is refused before anything is opened, with status 1 and no block.
func TestLearnFlags(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.har")
	for flags, want := range map[string]string{
		"": "name the app's address",
		"--har " + missing + " http://127.0.0.1:1":  "name one of the two",
		"--try http://127.0.0.1:1 http://127.0.0.1": "--try belongs to --har",
		"http://127.0.0.1:1 --listen 0.0.0.0:0":     "an address of this machine",
		"http://127.0.0.1:1/path":                   "without a path",
		"ftp://127.0.0.1:1":                         "without a path",
		"--har " + missing:                          "no such file",
	} {
		said, err := caddyRun(t, append([]string{"second-factor", "learn"}, strings.Fields(flags)...)...)
		if err == nil || !strings.Contains(said+err.Error(), want) || strings.Contains(said, "second_factor {") {
			t.Errorf("%s: %v\n%s", flags, err, said)
		}
	}
}

// TestLearnArchive: the block of an archive is one that the Caddyfile's parser takes.
func TestLearnArchive(t *testing.T) {
	const archive = `{"log":{"entries":[
{"startedDateTime":"1","request":{"method":"POST","url":"http://app.example/login","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","text":"user=alice&password=wrong"}},
 "response":{"status":401,"headers":[],"content":{"text":""}}},
{"startedDateTime":"2","request":{"method":"POST","url":"http://app.example/login","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","text":"user=alice&password=right"}},
 "response":{"status":302,"headers":[{"name":"Set-Cookie","value":"sid=1; HttpOnly"}],"content":{"text":""}}},
{"startedDateTime":"3","request":{"method":"GET","url":"http://app.example/me","headers":[{"name":"Cookie","value":"sid=1"}]},
 "response":{"status":200,"headers":[{"name":"Content-Type","value":"application/json"}],"content":{"text":"{\"name\":\"alice\"}"}}}]}}`
	file := filepath.Join(t.TempDir(), "login.har")
	if err := os.WriteFile(file, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := caddyRun(t, "second-factor", "learn", "--har", file)
	at := strings.Index(said, "second_factor {")
	if err != nil || at < 0 || !strings.Contains(said, "identity /me json /name") || !strings.Contains(said, "No sign-out was recorded") {
		t.Fatalf("%v\n%s", err, said)
	}
	block := said[at : at+strings.Index(said[at:], "\n}\n")+3]
	tokens, err := caddyfile.Tokenize([]byte(block), "block")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Handler).read(caddyfile.NewDispenser(tokens), make(places)); err != nil {
		t.Errorf("%v\n%s", err, block)
	}
}

// TestNoNameBecomesConfiguration: an app that chooses its names of fields, cookies and elements to get words of its own
// into the Caddyfile does not. Read by the Caddyfile's own lexer, the block has the names as single words, or the line
// is left out. A name that is harmless stands there.
func TestNoNameBecomesConfiguration(t *testing.T) {
	for _, name := range []string{
		"harmless", "two words", "x\n}\npublic *", "x }\npublic *\n", "x` public *", `x" public *`, "{$HOME}", "{env.HOME}", "#x", "<<END", "x\\", "`\"", "import",
	} {
		// With a wrong password as well, so that the typed name can count where no line can name the element.
		exchanges := []learn.Exchange{{
			Method: "POST", URL: &url.URL{Path: "/login"}, Status: http.StatusOK, Answer: http.Header{},
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			Body:   []byte(url.Values{"user" + name: {"alice"}, "password": {"wrong"}}.Encode()),
		}, {
			Method: "POST", URL: &url.URL{Path: "/login"}, Status: http.StatusOK, Answer: http.Header{"Set-Cookie": {"sid=1; HttpOnly"}},
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			Body:   []byte(url.Values{"user" + name: {"alice"}, "password": {"right"}}.Encode()),
		}, {
			Method: "GET", URL: &url.URL{Path: "/me"}, Header: http.Header{}, Status: http.StatusOK, Answer: http.Header{"Content-Type": {"text/html"}},
			Content: []byte(`<b id="x" class="` + strings.ReplaceAll(name, `"`, "&quot;") + `">alice</b>`),
		}}
		proposal, err := learn.New(exchanges).Propose(learn.Options{})
		if err != nil {
			if name == "harmless" || name == "two words" {
				t.Errorf("%q: %v", name, err)
			}
			continue
		}
		var text strings.Builder
		if err := proposal.Write(&text, []string{"Tried " + name}); err != nil {
			t.Fatal(err)
		}
		tokens, err := caddyfile.Tokenize([]byte(text.String()), "block")
		if err != nil {
			t.Errorf("%q: %v\n%s", name, err, text.String())
			continue
		}
		handler := new(Handler)
		if err := handler.read(caddyfile.NewDispenser(tokens), make(places)); err != nil {
			t.Errorf("%q: %v\n%s", name, err, text.String())
			continue
		}
		if got := handler.Logins[0].Username; len(handler.Public) > 0 || len(handler.PublicMethods) > 0 || len(got) != 2 || got[1] != "user"+name {
			t.Errorf("%q: username %q, public %q\n%s", name, got, handler.Public, text.String())
		}
		if strings.Contains(text.String(), "{$") || strings.Contains(text.String(), "{env") {
			t.Errorf("%q: a placeholder:\n%s", name, text.String())
		}
	}
}

// TestKnownApps: what learn takes for known are the presets.
func TestKnownApps(t *testing.T) {
	known := knownApps()
	if len(known) != len(presets.Names()) {
		t.Errorf("%d of %d", len(known), len(presets.Names()))
	}
	for _, preset := range known {
		if len(preset.Marks) == 0 {
			t.Errorf("%s is never recognised: it has no line '# Known by:'", preset.Name)
		}
	}
}
