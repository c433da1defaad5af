package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// weak is the property Regular or Safe. Both speak of each read by itself, so that no search for
// an order is needed: judging takes time reads times writes squared, at most.
type weak struct{ safe bool }

func (p weak) Name() string {
	if p.safe {
		return "safe"
	}
	return "regular"
}

// Judge looks at the reads in the order in which they returned, so that the first that is wrong is
// named and not the first that began.
func (p weak) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	if err := unknownIn(ctx, p, h); err != nil {
		return Verdict{}, err
	}
	ops, wrong := operations(h)
	if wrong != "" {
		return Verdict{Why: wrong}, nil
	}
	var writes, reads []operation
	for _, op := range ops {
		if op.Name == opWrite {
			writes = append(writes, op)
		} else if op.returned() {
			reads = append(reads, op)
		}
	}
	slices.SortFunc(reads, func(a, b operation) int { return a.ended - b.ended })
	for _, r := range reads {
		if err := ctx.Err(); err != nil {
			return Verdict{}, err
		}
		overlaps := func(w operation) bool { return !w.aborted && !w.precedes(&r) && !r.precedes(&w) }
		if p.safe && slices.ContainsFunc(writes, overlaps) {
			continue
		}
		if why := misread(&r, writes); why != "" {
			return Verdict{Why: why}, nil
		}
	}
	return Verdict{Holds: true, Vacuous: !tried(ops, func(o *operation) bool { return o.Name == opRead })}, nil
}

func (weak) about() node.ObservationKind { return node.Returned }

func (weak) needs() string { return "a read that returned after a write began" }

func (weak) refuses(_ context.Context, op node.Operation) error { return registerHas(op) }

// misread says why a read could not return what it did, "" if it could. Of several writes of one
// value any one is enough; where none is, that it was overwritten says more than the rest.
// It takes time in the square of the writes.
func misread(r *operation, writes []operation) string {
	// obstacle returns a write that lies between what w did and r.
	obstacle := func(w *operation) *operation {
		for i := range writes {
			if !writes[i].aborted && writes[i].precedes(r) && (w == nil || w.precedes(&writes[i])) {
				return &writes[i]
			}
		}
		return nil
	}
	var why string
	if r.result == nil {
		over := obstacle(nil)
		if over == nil {
			return ""
		}
		why = fmt.Sprintf("but %s, before the read began in %s", over.withReturn("had returned"), r.place(r.beganIn))
	}
	for i := range writes {
		w := &writes[i]
		if w.Arg != r.result {
			continue
		}
		if w.aborted {
			if why == "" {
				why = "but " + w.withReturn("returned") + ", which means that it did not happen"
			}
			continue
		}
		if r.precedes(w) {
			if why == "" {
				why = fmt.Sprintf("but %s began only in %s", w, w.place(w.beganIn))
			}
			continue
		}
		over := obstacle(w)
		if over == nil {
			return ""
		}
		why = fmt.Sprintf("but %s overwrote it: that write began in %s, after %s, and returned in %s, before the read began in %s",
			over, over.place(over.beganIn), w.withReturn("had returned"), over.place(over.endedIn), r.place(r.beganIn))
	}
	if why == "" {
		why = "which no operation wrote"
	}
	return r.withReturn("returned") + ", " + why
}

// Concerns implements [Monitored].
func (weak) Concerns(c *runtime.Cluster) node.Set { return c.Clients() }

// Monitor knows clusters whose clients are all correct.
func (p weak) Monitor(c *runtime.Cluster, faulty node.Set) Monitor {
	if faulty&c.Clients() != 0 {
		return nil
	}
	commits, ok := c.Config().Protocol.(node.Committing)
	return &weakMonitor{safe: p.safe, commits: ok && commits.NeverAborts(), faulty: faulty, numbers: &numbers{}}
}

// weakMonitor remembers what each read under way may return, and of the reads that are over
// which writes under way must not be aborted, so that they were right. It needs no set of
// configurations as a linearizable register does, because reads need not agree with each other.
// Its state grows with the clients and the writes that were cut short, and not with the history.
type weakMonitor struct {
	safety
	safe    bool
	commits bool     // no write is ever aborted, so that none is merely met
	faulty  node.Set // servers
	numbers *numbers
}

// among keeps the numbers: states are handed from one monitor to the other.
func (m *weakMonitor) among(faulty node.Set) Monitor {
	return &weakMonitor{safe: m.safe, commits: m.commits, faulty: faulty, numbers: m.numbers}
}

// weakState is what a monitor of Regular or Safe remembers. Values are numbers.
type weakState struct {
	Last []written        // the writes that returned and are not overwritten
	Open map[int]weakCall // by client, what is under way
	Lost []int            `json:",omitempty"` // values of writes that were cut short, sorted
	// Owed lists values that reads returned because of writes under way, one of which has to
	// happen.
	Owed []owed `json:",omitempty"`
	// Aborted is whether some write was: a read could have returned its value.
	Aborted bool `json:",omitempty"`
}

// An owed value is one that a read returned because of the writes under way of some clients,
// sorted.
type owed struct {
	Value int
	To    []int
}

// A written value is one that a read may return until one of the writes
// returns that began after it was written.
type written struct {
	Value int
	Until []int `json:",omitempty"` // the clients of those writes, sorted
}

// A weakCall is an operation under way: a write of Values[0], or a read that
// may return any of Values, or Any value whatsoever, or what it may because of one
// of the writes under way that it Meets, of these clients, if that is not aborted.
type weakCall struct {
	Write  bool  `json:",omitempty"`
	Values []int `json:",omitempty"`
	Any    bool  `json:",omitempty"`
	Meets  []int `json:",omitempty"`
}

func (m *weakMonitor) Start() string {
	return encode(weakState{Last: []written{{Value: m.numbers.number(nil)}}, Open: map[int]weakCall{}})
}

// Next takes the events of a step one by one. A write that overlaps a read adds its value to what the
// read may return; a write that returns makes an end of what was written before it began.
func (m *weakMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	if _, err := unknown(ctx, weak{safe: m.safe}, seen); err != nil {
		return "", fmt.Errorf("%s: %w", weak{safe: m.safe}.Name(), err)
	}
	s := decode[weakState](state)
	for _, e := range whole(seen, m.faulty) {
		ok := true
		switch {
		case m.faulty.Has(e.Instance):
			if e.Kind == node.Invoked {
				m.mayWrite(&s, e.Operation)
			}
		case e.Kind == node.Invoked:
			ok = m.invoked(&s, e.Instance, e.Operation)
		case e.Kind == node.Returned:
			ok = m.returned(&s, e.Instance, e.Value)
		case e.Kind == node.Aborted:
			ok = m.aborted(&s, e.Instance)
		}
		if !ok {
			return violated, nil
		}
	}
	m.tidy(&s)
	return encode(s), nil
}

// Rename implements [Renamable]: clients are named in what is under way, in what ends what was
// written, and in what is owed.
func (m *weakMonitor) Rename(state string, to func(int) int) string {
	if state == violated {
		return state
	}
	s := decode[weakState](state)
	s.Open = renamed(s.Open, to)
	rename := func(clients []int) {
		for i, client := range clients {
			clients[i] = to(client)
		}
		slices.Sort(clients)
	}
	for _, l := range s.Last {
		rename(l.Until)
	}
	for _, c := range s.Open {
		rename(c.Meets)
	}
	for _, o := range s.Owed {
		rename(o.To)
	}
	m.tidy(&s)
	return encode(s)
}

// Content implements [Renamable], with what numbers stand for in place of the numbers.
func (m *weakMonitor) Content(state string) string {
	if state == violated {
		return state
	}
	s := decode[weakState](state)
	var last []string
	for _, l := range s.Last {
		last = append(last, m.numbers.content(l.Value)+fmt.Sprint(l.Until))
	}
	slices.Sort(last)
	text := strings.Join(last, " ") + m.numbers.content(s.Lost...)
	for _, client := range slices.Sorted(maps.Keys(s.Open)) {
		c := s.Open[client]
		text += fmt.Sprint(client, c.Write, c.Any, m.numbers.content(c.Values...), c.Meets)
	}
	var owed []string
	for _, o := range s.Owed {
		owed = append(owed, m.numbers.content(o.Value)+fmt.Sprint(o.To))
	}
	slices.Sort(owed)
	return text + strings.Join(owed, " ") + fmt.Sprint(s.Aborted)
}

// mayWrite notes an operation of a faulty replica: a write may have taken
// effect at any time whatsoever. Reads are of no consequence.
func (m *weakMonitor) mayWrite(s *weakState, op node.Operation) {
	if op.Name == opRead {
		return
	}
	value := m.numbers.number(op.Arg)
	for reader, r := range s.Open {
		if !r.Write {
			s.Open[reader] = m.meets(r, value)
		}
	}
	s.Owed = slices.DeleteFunc(s.Owed, func(o owed) bool { return m.safe || o.Value == value })
	s.Lost = insert(s.Lost, value, false)
}

// invoked notes that a client begins an operation. One that it had under way was cut short: a write
// may take effect later still, and so is one of those that are lost; a read matters no more.
func (m *weakMonitor) invoked(s *weakState, client int, op node.Operation) bool {
	if c := s.Open[client]; c.Write {
		m.happens(s, client, c.Values[0])
		s.Lost = insert(s.Lost, c.Values[0], false)
		s.leaves(client)
	}
	delete(s.Open, client)
	if op.Name == opRead {
		s.Open[client] = m.read(s)
		return true
	}
	value := m.numbers.number(op.Arg)
	for reader, r := range s.Open {
		if !r.Write {
			s.Open[reader] = m.overlaps(r, client, value)
		}
	}
	for i := range s.Last {
		s.Last[i].Until = insert(s.Last[i].Until, client, false)
	}
	s.Open[client] = weakCall{Write: true, Values: []int{value}}
	return true
}

// happens notes that the write of a client is not aborted any more: it returned, or was cut
// short, and may have taken effect.
func (m *weakMonitor) happens(s *weakState, client, value int) {
	for reader, r := range s.Open {
		if slices.Contains(r.Meets, client) {
			r.Meets = without(r.Meets, client)
			s.Open[reader] = m.meets(r, value)
		}
	}
	s.Owed = slices.DeleteFunc(s.Owed, func(o owed) bool { return slices.Contains(o.To, client) })
}

// leaves notes that a write of a client, which is cut short or aborted, will not return.
func (s *weakState) leaves(client int) {
	for i := range s.Last {
		s.Last[i].Until = without(s.Last[i].Until, client)
	}
}

// aborted notes that what a client began did not happen. It reports whether that can be.
func (m *weakMonitor) aborted(s *weakState, client int) (ok bool) {
	c, ok := s.Open[client]
	delete(s.Open, client)
	if !ok || !c.Write {
		return ok
	}
	s.Aborted = true
	s.leaves(client)
	for reader, r := range s.Open {
		r.Meets = without(r.Meets, client)
		s.Open[reader] = r
	}
	for i, o := range s.Owed {
		s.Owed[i].To = without(o.To, client)
		ok = ok && len(s.Owed[i].To) > 0
	}
	return ok
}

// without returns a list without v.
func without(list []int, v int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(u int) bool { return u == v })
}

// read returns a read that begins now.
func (m *weakMonitor) read(s *weakState) weakCall {
	var r weakCall
	for _, l := range s.Last {
		r.Values = insert(r.Values, l.Value, false)
	}
	for client, c := range s.Open {
		if c.Write {
			r = m.overlaps(r, client, c.Values[0])
		}
	}
	for _, v := range s.Lost {
		r = m.meets(r, v)
	}
	return r
}

// overlaps returns the read r while a client writes value. If the write cannot be aborted it
// is as good as done.
func (m *weakMonitor) overlaps(r weakCall, client, value int) weakCall {
	if m.commits {
		return m.meets(r, value)
	}
	r.Meets = insert(slices.Clone(r.Meets), client, false)
	return r
}

// meets returns the read r that overlaps a write of value which is not aborted.
func (m *weakMonitor) meets(r weakCall, value int) weakCall {
	if m.safe {
		return weakCall{Any: true}
	}
	return weakCall{Values: insert(slices.Clone(r.Values), value, false), Meets: r.Meets}
}

func (m *weakMonitor) returned(s *weakState, client int, result any) bool {
	c, ok := s.Open[client]
	delete(s.Open, client)
	if !ok || !c.Write {
		if result != nil || m.written(s) {
			m.met.Store(true)
		}
		return ok && m.right(s, c, m.numbers.number(result))
	}
	m.happens(s, client, c.Values[0])
	s.Last = slices.DeleteFunc(s.Last, func(l written) bool { return slices.Contains(l.Until, client) })
	s.Last = append(s.Last, written{Value: c.Values[0]})
	return true
}

// right reports whether a read may return a value, and notes what it rests on.
func (m *weakMonitor) right(s *weakState, r weakCall, value int) bool {
	if r.Any || slices.Contains(r.Values, value) {
		return true
	}
	var rests []int
	for _, client := range r.Meets {
		if m.safe || s.Open[client].Values[0] == value {
			rests = append(rests, client)
		}
	}
	if m.safe {
		value = 0 // which one does not matter
	}
	s.Owed = append(s.Owed, owed{value, rests})
	return len(rests) > 0
}

// written reports whether a write has begun.
func (m *weakMonitor) written(s *weakState) bool {
	first := m.numbers.number(nil)
	return s.Aborted || len(s.Lost) > 0 || slices.ContainsFunc(s.Last, func(l written) bool { return l.Value != first || len(l.Until) > 0 })
}

// tidy drops what makes no difference and sorts the rest.
func (m *weakMonitor) tidy(s *weakState) {
	if m.safe && s.Lost != nil {
		s.Lost = s.Lost[:1]
		s.Lost[0] = 0 // every later read may return anything
	}
	for reader, r := range s.Open {
		if r.Any {
			s.Open[reader] = weakCall{Any: true}
			continue
		}
		// What it may return anyway rests on no write.
		r.Meets = slices.DeleteFunc(slices.Clone(r.Meets), func(client int) bool {
			return !m.safe && slices.Contains(r.Values, s.Open[client].Values[0])
		})
		s.Open[reader] = r
	}
	slices.SortFunc(s.Owed, func(a, b owed) int {
		return cmp.Or(a.Value-b.Value, slices.Compare(a.To, b.To))
	})
	s.Owed = slices.CompactFunc(s.Owed, func(a, b owed) bool { return a.Value == b.Value && slices.Equal(a.To, b.To) })
	all := slices.Clone(s.Owed)
	s.Owed = slices.DeleteFunc(s.Owed, func(o owed) bool {
		return slices.ContainsFunc(all, func(p owed) bool {
			return p.Value == o.Value && len(p.To) < len(o.To) && within(p.To, o.To)
		})
	})
	needed := slices.DeleteFunc(slices.Clone(s.Last), func(l written) bool {
		return m.safe && s.Lost != nil || slices.Contains(s.Lost, l.Value)
	})
	s.Last = nil
	slices.SortFunc(needed, func(a, b written) int {
		if a.Value != b.Value {
			return a.Value - b.Value
		}
		if len(a.Until) != len(b.Until) {
			return len(a.Until) - len(b.Until)
		}
		return slices.Compare(a.Until, b.Until)
	})
	for _, l := range needed {
		longer := func(k written) bool { return k.Value == l.Value && within(k.Until, l.Until) }
		if !slices.ContainsFunc(s.Last, longer) {
			s.Last = append(s.Last, l)
		}
	}
}
