package sallyport

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// elsewhere are documents that somebody may have had, and that no reader has.
	elsewhere = regexp.MustCompile(`(?i)\b(the design\b|design,? (section )?[0-9]|field.notes|names-next|design-next|house\.md|\.\./shared)`)
	// contractCited is a section of the contract, decisionCited a decision, and fileCited a page or a folder of pages.
	contractCited = regexp.MustCompile(`\b[Cc]ontract,? (?:sections? )?([0-9](?:\.[0-9])?)(?: and ([0-9](?:\.[0-9])?))?`)
	decisionCited = regexp.MustCompile(`\b[Dd]ecision (?:docs/decisions/)?([0-9]{4})\b`)
	fileCited     = regexp.MustCompile(`\bdocs/[\w./-]*\w|\b[\w./-]+\.md\b`)
	// outside is what looks like a page of ours and is none: addresses, and the folder of whoever runs a command.
	outside   = regexp.MustCompile(`https?://\S+|\$PWD/`)
	sectionOf = regexp.MustCompile(`(?m)^###? ([0-9](?:\.[0-9])?)\.? `)
)

// TestCommentsCiteWhatIsHere: whoever reads a comment can open what it cites. The contract is cited by section, a
// decision by its number.
func TestCommentsCiteWhatIsHere(t *testing.T) {
	contract, err := os.ReadFile("docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, section := range sectionOf.FindAllStringSubmatch(string(contract), -1) {
		sections = append(sections, section[1])
	}
	if len(sections) < 20 {
		t.Fatalf("the contract has the sections %q", sections)
	}
	check := func(where, from, text string) {
		if cited := elsewhere.FindString(text); cited != "" {
			t.Errorf("%s cites %q, which is not in this repository", where, cited)
		}
		for _, cited := range contractCited.FindAllStringSubmatch(text, -1) {
			for _, section := range cited[1:] {
				if section != "" && !slices.Contains(sections, section) {
					t.Errorf("%s cites section %s of docs/contract.md, which has none", where, section)
				}
			}
		}
		for _, cited := range decisionCited.FindAllStringSubmatch(text, -1) {
			if !here("docs/decisions/" + cited[1]) {
				t.Errorf("%s cites decision %s, which there is not", where, cited[1])
			}
		}
		for _, cited := range fileCited.FindAllString(outside.ReplaceAllString(text, ""), -1) {
			if !here(cited) && !here(filepath.Join(filepath.Dir(from), cited)) && !here(filepath.Join("docs", cited)) {
				t.Errorf("%s cites %s, which is not in this repository", where, cited)
			}
		}
	}
	goFiles(t, func(path string, files *token.FileSet, file *ast.File) {
		for _, comment := range file.Comments {
			check(files.Position(comment.Pos()).String(), path, folded(comment))
		}
	})
	otherFiles(t, func(path, text string) { check(path, path, text) })
}

// TestArchitectureShowsEachRoom: the page for whoever comes here for the first time leaves no folder of the house out.
func TestArchitectureShowsEachRoom(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(folder string) bool { return strings.Contains(string(page), "`"+folder+"`") }
	goFiles(t, func(path string, _ *token.FileSet, _ *ast.File) {
		// A folder is shown, or the one that it lies in.
		for folder := filepath.ToSlash(filepath.Dir(path)); folder != "."; folder = filepath.ToSlash(filepath.Dir(folder)) {
			if shown(folder) {
				return
			}
		}
		if strings.Contains(path, "/") {
			t.Errorf("docs/architecture.md does not show where %s is", path)
		}
	})
	for room := range rooms {
		if folder, _, _ := strings.Cut(room, "/"); !shown(folder) && !shown(room) {
			t.Errorf("docs/architecture.md does not show %s", room)
		}
	}
}

// here reports whether a file or folder begins so: a decision may be cited by its number alone.
func here(path string) bool {
	found, err := filepath.Glob(filepath.Clean(path) + "*")
	return err == nil && len(found) > 0
}

// folded is all that a comment says, on one line.
func folded(comment *ast.CommentGroup) string {
	var words []string
	for _, line := range comment.List {
		words = append(words, strings.Fields(strings.TrimPrefix(line.Text, "//"))...)
	}
	return strings.Join(words, " ")
}

// otherFiles calls look with the text of scripts, pages and documents. The changelog tells of what was.
func otherFiles(t *testing.T, look func(path, text string)) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains([]string{"testdata", "bin", "node_modules"}, entry.Name()) || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.IsDir() || path == "CHANGELOG.md":
			return nil
		}
		extension := filepath.Ext(path)
		if !slices.Contains([]string{".js", ".css", ".html", ".md", ".caddyfile", ".Caddyfile", ".sh", ".yml", ".yaml"}, extension) &&
			!slices.Contains([]string{"Makefile", "Caddyfile"}, entry.Name()) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		look(filepath.ToSlash(path), strings.Join(strings.Fields(string(text)), " "))
		return nil
	})
	if err != nil || seen < 50 {
		t.Fatalf("looked at %d files: %v", seen, err)
	}
}

// TestCommentsArePlain: a function "reports whether", as in Go's own library.
func TestCommentsArePlain(t *testing.T) {
	goFiles(t, func(_ string, files *token.FileSet, file *ast.File) {
		for _, comment := range file.Comments {
			if strings.Contains(folded(comment), "tells "+"whether") {
				t.Errorf("%s: want \"reports whether\"", files.Position(comment.Pos()))
			}
		}
	})
}

// directive is a comment to a tool, which cannot be broken.
var directive = regexp.MustCompile(`//(go|nolint):`)

// TestCommentsAreNarrow: a line that has a comment ends within 120 columns, a tab counted as four.
func TestCommentsAreNarrow(t *testing.T) {
	goFiles(t, func(path string, files *token.FileSet, file *ast.File) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(source), "\n")
		for _, group := range file.Comments {
			for number := files.Position(group.Pos()).Line; number <= files.Position(group.End()).Line; number++ {
				line := lines[number-1]
				if width := len([]rune(line)) + 3*strings.Count(line, "\t"); width <= 120 || directive.MatchString(line) {
					continue
				}
				t.Errorf("%s:%d has a comment and is wider than 120 columns", path, number)
			}
		}
	})
}
