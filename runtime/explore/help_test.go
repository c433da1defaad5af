package explore_test

import (
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

func write(value string) node.Operation { return node.Operation{Name: "write", Arg: value} }
func read() node.Operation              { return node.Operation{Name: "read"} }

var red, blue = write("red"), write("blue")

func runs(name string, program ...node.Operation) runtime.Client {
	return runtime.Client{Name: name, Program: program}
}

// twin says that an identity runs as two instances.
func twin(id string) runtime.Twin { return runtime.Twin{ID: id, Copies: 2} }

// four is a K-V store of four servers, of which one may be faulty.
func four(options kvproto.Options, clients ...runtime.Client) runtime.Config {
	return runtime.Config{Protocol: kvproto.New(options), N: 4, F: 1, Clients: clients}
}

// twinned is config with twins.
func twinned(config runtime.Config, ids ...string) runtime.Config {
	for _, id := range ids {
		config.Twins = append(config.Twins, twin(id))
	}
	return config
}

// A stage is a cluster whose spaces are explored.
type stage struct{ simtest.Stage }

func newStage(t testing.TB, config runtime.Config) stage {
	t.Helper()
	return stage{simtest.On(t, config)}
}

// onLine returns a stage with the cluster of a line: see [store.ConfigOf].
func onLine(t testing.TB, line string) stage {
	t.Helper()
	return stage{store.On(t, line)}
}

// explores covers a space.
func (s stage) explores(of *space.Space, properties ...check.Property) *explore.Report {
	s.T.Helper()
	return s.exploresWith(of, explore.Options{Properties: properties})
}

func (s stage) exploresWith(of *space.Space, o explore.Options) *explore.Report {
	s.T.Helper()
	if o.Start == nil {
		o.Start = s.Start()
	}
	report, err := explore.Explore(s.T.Context(), of, o)
	if err != nil {
		s.T.Fatal(err)
	}
	return report
}

// judged returns the verdict on what led to w.
func judged(t testing.TB, p check.Property, w *runtime.World) check.Verdict {
	t.Helper()
	v, err := p.Judge(t.Context(), w.History())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
