package learn

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// TestQuote: a word that is written can be read only as itself; what could be read otherwise is refused.
func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"/login":              "/login",
		"user":                "user",
		"a b":                 "`a b`",
		`say "x"`:             "`say \"x\"`",
		"back`tick":           "\"back`tick\"",
		"#x":                  "`#x`",
		"<<HEREDOC":           "`<<HEREDOC`",
		`<b id="x">\{([^<]+)`: "`<b id=\"x\">\\{([^<]+)`",
		"Größe":               "`Größe`",
	} {
		if got, err := quote(word); err != nil || got != want {
			t.Errorf("%q: %s, %v", word, got, err)
		}
	}
	for _, word := range []string{
		"", "a\nb", "a\r", "a\tb", "a\x00", "\x1b[2J", "{", "}", "a{b", "{$HOME}", "{env.HOME}", "\\{$HOME\\}", "both ` and \"", "`\\", "\u202etxt", "\xff",
		strings.Repeat("x", 2000), "{\n}\n:80 {\nrespond owned\n}",
	} {
		if got, err := quote(word); !errors.Is(err, ErrUnwritable) {
			t.Errorf("%q is written as %s", word, got)
		}
	}
}

// TestShown: what is shown in a comment stays on its line and is no placeholder.
func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"/login": "/login", "a b": `"a b"`, "a\nb": `"a\nb"`, "{$HOME}": "($HOME)", "\x1b[2J": `"\x1b[2J"`, "\u202e": `"\u202e"`,
	} {
		if got := shown(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// hostile are names that an app could have to get lines of its own into the operator's Caddyfile: it ends the word, the
// line, the block or the site, begins a comment or a placeholder, or opens more than was seen by a pattern.
var hostile = []string{
	"x\n}\n:80 {\n\trespond owned\n}", "x }\n\tpublic *", "x` public *", "x\" public /*", "{$SECRET}", "{env.SECRET}", "{file./etc/passwd}", "*", "x*", "import /etc/passwd",
	"<<END\nx\nEND", "#x", "x\r\npublic *", "x\u2028public *", "\\", "x\\", "`", "\"", "=x", "a=b",
}

// TestHostileNames: an app that chooses its names of fields, paths, cookies, members of JSON, elements of its pages and
// its texts cannot add a line, a word or a pattern to the block. Each line of the block is one of those that the plain
// recording brings, with the same number of words, and braces stand only where blocks begin and end.
func TestHostileNames(t *testing.T) {
	for _, name := range hostile {
		for what, change := range map[string]func(*recorder){
			"path": func(r *recorder) {
				for _, at := range []int{2, 3} {
					r.list[at].URL.Path, r.list[at].URL.RawPath = "/"+name, "/"+name
				}
			},
			"field": func(r *recorder) {
				for _, at := range []int{2, 3} {
					values := r.list[at].fields()
					values[name] = values["user"]
					delete(values, "user")
					r.list[at].Body = []byte(values.Encode())
				}
			},
			"other field": func(r *recorder) {
				r.list[3].Body = append(r.list[3].Body, []byte("&"+url.QueryEscape(name)+"=x")...)
				r.list[4].Content = nil // so that the fields are named
			},
			"element": func(r *recorder) {
				r.list[4].Content = []byte(`<b id="` + name + `">alice</b>`)
			},
			"file": func(r *recorder) {
				r.list[1].Content = []byte(loginForm + `<script src="/` + name + `.js"></script>`)
			},
			"sign-out": func(r *recorder) { r.list[5].URL.Path, r.list[5].URL.RawPath = "/logout/"+name, "/logout/"+name },
			"page behind the login": func(r *recorder) {
				r.list[4].URL.Path = "/" + name
			},
			"cookie": func(r *recorder) {
				r.list[3].Answer.Set("Set-Cookie", name+"=secret-session-2; HttpOnly")
				r.list[4].Content = nil
			},
		} {
			r := byForm(t, `<b id="who">alice</b>`)
			change(r)
			proposal, err := New(r.list).Propose(Options{})
			if err != nil {
				continue // it is refused as a whole, which is safe
			}
			var text strings.Builder
			if err := proposal.Write(&text, []string{name}); err != nil {
				t.Errorf("%s %q: %v", what, name, err)
			}
			checkLines(t, what+" "+name, text.String(), name)
			for _, missing := range proposal.Missing {
				if strings.ContainsAny(missing, "\n\r\x1b{") {
					t.Errorf("%s %q: %q", what, name, missing)
				}
			}
		}
	}
}

// words are the first words of lines, with how many further words they have at most; -1: any number of paths or names.
var words = map[string]int{
	"second_factor": 0, "login": 1, "when": 3, "only_here": 0, "username": 2, "fields": -1, "success": 2, "failure": 3, "identity": 4, "login_page": 1,
	"public": -1, "logout": 1, "hold": -1, "pass": -1, "}": 0,
}

// checkLines splits the block as Caddy does and looks at each line.
func checkLines(t *testing.T, what, block, name string) {
	t.Helper()
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			if strings.Contains(line, "{") {
				t.Errorf("%s: a placeholder in a comment: %q", what, line)
			}
			continue
		}
		parts := split(line)
		most, known := words[parts[0]]
		if len(parts) > 1 && parts[len(parts)-1] == "{" {
			parts = parts[:len(parts)-1]
		}
		if !known || most >= 0 && len(parts)-1 > most {
			t.Errorf("%s: the line %q", what, line)
		}
		for _, part := range parts {
			if strings.Contains(part, "*") && strings.Contains(name, "*") && parts[0] != "when" && parts[0] != "identity" && !strings.Contains(line, "?*") {
				t.Errorf("%s: a pattern of the app's: %q", what, line)
			}
			if strings.ContainsAny(strings.NewReplacer(`\{`, "", `\}`, "").Replace(part), "{}") && part != "}" {
				t.Errorf("%s: a brace: %q", what, line)
			}
		}
	}
}

// split splits a line into words: bare, in backticks, or in quotes.
func split(line string) (words []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		end := strings.IndexByte(line, ' ')
		if line[0] == '`' || line[0] == '"' {
			end = strings.IndexByte(line[1:], line[0]) + 2
		}
		if end <= 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
	return words
}
