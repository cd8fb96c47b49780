// Package presets has what the Caddyfile says about known apps, in its own words: how they sign people in, and which of
// their addresses have to be shut. Nothing else in Sallyport knows an app's name. Each preset is tested against the
// real app (e2e).
package presets

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.caddyfile
var files embed.FS

const suffix = ".caddyfile"

// Names returns the names of all presets, sorted.
func Names() (names []string) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("presets: " + err.Error()) // they are part of the program
	}
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), suffix))
	}
	slices.Sort(names)
	return names
}

// Text returns a preset as it can stand inside `second_factor` of a site, comments included. For an unknown name the
// error says which names there are.
func Text(name string) (string, error) {
	if !slices.Contains(Names(), name) {
		return "", fmt.Errorf("unknown preset '%s'; there are: %s", name, strings.Join(Names(), ", "))
	}
	content, err := files.ReadFile(name + suffix)
	return string(content), err
}

// About returns the first line of a preset's comment: the app, and the versions that it was tried on.
func About(name string) string {
	text, _ := Text(name)
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(strings.TrimPrefix(line, "#"))
}

// Marks returns by what a preset's app is known, from its line `# Known by: <kind> <value>, ...`: pairs of a kind and a
// value, as package learn describes them. A preset without that line is never recognised.
func Marks(name string) (marks [][2]string) {
	text, _ := Text(name)
	for line := range strings.Lines(text) {
		said, found := strings.CutPrefix(line, "# Known by: ")
		if !found {
			continue
		}
		for _, mark := range strings.Split(strings.TrimSpace(said), ", ") {
			kind, value, _ := strings.Cut(mark, " ")
			marks = append(marks, [2]string{kind, value})
		}
	}
	return marks
}
