package space_test

import (
	"fmt"
	"math/big"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A space has a size and an index, however many scenarios there are: none of them is
// made until it is asked for.
func Example() {
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{{Name: "c1", Program: []node.Operation{{Name: "read"}}}},
		Twins:   []runtime.Twin{{ID: "C", Copies: 2}},
	})
	if err != nil {
		panic(err)
	}
	var steps []runtime.Step
	for _, reach := range space.Quorums(c, 3) {
		step, err := c.Step(runtime.ExchangeStep{Client: "c1", Reach: c.Names(reach)})
		if err != nil {
			panic(err)
		}
		steps = append(steps, step)
	}
	exchanges := space.Of(steps...)
	fmt.Println(exchanges.Size(), "exchanges with three of four identities, each twin with one copy or both")

	scenarios := exchanges.Times(20)
	fmt.Println(scenarios.Size(), "scenarios of twenty of them")
	middle := new(big.Int).Rsh(scenarios.Size(), 1)
	scenario, err := scenarios.At(middle)
	if err != nil {
		panic(err)
	}
	fmt.Println("the one in the middle begins with", scenario[0])
	index, has := scenarios.Rank(scenario)
	fmt.Println("and is found again:", has && index.Cmp(middle) == 0)
	// Output:
	// 10 exchanges with three of four identities, each twin with one copy or both
	// 100000000000000000000 scenarios of twenty of them
	// the one in the middle begins with exchange c1 A,C',D
	// and is found again: true
}
