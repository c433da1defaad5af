package trace_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// handmade is a trace of nodes that say the worst.
func handmade() *trace.Trace {
	evil := "a\x1b[31mb\nc\u200bd"
	return &trace.Trace{
		Protocol: evil, N: 2, F: 0, Beyond: true,
		Lanes: []trace.Lane{
			{Name: "A", Identity: "A", Faulty: true},
			{Name: "B", Identity: "B", Twinned: true, Faulty: true}, {Name: "B'", Identity: "B", Twinned: true, Faulty: true},
			{Name: "a-client-with-a-long-name", Identity: "a-client-with-a-long-name", Client: true},
		},
		Start: make([]trace.State, 4),
		Steps: []trace.Step{{
			Number: 100, Kind: "exchange", Call: "exchange(" + evil + ")", Title: evil, Client: 3,
			States: []trace.State{{Summary: evil, Asked: true, Changed: true}, {Asked: true, Changed: true}, {}, {Summary: "waits"}},
			Deliveries: []trace.Delivery{
				{To: 3, From: -1, Fate: runtime.Delivered, Notes: []string{evil + strings.Repeat(" and so on", 20)}},
				{Hop: 1, From: 3, To: 0, Type: evil, Text: evil, Fate: runtime.Delivered, Changed: true, Summary: evil},
				{Hop: 1, From: 3, To: 1, Type: evil, Text: evil, Fate: runtime.Delivered, Changed: true},
				{Hop: 1, From: 3, To: 2, Type: evil, Text: evil, Fate: runtime.Down},
				{Hop: 2, From: 1, To: 1, Type: "self", Text: "a message to itself", Fate: runtime.Delivered,
					Seen: []trace.Observation{{Kind: trace.Failed, Text: "panic: " + evil}, {Kind: trace.Decided, Text: evil, Slot: 3}}},
			},
		}},
	}
}

func TestTerminalDoesNotObeyNodes(t *testing.T) {
	tr := handmade()
	checkWidths(t, tr)
	for _, text := range []string{trace.Storyboard(tr, trace.Options{}), trace.Diagram(tr, trace.Options{})} {
		if !strings.Contains(text, "B fails: panic: a�[31mb") {
			t.Errorf("the failure is not shown:\n%s", text)
		}
	}
}

// What a lane did is said once for all lanes that did the same, and what they
// did differently is distinguished.
func TestEqualRemarksAreOne(t *testing.T) {
	decides := func(lane int, value string) trace.Delivery {
		return trace.Delivery{Hop: 1, From: 0, To: lane, Type: "vote", Fate: runtime.Delivered,
			Seen: []trace.Observation{{Kind: trace.Decided, Text: value, Slot: 1}}}
	}
	tr := &trace.Trace{
		Protocol: "vote", N: 3,
		Lanes: []trace.Lane{{Name: "A"}, {Name: "B"}, {Name: "C"}},
		Steps: []trace.Step{{
			Number: 1, Kind: "deliver", Call: "deliver()", Title: "deliver", Client: -1, States: make([]trace.State, 3),
			Deliveries: []trace.Delivery{decides(0, "1"), decides(1, "2"), decides(2, "1")},
		}},
	}
	text := trace.Storyboard(tr, trace.Options{})
	for _, want := range []string{"A C decide 1 in slot 1\n", "B decides 2 in slot 1\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestTraceIsPlainAndDeterministic(t *testing.T) {
	record := func() *trace.Trace {
		c, err := runtime.NewCluster(runtime.Config{
			Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
			Clients: []runtime.Client{{Name: "c1", Program: []node.Operation{{Name: "read"}}}},
			Twins:   []runtime.Twin{{ID: "C", Copies: 2}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return trace.Of(play(t, c, "exchange c1 A,B,C\nexchange c1 B,C',D\ncrash c1\n"))
	}
	first, second := record(), record()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two records of one scenario differ:\n%s", diff)
	}
	if trace.Diagram(first, trace.Options{}) != trace.Diagram(second, trace.Options{}) {
		t.Error("two diagrams of one scenario differ")
	}
	want := trace.Observation{Kind: trace.Returned, Text: "nil"}
	last := first.Steps[1].Deliveries
	if got := last[len(last)-1].Seen; !cmp.Equal(got, []trace.Observation{want}) {
		t.Errorf("a read of nothing shows %v, want %v", got, want)
	}
	if down := first.Steps[2].States[5].Down; !down {
		t.Error("c1 is not down after its crash")
	}
}

// What means something to Mermaid is escaped: punctuation, formulas, and the
// word at the beginning of a text that asks for line breaks. A verdict, which is
// long, does ask for them.
func TestMermaidDoesNotObeyNodes(t *testing.T) {
	tr := &trace.Trace{
		Lanes: []trace.Lane{{Name: "A", Identity: "A"}, {Name: "B", Identity: "B"}},
		Steps: []trace.Step{{Number: 1, Title: "deliver", States: make([]trace.State, 2), Deliveries: []trace.Delivery{
			{Hop: 1, From: 0, To: 1, Text: "wrap: $$x$$; #1 {a: 2}\nend", Fate: runtime.Delivered},
			{Hop: 1, From: 0, To: 1, Text: "\n", Fate: runtime.Lost},
		}}},
	}
	tr.Findings = []trace.Finding{{Property: "agreement", Why: "two: values", Step: 1}}
	const want = `sequenceDiagram
  participant p0 as A
  participant p1 as B
  Note over p0,p1: 1  deliver
  p0->>p1: wrap#58; #36;#36;x#36;#36;#59; #35;1 #123;a: 2#125; end
  p0-xp1: –
  Note over p0,p1: wrap: agreement is violated: two: values
`
	if got := trace.Mermaid(tr); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// ShiViz reads a log that is pasted with this expression. The clock of each host
// counts its events, and who gets something knows of an event of the sender.
func TestShiVizReadsLogs(t *testing.T) {
	log := trace.ShiViz(inversion(t))
	events := regexp.MustCompile(`(.*)\n(\S*) ({.*})`).FindAllStringSubmatch(log, -1)
	if lines := strings.Count(log, "\n"); len(events) == 0 || 2*len(events) != lines-2 {
		t.Errorf("%d events are read in %d lines", len(events), lines)
	}
	count := map[string]int{}
	for _, e := range events {
		text, host := e[1], e[2]
		var clock map[string]int
		if err := json.Unmarshal([]byte(e[3]), &clock); err != nil {
			t.Fatal(err)
		}
		count[host]++
		if clock[host] != count[host] {
			t.Errorf("%q is event %d of %s, its clock says %d", text, count[host], host, clock[host])
		}
		_, sender, _ := strings.Cut(strings.Split(text, ";")[0], " from ")
		if sender != "" && (sender == host || clock[sender] == 0) {
			t.Errorf("%q: %s knows of no event of %s", text, host, sender)
		}
	}
}
