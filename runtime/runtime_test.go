package runtime_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// A counter counts the pings that it gets and pongs; a client pings. It hides
// its state, as code that was never made for a simulation does.
type counter struct {
	n int
}

type ping struct{ Hop int }

func (p *counter) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.ExchangeEvent:
		out.Broadcast(ping{})
	case node.MessageEvent:
		p.n++
		if m := e.Message.(ping); m.Hop == 0 && e.From != "A" {
			out.Send(e.From, ping{1})
		}
		if p.n == 5 {
			out.Decided(1, p.n)
		}
	default:
		out.Refuse("it only counts")
	}
}

func (p *counter) Summary() string      { return fmt.Sprint("n=", p.n) }
func (p *counter) Fields() []node.Field { return []node.Field{{Name: "n", Value: p.n}} }

// An encodedCounter is a counter that can encode its state.
type encodedCounter struct{ *counter }

func (p encodedCounter) AppendBinary(b []byte) ([]byte, error) {
	return binary.AppendUvarint(b, uint64(p.n)), nil
}

func (p encodedCounter) UnmarshalBinary(b []byte) error {
	n, _ := binary.Uvarint(b)
	p.n = int(n)
	return nil
}

type persistentCounter struct{ *counter }

func (p persistentCounter) Restart() { p.n -= p.n % 2 }

// A node without an encoding is rebuilt from the log of its inputs, and its
// worlds look the same.
func TestLogOfInputsStandsForState(t *testing.T) {
	plain := simtest.Nodes("plain", func() node.Node { return &counter{} })
	encoded := simtest.Nodes("encoded", func() node.Node { return encodedCounter{&counter{}} })
	keeping := simtest.Nodes("keeping", func() node.Node { return persistentCounter{&counter{}} })
	stories := map[string]string{}
	for _, p := range []node.Protocol{plain, encoded, keeping} {
		c := simtest.Cluster(t, runtime.Config{Protocol: p, N: 3, F: 1, Clients: []runtime.Client{{Name: "c"}}})
		w := c.Start()
		var story strings.Builder
		for _, act := range []string{"x", "x", "restart", "x", "amnesia", "x", "crash"} {
			s, err := c.Step(runtime.ExchangeStep{Client: "c", Reach: []string{"A", "B"}})
			switch act {
			case "restart":
				s, err = c.Step(runtime.RestartStep{ID: "B"})
			case "amnesia":
				s, err = c.Step(runtime.AmnesiaStep{ID: "A"})
			case "crash":
				s, err = c.Step(runtime.CrashStep{ID: "A"})
			}
			w = simtest.Do(t, w, s, err)
			fmt.Fprintf(&story, "%s %v\n", w.Step(), states(w))
		}
		stories[p.Name()] = story.String()
	}
	if stories["plain"] != stories["encoded"] {
		t.Errorf("plain\n%s\nencoded\n%s", stories["plain"], stories["encoded"])
	}
	if !strings.Contains(stories["keeping"], "restart B A: n=2\nB: n=2") {
		t.Errorf("a restart keeps an even count:\n%s", stories["keeping"])
	}
}

// A log-based node that took another way to the same state is in another
// local state; one with an encoding is not. That is what makes worlds merge.
func TestEncodedStatesMerge(t *testing.T) {
	for _, tc := range []struct {
		node func() node.Node
		same bool
	}{
		{func() node.Node { return encodedCounter{&counter{}} }, true},
		{func() node.Node { return &counter{} }, false},
	} {
		c := simtest.Cluster(t, runtime.Config{Protocol: simtest.Nodes("p", tc.node), N: 2, F: 0,
			Clients: []runtime.Client{{Name: "c"}, {Name: "d"}}})
		w := [2]*runtime.World{}
		for i, order := range [][]string{{"c", "d"}, {"d", "c"}} {
			w[i] = c.Start()
			for _, client := range order {
				s, err := c.Step(runtime.ExchangeStep{Client: client, Reach: []string{"A"}})
				w[i] = simtest.Do(t, w[i], s, err)
			}
		}
		if same := w[0].Vector()[0] == w[1].Vector()[0]; same != tc.same {
			t.Errorf("A counted c, d and d, c: same state %v, want %v", same, tc.same)
		}
	}
}

// A never is a protocol that says that no operation is ever aborted.
type never struct{ node.Protocol }

func (never) NeverAborts() bool { return true }

// A node that aborts an operation fails, if its protocol says that none does.
func TestNeverAborts(t *testing.T) {
	aborts := simtest.Nodes("p", func() node.Node {
		return simtest.Func(func(e node.Event, out *node.Reaction) {
			if e.Kind == node.ExchangeEvent {
				out.Invoked(node.Operation{Name: "write", Arg: "red"})
				out.Aborted("changed my mind")
			}
		})
	})
	for _, tc := range []struct {
		protocol node.Protocol
		want     node.ObservationKind
	}{{aborts, node.Aborted}, {never{aborts}, node.Failed}} {
		c := simtest.Cluster(t, runtime.Config{N: 1, F: 0, Clients: []runtime.Client{{Name: "c"}}, Protocol: tc.protocol})
		s, err := c.Step(runtime.ExchangeStep{Client: "c", Reach: []string{"A"}})
		seen := simtest.Do(t, c.Start(), s, err).History().Events
		if len(seen) != 2 || seen[1].Kind != tc.want {
			t.Errorf("observed %+v, want the second to be %v", seen, tc.want)
		}
	}
}

// A failure of a node's code is an observation, and the node is down for good.
func TestFailuresAreFindings(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		where      bool
		react      simtest.Func
	}{
		{"in its own words", "I give up", true, func(e node.Event, out *node.Reaction) { out.Fail("I give up") }},
		{"panic", "panic: runtime error: index out of range [3] with length 0", true, func(e node.Event, out *node.Reaction) {
			_ = make([]int, len(e.From)-1)[3]
		}},
		{"pointer", "sends a *int, which holds a ptr", false, func(e node.Event, out *node.Reaction) { out.Broadcast(new(int)) }},
		{"no receiver", `sends to no identity "Z"; there are A, c`, false, func(e node.Event, out *node.Reaction) { out.Send("Z", ping{}) }},
		{"endless", "still sends ping after 1000 hops", false, func(e node.Event, out *node.Reaction) { out.Send("A", ping{}) }},
		{"slice", "an observed value of type []int cannot be compared", false, func(e node.Event, out *node.Reaction) { out.Decided(0, []int{1}) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := simtest.Cluster(t, runtime.Config{N: 1, F: 0, Clients: []runtime.Client{{Name: "c"}},
				Protocol: simtest.Nodes("p", func() node.Node {
					return simtest.Func(func(e node.Event, out *node.Reaction) {
						if e.Kind == node.ExchangeEvent {
							out.Broadcast(ping{})
						} else {
							tc.react(e, out)
						}
					})
				})})
			s, err := c.Step(runtime.ExchangeStep{Client: "c", Reach: []string{"A"}})
			w := simtest.Do(t, c.Start(), s, err)
			seen := w.History().Events
			if len(seen) != 1 || seen[0].Kind != node.Failed || !strings.Contains(seen[0].Failure.Message, tc.want) {
				t.Fatalf("observed %+v, want a failure with %q", seen, tc.want)
			}
			f := seen[0].Failure
			if tc.where && (!strings.HasPrefix(f.Place, "runtime_test.go:") || !strings.Contains(f.String(), "("+f.Place+")")) {
				t.Errorf("the failure does not say where: %+v", f)
			}
			if tc.name == "panic" && !strings.Contains(f.Calls, "runtime_test.TestFailuresAreFindings") {
				t.Errorf("the failure does not say through which calls: %+v", f)
			}
			if !w.Crashed().Has(0) {
				t.Error("A goes on after its failure")
			}
			if s, err = c.Step(runtime.RestartStep{ID: "A"}); err == nil {
				_, err = w.Do(s)
			}
			if err == nil || !strings.Contains(err.Error(), "down for good") {
				t.Errorf("restart: %v", err)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	kv := kvproto.New(kvproto.Options{})
	for _, tc := range []struct {
		config runtime.Config
		want   string
	}{
		{runtime.Config{N: 4}, "no protocol"},
		{runtime.Config{Protocol: kv, N: 0}, "n is 0, want 1 to 26"},
		{runtime.Config{Protocol: kv, N: 27}, "n is 27, want 1 to 26"},
		{runtime.Config{Protocol: kv, N: 4, F: 4}, "f is 4, want 0 to n-1 = 3"},
		{runtime.Config{Protocol: kv, N: 4, F: -1}, "f is -1"},
		{runtime.Config{Protocol: kv, N: 3, Servers: []string{"A"}}, "n is 3 but 1 servers are named"},
		{runtime.Config{Protocol: kv, Servers: []string{"A", "A"}}, "two identities are named A"},
		{runtime.Config{Protocol: kv, Servers: []string{"A'"}}, "cannot name an identity"},
		{runtime.Config{Protocol: kv, N: 4, Twins: []runtime.Twin{{ID: "E", Copies: 2}}}, `no identity "E"; there are A, B, C, D`},
		{runtime.Config{Protocol: kv, N: 4, Twins: []runtime.Twin{{ID: "C", Copies: 1}}}, "the number of copies of C is 1, want at least 2"},
		{runtime.Config{Protocol: kv, N: 4, Twins: []runtime.Twin{{ID: "C", Copies: 2}, {ID: "C", Copies: 2}}}, "C is a twin already"},
		{runtime.Config{Protocol: kv, N: 4, Twins: []runtime.Twin{{ID: "C", Copies: 2, Program: []node.Operation{}}}}, "C is a server"},
		{runtime.Config{Protocol: kv, N: 4, Twins: []runtime.Twin{{ID: "C", Copies: 99}}}, "more than 64 instances"},
	} {
		if _, err := runtime.NewCluster(tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want an error with %q", err, tc.want)
		}
	}
}

func exchangeWorld(t testing.TB) (*runtime.World, []runtime.Step) {
	c := simtest.Cluster(t, runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{
			{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}},
			{Name: "c2", Program: []node.Operation{{Name: "read"}}},
		}, Twins: []runtime.Twin{{ID: "C", Copies: 2}}})
	var steps []runtime.Step
	for _, client := range []string{"c1", "c2"} {
		s, err := c.Step(runtime.ExchangeStep{Client: client, Reach: []string{"A", "B", "C"}})
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return c.Start(), steps
}

// One exchange on a world whose transitions are remembered.
func BenchmarkExchange(b *testing.B) {
	w, steps := exchangeWorld(b)
	b.Run("world", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Do(steps[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("vector", func(b *testing.B) {
		m := engine.NewSimulator(w.Cluster().Engine())
		dst := make(engine.Vector, w.Cluster().Engine().Width())
		b.ReportAllocs()
		for b.Loop() {
			if !m.Take(dst, w.Vector(), steps[0].Engine()) {
				b.Fatal(m.Why())
			}
		}
	})
}

// raceDetector says that the tests run under it; see race_test.go.
var raceDetector bool

func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector lets pools forget")
	}
	w, steps := exchangeWorld(t)
	simtest.Do(t, w, steps[0], nil)
	if n := testing.AllocsPerRun(100, func() { _, _ = w.Do(steps[0]) }); n > 2 {
		t.Errorf("a remembered exchange makes %v allocations, want at most 2", n)
	}
}
