package main

import (
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are for those who work on twinsh. Whatever they name exists.
var pages = []string{"CONTRIBUTING.md", "docs/architecture.md"}

// The stations of the way of the data: each function stands in one of the files beside it.
func TestStationsExist(t *testing.T) {
	t.Parallel()
	station := regexp.MustCompile("(?m)^\\|[^|]*\\| (`[\\w/]+\\.go`(?:, `[\\w/]+\\.go`)*) \\| ([^|]*) \\|$")
	functions := 0
	for _, page := range pages {
		for _, m := range station.FindAllStringSubmatch(readPage(t, page), -1) {
			var code string
			for file := range strings.SplitSeq(m[1], ", ") {
				code += readPage(t, strings.Trim(file, "`"))
			}
			for name := range strings.SplitSeq(m[2], ", ") {
				name = strings.Trim(name, "`")
				if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `[(\[]`).MatchString(code) {
					t.Errorf("%s: there is no function %s in %s", page, name, m[1])
				}
				functions++
			}
		}
	}
	if functions < 15 {
		t.Errorf("only %d functions are named", functions)
	}
}

// Between backquotes stand files, from the root or by their last names; tests; types,
// functions, methods and fields of Go; and builtins, arguments and attributes of the
// language. Each exists somewhere.
func TestNamedThingsExist(t *testing.T) {
	t.Parallel()
	files, declared, spoken := allFiles(t), declarations(t), language(t)
	quoted := regexp.MustCompile("`([^`\n]+)`")
	blocks := regexp.MustCompile("(?ms)^```.*?^```")
	test := regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	isFile := regexp.MustCompile(`^\.?[\w*-]+(/[\w.*-]*)+$|^[\w*]+\.(?:go|md|star|txt)$`)
	isName := regexp.MustCompile(`^([A-Za-z]\w+(?:\.\w+)?)(?:\(.*\))?$`) // `react`, `transitions.react`, `combine(signed, count)`
	// What belongs to Starlark, to a terminal, or to the author of something new.
	others := []string{"for", "if", "while", "head", "c1", "c2", "yourEntry", "callYour"}
	count := 0
	for _, page := range pages {
		text := readPage(t, page)
		for _, name := range test.FindAllString(text, -1) {
			if !declared[name] {
				t.Errorf("%s: there is no test %s", page, name)
			}
			count++
		}
		for _, m := range quoted.FindAllStringSubmatch(blocks.ReplaceAllString(text, ""), -1) {
			what := m[1]
			if isFile.MatchString(what) {
				if !exists(what, files) {
					t.Errorf("%s: there is no file %s", page, what)
				}
				count++
			} else if name := isName.FindStringSubmatch(what); name != nil && !slices.Contains(others, name[1]) {
				if !declared[name[1]] && !spoken[name[1]] {
					t.Errorf("%s: there is no %s", page, name[1])
				}
				count++
			}
		}
	}
	if count < 150 {
		t.Errorf("only %d things are named", count)
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exists reports whether a name with asterisks is that of a file: all of its path if the
// name begins with a folder of the root, else the end of it.
func exists(name string, files []string) bool {
	name = strings.TrimSuffix(name, "/")
	first, _, _ := strings.Cut(name, "/")
	parts := strings.Count(name, "/") + 1
	rooted := slices.Contains(files, first)
	return slices.ContainsFunc(files, func(file string) bool {
		if elements := strings.Split(file, "/"); !rooted && len(elements) > parts {
			file = strings.Join(elements[len(elements)-parts:], "/")
		}
		ok, _ := path.Match(name, file)
		return ok
	})
}

// allFiles lists files and folders, by their paths from the root.
func allFiles(t *testing.T) (files []string) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		if d.Name() == ".git" && d.IsDir() {
			return filepath.SkipDir
		}
		file, err := filepath.Rel(root, name)
		files = append(files, filepath.ToSlash(file))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// declarations are the names that Go code declares, tests included: of packages, functions,
// types, methods, fields, variables and constants, alone and after that of their type or
// package.
func declarations(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, _ := parsed(t, true)
	for _, f := range files {
		pkg := f.Name.Name
		names[pkg] = true
		in := func(whole, name string) { names[name], names[whole+"."+name] = true, true }
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if in(pkg, d.Name.Name); d.Recv != nil {
					in(receiver(d.Recv.List[0].Type), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						in(pkg, s.Name.Name)
						for _, member := range members(s.Type) {
							in(s.Name.Name, member)
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							in(pkg, name.Name)
						}
					}
				}
			}
		}
	}
	return names
}

// members names the fields of a struct and the methods of an interface.
func members(e ast.Expr) (names []string) {
	var list *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		list = e.Fields
	case *ast.InterfaceType:
		list = e.Methods
	default:
		return nil
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// language is what scripts can name, by the reference: builtins with their parameters, and
// attributes of what they return.
func language(t *testing.T) map[string]bool {
	t.Helper()
	text := readPage(t, "docs/reference.md")
	words := map[string]bool{}
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(m[1], -1) {
			words[word] = true
		}
	}
	for _, m := range regexp.MustCompile(`\b\w+\.\w+`).FindAllString(text, -1) {
		words[m] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^An? (\w+) has (.*)`).FindAllStringSubmatch(text, -1) {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(m[2], -1) {
			words[m[1]+"."+word] = true
		}
	}
	return words
}
