package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/locale"
)

// TestCatalogue: every message that a template or the code asks for exists, every message is asked for, and each
// constant has its words.
func TestCatalogue(t *testing.T) {
	words := locale.All()[0]
	asked := make(map[string]bool)
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(?:\bt|plain) "([^"]+)"`)
	for _, file := range files {
		content, err := fs.ReadFile(templateFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range call.FindAllSubmatch(content, -1) {
			asked[string(match[1])] = true
		}
	}
	for _, file := range []string{"show.go", "factors.go", "renderer.go", "../locale/catalogue.go", "messages.go"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"([a-z-]+\.[a-z.-]+)"`).FindAllSubmatch(content, -1) {
			asked[string(match[1])] = true
		}
	}
	for _, kind := range []string{"reset", "disable", "renew"} {
		for _, part := range []string{"title", "lead", "others", "submit"} {
			asked[kind+"."+part] = true
		}
	}
	for _, kind := range []string{"add.totp", "add.passkey", "add.mail", "add.sms", "rename", "remove"} {
		asked[kind+".title"], asked[kind+".lead"] = true, true
	}
	for month := range 12 {
		asked["month."+strconv.Itoa(month+1)] = true
	}
	for _, unit := range []string{"seconds", "minutes", "hours"} {
		asked["wait."+unit] = true
	}
	for _, key := range constants(t) {
		asked[key] = true
	}
	for key := range words.Keys() {
		// The words of package login for a refusal stand here in English, and its test looks them up; package gateway's
		// looks up those of package factor's events, package notify's those of its messages.
		if !asked[key] && !strings.HasPrefix(key, "mail.") && !strings.HasPrefix(key, "refused.") && !strings.HasPrefix(key, "activity.") {
			t.Errorf("message %q is never shown", key)
		}
	}
	for key := range asked {
		if !words.Has(key) && strings.Contains(key, ".") && !strings.HasSuffix(key, ".html") {
			t.Errorf("no message %q", key)
		}
	}
}

// constants are the keys that messages.go names.
func constants(t *testing.T) (keys []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "messages.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range parsed.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if constant.Type != nil {
				keys = append(keys, "error."+value+".title", "error."+value+".happened", "error."+value+".advice")
				continue
			}
			keys = append(keys, value)
		}
	}
	return keys
}
