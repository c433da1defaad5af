package stdlib_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime/node"
)

// A streamlet is the protocol of streamlet.star once more, in Go. A chain is
// the names of its blocks with a space after each: "1a 3b ".
type streamlet struct {
	quorum                              int
	finalizeTwo, consecutive, anyParent bool
}

type replica struct {
	protocol streamlet
	self     node.Self
	state
}

// state is encoded as JSON; its fields have canonical values.
type state struct {
	Epoch          int
	Leader         string
	Votes          []vote // sorted
	Longest, Final string
}

type vote struct{ Voter, Block string }

type (
	proposal struct{ Block string }
	ballot   struct{ Block string }
)

func (proposal) MessageType() string { return "propose" }
func (ballot) MessageType() string   { return "vote" }

func (p streamlet) Name() string { return "streamlet" }

func (p streamlet) NewServer(self node.Self) (node.Node, error) {
	return &replica{protocol: p, self: self}, nil
}

func (p streamlet) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("streamlet has no clients")
}

func (r *replica) AppendBinary(b []byte) ([]byte, error) {
	state, err := json.Marshal(r.state)
	return append(b, state...), err
}

func (r *replica) UnmarshalBinary(b []byte) error { return json.Unmarshal(b, &r.state) }

func height(chain string) int { return strings.Count(chain, " ") }

// part returns the first n blocks of a chain.
func part(chain string, n int) string { return strings.Join(strings.SplitAfter(chain, " ")[:n], "") }

func name(chain string) string {
	chain = strings.TrimSuffix(chain, " ")
	return chain[strings.LastIndex(chain, " ")+1:]
}

func epoch(chain string) int {
	if chain == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimRight(name(chain), "ab"))
	if err != nil {
		panic(err)
	}
	return n
}

func (r *replica) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.RoundEvent {
		r.Epoch, r.Leader, r.Votes = e.Round.Number, e.Round.Leader, nil
		if r.Leader == r.self.ID {
			out.Broadcast(proposal{r.Longest + e.Round.Input + " "})
		}
		return
	}
	switch m := e.Message.(type) {
	case proposal:
		parent := part(m.Block, height(m.Block)-1)
		r.learn(parent, out)
		if epoch(m.Block) != r.Epoch || e.From != r.Leader {
			return
		}
		r.Leader = ""
		if r.protocol.anyParent || height(parent) == height(r.Longest) {
			out.Broadcast(ballot(m))
		}
	case ballot:
		if epoch(m.Block) != r.Epoch {
			return
		}
		v := vote{e.From, m.Block}
		at, found := slices.BinarySearchFunc(r.Votes, v, func(a, b vote) int { return strings.Compare(a.Voter+" "+a.Block, b.Voter+" "+b.Block) })
		if !found {
			r.Votes = slices.Insert(r.Votes, at, v)
		}
		count := 0
		for _, v := range r.Votes {
			if v.Block == m.Block {
				count++
			}
		}
		if count >= r.protocol.quorum {
			r.learn(m.Block, out)
		}
	}
}

func (r *replica) learn(chain string, out *node.Reaction) {
	if height(chain) > height(r.Longest) {
		r.Longest = chain
	}
	older := 2
	if r.protocol.finalizeTwo {
		older = 1
	}
	for end := height(chain); end >= older; end-- {
		if r.protocol.consecutive && epoch(part(chain, end))-older != epoch(part(chain, end-older)) {
			continue
		}
		final := part(chain, end-1)
		if strings.HasPrefix(r.Final, final) {
			return
		}
		for h := 1; h <= height(final); h++ {
			if !strings.HasPrefix(r.Final, part(final, h)) {
				out.Decided(h, name(part(final, h)))
			}
		}
		r.Final = final
		return
	}
}

// The same protocol written in Go and in Starlark is the same to a search:
// worlds, steps, runs of code, counts and counterexamples.
func TestGoAndStarlark(t *testing.T) {
	inGo := dsl.Protocol{
		Name: "go_streamlet",
		Options: []dsl.Option{
			{Name: "quorum", Default: 3},
			{Name: "finalize_two", Default: false},
			{Name: "consecutive", Default: true},
			{Name: "any_parent", Default: false},
		},
		New: func(args map[string]any) (node.Protocol, error) {
			return streamlet{args["quorum"].(int), args["finalize_two"].(bool), args["consecutive"].(bool), args["any_parent"].(bool)}, nil
		},
	}
	const script = `
load(%q, make = %q)
cluster(make(%s))
twin("A")
space = rounds(%q, partitions(max = 2), deaf = [[], ["B"]], types = ["vote"]) * %d
report = explore(space, check = agreement(), symmetry = False)
print(report)
if not report.ok:
    print(report.counterexample.steps)
    print(report.counterexample.history())
`
	for _, test := range []struct {
		options, leaders string
		epochs           int
		holds            bool
	}{
		{"", "faulty", 5, true},
		{"", "any", 3, true},
		{"quorum = 2", "faulty", 2, false},
		{"consecutive = False", "faulty", 4, false},
		{"finalize_two = True", "faulty", 5, false},
		{"any_parent = True", "faulty", 5, false},
	} {
		t.Run(test.options+" "+test.leaders, func(t *testing.T) {
			run := func(module, function string) string {
				printed := output(t, fmt.Sprintf(script, module, function, test.options, test.leaders, test.epochs), inGo)
				_, rest, _ := strings.Cut(printed, "\n") // the first line names the protocol
				return rest
			}
			starlark := run("@std//streamlet.star", "streamlet")
			if compiled := run("@std//go_streamlet.star", "go_streamlet"); compiled != starlark {
				t.Errorf("in Go\n%s\nin Starlark\n%s", compiled, starlark)
			}
			if holds := strings.Contains(starlark, "agreement holds"); holds != test.holds {
				t.Errorf("agreement holds: %v, want %v\n%s", holds, test.holds, starlark)
			}
		})
	}
}
