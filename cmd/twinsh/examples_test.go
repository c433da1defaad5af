package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/dsl"
)

var rewrite = flag.Bool("rewrite", false, "take the output of examples and documents as the expected one; read the diffs carefully!")

// TestExamples runs the scripts of scripts/examples and compares what they
// print, errors and exit status included, with testdata/examples/NAME.txt.
// Scripts that measure speed are named bench_*.star and print other numbers
// each time; they are not run.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all examples; not with -short")
	}
	const golden = "cmd/twinsh/testdata/examples"
	t.Chdir("../..")
	scripts, err := filepath.Glob("scripts/examples/*.star")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	known := map[string]bool{}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".star")
		known[name] = true
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "bench_") {
				t.Skip("measures speed")
			}
			var out bytes.Buffer
			p := &program{stdout: &out, stderr: &out}
			if status := p.main(t.Context(), []string{"run", script}); status > 128 {
				t.Fatalf("it was stopped by a signal: exit status %d", status) // and is not taken as expected
			} else if status != allHeld {
				fmt.Fprintf(&out, "exit status %d\n", status)
			}
			path := filepath.Join(golden, name+".txt")
			if *rewrite {
				if err := os.MkdirAll(golden, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; it printed\n%s\nIf that is right, run the test with -rewrite.", err, out.String())
			}
			if out.String() != string(want) {
				t.Errorf("it printed\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
	stale, err := filepath.Glob(filepath.Join(golden, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stale {
		if !known[strings.TrimSuffix(filepath.Base(path), ".txt")] {
			t.Errorf("%s belongs to no example", path)
		}
	}
}

// block matches a fenced block of Python in a document and, if it follows, the
// block of text with its output.
var block = regexp.MustCompile("(?ms)^```python\n(.*?)^```\n(?:(\\s*^```text\n)(.*?)(^```$))?")

// TestDocs runs every ```python block of the documents as a script of its own.
// A ```text block that follows is what it prints, errors included; without one
// the script must not fail.
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all documents; not with -short")
	}
	t.Chdir("../..")
	paths, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, "README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if fences := bytes.Count(text, []byte("```python")); fences != len(block.FindAll(text, -1)) {
			t.Errorf("%s: of %d python blocks some are indented or not closed", path, fences)
		}
		var rewritten strings.Builder
		end := 0
		for _, at := range block.FindAllSubmatchIndex(text, -1) {
			script := string(text[at[2]:at[3]])
			rewritten.Write(text[end:at[0]])
			end = at[1]
			kept := string(text[at[0]:at[1]]) // also if -run leaves the block out
			t.Run(fmt.Sprintf("%s:%d", path, 1+bytes.Count(text[:at[0]], []byte("\n"))), func(t *testing.T) {
				got, status := runBlock(t, script)
				if at[4] < 0 {
					if status != allHeld {
						t.Errorf("it failed:\n%s", got)
					}
					return
				}
				kept = string(text[at[0]:at[5]]) + got + string(text[at[8]:at[9]])
				if want := string(text[at[6]:at[7]]); got != want && !*rewrite {
					t.Errorf("it printed\n%s\nwant\n%s", got, want)
				}
			})
			rewritten.WriteString(kept)
		}
		rewritten.Write(text[end:])
		if *rewrite && rewritten.String() != string(text) {
			if err := os.WriteFile(path, []byte(rewritten.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func runBlock(t *testing.T, script string) (output string, status int) {
	var out bytes.Buffer
	p := &program{stdout: &out, stderr: &out}
	in, err := p.interpreter("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Exec(t.Context(), "script.star", script); err != nil {
		status = p.report(err)
	}
	return out.String(), status
}

// TestReference runs the example of every builtin.
func TestReference(t *testing.T) {
	for _, family := range dsl.Families() {
		for _, entry := range family.Entries {
			t.Run(entry.Name(), func(t *testing.T) {
				if out, status := runBlock(t, entry.Example); status != allHeld {
					t.Errorf("the example failed:\n%s\n%s", entry.Example, out)
				}
			})
		}
	}
}

// TestProtocols makes every protocol with each of its options.
func TestProtocols(t *testing.T) {
	for _, p := range protocols() {
		script := fmt.Sprintf("load(\"@std//%[1]s.star\", make = %[1]q)\nprint(make())\n", p.Name)
		for _, o := range p.Options {
			value := fmt.Sprintf("%#v", o.Default)
			if b, ok := o.Default.(bool); ok {
				value = map[bool]string{true: "True", false: "False"}[!b]
			}
			script += fmt.Sprintf("print(make(%s = %s))\n", o.Name, value)
		}
		if out, status := runBlock(t, script); status != allHeld {
			t.Errorf("%s: %s", p.Name, out)
		}
	}
}
