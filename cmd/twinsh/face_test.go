package main

import (
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/twinsh/twinsh/"

// doors are the names of runtime that searches alone use in this module, and why they
// are there all the same.
var doors = map[string]string{
	"World.Do": "hosts play scenarios with it; see docs/embedding.md",
}

// What runtime shows to all is used by others than searches. What searches alone want
// belongs to them, or to the engine.
func TestFaceIsForAll(t *testing.T) {
	if testing.Short() {
		t.Skip("checks the types of everything")
	}
	users := usersOf(t, "runtime")
	for name, folders := range users {
		if door := doors[name] != ""; onlySearches(folders) != door {
			t.Errorf("runtime.%s: used by %s, a door: %t", name, slices.Sorted(maps.Keys(folders)), door)
		}
	}
	for name := range doors {
		if users[name] == nil {
			t.Errorf("runtime.%s is a door, and not used", name)
		}
	}
}

// onlySearches reports whether all folders belong to searches.
func onlySearches(folders map[string]bool) bool {
	for folder := range folders {
		if folder != "runtime/explore" && !strings.HasPrefix(folder, "runtime/explore/") {
			return false
		}
	}
	return true
}

// usersOf returns in which folders the exported names of a package are used, those of
// methods as Type.Method, but for itself and what tests share.
func usersOf(t *testing.T, of string) map[string]map[string]bool {
	t.Helper()
	folders, fset := code(t)
	exports := exportData(t)
	from := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	users := map[string]map[string]bool{}
	for folder, files := range folders {
		if folder == of || folder == "runtime/internal/simtest" || !imports(files, modulePath+of) {
			continue
		}
		for _, o := range usesIn(modulePath+folder, fset, files, from) {
			if name := exportedOf(o, modulePath+of); name != "" {
				if users[name] == nil {
					users[name] = map[string]bool{}
				}
				users[name][folder] = true
			}
		}
	}
	if len(users) == 0 {
		t.Fatalf("nothing uses %s", of)
	}
	return users
}

func imports(files []*ast.File, name string) bool {
	return slices.ContainsFunc(files, func(f *ast.File) bool {
		return slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return strings.Trim(s.Path.Value, `"`) == name })
	})
}

// exportData returns the files in which the build cache keeps what packages export.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[name] = file
	}
	return exports
}

// usesIn lists what the code of a package refers to. Files for other systems refer to
// names twice, so that errors are of no consequence.
func usesIn(name string, fset *token.FileSet, files []*ast.File, from types.Importer) []types.Object {
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: from, Error: func(error) {}}
	_, _ = config.Check(name, fset, files, &info)
	return slices.Collect(maps.Values(info.Uses))
}

// exportedOf names a function, type, constant, variable or method that a package
// exports, "" for what is none of these.
func exportedOf(o types.Object, name string) string {
	if o.Pkg() == nil || o.Pkg().Path() != name || !o.Exported() {
		return ""
	}
	if f, ok := o.(*types.Func); ok {
		if of := f.Signature().Recv(); of != nil {
			return path.Base(strings.TrimPrefix(types.TypeString(of.Type(), func(*types.Package) string { return "" }), "*")) + "." + o.Name()
		}
	}
	if o.Parent() != o.Pkg().Scope() {
		return "" // a field
	}
	return o.Name()
}
