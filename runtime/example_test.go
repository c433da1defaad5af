package runtime_test

import (
	"fmt"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A scenario is played step by step; each world stays as it is.
func Example() {
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}}},
		Twins:   []runtime.Twin{{ID: "C", Copies: 2}},
	})
	if err != nil {
		panic(err)
	}
	w := c.Start()
	for _, text := range []string{"exchange c1 A,B,C", "exchange c1 A,B,C'", "crash A"} {
		step, err := c.ParseStep(text)
		if err != nil {
			panic(err)
		}
		if w, err = w.Do(step); err != nil {
			panic(err)
		}
	}
	for i, in := range c.Instances() {
		fmt.Println(in.Name, w.Summary(i))
	}
	for _, o := range w.History().Events {
		fmt.Println("in step", o.Step, c.Instances()[o.Instance].Name, o.Operation, o.Kind == node.Returned)
	}
	// Output:
	// A v1 red
	// B v1 red
	// C –
	// C' v1 red
	// D –
	// c1 done
	// in step 1 c1 write("red") false
	// in step 2 c1 () true
}
