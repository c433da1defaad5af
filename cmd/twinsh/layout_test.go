package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// code is the parsed code of each folder, without tests.
func code(t *testing.T) (map[string][]*ast.File, *token.FileSet) {
	t.Helper()
	const root = "../.."
	folders := map[string][]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		folders[filepath.ToSlash(folder)] = append(folders[filepath.ToSlash(folder)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders, fset
}

// Lower packages do not know the higher ones: see the picture in docs/architecture.md.
func TestImportsPointDown(t *testing.T) {
	folders, _ := code(t)
	for folder, may := range map[string][]string{
		"runtime/node":            {},
		"runtime/internal/hash":   {},
		"runtime/english":         {},
		"runtime/files":           {},
		"runtime/terminal":        {},
		"runtime/internal/engine": {"runtime/node", "runtime/internal/hash"},
		"runtime":                 {"runtime/node", "runtime/internal/engine", "runtime/english"},
		"runtime/space":           {"runtime", "runtime/node", "runtime/internal/engine"},
		"runtime/check":           {"runtime", "runtime/node", "runtime/internal/engine", "runtime/english"},
		"runtime/trace":           {"runtime", "runtime/node", "runtime/english", "runtime/terminal"},
		"kvproto":                 {"runtime/node"},
		"stdlib":                  {},
	} {
		if len(folders[folder]) == 0 {
			t.Errorf("there is no %s", folder)
		}
		for _, f := range folders[folder] {
			for _, s := range f.Imports {
				if name, ours := strings.CutPrefix(strings.Trim(s.Path.Value, `"`), modulePath); ours && !slices.Contains(may, name) {
					t.Errorf("%s imports %s", folder, name)
				}
			}
		}
	}
}

// What hosts and authors of nodes see is small, and each name has a comment.
func TestFacesAreSmall(t *testing.T) {
	folders, _ := code(t)
	for folder, most := range map[string]int{"runtime": 110, "runtime/node": 60} {
		n := 0
		count := func(name string, comments ...*ast.CommentGroup) {
			if !ast.IsExported(name) {
				return
			}
			n++
			if !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
				t.Errorf("%s.%s has no comment", path.Base(folder), name)
			}
		}
		for _, f := range folders[folder] {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Recv == nil {
						count(d.Name.Name, d.Doc)
					}
				case *ast.GenDecl:
					for _, s := range d.Specs {
						switch s := s.(type) {
						case *ast.TypeSpec:
							count(s.Name.Name, d.Doc, s.Doc)
						case *ast.ValueSpec:
							for _, name := range s.Names {
								count(name.Name, d.Doc, s.Doc, s.Comment)
							}
						}
					}
				}
			}
		}
		if n == 0 || n > most {
			t.Errorf("%s exports %d names, want at most %d", folder, n, most)
		}
	}
}

// The methods of a type stand together: in four files at most.
func TestMethodsStandTogether(t *testing.T) {
	folders, _ := code(t)
	for folder, files := range folders {
		of := map[string]int{} // in how many files a type has methods
		for _, f := range files {
			here := map[string]bool{}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
					here[receiver(fn.Recv.List[0].Type)] = true
				}
			}
			for name := range here {
				of[name]++
			}
		}
		for name, n := range of {
			if n > 4 {
				t.Errorf("%s: %s has methods in %d files", folder, name, n)
			}
		}
	}
}

// receiver names the type of a receiver.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
