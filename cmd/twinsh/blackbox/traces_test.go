package blackbox

import (
	"os"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// play takes steps from the start of a cluster, one from each line.
func play(t *testing.T, c *runtime.Cluster, story string) *runtime.World {
	t.Helper()
	w := c.Start()
	for line := range strings.Lines(story) {
		s, err := c.ParseStep(strings.TrimSpace(line))
		if err == nil {
			w, err = w.Do(s)
		}
		if err != nil {
			t.Fatalf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	return w
}

// inversion is a read that returns an older value than the one before it.
func inversion(t *testing.T) *trace.Trace {
	t.Helper()
	read := node.Operation{Name: "read"}
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{WriteBack: kvproto.Off}), N: 4, F: 1,
		Clients: []runtime.Client{
			{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}},
			{Name: "c2", Program: []node.Operation{read, read}},
		},
		Twins: []runtime.Twin{{ID: "C", Copies: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := play(t, c, "partition A,B,C,c1,c2|C',D\nexchange c1 A,B,C\nexchange c1 A\nexchange c2 A,B,C\nheal\nexchange c2 B,C,D\n")
	tr := trace.Of(w)
	err = tr.Find(t.Context(), "linearizable", `c2 read() returned None in step 6 after c2 read() had returned "red" in step 4`, w, trace.Returned)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// mailed is a trace of a protocol whose replicas vote for what its leader says to the
// next one, whatever the partition is then.
func mailed(t *testing.T) *trace.Trace {
	t.Helper()
	text, err := os.ReadFile("testdata/mailed.json")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trace.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
