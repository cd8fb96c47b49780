package sallyport

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxFiles   = 14  // in a folder of the core, tests not counted
	maxLines   = 400 // in a file of the core
	maxMethods = 40  // of a type of the core
)

// large are folders that are larger still, and are to be cut into rooms. None is added.
var large = []string{"gateway"}

// TestRoomsAreSmall: whoever opens a folder of the core sees in a moment what is in it, and reads a file in one
// sitting.
func TestRoomsAreSmall(t *testing.T) {
	files, methods := make(map[string]int), make(map[string]int)
	goFiles(t, func(name string, set *token.FileSet, file *ast.File) {
		folder := path.Dir(name)
		if _, core := rooms[folder]; !core || folder == "demo" || strings.HasSuffix(name, "_test.go") {
			return
		}
		files[folder]++
		if lines := set.Position(file.End()).Line; lines > maxLines && !slices.Contains(large, folder) {
			t.Errorf("%s has %d lines, %d are enough", name, lines, maxLines)
		}
		for _, declared := range file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv != nil {
				methods[folder+"."+receiver(function)]++
			}
		}
	})
	if len(files) < 20 {
		t.Fatalf("looked at %d folders", len(files))
	}
	check := func(what string, folder string, counted, most int) {
		if counted > most && !slices.Contains(large, folder) {
			t.Errorf("%s: %d, %d are enough", what, counted, most)
		}
	}
	for folder, counted := range files {
		check("files in "+folder, folder, counted, maxFiles)
	}
	for name, counted := range methods {
		folder, _, _ := strings.Cut(name, ".")
		check("methods of "+name, folder, counted, maxMethods)
	}
}

// receiver is the name of a method's type.
func receiver(function *ast.FuncDecl) string {
	kind := function.Recv.List[0].Type
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		kind = generic.X
	}
	return name(kind)
}
