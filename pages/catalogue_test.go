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
	"time"
)

func TestWait(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0 seconds"},
		{0, "0 seconds"},
		{1, "1 second"},
		{time.Second, "1 second"},
		{time.Second + 1, "2 seconds"},
		{90 * time.Second, "90 seconds"},
		{91 * time.Second, "2 minutes"},
		{90 * time.Minute, "90 minutes"},
		{90*time.Minute + 1, "2 hours"},
		{3 * time.Hour, "3 hours"},
		{1<<63 - 1, "2562048 hours"},
	} {
		if got, err := english.wait(test.d); err != nil || got != test.want {
			t.Errorf("%v: %q %v, want %q", test.d, got, err, test.want)
		}
	}
}

// TestHTMLMessage: arguments are escaped once and put in in one pass.
func TestHTMLMessage(t *testing.T) {
	c := catalogue{messages: map[string]string{"k": "a & {0}, {1}"}}
	got, err := c.html("k", "{1}<b>", 7)
	if err != nil || got != "a &amp; <bdi>{1}&lt;b&gt;</bdi>, 7" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := c.html("missing"); err == nil {
		t.Error("a missing message is no error")
	}
	if _, err := c.text("missing"); err == nil {
		t.Error("a missing message is no error")
	}
}

// TestCatalogue: every message that a template or the code asks for exists, every message is asked for, and each constant has its words.
func TestCatalogue(t *testing.T) {
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
	for key := range asked {
		if english.messages[key] == "" {
			t.Errorf("no message %q", key)
		}
	}
	for _, file := range []string{"show.go", "renderer.go", "catalogue.go"} {
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
	for month := range 12 {
		asked["month."+strconv.Itoa(month+1)] = true
	}
	for _, unit := range []string{"second", "minute", "hour"} {
		asked["wait."+unit], asked["wait."+unit+"s"] = true, true
	}
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
				asked["error."+value+".title"], asked["error."+value+".happened"], asked["error."+value+".advice"] = true, true, true
				continue
			}
			asked[value] = true
		}
	}
	for key := range english.messages {
		if !asked[key] {
			t.Errorf("message %q is never shown", key)
		}
	}
	for key := range asked {
		if strings.Contains(key, ".") && english.messages[key] == "" && !strings.HasSuffix(key, ".html") {
			t.Errorf("no message %q", key)
		}
	}
}
