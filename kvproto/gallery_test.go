package kvproto

import (
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// play lets the simulation take steps, one a line: "c1: A B C'" is an
// exchange, the others are "crash c1", "restart c1" and "amnesia C".
func play(t *testing.T, config runtime.Config, story string) *runtime.World {
	t.Helper()
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for _, line := range lines(story) {
		var step runtime.Step
		if client, reach, ok := strings.Cut(line, ": "); ok {
			step, err = c.Step(runtime.ExchangeStep{Client: client, Reach: strings.Fields(reach)})
		} else {
			step, err = c.ParseStep(line)
		}
		if err != nil {
			t.Fatal(err)
		}
		if w, err = w.Do(step); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func lines(story string) []string {
	var all []string
	for line := range strings.Lines(story) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// returned lists what reads returned: `c3 "red"`.
func returned(h runtime.History) string {
	var all []string
	open := map[int]node.Operation{}
	for _, e := range h.Events {
		switch {
		case e.Kind == node.Invoked:
			open[e.Instance] = e.Operation
		case e.Kind == node.Returned && open[e.Instance].Name == "read":
			all = append(all, h.Cluster.Instances()[e.Instance].Name+" "+node.Text(e.Value))
		}
	}
	return strings.Join(all, ", ")
}

func runs(name string, program ...node.Operation) runtime.Client {
	return runtime.Client{Name: name, Program: program}
}

func four(options Options, clients ...runtime.Client) runtime.Config {
	return runtime.Config{
		Protocol: New(options), N: 4, F: 1, Clients: clients,
		Twins: []runtime.Twin{{ID: "C", Copies: 2}},
	}
}

func TestFiveExchangesSimulated(t *testing.T) {
	w := play(t, four(Options{}, runs("c1", write("red")), runs("c2", write("blue")), runs("c3", read())), `
		c1: A B C
		c1: A B C
		c2: B C D
		c2: A C
		crash c2
		amnesia C
		c3: B C D
		c3: B C D`)
	if got := returned(w.History()); got != `c3 "red"` {
		t.Errorf("the reads returned %s", got)
	}
	if !linearizable(w.History()) {
		t.Error("the history is not linearizable")
	}
	for i, want := range []string{"v2 blue", "v1 red", "v1 red", "–", "v1 red", "done", "update 2/3", "done"} {
		if got := w.Summary(i); got != want {
			t.Errorf("%s shows %q, want %q", w.Cluster().Instances()[i].Name, got, want)
		}
	}
}

// Each rule of the protocol is there for a reason: without it, the story
// breaks atomicity; with it, the same story, or as close to it as the protocol
// allows, does not.
func TestGallery(t *testing.T) {
	red, blue := write("red"), write("blue")
	for _, test := range []struct {
		name     string
		options  Options
		config   func(*runtime.Config)
		clients  []runtime.Client
		story    string
		want     string
		right    string // the story with the correct protocol, if it must differ
		rightly  string
		rightOpt Options
	}{
		{
			name: "no write-back", options: Options{WriteBack: Off},
			clients: []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read())},
			story: `c1: A B C
				c1: A
				crash c1
				c2: A B C
				c3: B C D`,
			want: `c2 "red", c3 nil`,
			right: `c1: A B C
				c1: A
				crash c1
				c2: A B C
				c2: A B C
				c3: B C D
				c3: B C D`,
			rightly: `c2 "red", c3 "red"`,
		}, {
			name: "no write-back, the designers' story with a reader", options: Options{WriteBack: Off},
			clients: []runtime.Client{runs("c1", red), runs("c2", blue), runs("c3", read()), runs("c4", read())},
			story: `c1: A B C
				c1: A B C
				c2: B C D
				c2: A C
				crash c2
				c3: A C D
				amnesia C
				c4: B C D`,
			want: `c3 "blue", c4 "red"`,
			right: `c1: A B C
				c1: A B C
				c2: B C D
				c2: A C
				crash c2
				c3: A C D
				c3: A C D
				amnesia C
				c4: B C D
				c4: B C D`,
			rightly: `c3 "blue", c4 "blue"`,
		}, {
			name: "three servers", options: Options{Quorum: 2},
			config:  func(c *runtime.Config) { c.N = 3 },
			clients: []runtime.Client{runs("c1", red), runs("c2", read())},
			story: `c1: A B
				c1: A C
				c2: B C'
				c2: B C'`,
			want: `c2 nil`,
			right: `c1: A B C
				c1: A B C
				c2: A B C'
				c2: A B C'`,
			rightly: `c2 "red"`,
		}, {
			name: "quorum 2", options: Options{Quorum: 2},
			clients: []runtime.Client{runs("c1", red), runs("c2", read())},
			story: `c1: A B
				c1: A B
				c2: C D
				c2: C D`,
			want:    `c2 nil`,
			rightly: ``,
		}, {
			name: "read quorum 2", options: Options{ReadQuorum: 2},
			clients: []runtime.Client{runs("c1", red), runs("c2", read())},
			story: `c1: A B C
				c1: A B C
				c2: C' D
				c2: A B C`,
			want: `c2 nil`,
			right: `c1: A B C
				c1: A B C
				c2: C' D
				c2: A B C
				c2: A B C`,
			rightly: `c2 "red"`,
		}, {
			name: "writer skips the query", options: Options{QueryFirst: Off},
			clients: []runtime.Client{runs("c1", red), runs("c2", blue), runs("c3", read())},
			story: `c2: A B C
				c1: A B C
				c3: A B C
				c3: A B C`,
			want: `c3 "blue"`,
			right: `c2: A B C
				c2: A B C
				c1: A B C
				c1: A B C
				c3: A B C
				c3: A B C`,
			rightly: `c3 "red"`,
		}, {
			name: "no tie-break", options: Options{TieBreak: Off},
			clients: []runtime.Client{runs("c1", red), runs("c2", blue), runs("c3", read(), read())},
			story: `c1: A B C
				c1: A
				crash c1
				c2: B C D
				c2: A B C
				c3: A B C
				c3: A B C
				c3: B C D
				c3: B C D`,
			want:    `c3 "red", c3 "blue"`,
			rightly: `c3 "blue", c3 "blue"`,
		}, {
			name: "first reply", options: Options{ReadRule: "first"},
			clients: []runtime.Client{runs("c1", red), runs("c2", read())},
			story: `c1: A B C
				c1: B C D
				c2: A B C
				c2: A B C`,
			want:    `c2 nil`,
			rightly: `c2 "red"`, rightOpt: Options{ReadRule: "max"},
		}, {
			name: "server skips the version check", options: Options{VersionCheck: Off},
			clients: []runtime.Client{runs("c1", red), runs("c2", read(), read())},
			story: `c1: A B C
				c2: A B C
				c1: A B C
				c2: A B C
				c2: A B C
				c2: A B C`,
			want:    `c2 nil, c2 nil`,
			rightly: `c2 nil, c2 "red"`,
		}, {
			name: "every reply counts", options: Options{OneVote: Off},
			config:  func(c *runtime.Config) { c.Twins[0].Copies = 3 },
			clients: []runtime.Client{runs("c1", red), runs("c2", read())},
			story: `c1: A C C'
				c1: A C C'
				c2: B C'' D
				c2: B C'' D`,
			want: `c2 nil`,
			// The write stays open, so the read may miss it.
			rightly: `c2 nil`,
		}, {
			name: "volatile counter", options: Options{PersistentCounter: Off},
			clients: []runtime.Client{runs("c1", red, blue), runs("c2", read(), read())},
			story: `c1: A B C
				c1: A
				restart c1
				c1: B C D
				c1: B C D
				c2: A B C
				c2: A B C
				c2: B C D
				c2: B C D`,
			want:    `c2 "red", c2 "blue"`,
			rightly: `c2 "blue", c2 "blue"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := func(options Options, story, want string, atomic bool) {
				t.Helper()
				config := four(options, test.clients...)
				if test.config != nil {
					test.config(&config)
				}
				h := play(t, config, story).History()
				if got := returned(h); got != want {
					t.Errorf("%+v: the reads returned %s, want %s", options, got, want)
				}
				if linearizable(h) != atomic {
					t.Errorf("%+v: linearizable is %t, want %t", options, !atomic, atomic)
				}
			}
			run(test.options, test.story, test.want, false)
			if test.right == "" {
				test.right = test.story
			}
			run(test.rightOpt, test.right, test.rightly, true)
		})
	}
}

// operation is one operation of a history, from the event with which it began
// to that with which it returned, or for ever.
type operation struct {
	node.Operation
	begin, end int
	result     any
	returned   bool
}

func operations(h runtime.History) []operation {
	var ops []operation
	current := map[int]int{}
	for i, e := range h.Events {
		switch e.Kind {
		case node.Invoked:
			current[e.Instance] = len(ops)
			ops = append(ops, operation{Operation: e.Operation, begin: i, end: len(h.Events)})
		case node.Returned:
			op := &ops[current[e.Instance]]
			op.end, op.result, op.returned = i, e.Value, true
		}
	}
	return ops
}

// linearizable reports whether the operations, each at some point between its
// beginning and its end, could have happened to a single register. It tries
// all orders.
func linearizable(h runtime.History) bool { return fits(operations(h), nil) }

func fits(ops []operation, have any) bool {
	if !slices.ContainsFunc(ops, func(op operation) bool { return op.returned }) {
		return true
	}
	earliest := ops[0].end
	for _, op := range ops {
		earliest = min(earliest, op.end)
	}
	for i, op := range ops {
		if op.begin > earliest || op.Name == "read" && op.returned && op.result != have {
			continue
		}
		next := have
		if op.Name == "write" {
			next = op.Arg
		}
		if fits(slices.Delete(slices.Clone(ops), i, i+1), next) {
			return true
		}
	}
	return false
}
