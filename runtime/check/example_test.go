package check_test

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// Two reads contradict each other, because a read does not write back what it found.
func ExampleLinearizable() {
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
	w := c.Start()
	for _, text := range []string{"exchange c1 A,B,C", "exchange c1 A", "exchange c2 A,B,C", "exchange c2 B,C,D"} {
		step, err := c.ParseStep(text)
		if err != nil {
			panic(err)
		}
		if w, err = w.Do(step); err != nil {
			panic(err)
		}
	}
	verdict, err := check.Linearizable().Judge(context.Background(), w.History())
	if err != nil {
		panic(err)
	}
	fmt.Println(verdict.Holds)
	fmt.Println(verdict.Why)
	// Output:
	// false
	// c2 read() returned nil in step 4 after c2 read() had returned "red" in step 3; no order of the operations explains that. "red" would have been right
}
