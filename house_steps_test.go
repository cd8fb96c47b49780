package sallyport

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestSessionsAreChangedBySteps: outside package session nobody writes into a session. What may be changed, from which
// state and for whom, is said there once.
func TestSessionsAreChangedBySteps(t *testing.T) {
	for path, file := range sources(t) {
		if strings.HasPrefix(path, "session/") {
			continue
		}
		for _, found := range writesIntoSessions(file) {
			t.Errorf("%s: %s", path, found)
		}
	}
}

// TestWritesIntoSessionsAreSeen: the test above finds what it looks for.
func TestWritesIntoSessionsAreSeen(t *testing.T) {
	for source, want := range map[string]int{
		"func f(data *session.Data) { data.State = 1 }":                            1,
		"func f(x *exchange) { x.data.Identity, x.data.Proofs = \"\", nil }":       2,
		"func f(x *Exchange) { x.Session().Identity = \"\" }":                      1,
		"func f(x *Exchange) { x.Exchange.Session().Held = jar }":                  1,
		"func f(x *Exchange) { held := x.Session().Held; _ = held }":               0,
		"var f func(*session.Data) error":                                          1,
		"func f() { g(func(d *session.Data) error { return nil }) }":               1,
		"func f() { g(session.Raw(true, nil)) }":                                   1,
		"func f(x *exchange) { x.data.Delivery.Location = \"\" }":                  1,
		"func f(x *exchange) { x.data = nil }":                                     0,
		"func f(x *exchange) bool { return x.data.State == 1 }":                    0,
		"func f(data *session.Data) bool { view.State = data.State; return true }": 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := writesIntoSessions(file); len(found) != want {
			t.Errorf("%s: %q, want %d", source, found, want)
		}
	}
}

func writesIntoSessions(file *ast.File) (found []string) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncType:
			if changesSession(node) {
				found = append(found, "a function that changes a session")
			}
		case *ast.SelectorExpr:
			if name(node) == "session.Raw" {
				found = append(found, "session.Raw")
			}
		case *ast.AssignStmt:
			for _, left := range node.Lhs {
				called := name(left)
				if chain := "." + strings.ToLower(called); strings.Contains(chain, ".data.") || strings.Contains(chain, ".session().") {
					found = append(found, "an assignment to "+called)
				}
			}
		}
		return true
	})
	return found
}

// changesSession reports whether the type is func(*session.Data) error.
func changesSession(f *ast.FuncType) bool {
	if f.Params.NumFields() != 1 || f.Results.NumFields() != 1 {
		return false
	}
	pointer, ok := f.Params.List[0].Type.(*ast.StarExpr)
	result, isName := f.Results.List[0].Type.(*ast.Ident)
	return ok && isName && name(pointer.X) == "session.Data" && result.Name == "error"
}

// name is a chain of names, and of calls without arguments, as it is written; empty for anything else.
func name(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if of := name(x.X); of != "" {
			return of + "." + x.Sel.Name
		}
	case *ast.CallExpr:
		if of := name(x.Fun); of != "" && len(x.Args) == 0 {
			return of + "()"
		}
	}
	return ""
}

// sources are the parsed files of the product, without tests, by their paths.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	parsed := make(map[string]*ast.File)
	goFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		if !strings.HasSuffix(path, "_test.go") {
			parsed[path] = file
		}
	})
	return parsed
}
