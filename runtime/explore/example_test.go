package explore_test

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// All scenarios of five exchanges are judged, and the first that violates the
// property is a shortest one.
func ExampleExplore() {
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{WriteBack: kvproto.Off}), N: 4, F: 1,
		Clients: []runtime.Client{
			{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}},
			{Name: "c2", Program: []node.Operation{{Name: "read"}, {Name: "read"}}},
		},
	})
	if err != nil {
		panic(err)
	}
	var steps []runtime.Step
	for _, client := range c.Names(c.Clients()) {
		for _, reach := range space.Subsets(c, 1, 3) {
			step, err := c.Step(runtime.ExchangeStep{Client: client, Reach: c.Names(reach)})
			if err != nil {
				panic(err)
			}
			steps = append(steps, step)
		}
	}
	report, err := explore.Explore(context.Background(), space.Of(steps...).Times(5), explore.Options{
		Start:      c.Start(),
		Properties: []check.Property{check.Linearizable()},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Covered, "of", report.Size, "scenarios")
	for _, w := range report.Counterexample().Path()[1:] {
		fmt.Println(w.Step())
	}
	// Output:
	// 17210368 of 17210368 scenarios
	// exchange c1 A,B,C
	// exchange c1 A
	// exchange c2 A,B,C
	// exchange c2 B,C,D
}
