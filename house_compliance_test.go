package sallyport

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestComplianceNamesTests: docs/compliance.md says of each requirement whether it is met, and names tests that there
// are.
func TestComplianceNamesTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/compliance.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	goFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && strings.HasSuffix(path, "_test.go") {
				known[function.Name.Name] = true
			}
		}
	})
	lines := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.Contains(line, "---") || strings.Contains(line, "Requirement") {
			continue
		}
		lines++
		switch said := strings.TrimSpace(cells[3]); said {
		case "Met", "Yours", "Not met":
		default:
			t.Errorf("%s: said to be %q", strings.TrimSpace(cells[1]), said)
		}
	}
	if lines < 60 {
		t.Errorf("only %d requirements are read", lines)
	}
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		if !known[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
}
