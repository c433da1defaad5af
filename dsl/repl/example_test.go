package repl_test

import (
	"context"
	"os"
	"strings"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/dsl/repl"
	"github.com/twinsh/twinsh/stdlib"
)

// A host gives a session statements to execute, here from a text. Without prompts it
// shows what an act changed, and the values of expressions.
func Example() {
	in, err := dsl.New(dsl.Config{Modules: stdlib.Modules, Stdout: os.Stdout})
	if err != nil {
		panic(err)
	}
	session := repl.New(repl.Config{
		Interpreter: in,
		Stdout:      os.Stdout,
		Editor: repl.Lines(strings.NewReader(`
load("@std//streamlet.star", "streamlet")
cluster(streamlet())
round("A")
world().depth + 1
no_such_name
`), nil),
	})
	if err := session.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// streamlet n=4 f=1
	// 1 round 1: A leads   20 messages
	//   A G/G → 1a/G, B G/G → 1a/G, C G/G → 1a/G, D G/G → 1a/G
	// 2
	// [5]:1:1: undefined: no_such_name
	//     no_such_name
	//     ^
}
