package caddymodule

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// comments returns the doc comments of this package, by the name of what they describe.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	described, err := doc.NewFromFiles(set, parsed, "sallyport.example/sallyport/caddymodule", doc.AllDecls)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, function := range described.Funcs {
		found[function.Name] = function.Doc
	}
	for _, one := range described.Types {
		found[one.Name] = one.Doc
		for _, method := range one.Methods {
			found[one.Name+"."+method.Name] = method.Doc
		}
	}
	return found
}

// lines writes a grammar as the comments do.
func (g grammar) lines() (all []string) {
	for form := range strings.SplitSeq(g.form, "\n") {
		all = append(all, strings.TrimSpace(g.name+" "+form))
		if !strings.HasSuffix(form, "{") {
			continue
		}
		for _, inner := range g.inner {
			all = append(all, inner.lines()...)
		}
		all = append(all, "}")
	}
	return all
}

// TestGrammarInComments: the grammar in the comments is that of the tables.
func TestGrammarInComments(t *testing.T) {
	said := comments(t)
	for name, words := range map[string][]grammar{
		"parseGlobal":                globalWords().grammar(),
		"Handler.UnmarshalCaddyfile": siteWords().grammar(),
		"SecretsVault":               vaultWords().grammar(),
		"SecretsFile":                fileWords().grammar(),
		"SessionsRedis":              redisWords().grammar(),
		"SessionsPostgres":           postgresWords().grammar(),
	} {
		var got, want []string
		for line := range strings.Lines(said[name]) {
			if strings.HasPrefix(line, "\t") {
				got = append(got, strings.Join(strings.Fields(line), " "))
			}
		}
		for _, word := range words {
			want = append(want, word.lines()...)
		}
		if len(got) < 2 || !slices.Equal(got[1:len(got)-1], want) {
			t.Errorf("%s: the comment says\n\t%s\nand the table\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
	var repeated []string
	for _, row := range siteWords() {
		if row.repeats {
			repeated = append(repeated, row.name)
		}
	}
	for _, row := range loginWords() {
		if row.repeats {
			repeated = append(repeated, row.name)
		}
	}
	for _, row := range identityWords() {
		if row.repeats {
			repeated = append(repeated, row.name)
		}
	}
	_, text, found := strings.Cut(said["Handler.UnmarshalCaddyfile"], "These may stand several times:")
	var named []string
	for _, match := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(text, -1) {
		named = append(named, match[1])
	}
	if !found || !slices.Equal(named, repeated) {
		t.Errorf("the comment says that %q may stand several times, and the tables %q", named, repeated)
	}
}

// every returns the names of words, including those in their blocks.
func every(words []grammar) (names []string) {
	for _, word := range words {
		names = append(append(names, word.name), every(word.inner)...)
	}
	return names
}

var (
	codeSpan = regexp.MustCompile("`[^`]+`")
	wordName = regexp.MustCompile(`^[a-z_]+`)
)

// documented returns the words that one section of docs/configuration.md describes: in headings, and in the first
// column of tables of words.
func documented(section string) (names []string) {
	table, words := false, false
	for line := range strings.Lines(section) {
		cell := ""
		switch {
		case strings.HasPrefix(line, "###"):
			cell = line
		case !strings.HasPrefix(line, "|"):
			table = false
		case !table:
			table, words = true, strings.HasPrefix(line, "| word")
		case words:
			cell, _, _ = strings.Cut(strings.ReplaceAll(line[1:], `\|`, "/"), "|")
		}
		for _, span := range codeSpan.FindAllString(cell, -1) {
			for _, part := range regexp.MustCompile("`|{ |;").Split(span, -1) {
				if name := wordName.FindString(strings.TrimSpace(part)); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// TestWordsAreDocumented: docs/configuration.md describes every word, and no word that does not exist.
func TestWordsAreDocumented(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, section := range strings.Split(string(content), "\n## ") {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	for title, words := range map[string][]string{
		"The global block": slices.Concat(every(globalWords().grammar()), every(vaultWords().grammar()), every(fileWords().grammar()),
			every(redisWords().grammar()), every(postgresWords().grammar()), every(mailWords().grammar())),
		"The site": every(siteWords().grammar()),
	} {
		got := documented(sections[title])
		for _, word := range words {
			if !slices.Contains(got, word) {
				t.Errorf("%s: %s is not documented", title, word)
			}
		}
		for _, word := range got {
			if !slices.Contains(words, word) {
				t.Errorf("%s: %s is documented, and there is no such word", title, word)
			}
		}
	}
}

// TestPresetWords: a preset can have the words about an app, and none that only the site can know.
func TestPresetWords(t *testing.T) {
	for word, want := range map[string]bool{
		"login": true, "identity": true, "public": true, "pass_header": true, "methods": true, "renews": true,
		"preset": false, "app": false, "issuer": false, "base": false, "require": false, "remember": false, "throttle": false, "cookie": false,
	} {
		if got := siteWords().ofPresets().find(word) != nil; got != want {
			t.Errorf("%s: %v", word, got)
		}
	}
}

// TestAdopt: a preset's value is added to the site's, or replaced by it, depending on the word.
func TestAdopt(t *testing.T) {
	preset, err := parsePreset("x", "logout /out\nmethods GET\nusernames [a-z]+\nrecheck 5m\nguard\ntoken_header X-Auth\nlogin_page /in\nhold a\n")
	if err != nil {
		t.Fatal(err)
	}
	alone, beside := new(Handler), &Handler{
		Logout: []string{"/bye"}, Methods: []string{"POST"}, Usernames: "x", Recheck: 1, TokenHeader: []string{"X-B"}, LoginPage: "/me", Hold: []string{"b"},
	}
	siteWords().adopt(alone, preset)
	siteWords().adopt(beside, preset)
	if !slices.Equal(alone.Logout, []string{"/out"}) || !slices.Equal(alone.Methods, []string{"GET"}) || alone.Usernames != "[a-z]+" ||
		alone.Recheck != preset.Recheck || !alone.Guard || alone.LoginPage != "/in" || alone.TokenHeader[0] != "X-Auth" {
		t.Errorf("alone: %+v", alone)
	}
	if !slices.Equal(beside.Logout, []string{"/out", "/bye"}) || !slices.Equal(beside.Hold, []string{"a", "b"}) ||
		!slices.Equal(beside.Methods, []string{"POST"}) || beside.Usernames != "x" || beside.Recheck != 1 || !beside.Guard ||
		beside.LoginPage != "/me" || beside.TokenHeader[0] != "X-B" {
		t.Errorf("beside: %+v", beside)
	}
}
