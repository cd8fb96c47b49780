package sallyport

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goFiles calls look with every Go file of this module and of those below it, by its path from here.
func goFiles(t *testing.T, look func(path string, files *token.FileSet, file *ast.File)) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		seen++
		look(filepath.ToSlash(path), files, file)
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("looked at %d files: %v", seen, err)
	}
}

// TestOneKindKnowsTOTP: nobody looks for an authenticator in a record but its own kind and the reader of schema 1,
// which has a field of that name. The only other field called so is the setting of the Caddyfile's word.
func TestOneKindKnowsTOTP(t *testing.T) {
	goFiles(t, func(path string, files *token.FileSet, file *ast.File) {
		if path == "factor/schema1.go" || strings.HasPrefix(path, "factor/totp/") || strings.HasPrefix(path, "factor/schema1test/") {
			return
		}
		frozen := imports(file, module+"/factor/schema1test")
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "TOTP" {
				return true
			}
			of, _ := selector.X.(*ast.Ident)
			setting := strings.HasPrefix(path, "caddymodule/") && of != nil && of.Name == "h"
			if !setting && !frozen {
				t.Errorf("%s: .TOTP outside its kind", files.Position(selector.Pos()))
			}
			return true
		})
	})
}

// TestStoresKnowNoKind: what keeps records neither imports a kind nor names one.
func TestStoresKnowNoKind(t *testing.T) {
	stores := 0
	goFiles(t, func(path string, files *token.FileSet, file *ast.File) {
		store := strings.HasPrefix(path, "factor/filestore/") || strings.HasPrefix(path, "vaultstore/") ||
			path == "factor/store.go"
		if !store || strings.HasSuffix(path, "_test.go") {
			return
		}
		stores++
		for _, kind := range []string{module + "/factor/totp", module + "/factor/passkey", module + "/factor/recovery"} {
			if imports(file, kind) {
				t.Errorf("%s imports %s", path, kind)
			}
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok && slices.Contains([]string{"MethodTOTP", "MethodPasskey", "MethodRecovery"}, name.Name) {
				t.Errorf("%s: %s in a store", files.Position(name.Pos()), name.Name)
			}
			return true
		})
	})
	if stores < 20 {
		t.Errorf("looked at %d files of stores", stores)
	}
}

func imports(file *ast.File, path string) bool {
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) == path {
			return true
		}
	}
	return false
}
