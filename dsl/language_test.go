package dsl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/stdlib"
)

// TestLanguage tests the language in the language. The scripts in testdata
// consist of chunks between lines "---"; each is executed by itself. A line
// that ends in ### and a quoted regular expression is one where an error with
// such a message is expected. There must be no other errors.
func TestLanguage(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.star")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			line := 0 // where the chunk begins
			for _, chunk := range strings.SplitAfter(string(text), "\n---\n") {
				chunk, _ := strings.CutSuffix(chunk, "---\n")
				t.Run(fmt.Sprintf("line %d", line+1), func(t *testing.T) { testChunk(t, path, line, chunk) })
				line += strings.Count(chunk, "\n") + 1
			}
		})
	}
}

func testChunk(t *testing.T, path string, line int, chunk string) {
	want := map[int]*regexp.Regexp{}
	for i, s := range strings.Split(chunk, "\n") {
		if _, pin, found := strings.Cut(s, "###"); found {
			pattern, err := strconv.Unquote(strings.TrimSpace(pin))
			if err != nil {
				t.Fatalf("line %d: malformed pin %s", line+i+1, pin)
			}
			want[line+i+1] = regexp.MustCompile(pattern)
		}
	}
	// Blank lines before the chunk make its line numbers those of the file.
	err := testInterpreter(t, nil).Exec(t.Context(), path, strings.Repeat("\n", line)+chunk)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("got a bare error: %v", err)
	}
	if e != nil {
		for _, p := range e.Problems {
			n := int(p.Pos.Line)
			if pattern := want[n]; pattern == nil || p.Pos.Filename() != path {
				t.Errorf("unexpected error:\n%v", e)
			} else if !pattern.MatchString(p.Message) {
				t.Errorf("line %d: got the error %q, want one that matches %q", n, p.Message, pattern)
			}
			delete(want, n)
		}
	}
	for n, pattern := range want {
		t.Errorf("line %d: no error, want one that matches %q", n, pattern)
	}
}

// testInterpreter makes an interpreter with the modules of twinsh and a toy
// protocol. Its output goes to out, if that is not nil.
func testInterpreter(t *testing.T, out *strings.Builder) *Interpreter {
	t.Helper()
	config := Config{
		Modules: testModules(t), Protocols: []Protocol{toyProtocol()}, Dir: "testdata/modules",
		Args: []string{"one", "two"}, MaxSteps: 1e6,
	}
	if out != nil {
		config.Stdout = out
	}
	in, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func testModules(t *testing.T) fs.FS {
	t.Helper()
	asserts, err := stdlib.Modules.ReadFile("assert.star")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"assert.star": {Data: asserts},
		"toy.star":    {Data: []byte("toy = native(\"toy\")\ndef unknown():\n    native(\"tyo\")\n")},
	}
}

// toyProtocol can be configured, and that is all.
func toyProtocol() Protocol {
	return Protocol{
		Name: "toy",
		Doc:  "A toy. It does nothing.",
		Options: []Option{
			{Name: "size", Default: 1, Doc: "how large it is"},
			{Name: "strict", Default: true, Doc: "whether it is strict"},
			{Name: "name", Default: "toy", Doc: "what it is called"},
		},
		New: func(args map[string]any) (node.Protocol, error) {
			if size := args["size"].(int); size < 0 {
				return nil, fmt.Errorf("toy: size is %d, want 0 or more", size)
			}
			return nil, nil
		},
	}
}
