package gateway

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/pages"
)

// ask sends a GET, or a POST with a body, with these headers.
func (b *browser) ask(method, path, body string, header http.Header) answer {
	b.s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, b.s.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.s.t.Fatal(err)
	}
	request.Header = header
	response, err := b.client.Do(request)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{Response: response, body: string(read)}
}

// TestLanguage: pages, refusals and problem documents come in the language that the browser asks for.
func TestLanguage(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	for _, test := range []struct {
		accept []string
		want   string
	}{
		{nil, `<html lang="en" dir="ltr">`},
		{[]string{"de-AT,de;q=0.9,en;q=0.5"}, `<html lang="de" dir="ltr">`},
		{[]string{"tlh", "fr;q=0.3"}, `<html lang="fr" dir="ltr">`},
		{[]string{"ar"}, `<html lang="ar" dir="rtl">`},
	} {
		page := b.ask("GET", "/second-factor/", "", http.Header{"Accept": {"text/html"}, "Accept-Language": test.accept})
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, test.want) {
			t.Errorf("%q: %d, want %s\n%.300s", test.accept, page.StatusCode, test.want, page.body)
		}
	}
	b.enrol()
	stranger := s.browser()
	refused := stranger.ask("POST", "/login", "password=x", http.Header{
		"Accept": {"text/html"}, "Accept-Language": {"de"}, "Content-Type": {"application/x-www-form-urlencoded"},
	})
	if refused.StatusCode != http.StatusBadRequest || !strings.Contains(refused.body, "Die Anmeldung enthielt keinen Benutzernamen.") {
		t.Errorf("a refused login: %d\n%.1500s", refused.StatusCode, refused.body)
	}
	stranger.signIn("alice", demo.AlicePassword)
	told := stranger.ask("POST", "/second-factor/challenge", `{"code":"000000"}`, http.Header{
		"Accept": {"application/json"}, "Accept-Language": {"de"}, "Content-Type": {"application/json"},
	})
	if told.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(told.body, "Dieser Code ist falsch") {
		t.Errorf("a script is told %d %s", told.StatusCode, told.body)
	}
}

// TestReasonsAreTranslated: package login and this one have their sentences for a refusal in English only. Package
// pages knows each of these sentences, to the letter, and so has them in every language.
func TestReasonsAreTranslated(t *testing.T) {
	renderer := pages.New(pages.Options{})
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go", "../login/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	sentences := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			// A text that ends with a full stop is a sentence for people.
			if text, err := strconv.Unquote(literal.Value); err == nil && strings.HasSuffix(text, ".") && strings.Contains(text, " ") {
				sentences[text] = true
			}
			return true
		})
	}
	if len(sentences) < 10 {
		t.Fatalf("only %d sentences were found: %v", len(sentences), sentences)
	}
	for sentence := range sentences {
		if renderer.Text("de", sentence) == sentence {
			t.Errorf("not translated: %q", sentence)
		}
	}
}
