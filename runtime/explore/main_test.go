package explore_test

import (
	"flag"
	"os"
	"testing"
)

var long = flag.Bool("long", false, "compare five times as many random searches with slow ones")

func TestMain(m *testing.M) {
	flag.Parse()
	if *long {
		flag.Set("rapid.checks", "500")
	}
	os.Exit(m.Run())
}
