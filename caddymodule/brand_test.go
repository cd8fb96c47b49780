package caddymodule

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/pages"
)

// brandFiles writes files into a folder of their own and returns it.
func brandFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const brandLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>`

// TestBrand: the pages show what the settings say.
func TestBrand(t *testing.T) {
	folder := brandFiles(t, map[string]string{"logo": brandLogo})
	templates := brandFiles(t, map[string]string{"style.css": ".brand { margin: 0; }"})
	h := Handler{
		Brand:    &Brand{Name: "Example <Ltd>", Logo: filepath.Join(folder, "logo"), Colour: "#7a1f6b", Templates: templates},
		Language: "PT",
	}
	renderer, err := h.pages()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := renderer.Challenge(w, 200, pages.ChallengeView{Common: pages.Common{App: "wiki", Base: "/b", Languages: "de"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="pt"`, "<bdi>Example &lt;Ltd&gt;</bdi>", "--main: #7a1f6b", ".brand { margin: 0; }", `<img src="/b/logo?v=`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	plain, err := new(Handler).pages()
	if err != nil || plain.Logo() != nil {
		t.Errorf("without a brand: %v %v", plain, err)
	}
}

// TestBrandErrors: an unusable setting is an error at start that names the setting and the file.
func TestBrandErrors(t *testing.T) {
	outside := brandFiles(t, map[string]string{"style.css": ".outside { margin: 0; }"})
	folder := brandFiles(t, map[string]string{
		"text.png": "no picture", "large.svg": brandLogo + strings.Repeat(" ", pages.MaxLogo), "chalenge.html": "",
	})
	broken := brandFiles(t, map[string]string{"notice.html": "\n{{define \"content\"}}{{.Nope}}{{end}}"})
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "style.css"), filepath.Join(linked, "style.css")); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	for name, test := range map[string]struct {
		handler Handler
		want    []string
	}{
		"no such logo":      {Handler{Brand: &Brand{Logo: in("none")}}, []string{"brand: logo", in("none")}},
		"logo is a folder":  {Handler{Brand: &Brand{Logo: folder}}, []string{"brand: logo", folder, "regular file"}},
		"endless logo":      {Handler{Brand: &Brand{Logo: "/dev/zero"}}, []string{"brand: logo", "/dev/zero", "regular file"}},
		"no picture":        {Handler{Brand: &Brand{Logo: in("text.png")}}, []string{"brand: logo", in("text.png"), "PNG"}},
		"large logo":        {Handler{Brand: &Brand{Logo: in("large.svg")}}, []string{"brand: logo", in("large.svg"), "256 KiB"}},
		"colour":            {Handler{Brand: &Brand{Colour: "red"}}, []string{"brand: colour", "red"}},
		"no such folder":    {Handler{Brand: &Brand{Templates: in("none")}}, []string{"brand: templates", in("none")}},
		"unknown file":      {Handler{Brand: &Brand{Templates: folder}}, []string{"brand: templates", folder, "chalenge.html"}},
		"broken template":   {Handler{Brand: &Brand{Templates: broken}}, []string{"brand: templates", broken, "notice.html:2:", "Nope"}},
		"out of the folder": {Handler{Brand: &Brand{Templates: linked}}, []string{"brand: templates", linked, "style.css"}},
		"language":          {Handler{Language: "tlh"}, []string{"language", "tlh", "zh-Hans"}},
	} {
		renderer, err := test.handler.pages()
		if err == nil || renderer != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, want := range append(test.want, "second_factor: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v: does not say %q", name, err, want)
			}
		}
	}
}

// TestBrandIsNotReadByParsing: a Caddyfile can be adapted on a machine that does not have its files.
func TestBrandIsNotReadByParsing(t *testing.T) {
	_, err := adapt("example.com {\n\tsecond_factor {\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t}\n\t\tidentity /me json /n\n\t\tbrand {\n\t\t\tlogo /nonexistent/logo\n\t\t\ttemplates /nonexistent\n\t\t}\n\t}\n}\n")
	if err != nil {
		t.Error(err)
	}
}
