package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Pages for those who work on twinsh name files, folders and functions. They exist.
func TestNamedFilesExist(t *testing.T) {
	const root = "../.."
	path := regexp.MustCompile("`((?:cmd|docs|dsl|internal|kvproto|runtime|scripts|stdlib)/[\\w./-]*|\\.ci/\\w+(?:\\.txt)?)`")
	station := regexp.MustCompile("(?m)^\\|[^|]*\\| `([\\w/]+\\.go)` \\| ([^|]*) \\|$")
	named, functions := 0, 0
	for _, page := range []string{"CONTRIBUTING.md", "docs/architecture.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s: %v", page, m[1], err)
			}
			named++
		}
		for _, m := range station.FindAllStringSubmatch(string(text), -1) {
			code, err := os.ReadFile(filepath.Join(root, m[1]))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range strings.Split(m[2], ", ") {
				name = strings.Trim(name, "`")
				if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `[(\[]`).Match(code) {
					t.Errorf("%s: there is no function %s in %s", page, name, m[1])
				}
				functions++
			}
		}
	}
	if named < 20 || functions < 15 {
		t.Errorf("only %d files and %d functions are named", named, functions)
	}
}
