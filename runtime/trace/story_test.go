package trace_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// TestStories draws the stories in testdata. "cluster n=4 f=1 twin=(C)
// network=held c1=(write red, read)" begins one, with steps below it, each
// a line as a script would write it but for quotes. "storyboard" and "diagram"
// draw it; width=60 and color change how. "mermaid" and "shiviz" show it to
// other programs, "explain" the story of a step, the last or step=3.
func TestStories(t *testing.T) {
	simtest.Stories(t, "testdata", func() func(*testing.T, *simtest.Command) string {
		var w *runtime.World
		return func(t *testing.T, d *simtest.Command) string {
			var o trace.Options
			if width, given := d.Arg("width"); given {
				o.Width, _ = strconv.Atoi(width)
			}
			_, o.Color = d.Arg("color")
			switch d.Name {
			case "cluster":
				c, err := store.ClusterOf(d, voting{}, voting{relay: true})
				if err != nil {
					t.Fatal(err)
				}
				w = play(t, c, d.Input)
				checkWidths(t, trace.Of(w))
				return ""
			case "storyboard":
				return visible(trace.Storyboard(trace.Of(w), o))
			case "diagram":
				return visible(trace.Diagram(trace.Of(w), o))
			case "mermaid":
				return trace.Mermaid(trace.Of(w))
			case "shiviz":
				return trace.ShiViz(trace.Of(w))
			case "explain":
				step := w.Depth()
				if k, given := d.Arg("step"); given {
					step, _ = strconv.Atoi(k)
				}
				return explain(t, w.Path()[step])
			}
			t.Fatalf("no command %q", d.Name)
			return ""
		}
	})
}

// explain describes whatever was observed in the step that led to w, failures and
// decisions first.
func explain(tb testing.TB, w *runtime.World) string {
	t := trace.Of(w)
	seen := func(kind trace.ObservationKind) bool {
		return w.Depth() > 0 && slices.ContainsFunc(t.Steps[w.Depth()-1].Deliveries, func(d trace.Delivery) bool {
			return slices.ContainsFunc(d.Seen, func(o trace.Observation) bool { return o.Kind == kind })
		})
	}
	var kind trace.ObservationKind
	for _, k := range []trace.ObservationKind{trace.Failed, trace.Decided, trace.Returned, trace.Aborted} {
		if kind == "" && seen(k) {
			kind = k
		}
	}
	var b strings.Builder
	story, err := t.Explain(tb.Context(), w, kind)
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range story {
		b.WriteString(t.Say(s) + "\n")
	}
	return b.String()
}

// visible shows escape sequences.
func visible(s string) string {
	return strings.ReplaceAll(s, "\x1b", "␛")
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkWidths checks that no line is longer than asked for, that colours only
// add escape sequences, and that without them there are none.
func checkWidths(t *testing.T, tr *trace.Trace) {
	t.Helper()
	for name, draw := range map[string]func(*trace.Trace, trace.Options) string{"storyboard": trace.Storyboard, "diagram": trace.Diagram} {
		for width := 20; width <= 130; width++ {
			full := width%2 == 0
			text := draw(tr, trace.Options{Width: width, Full: full})
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > width {
					t.Errorf("%s: a line of %d at width %d: %q", name, n, width, line)
				}
				if strings.HasSuffix(line, " ") {
					t.Errorf("%s: a line ends with a blank: %q", name, line)
				}
			}
			if strings.Contains(text, "\x1b") {
				t.Errorf("%s: escape sequences without colour", name)
			}
			colored := draw(tr, trace.Options{Width: width, Color: true, Full: full})
			if escape.ReplaceAllString(colored, "") != text {
				t.Errorf("%s: colours change the text at width %d", name, width)
			}
			if !strings.Contains(colored, "\x1b[1m") {
				t.Errorf("%s: nothing is bold", name)
			}
		}
	}
}

func play(t testing.TB, c *runtime.Cluster, story string) *runtime.World {
	t.Helper()
	w, err := simtest.Play(c, story)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// voting is a naive protocol of rounds: the leader proposes, all vote, and who hears a
// majority of votes for a value decides it. In a relay votes are sent to the next leader.
type voting struct{ relay bool }

func (p voting) Name() string {
	if p.relay {
		return "relay"
	}
	return "voting"
}

func (p voting) NewServer(self node.Self) (node.Node, error) {
	return &voter{voting: p, self: self, votes: map[string]int{}}, nil
}

func (p voting) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("%s has no clients", p.Name())
}

type voter struct {
	voting
	self  node.Self
	round int
	votes map[string]int
}

type (
	propose struct{ Value string }
	vote    struct {
		Round int
		Value string
	}
)

func (propose) MessageType() string { return "propose" }
func (vote) MessageType() string    { return "vote" }
func (m propose) String() string    { return "propose " + m.Value }
func (m vote) String() string       { return "vote " + m.Value }

func (v *voter) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.RoundEvent:
		v.round, v.votes = e.Round.Number, map[string]int{}
		if e.Round.Leader == v.self.ID {
			out.Broadcast(propose{"x" + e.Round.Input})
		}
	case node.MessageEvent:
		switch m := e.Message.(type) {
		case propose:
			if ballot := (vote{v.round, m.Value}); v.relay {
				out.SendNextLeader(ballot)
			} else {
				out.Broadcast(ballot)
			}
		case vote:
			if v.votes[m.Value]++; v.votes[m.Value] == v.self.N/2+1 {
				out.Decided(v.round, m.Value)
			}
		}
	default:
		out.Refuse("voting knows rounds only")
	}
}

func (v *voter) Summary() string {
	if v.relay {
		return fmt.Sprintf("%d votes", v.votes[fmt.Sprintf("x%da", v.round)]) // for what the leader proposed first
	}
	return fmt.Sprintf("r%d", v.round)
}

func (v *voter) Fields() []node.Field { return nil }
