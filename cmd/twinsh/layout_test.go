package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// code is the parsed code of each folder, without tests.
func code(t *testing.T) (map[string][]*ast.File, *token.FileSet) {
	t.Helper()
	folders := map[string][]*ast.File{}
	files, fset := parsed(t, false)
	for name, f := range files {
		folders[path.Dir(name)] = append(folders[path.Dir(name)], f)
	}
	return folders, fset
}

// parsed is the code of each file, by its path from the root.
func parsed(t *testing.T, tests bool) (map[string]*ast.File, *token.FileSet) {
	t.Helper()
	files := map[string]*ast.File{}
	fset := token.NewFileSet()
	for _, name := range allFiles(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") && !tests {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join("../..", name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files, fset
}

// layers are all folders with code, from the bottom up, and what of the project each may
// import: only what stands above it here, so that no arrow points up. See the picture in
// docs/architecture.md. A new package has its place here before it has an import.
var layers = []struct{ folder, imports string }{
	{"runtime/internal/hash", ""},
	{"runtime/machine", ""},
	{"runtime/english", ""},
	{"runtime/files", ""},
	{"runtime/terminal", ""},
	{"runtime/node", ""},
	{"runtime/internal/engine", "runtime/node runtime/internal/hash"},
	{"runtime", "runtime/node runtime/internal/engine runtime/english"},
	{"runtime/space", "runtime runtime/node runtime/internal/engine runtime/english"},
	{"runtime/check", "runtime runtime/node runtime/internal/engine runtime/english"},
	{"runtime/trace", "runtime runtime/node runtime/english runtime/terminal"},
	{"runtime/explore/internal/judge", "runtime runtime/node runtime/internal/engine runtime/check"},
	{"runtime/explore", `runtime runtime/node runtime/internal/engine runtime/internal/hash runtime/machine runtime/english runtime/files
		runtime/space runtime/check runtime/explore/internal/judge`},
	{"kvproto", "runtime/node"},
	{"runtime/internal/simtest", "runtime runtime/node runtime/space runtime/check"},
	{"runtime/internal/simtest/store", "runtime runtime/node runtime/internal/simtest kvproto"},
	{"dsl/internal/adversary", ""}, // it shares nothing with what it judges
	{"dsl/internal/spell", ""},
	{"dsl/internal/guard", "runtime/machine"},
	{"dsl/internal/value", "dsl/internal/spell runtime/node runtime/english"},
	{"dsl/internal/interp", "dsl/internal/spell dsl/internal/guard runtime/terminal"},
	{"dsl/internal/role", "dsl/internal/spell dsl/internal/guard dsl/internal/value dsl/internal/interp runtime/node"},
	{"dsl", `dsl/internal/spell dsl/internal/guard dsl/internal/value dsl/internal/interp dsl/internal/role
		runtime runtime/node runtime/space runtime/check runtime/trace runtime/explore runtime/english runtime/files runtime/terminal`},
	{"dsl/repl", "dsl dsl/internal/guard runtime runtime/node runtime/trace runtime/english runtime/terminal"},
	{"stdlib", ""},
	{"cmd/twinsh", "dsl dsl/repl kvproto stdlib runtime/node runtime/trace runtime/explore runtime/english runtime/files runtime/terminal"},
	{"cmd/twinsh/blackbox", ""},
}

// What a reader meets first is few folders. What is new goes inside them.
func TestFoldersAtTheTop(t *testing.T) {
	want := []string{".ci", "cmd", "docs", "dsl", "kvproto", "runtime", "scripts", "stdlib"}
	there := map[string]bool{}
	for _, name := range allFiles(t) {
		if top, _, below := strings.Cut(name, "/"); below {
			there[top] = true
		}
	}
	if got := slices.Sorted(maps.Keys(there)); !slices.Equal(got, want) {
		t.Errorf("the folders at the top are %q, not %q", got, want)
	}
}

// Each package imports what it may and nothing else, and each has its place.
func TestImportsPointDown(t *testing.T) {
	folders, _ := code(t)
	var below []string // the folders before
	for _, layer := range layers {
		may := strings.Fields(layer.imports)
		for _, folder := range may {
			if !slices.Contains(below, folder) {
				t.Errorf("%s may import %s, which is not below it", layer.folder, folder)
			}
		}
		below = append(below, layer.folder)
		if len(folders[layer.folder]) == 0 {
			t.Errorf("there is no code in %s", layer.folder)
		}
		used := map[string]bool{}
		for _, f := range folders[layer.folder] {
			for _, s := range f.Imports {
				if name, ours := strings.CutPrefix(strings.Trim(s.Path.Value, `"`), modulePath); ours {
					used[name] = true
				}
			}
		}
		for name := range used {
			if !slices.Contains(may, name) {
				t.Errorf("%s imports %s", layer.folder, name)
			}
		}
		for _, name := range may {
			if !used[name] {
				t.Errorf("%s need not be allowed to import %s", layer.folder, name)
			}
		}
	}
	for folder := range folders {
		if !slices.Contains(below, folder) {
			t.Errorf("%s has no place among the layers", folder)
		}
	}
}

// What hosts and authors of nodes see is small, and each name has a comment.
func TestFacesAreSmall(t *testing.T) {
	folders, _ := code(t)
	for folder, most := range map[string]int{"runtime": 110, "runtime/node": 66} {
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
