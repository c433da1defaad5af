package dsl

import (
	"os"
	"strings"
	"testing"
)

// An embedder's scripts write nothing unless their host names a folder.
func TestHostsAllowWriting(t *testing.T) {
	script := func(act string) string {
		return "def on_round(self, round):\n    pass\n\ncluster(protocol(\"p\", replica = role(on_round = on_round)), n = 2, f = 0)\n" + act
	}
	acts := []string{
		`show(file = "picture.txt")`,
		`explore(rounds() * 2, max_worlds = 1, checkpoint = "search")`,
	}
	for _, act := range acts {
		dir := t.TempDir()
		t.Chdir(dir)
		in, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		err = in.Exec(t.Context(), "x.star", script(act))
		if err == nil || !strings.Contains(err.Error(), "but this program lets scripts write no files") {
			t.Errorf("%s: got %v", act, err)
		}
		other := t.TempDir()
		if in, err = New(Config{WriteDir: other}); err != nil {
			t.Fatal(err)
		}
		if err := in.Exec(t.Context(), "x.star", script(act)); err != nil {
			t.Errorf("%s: %v", act, err)
		}
		if list, _ := os.ReadDir(dir); len(list) > 0 {
			t.Errorf("%s wrote %v into the current folder", act, list)
		}
		if list, _ := os.ReadDir(other); len(list) != 1 {
			t.Errorf("%s wrote %v, want one file", act, list)
		}
	}
}

// A file has a name; one that is empty is not taken for none.
func TestFilesHaveNames(t *testing.T) {
	for call, want := range map[string]string{
		`show(file = "")`:                           `show: file: got "", want the name of a file; leave it out if there is to be none`,
		`show("mermaid", file = "")`:                `show: file: got ""`,
		`show(file = 7)`:                            `show: file: got int, want the name of a file`,
		`explore(timeouts(), checkpoint = "")`:      `explore: checkpoint: got "", want the name of a file`,
		`explore(timeouts(), checkpoint = ["a.b"])`: `explore: checkpoint: got list, want the name of a file`,
	} {
		out, err := runScript(t, "cluster(protocol(\"p\", replica = role(on_timeout = lambda self: None)))\n"+call)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v, want %s\n%s", call, err, want, out)
		}
	}
}
