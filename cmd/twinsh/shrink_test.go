package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shrinking is put before a script in which explore is called explore_all. It
// prints what each counterexample shrinks to between two marks.
const shrinking = `def explore_all(space, check):
    report = explore (space, check = check)
    if report.counterexample:
        shrunk = shrink(report.counterexample, check)
        if len(shrunk.steps) > report.counterexample.depth:
            fail("longer than the shortest:", shrunk)
        print("<<<" + shrunk.script + ">>>")
    return report

`

// Each counterexample of the examples shrinks, and the script that this prints
// plays it again: the property is violated.
func TestCounterexamplesShrink(t *testing.T) {
	if testing.Short() {
		t.Skip("runs examples; not with -short")
	}
	for name, least := range map[string]int{"kv_variants": 25, "hotstuff_paper": 5} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../scripts/examples", name+".star"))
			if err != nil {
				t.Fatal(err)
			}
			output, status := runBlock(t, shrinking+strings.ReplaceAll(string(text), "explore(", "explore_all("))
			if status != allHeld {
				t.Fatalf("it failed:\n%s", output)
			}
			scripts := strings.Split(output, "<<<")[1:]
			if len(scripts) < least {
				t.Errorf("only %d counterexamples shrank, want at least %d", len(scripts), least)
			}
			for _, script := range scripts {
				script, _, _ = strings.Cut(script, ">>>")
				path := filepath.Join(t.TempDir(), "shrunk.star")
				if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				p := &program{stdout: &out, stderr: &out}
				if status := p.main(t.Context(), []string{"run", path}); status != checkFailed || !strings.Contains(out.String(), ": VIOLATED") {
					t.Errorf("exit status %d of\n%s\nIt printed\n%s", status, script, out.String())
				}
			}
		})
	}
}
