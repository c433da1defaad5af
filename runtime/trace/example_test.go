package trace_test

import (
	"fmt"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// A storyboard has a row for each step and a column for each server.
func ExampleStoryboard() {
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}}},
	})
	if err != nil {
		panic(err)
	}
	w := c.Start()
	for _, text := range []string{"exchange c1 A,B,C", "exchange c1 A,B,D"} {
		step, err := c.ParseStep(text)
		if err != nil {
			panic(err)
		}
		if w, err = w.Do(step); err != nil {
			panic(err)
		}
	}
	fmt.Print(trace.Storyboard(trace.Of(w), trace.Options{Width: 60}))
	// Output:
	// kv   n=4 f=1
	//
	//  #  A       B       C     D
	//  1  c1 write "red": query → A B C
	//     ·       ·       ·
	//  2  c1 write "red": update → A B D
	//     v1 red  v1 red        v1 red
	//     c1 returns
}
