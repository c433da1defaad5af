package trace

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Of records the whole path from the start to w. It asks each world of the path for its
// deliveries, which is where the time goes: a world that was reached by a search plays its
// step once more, with a record, the first time that it is asked. What is faulty, and Beyond,
// is as it is in w: a server that forgets in the last step is marked in all pictures. Of a
// view it records the steps.
func Of(w *runtime.World) *Trace {
	views := viewsOf(w)
	w = w.Unfolded()
	path := w.Path()
	t := begun(w, path[0])
	past := w.Past()
	r := recorder{Trace: t, show: w.Cluster().Text, protocol: w.Cluster().Config().Protocol, past: past, current: make([]node.Operation, len(t.Lanes))}
	r.name(past.Steps())
	for _, v := range path[1:] {
		s := r.step(v)
		s.View = views[v.Depth()-1]
		t.Steps = append(t.Steps, s)
	}
	return t
}

// Last records the last steps of the path to w, at most n, for those who say what has just
// happened: it takes no longer on a long path than a walk along it. Steps have the numbers that
// they have in [Of], and the same titles, fates and observations. What needs all of the path is not there:
// messages have no origin, and are numbered and kept apart among these steps only.
func Last(w *runtime.World, n int) *Trace {
	views := viewsOf(w)
	w = w.Unfolded()
	path := w.Path()
	first := max(0, w.Depth()-n)
	t := begun(w, path[first])
	r := recorder{Trace: t, show: w.Cluster().Text, protocol: w.Cluster().Config().Protocol, current: make([]node.Operation, len(t.Lanes))}
	r.catchUp(path[1:first+1], path[first].History().Events)
	var steps [][]runtime.Delivery
	for _, v := range path[first+1:] {
		steps = append(steps, v.Deliveries())
	}
	r.name(steps)
	for _, v := range path[first+1:] {
		s := r.step(v)
		s.View = views[v.Depth()-1]
		t.Steps = append(t.Steps, s)
	}
	return t
}

// viewsOf lists, of each step on the path to w with views taken apart, the view that it is in.
func viewsOf(w *runtime.World) []*View {
	var views []*View
	for _, v := range w.Path()[1:] {
		view, viewed := v.Step().Action().(runtime.ViewStep)
		for i := range v.Step().InTurn() {
			if !viewed {
				views = append(views, nil)
				continue
			}
			views = append(views, &View{view.Called, v.Depth(), i + 1})
		}
	}
	return views
}

// begun is the trace of a path that ends at w, without its steps: they begin at start.
func begun(w, start *runtime.World) *Trace {
	c := w.Cluster()
	t := &Trace{Protocol: c.Config().Protocol.Name(), N: c.Config().N, F: c.Config().F, Crashes: c.CrashTolerant(), Beyond: w.Beyond()}
	if p, ok := c.Config().Protocol.(fmt.Stringer); ok {
		t.Protocol = p.String()
	}
	if p, ok := c.Config().Protocol.(interface{ Legend() string }); ok {
		t.Legend = p.Legend()
	}
	for i, in := range c.Instances() {
		t.Lanes = append(t.Lanes, Lane{
			Name: in.Name, Identity: c.Identities()[in.Identity].Name, Client: c.Clients().Has(i),
			Twinned: c.Twinned().Has(i), Other: c.OtherCode().Has(i), Faulty: w.Faulty().Has(i),
		})
		t.Start = append(t.Start, State{Summary: start.Summary(i), Down: start.Crashed().Has(i)})
	}
	return t
}

// OnFrom records the path to a world, of which a good network took the steps after w: a property
// played them to see whether something comes of them. Their titles say so.
func OnFrom(w, end *runtime.World) *Trace {
	t := Of(end)
	before := w.Unfolded().Depth() // of a view each step is one
	for i := range t.Steps[before:] {
		s := &t.Steps[before+i]
		s.Good, s.Title = true, "good: "+s.Title
	}
	return t
}

// A recorder keeps what a step has to know of those before it. It lives for one call of Of or
// Last.
type recorder struct {
	*Trace
	show     func(any) string // shows values to people
	protocol node.Protocol
	past     *runtime.Past           // nil in Last
	numbers  map[node.Message]int    // of different messages, from 1
	labels   map[node.Message]string // as the protocol has them read
	texts    map[node.Message]string // of those of which that leaves out what distinguishes them
	current  []node.Operation        // what each client began last
}

// catchUp notes which operation each client began last in steps that are not recorded, by what
// was observed in them. As in a record, it is what a step gave a client, until the client says
// itself what it began.
func (r *recorder) catchUp(path []*runtime.World, seen []runtime.Observed) {
	for _, w := range path {
		if a, ok := w.Step().Action().(runtime.InvokeStep); ok {
			r.current[indices(w.Step().Instances())[0]] = a.Op
		}
		for ; len(seen) > 0 && seen[0].Step == w.Depth(); seen = seen[1:] {
			if seen[0].Kind == node.Invoked {
				r.current[seen[0].Instance] = seen[0].Operation
			}
		}
	}
}

func (r *recorder) step(w *runtime.World) Step {
	s := Step{
		Number: w.Depth(), Kind: w.Step().Action().Name(), Call: w.Step().Text(), Client: -1,
		States: make([]State, len(r.Lanes)), InFlight: len(w.InFlight()),
	}
	// A round or a delivery may bring a partition of its own, which is over with the step. It is what
	// messages had to do with, so it is what is recorded, not the one that is in force afterwards.
	parts := w.Parts()
	if own := w.Step().Parts(); own != nil {
		parts = own
	}
	for _, part := range parts {
		s.Parts = append(s.Parts, indices(part))
	}
	// Deliveries stand in the order in which they took place, hop by hop. Pictures rely on that: a
	// wave is a run of deliveries of one hop.
	for i, d := range w.Deliveries() {
		s.Deliveries = append(s.Deliveries, r.delivery(d, runtime.Place{Step: w.Depth(), At: i}))
		if d.Fate == runtime.Delivered {
			s.States[d.To].Asked = true
		}
	}
	for i := range s.States {
		s.States[i].Summary, s.States[i].Down = w.Summary(i), w.Crashed().Has(i)
		s.States[i].Changed = w.Changed(i)
	}
	if runtime.Is[runtime.ExchangeStep](w.Step()) || runtime.Is[runtime.InvokeStep](w.Step()) {
		s.Client = indices(w.Step().Instances() & w.Cluster().Clients())[0]
	}
	s.Title = r.title(w, &s)
	return s
}

// name numbers the messages, and finds texts for those whose own texts leave out
// what distinguishes them: their full texts. Two messages that read the same would make a
// picture in which one and the same message seems to be accepted here and refused there, and
// mostly they are what a twin said differently, which is what the reader looks for.
func (r *recorder) name(steps [][]runtime.Delivery) {
	r.numbers, r.texts, r.labels = map[node.Message]int{}, map[node.Message]string{}, map[node.Message]string{}
	shown := map[string]node.Message{}
	for _, deliveries := range steps {
		for _, d := range deliveries {
			m := d.Event.Message
			if d.Event.Kind != node.MessageEvent || d.From < 0 || r.numbers[m] > 0 {
				continue
			}
			r.numbers[m] = len(r.numbers) + 1
			text := node.LabelOf(r.protocol, m)
			r.labels[m] = text
			if text != node.Text(m) {
				continue // the author of the protocol knows what is to be seen of it
			}
			if first, ok := shown[text]; ok {
				r.texts[first], r.texts[m] = node.FullText(first), node.FullText(m)
			} else {
				shown[text] = m
			}
		}
	}
}

// observationKinds are the kinds of the simulation as a trace writes them.
var observationKinds = [...]ObservationKind{
	node.Invoked: Invoked, node.Returned: Returned,
	node.Decided: Decided, node.Failed: Failed, node.Aborted: Aborted,
}

// delivery makes a delivery of the trace of one of the simulation, which stands at a place.
// What happens in the simulation becomes text here and nowhere else.
func (r *recorder) delivery(d runtime.Delivery, at runtime.Place) Delivery {
	out := Delivery{Hop: d.Hop, From: d.From, To: d.To, Fate: d.Fate, Summary: d.After, Changed: d.Changed, Notes: d.Notes, Again: d.Again}
	if d.Event.Kind == node.MessageEvent && d.From >= 0 {
		m := d.Event.Message
		out.Type, out.Text = node.MessageType(m), cmp.Or(r.texts[m], r.labels[m])
		out.Message = r.numbers[m]
		if full := node.FullText(m); full != out.Text {
			out.Full = full
		}
		// Of equal messages that waited on one link together it may not be known which arrived, and
		// what is not known is left out.
		if r.past != nil {
			if from, ok := r.past.Sender(at); ok {
				out.Origin = &from
			}
		}
	}
	switch d.Event.Kind {
	case node.HopEvent:
		out.Moment = fmt.Sprintf("hop %d begins", d.Event.Hop)
	case node.QuietEvent:
		out.Moment = "all is quiet"
	case node.CoinEvent:
		out.Moment = fmt.Sprintf("the coin %s shows %s", d.Event.Coin.Name, r.show(d.Event.Coin.Value))
	case node.InvokeEvent:
		r.current[d.To] = d.Event.Operation
	}
	for _, o := range d.Seen {
		seen := Observation{Kind: observationKinds[o.Kind], Slot: o.Slot}
		switch o.Kind {
		case node.Invoked:
			r.current[d.To] = o.Operation
			seen.Text = r.operation(o.Operation)
		case node.Failed:
			seen.Text = o.Failure.String()
		case node.Aborted:
			seen.Text, _ = o.Value.(string)
		default:
			seen.Text = r.show(o.Value)
			// An operation that was given a value, as a write, just returns.
			if o.Kind == node.Returned && o.Value == nil && r.current[d.To].Arg != nil {
				seen.Text = ""
			}
		}
		out.Seen = append(out.Seen, seen)
	}
	return out
}

func indices(s node.Set) []int {
	var all []int
	for i := range s.All {
		all = append(all, i)
	}
	return all
}

// title says what the step is, with what the recorder knows beside its action.
func (r *recorder) title(w *runtime.World, s *Step) string {
	switch a := w.Step().Action().(type) {
	case runtime.ExchangeStep:
		text := a.Client
		if op := r.current[s.Client]; op.Name != "" {
			text += " " + r.operation(op)
		}
		if phase := s.phase(); phase != "" {
			text += ": " + phase
		}
		return text + " → " + strings.Join(a.Reach, " ")
	case runtime.InvokeStep:
		return a.Client + " begins " + r.operation(r.current[s.Client])
	case runtime.RoundStep:
		text := fmt.Sprintf("round %d: %s leads", w.Round(), a.Leader)
		if parts := w.Step().Parts(); parts != nil {
			text += "; " + partsText(r.Trace, parts)
		}
		return text
	case runtime.PartitionStep:
		text := a.Title()
		if mended(w) {
			text += "; earlier cuts end"
		}
		return text
	}
	return w.Step().Action().Title()
}

// mended reports whether the partition that led to w ended a cut: a link, within a part
// of it, that no partition before kept apart.
func mended(w *runtime.World) bool {
	before := w.Parent()
	all := w.Cluster().Servers() | w.Cluster().Clients()
	// What i did not reach before for another reason than a partition was cut off; it is
	// mended if i reaches it now.
	for i := range all.All {
		apart := all &^ before.Reach(i)
		for _, part := range before.Parts() {
			if part.Has(i) {
				for _, other := range before.Parts() {
					if other != part {
						apart &^= other
					}
				}
			}
		}
		if apart&w.Reach(i) != 0 {
			return true
		}
	}
	return false
}

// operation shows an operation to people: write "red".
func (r *recorder) operation(op node.Operation) string {
	if op.Arg == nil {
		return op.Name
	}
	return op.Name + " " + r.show(op.Arg)
}

// partsText shows a partition: A B | C D.
func partsText(t *Trace, parts []node.Set) string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, t.names(indices(p)))
	}
	return strings.Join(texts, " | ")
}
