package sallyport

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

const (
	maxFiles   = 14  // in a folder of the core, tests not counted
	maxLines   = 400 // in a file of the core
	maxMethods = 40  // of a type of the core
)

// fewer are types that are to stay smaller still, since all else is built on them.
var fewer = map[string]int{"gateway/exchange.Exchange": 30}

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
		if lines := set.Position(file.End()).Line; lines > maxLines {
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
	check := func(what string, counted, most int) {
		if counted > most {
			t.Errorf("%s: %d, %d are enough", what, counted, most)
		}
	}
	for folder, counted := range files {
		check("files in "+folder, counted, maxFiles)
	}
	for name, counted := range methods {
		most := maxMethods
		if less, ok := fewer[name]; ok {
			most = less
		}
		check("methods of "+name, counted, most)
	}
	for name := range fewer {
		if methods[name] == 0 {
			t.Errorf("%s is not there", name)
		}
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
