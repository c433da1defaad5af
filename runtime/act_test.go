package runtime_test

import (
	"reflect"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
)

// Each kind of step is made again of what it tells, in another cluster.
func TestActs(t *testing.T) {
	config := runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{{Name: "c1", Program: []runtime.Operation{{Name: "read"}}}},
		Twins:   []runtime.Twin{{ID: "C", Copies: 2}},
	}
	var clusters [2]*runtime.Cluster
	for i := range clusters {
		var err error
		if clusters[i], err = runtime.NewCluster(config); err != nil {
			t.Fatal(err)
		}
	}
	c := clusters[0]
	parts, err := c.Parts("test", [][]string{{"A", "C'"}, {"B", "C", "D"}})
	if err != nil {
		t.Fatal(err)
	}
	phase := runtime.Phase{Parts: parts, Deaf: runtime.Of(1), Types: []string{"ack", "report"}, Hops: 2}
	kinds := map[runtime.StepKind]bool{}
	try := func(s runtime.Step, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		kinds[s.Kind()] = true
		again, err := clusters[1].Make(s.Act())
		if err != nil || again.String() != s.String() || again.Kind() != s.Kind() || again.Cluster() != clusters[1] {
			t.Errorf("%s is made again as %s, %v", s, again, err)
		} else if !reflect.DeepEqual(again.Act(), s.Act()) {
			t.Errorf("%s tells %+v, made again %+v", s, s.Act(), again.Act())
		}
	}
	try(c.Exchange("c1", []string{"A", "C'"}))
	try(c.Invoke("c1", runtime.Operation{Name: "write", Arg: "red"}))
	try(c.Timeout("A", "c1"))
	try(c.Crash("C'"))
	try(c.Restart("c1"))
	try(c.Amnesia("A"))
	try(c.Round("C", phase))
	try(c.Round("C", runtime.Phase{}))
	try(c.Deliver(phase))
	try(c.Deliver(runtime.Phase{Hops: 1}))
	try(c.Partition([][]string{{"A", "C'"}, {"B", "C", "D"}}))
	try(c.Heal(), nil)
	try(c.Cut("A", "c1"))
	try(c.Drop("ack", "A", ""))
	try(c.Drop("ack", "", "c1"))
	try(c.Deaf("A", []string{"ack", "query"}))
	try(c.Hold("A", "B"))
	try(c.Release("A", "B", 3))
	try(c.Order("A", []string{"C'", "B"}))
	if want := int(runtime.OrderStep) + 1; len(kinds) != want {
		t.Errorf("%d kinds of steps were tried, there are %d", len(kinds), want)
	}
	for _, bad := range []runtime.Act{
		{Kind: runtime.OrderStep + 1}, {Kind: runtime.DropStep}, {Kind: runtime.ExchangeStep, Who: "A"}, {Kind: runtime.RoundStep, Who: "A", Names: []string{"E"}},
	} {
		if s, err := c.Make(bad); err == nil {
			t.Errorf("%+v makes %s", bad, s)
		}
	}
}

// Steps made of sets are checked as those made of names: a partition has each
// server once, and nothing names an instance that is not there.
func TestSetsAreChecked(t *testing.T) {
	c := mustCluster(t, runtime.Config{Protocol: mute{}, N: 3, Clients: clients(program{read()})}) // A B C c1
	const a, b, cc, c1 = 1, 2, 4, 8
	phase := func(parts ...runtime.Set) runtime.Phase { return runtime.Phase{Parts: parts} }
	for _, tc := range []struct {
		parts []runtime.Set
		want  string // "" if they are a partition
	}{
		{[]runtime.Set{a, b | cc}, ""},
		{[]runtime.Set{a | c1, b | cc}, ""},
		{[]runtime.Set{}, "A is in no group; each of A, B, C must be in one"},
		{[]runtime.Set{a, b}, "C is in no group; each of A, B, C must be in one"},
		{[]runtime.Set{a | b, b | cc}, "B is in two groups"},
		{[]runtime.Set{a | b | cc, 0}, "a group is empty"},
		{[]runtime.Set{a | b | cc, 1 << 9}, "there is no instance with number 9; the last is 3, c1"},
	} {
		_, errRound := c.Round("A", phase(tc.parts...))
		_, errDeliver := c.Deliver(phase(tc.parts...))
		_, errPartition := c.PartitionSets(tc.parts)
		for act, err := range map[string]error{"round": errRound, "deliver": errDeliver, "partition": errPartition} {
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != act+": "+tc.want) {
				t.Errorf("%s of %v: %v, want %q", act, tc.parts, err, tc.want)
			}
		}
	}
	for want, err := range map[string]error{
		"round: deaf: there is no instance with number 63; the last is 3, c1":        second(c.Round("A", runtime.Phase{Deaf: 1 << 63, Types: []string{"vote"}})),
		"deliver: types: a message type is empty":                                    second(c.Deliver(runtime.Phase{Deaf: a, Types: []string{""}})),
		"exchange: reach: there is no instance with number 5; the last is 3, c1":     second(c.ExchangeSet(3, a|1<<5)),
		"exchange: the reach of c1 is empty; name the servers that take part":        second(c.ExchangeSet(3, 0)),
		"exchange: there is no instance with number 4; the last is 3":                second(c.ExchangeSet(4, a)),
		"exchange: there is no instance with number -1; the last is 3":               second(c.ExchangeSet(-1, a)),
		"exchange: A is a server; the clients are c1":                                second(c.ExchangeSet(0, a)),
		"exchange: reach: c1 is a client; a client exchanges with servers (A, B, C)": second(c.ExchangeSet(3, a|c1)),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func second(_ runtime.Step, err error) error { return err }

// A step that was made for another cluster cannot be taken: the error names both.
func TestStepOfAnotherCluster(t *testing.T) {
	var clusters [2]*runtime.Cluster
	for i := range clusters {
		var err error
		if clusters[i], err = runtime.NewCluster(runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4 + 3*i, F: 1 + i}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := clusters[0].Start().Do(clusters[1].Heal())
	const want = "heal(): the step was made for another cluster, kv n=7 f=2, than that of the world, kv n=4 f=1"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := clusters[0].Start().Do(clusters[0].Heal()); err != nil {
		t.Error(err)
	}
}
