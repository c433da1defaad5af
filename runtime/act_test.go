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
