package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// The renamings of a cluster form a group: the identity comes first, none comes
// twice, and with two of them their product and the inverse are there.
func TestSymmetriesAreAGroup(t *testing.T) {
	for _, tc := range []struct {
		name        string
		config      runtime.Config
		size, names int
	}{
		{"one", runtime.Config{N: 1}, 1, 1},
		{"four", runtime.Config{N: 4, F: 1}, 24, 24},
		{"a twin", runtime.Config{N: 4, F: 1, Twins: simtest.Twins("C")}, 12, 6},
		{"two twins", runtime.Config{N: 7, F: 2, Twins: simtest.Twins("B", "F")}, 960, 240},
		{"a triple", runtime.Config{N: 4, F: 1, Twins: simtest.TwinsOf(3, "A")}, 36, 6},
		{"a twin and a triple", runtime.Config{N: 4, F: 1, Twins: append(simtest.Twins("A"), simtest.TwinsOf(3, "D")...)}, 24, 2},
		{"equal clients", runtime.Config{N: 3, Clients: simtest.Clients(simtest.Program{simtest.Read()}, simtest.Program{simtest.Write("red")}, simtest.Program{simtest.Read()}, simtest.Program{simtest.Read()})}, 36, 6},
		{"no equal clients", runtime.Config{N: 2, Clients: simtest.Clients(simtest.Program{simtest.Read()}, simtest.Program{simtest.Read(), simtest.Read()}, simtest.Program{simtest.Write("red")}, simtest.Program{simtest.Write("blue")})}, 2, 2},
		{"a client's twins", runtime.Config{N: 2, Clients: simtest.Clients(simtest.Program{simtest.Read()}, simtest.Program{simtest.Read()}), Twins: simtest.Twins("c2")}, 4, 2},
		{"a client's twins differ", runtime.Config{N: 2, Clients: simtest.Clients(simtest.Program{simtest.Read()}),
			Twins: []runtime.Twin{{ID: "c1", Copies: 2, Program: simtest.Program{simtest.Write("red")}}}}, 2, 2},
		{"clients whose twins differ in the same way", runtime.Config{N: 1, Clients: simtest.Clients(simtest.Program{simtest.Read()}, simtest.Program{simtest.Read()}),
			Twins: []runtime.Twin{{ID: "c1", Copies: 2, Program: simtest.Program{simtest.Write("red")}}, {ID: "c2", Copies: 2, Program: simtest.Program{simtest.Write("red")}}}}, 2, 1},
		// Large groups are cut down.
		{"eight and a twin", runtime.Config{N: 8, Twins: simtest.Twins("H")}, 10080, 5040},
		{"thirteen", runtime.Config{N: 13}, 5040, 5040},
		{"26 and a triple", runtime.Config{N: 26, Twins: simtest.TwinsOf(3, "A")}, 4320, 720},
		{"three and two triples", runtime.Config{N: 5, Twins: simtest.TwinsOf(3, "A", "B")}, 432, 12},
		{"four and three triples", runtime.Config{N: 7, Twins: simtest.TwinsOf(3, "A", "B", "C")}, 7776, 36},
		{"a thirtyfold one", runtime.Config{N: 3, Twins: simtest.TwinsOf(30, "A")}, 2, 2},
		{"sixty clients", runtime.Config{N: 1, Clients: simtest.Clients(make([]simtest.Program, 60)...)}, 5040, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.config.Protocol = simtest.Mute{}
			c := simtest.Cluster(t, tc.config)
			isGroup(t, c, engine.Symmetries(c.Engine()), tc.size)
			names := engine.NameSymmetries(c.Engine())
			isGroup(t, c, names, tc.names)
			for _, r := range names {
				for i, in := range c.Instances() {
					if to := c.Instances()[r[i]]; to.Copy != in.Copy || c.Clients().Has(i) && r[i] != i {
						t.Errorf("%v renames %s to %s", r, in.Name, to.Name)
					}
				}
			}
		})
	}
}

func isGroup(t *testing.T, c *runtime.Cluster, all []engine.Renaming, size int) {
	t.Helper()
	if len(all) != size {
		t.Fatalf("%d renamings, want %d", len(all), size)
	}
	if !all[0].Identity() {
		t.Errorf("the first is %v", all[0])
	}
	known := map[string]bool{}
	for i, r := range all {
		if r.Identity() != (i == 0) {
			t.Errorf("%v: is it the identity? %v", r, r.Identity())
		}
		known[fmt.Sprint(r)] = true
		sorted := slices.Sorted(slices.Values(r))
		to := map[int]int{} // of identities
		for i, in := range c.Instances() {
			if sorted[i] != i {
				t.Fatalf("%v is no renaming", r)
			}
			id := c.Instances()[r[i]].Identity
			if at, ok := to[in.Identity]; ok && at != id {
				t.Fatalf("%v separates twins", r)
			}
			to[in.Identity] = id
		}
		if got := r.Set(c.Servers()); got != c.Servers() {
			t.Errorf("%v turns servers into %v", r, c.Names(got))
		}
	}
	if len(known) != size {
		t.Fatalf("%d different renamings, want %d", len(known), size)
	}
	for i, r := range all {
		if i%(len(all)/500+1) != 0 {
			continue
		}
		inverse := make(engine.Renaming, len(r))
		for i, j := range r {
			inverse[j] = i
		}
		if !known[fmt.Sprint(inverse)] {
			t.Fatalf("%v has no inverse", r)
		}
		for _, q := range all[:min(len(all), 50)] {
			product := make(engine.Renaming, len(r))
			for i := range r {
				product[i] = r[q[i]]
			}
			if !known[fmt.Sprint(product)] {
				t.Fatalf("%v after %v is missing", r, q)
			}
		}
	}
}

// A key tells what a step does after a renaming, and nothing else.
func TestKeysOfSteps(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: simtest.Mute{}, N: 4, F: 1, Twins: simtest.Twins("C"), Clients: simtest.Clients(simtest.Program{simtest.Read()}, simtest.Program{simtest.Read()})})
	swap := make(engine.Renaming, len(c.Instances())) // A and B, C and C', c1 and c2
	copy(swap, []int{1, 0, 3, 2, 4, 6, 5})
	must := func(s runtime.Step, err error) runtime.Step {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	phase := func(groups string, hops int) runtime.Phase {
		p := runtime.Phase{Hops: hops}
		if groups != "" {
			p.Groups = parts(groups)
		}
		return p
	}
	deaf := func(kind string, ids ...int) runtime.Phase {
		return runtime.Phase{Deaf: c.Names(node.SetOf(ids...)), Types: []string{kind}}
	}
	view := func(name string, steps ...runtime.Action) runtime.Step {
		return must(c.Step(runtime.ViewStep{Called: name, Steps: steps}))
	}
	pairs := [][2]runtime.Step{
		{must(c.Step(runtime.ExchangeStep{Client: "c1", Reach: []string{"A", "C", "D"}})), must(c.Step(runtime.ExchangeStep{Client: "c2", Reach: []string{"D", "B", "C'"}}))},
		{must(c.Step(runtime.ExchangeStep{Client: "c1", Reach: []string{"A"}})), must(c.Step(runtime.ExchangeStep{Client: "c2", Reach: []string{"B"}}))},
		{must(c.Step(runtime.CrashStep{ID: "A"})), must(c.Step(runtime.CrashStep{ID: "B"}))},
		{must(c.Step(runtime.RestartStep{ID: "A"})), must(c.Step(runtime.RestartStep{ID: "B"}))},
		{must(c.Step(runtime.AmnesiaStep{ID: "C"})), must(c.Step(runtime.AmnesiaStep{ID: "C'"}))},
		{must(c.Step(runtime.TimeoutStep{IDs: []string{"A", "D", "c1"}})), must(c.Step(runtime.TimeoutStep{IDs: []string{"B", "D", "c2"}}))},
		{must(c.Step(runtime.PartitionStep{Groups: parts("A C | B D C'")})), must(c.Step(runtime.PartitionStep{Groups: parts("A C D | B C'")}))},
		{must(c.Step(runtime.RoundStep{Leader: "A", Phase: phase("", 0)})), must(c.Step(runtime.RoundStep{Leader: "B", Phase: phase("", 0)}))},
		{must(c.Step(runtime.RoundStep{Leader: "C", Phase: phase("A B | C C' D", 0)})), must(c.Step(runtime.RoundStep{Leader: "C", Phase: phase("C C' D | A B", 0)}))},
		{must(c.Step(runtime.RoundStep{Leader: "D", Phase: phase("A C' | B C D", 1)})), must(c.Step(runtime.RoundStep{Leader: "D", Phase: phase("A C' D | B C", 1)}))},
		{must(c.Step(runtime.RoundStep{Leader: "A", Phase: deaf("vote", 0, 2)})), must(c.Step(runtime.RoundStep{Leader: "B", Phase: deaf("vote", 1, 3)}))},
		{must(c.Step(runtime.RoundStep{Leader: "A", Phase: deaf("ack", 0, 2)})), must(c.Step(runtime.RoundStep{Leader: "B", Phase: deaf("ack", 1, 3)}))},
		{must(c.Step(runtime.DeliverStep{Phase: phase("", 2)})), must(c.Step(runtime.DeliverStep{Phase: phase("", 2)}))},
		{must(c.Step(runtime.DeliverStep{Phase: phase("", 1)})), must(c.Step(runtime.DeliverStep{Phase: phase("", 1)}))},
		{must(c.Step(runtime.DeliverStep{Phase: phase("A | B C | C' D", 0)})), must(c.Step(runtime.DeliverStep{Phase: phase("B | A C' | C D", 0)}))},
		{must(c.Step(runtime.TimeoutStep{IDs: []string{"A", "D"}, Least: 1})), must(c.Step(runtime.TimeoutStep{IDs: []string{"B", "D"}, Least: 1}))},
		{must(c.Step(runtime.HealStep{})), must(c.Step(runtime.HealStep{}))},
		{must(c.Step(runtime.CutStep{Src: "A", Dst: "C"})), must(c.Step(runtime.CutStep{Src: "B", Dst: "C'"}))},
		{must(c.Step(runtime.CutStep{Src: "C", Dst: "A"})), must(c.Step(runtime.CutStep{Src: "C'", Dst: "B"}))},
		{must(c.Step(runtime.HoldStep{Src: "A", Dst: "C"})), must(c.Step(runtime.HoldStep{Src: "B", Dst: "C'"}))},
		{must(c.Step(runtime.ReleaseStep{Src: "A", Dst: "C"})), must(c.Step(runtime.ReleaseStep{Src: "B", Dst: "C'"}))},
		{must(c.Step(runtime.ReleaseStep{Src: "A", Dst: "C", Count: 1})), must(c.Step(runtime.ReleaseStep{Src: "B", Dst: "C'", Count: 1}))},
		{must(c.Step(runtime.DropStep{Type: "vote", Src: "A"})), must(c.Step(runtime.DropStep{Type: "vote", Src: "B"}))},
		{must(c.Step(runtime.DropStep{Type: "ack", Src: "A"})), must(c.Step(runtime.DropStep{Type: "ack", Src: "B"}))},
		{must(c.Step(runtime.DropStep{Type: "vote", Dst: "A"})), must(c.Step(runtime.DropStep{Type: "vote", Dst: "B"}))},
		{must(c.Step(runtime.DeafStep{ID: "A", Types: []string{"ack", "vote"}})), must(c.Step(runtime.DeafStep{ID: "B", Types: []string{"vote", "ack"}}))},
		{must(c.Step(runtime.DuplicateStep{Type: "vote", Src: "A", Dst: "D"})), must(c.Step(runtime.DuplicateStep{Type: "vote", Src: "B", Dst: "D"}))},
		{must(c.Step(runtime.OrderStep{ID: "A", First: []string{"C", "D"}})), must(c.Step(runtime.OrderStep{ID: "B", First: []string{"C'", "D"}}))},
		{must(c.Step(runtime.OrderStep{ID: "A", First: []string{"D", "C"}})), must(c.Step(runtime.OrderStep{ID: "B", First: []string{"D", "C'"}}))},
		{view("v", runtime.CrashStep{ID: "A"}, runtime.CutStep{Src: "A", Dst: "C"}), view("v", runtime.CrashStep{ID: "B"}, runtime.CutStep{Src: "B", Dst: "C'"})},
		{view("w", runtime.CrashStep{ID: "A"}, runtime.CutStep{Src: "A", Dst: "C"}), view("w", runtime.CrashStep{ID: "B"}, runtime.CutStep{Src: "B", Dst: "C'"})},
		{view("v", runtime.RestartStep{ID: "A"}, runtime.CutStep{Src: "A", Dst: "C"}), view("v", runtime.RestartStep{ID: "B"}, runtime.CutStep{Src: "B", Dst: "C'"})},
		{view("v", runtime.CutStep{Src: "A", Dst: "C"}, runtime.CrashStep{ID: "A"}), view("v", runtime.CutStep{Src: "B", Dst: "C'"}, runtime.CrashStep{ID: "B"})},
		{view("v", runtime.CrashStep{ID: "A"}), view("v", runtime.CrashStep{ID: "B"})},
	}
	known := map[string]string{}
	for _, p := range pairs {
		for k, s := range p {
			plain, ok := s.Engine().Key(nil)
			renamed, okRenamed := s.Engine().Key(swap)
			if !ok || !okRenamed {
				t.Errorf("%s has no key", s)
			}
			if text, taken := known[plain]; taken && text != s.String() {
				t.Errorf("%s and %s have one key", s, text)
			}
			known[plain] = s.String()
			if want, _ := p[1-k].Engine().Key(nil); renamed != want {
				t.Errorf("%s renamed is not %s", s, p[1-k])
			}
		}
	}
	for _, s := range []runtime.Step{
		must(c.Step(runtime.InvokeStep{Client: "c1", Op: simtest.Read()})),
		view("v", runtime.HealStep{}, runtime.InvokeStep{Client: "c1", Op: simtest.Read()}),
	} {
		if _, ok := s.Engine().Key(swap); ok {
			t.Errorf("%s is renamed", s)
		}
	}
}

// parts reads groups of names: A B | C D.
func parts(text string) (groups [][]string) {
	for group := range strings.SplitSeq(text, "|") {
		groups = append(groups, strings.Fields(group))
	}
	return groups
}
