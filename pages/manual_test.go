package pages

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestManual: docs/pages.md names every file, variable and language that there is.
func TestManual(t *testing.T) {
	content, err := os.ReadFile("../docs/pages.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := templateSources()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for name := range sources {
		want = append(want, name)
	}
	for _, found := range regexp.MustCompile(`(--[a-z-]+):`).FindAllStringSubmatch(styleFile, -1) {
		want = append(want, found[1])
	}
	want = append(want, Languages()...)
	want = append(want, "name", "logo", "colour", "help", "templates", "language", overrideStyle)
	for _, word := range want {
		if !strings.Contains(string(content), "`"+word+"`") {
			t.Errorf("docs/pages.md does not tell of %s", word)
		}
	}
}
