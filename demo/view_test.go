package demo

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
)

func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script>{{.}}`
	b := open(t, Options{
		Title: evil, Users: []User{{Login: evil, Name: evil, Password: "x"}}, Links: []Link{{evil, "javascript:alert(1)"}},
	})
	page := b.get("/login?next=" + queryEscape("/"+evil))
	if got := b.signIn(evil, "x", "/"); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	for _, page := range []answer{page, b.get("/"), b.get("/files"), b.get("/reset")} {
		if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, `href="javascript:`) {
			t.Errorf("%s", page.body)
		}
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self'; frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %q", policy)
		}
	}
}

func TestLinks(t *testing.T) {
	b := open(t, Options{Links: []Link{{"Two-factor", "/second-factor/"}}})
	if page := b.get("/login"); strings.Contains(page.body, "Two-factor") {
		t.Error("strangers see the links")
	}
	b.asAlice()
	if page := b.get("/"); !strings.Contains(page.body, `<a href="/second-factor/">Two-factor</a>`) {
		t.Errorf("%s", page.body)
	}
}

// The policy allows no inline script or style, so there must be none.
func TestNoInlineScript(t *testing.T) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<style", " style=", "<script>", " onclick", " onload"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
	}
}
