package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The programs in the documentation are compiled and run. Each Go block begins with a
// comment that names its file; those without a main function are part of each program
// of their page.
func TestGoBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```go\n(// (\\w+)\\.go\n.*?)^```$")
	dir, found := t.TempDir(), 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllStringSubmatch(string(text), -1)
		shared := map[string]string{} // what programs of the page use
		for _, m := range blocks {
			file := filepath.Join(dir, m[2]+".go")
			if err := os.WriteFile(file, []byte(m[1]), 0o644); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(m[1], "func main()") {
				shared[m[2]+".go"] = file
			}
		}
		for _, m := range blocks {
			if shared[m[2]+".go"] != "" {
				continue
			}
			found++
			t.Run(m[2], func(t *testing.T) {
				// The program is in a folder of the module that is not there.
				folder := filepath.Join(root, "cmd", m[2])
				files := map[string]string{filepath.Join(folder, "main.go"): filepath.Join(dir, m[2]+".go")}
				for name, file := range shared {
					files[filepath.Join(folder, name)] = file
				}
				replaced, err := json.Marshal(map[string]any{"Replace": files})
				if err != nil {
					t.Fatal(err)
				}
				overlay := filepath.Join(dir, m[2]+".json")
				if err := os.WriteFile(overlay, replaced, 0o644); err != nil {
					t.Fatal(err)
				}
				run := exec.CommandContext(t.Context(), "go", "run", "-overlay", overlay, "./cmd/"+m[2])
				run.Dir = root
				if out, err := run.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
				}
			})
		}
		if text := string(text); strings.Count(text, "```go\n") != len(blocks) {
			t.Errorf("%s: a Go block names no file", filepath.Base(page))
		}
	}
	if found == 0 {
		t.Error("no page has a Go block")
	}
}
