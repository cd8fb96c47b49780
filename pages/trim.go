package pages

import "strings"

// trimmed is a style sheet or script without what is there for people only: indents, empty lines, and lines that are a
// comment. Every page carries it.
func trimmed(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "/*") && strings.HasSuffix(line, "*/") {
			continue
		}
		kept.WriteString(line + "\n")
	}
	return kept.String()
}
