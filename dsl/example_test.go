package dsl_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/stdlib"
)

// A host runs a script, whose check does not hold.
func Example() {
	in, err := dsl.New(dsl.Config{Modules: stdlib.Modules, Stdout: os.Stdout})
	if err != nil {
		panic(err)
	}
	err = in.Exec(context.Background(), "script.star", `
load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff(quorum = 2))
twin("A")
report = explore(rounds("A") * 5, check = agreement())
print(report.ok, report.violations[0].length)
check(invariant("no round began", lambda w: w.round == 0))
round("A")
check(invariant("no round began", lambda w: w.round == 0))
`)
	var failed *dsl.CheckFailed
	fmt.Println(errors.As(err, &failed))
	// Output:
	// False 4
	// true
}
