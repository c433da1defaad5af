package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Concerns implements [Monitored]. Who forgets matters if that may be a server with operations of its own,
// which is known of a register alone to be no different.
func (p *linearizable) Concerns(c *runtime.Cluster) node.Set {
	if p.model.register && p.other == nil && !p.strict || onlyServe(c) {
		return c.Clients()
	}
	return c.Clients() | c.Servers()
}

// onlyServe reports whether the servers are known to begin no operations, those that run other code
// in place of the protocol's as well.
func onlyServe(c *runtime.Cluster) bool {
	serves := func(p node.Protocol) bool {
		s, ok := p.(node.Serving)
		return ok && s.OnlyServes()
	}
	return serves(c.Config().Protocol) && !slices.ContainsFunc(c.Config().Twins, func(t runtime.Twin) bool { return t.Code != nil && !serves(t.Code) })
}

// maxClients is how many clients a register monitor watches, and maxConfigs how
// many configurations it remembers: each write under way may double them. Histories
// of more clients are judged as they are, which is quick if values are written once.
//
// The number of configurations is exponential in the writes under way in the worst case, and a
// handful in practice. Reads do not add any: that is what [call].Values is for.
const (
	maxClients = 8
	maxConfigs = 1 << 12
)

// Monitor knows objects whose clients are few and all correct, if their model is blind.
func (p *linearizable) Monitor(c *runtime.Cluster, faulty node.Set) Monitor {
	switch m := p.model; {
	case faulty&c.Clients() != 0, c.Clients().Len() > maxClients, p.other != nil && !p.other.linear:
		return nil
	case m.register && !p.strict:
		return &registerMonitor{property: p, faulty: faulty, numbers: &numbers{}}
	case m.Blind == nil || !m.Blind(), faulty&c.Servers() != 0 && !onlyServe(c):
		return nil
	case m.anonymous:
		return anonymousMonitor{&modelMonitor{property: p, cluster: c, faulty: faulty, numbers: &numbers{}}}
	default:
		return &modelMonitor{property: p, cluster: c, faulty: faulty, numbers: &numbers{}}
	}
}

// registerMonitor remembers every configuration that a linearizable register
// and its clients may be in. It is the subset construction of the automaton of
// all linearizations (Wing and Gong 1993), where an operation takes effect only
// when a return cannot be explained otherwise (Lowe, "Testing for
// linearizability", 2017). Its state is a sorted list of configurations.
type registerMonitor struct {
	safety
	property *linearizable
	faulty   node.Set // servers
	numbers  *numbers
}

// among returns a monitor that gives the same numbers to values, for histories in which others
// are faulty: states of the two are compared with each other.
func (m *registerMonitor) among(faulty node.Set) Monitor {
	return &registerMonitor{property: m.property, faulty: faulty, numbers: m.numbers}
}

// A config is one way in which things may be. Values are numbers.
type config struct {
	Value int          // what the register holds
	Open  map[int]call // by client, what is under way; the same clients in all configurations
	// Lost are the values of writes that were cut short and may still take
	// effect, sorted. Reads that were cut short are of no consequence.
	Lost []int `json:",omitempty"`
	// Aborted is whether some write was: a read could have returned its value.
	Aborted bool `json:",omitempty"`
	// Wild is whether a faulty replica began a write, which may have taken effect before.
	Wild bool `json:",omitempty"`
}

// A call is an operation under way: a read, a write that is yet to take effect
// or a write that has.
type call struct {
	Write bool `json:",omitempty"`
	// Values holds what the read may return, sorted: what the register has
	// held since. Reads change nothing, so it need not be settled yet which of
	// them it will be. Of a write that is yet to take effect it holds the value.
	Values []int `json:",omitempty"`
}

// waits reports whether c is a write that is yet to take effect.
func (c call) waits() bool { return c.Write && c.Values != nil }

func (m *registerMonitor) Start() string {
	return encode([]config{{Value: m.numbers.number(m.property.model.Init), Open: map[int]call{}}})
}

// Next takes each event to all configurations. An invocation changes each of them, a return leaves
// those that explain it, with the writes that had to take effect before; if none is left the
// history is not linearizable, and no history that begins with it is.
func (m *registerMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	if _, err := unknown(ctx, m.property, seen); err != nil {
		return "", fmt.Errorf("%s: %w", m.property.Name(), err)
	}
	configs := decode[[]config](state)
	for _, e := range whole(seen, m.faulty) {
		var next []config
		switch e.Kind {
		case node.Invoked:
			for _, g := range configs {
				if m.faulty.Has(e.Instance) {
					g = m.mayWrite(g, e.Operation)
				} else {
					g = m.invoked(g, e.Instance, e.Operation)
				}
				next = append(next, g)
			}
		case node.Returned:
			if m.faulty.Has(e.Instance) {
				continue
			}
			if e.Value != nil || slices.ContainsFunc(configs, m.written) {
				m.met.Store(true)
			}
			for _, g := range configs {
				after, err := m.returned(g, e.Instance, e.Value)
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return "", m.property.named(err)
				}
				next = append(next, after...)
			}
		case node.Aborted:
			if m.faulty.Has(e.Instance) {
				continue
			}
			for _, g := range configs {
				// It has taken no effect. Where it has, that is not how things are.
				c, ok := g.Open[e.Instance]
				if ok && (!c.Write || c.waits()) {
					g = g.clone()
					g.Aborted = g.Aborted || c.Write
					delete(g.Open, e.Instance)
					next = append(next, g)
				} else if ok && g.Wild {
					// That it was written by the faulty replica long ago is not kept.
					return "", m.property.named(LimitError{"gave up: a write was aborted that some order has, and a faulty replica writes, too; judge what replicas do apart from what clients abort"})
				}
			}
		default:
			continue
		}
		var err error
		if configs, err = best(ctx, next); err != nil {
			return "", m.property.named(err)
		}
	}
	if len(configs) == 0 {
		return violated, nil
	}
	return encode(configs), nil
}

// Rename implements [Renamable].
func (m *registerMonitor) Rename(state string, to func(int) int) string {
	if state == violated {
		return state
	}
	configs := decode[[]config](state)
	for i := range configs {
		configs[i].Open = renamed(configs[i].Open, to)
	}
	sorted, _ := best(context.Background(), configs) // they are no more than they were
	return encode(sorted)
}

// Content implements [Renamable]. Values are written out, because their numbers are those in
// which this process met them.
func (m *registerMonitor) Content(state string) string {
	if state == violated {
		return state
	}
	var all []string
	for _, g := range decode[[]config](state) {
		text := m.numbers.content(g.Value) + m.numbers.content(g.Lost...) + fmt.Sprint(g.Aborted)
		for _, client := range slices.Sorted(maps.Keys(g.Open)) {
			c := g.Open[client]
			text += fmt.Sprint(client, c.Write, m.numbers.content(c.Values...))
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// renamed renames the keys of a map.
func renamed[T any](of map[int]T, to func(int) int) map[int]T {
	after := map[int]T{}
	for client, v := range of {
		after[to(client)] = v
	}
	return after
}

// mayWrite returns g after an operation of a faulty replica: a write may have
// taken effect at any time, as far as it matters now: now or later. Reads are of
// no consequence.
func (m *registerMonitor) mayWrite(g config, op node.Operation) config {
	if op.Name == opWrite {
		g = g.clone()
		g.Lost = insert(g.Lost, m.numbers.number(op.Arg), true)
		g.Wild = true
	}
	return g
}

// written reports whether a write has begun.
func (m *registerMonitor) written(g config) bool {
	for _, c := range g.Open {
		if c.Write {
			return true
		}
	}
	return g.Aborted || len(g.Lost) > 0 || g.Value != m.numbers.number(m.property.model.Init)
}

func (m *registerMonitor) invoked(g config, client int, op node.Operation) config {
	g = g.clone()
	if old := g.Open[client]; old.waits() {
		g.Lost = insert(g.Lost, old.Values[0], true)
	}
	if op.Name == opWrite {
		g.Open[client] = call{Write: true, Values: []int{m.numbers.number(op.Arg)}}
	} else {
		g.Open[client] = call{Values: []int{g.Value}}
	}
	return g
}

// returned lists the configurations that g may be after a return; there are
// none if g cannot explain it. The error is a [LimitError].
func (m *registerMonitor) returned(g config, client int, result any) (after []config, err error) {
	c, ok := g.Open[client]
	if !ok || c.Write && result != nil {
		return nil, nil
	}
	switch value := m.numbers.number(result); {
	case c.waits():
		after, err = g.through(effect{client, c.Values[0]})
	case c.Write || slices.Contains(c.Values, value):
		after = []config{g.clone()}
	default: // a read that needs a write of its value to have taken effect just now
		for _, w := range g.waiting() {
			if w.value == value {
				var some []config
				if some, err = g.through(w); err != nil {
					break
				}
				after = append(after, some...)
			}
		}
	}
	for _, h := range after {
		delete(h.Open, client)
	}
	return after, err
}

// An effect is a write that is yet to take effect: that of a client, or one
// that was cut short.
type effect struct {
	client int
	value  int
}

const cutShort = -1

// waiting lists the writes that are yet to take effect.
func (g config) waiting() []effect {
	var all []effect
	for client, c := range g.Open {
		if c.waits() {
			all = append(all, effect{client, c.Values[0]})
		}
	}
	for _, value := range g.Lost {
		all = append(all, effect{cutShort, value})
	}
	return all
}

// through lists the configurations after w took effect, preceded by any of the
// other waiting writes. In which order those came does not matter: all that is
// left of them is that a read under way may have seen them.
func (g config) through(w effect) ([]config, error) {
	all := []config{g}
	others := g.waiting()
	if len(others) > 0 && 1<<(len(others)-1) > maxConfigs {
		return nil, tooMany(len(g.Open)+len(g.Lost), writeOnce)
	}
	i := slices.Index(others, w)
	for _, other := range slices.Delete(others, i, i+1) {
		for _, h := range all {
			all = append(all, h.after(other))
		}
	}
	for i, h := range all {
		all[i] = h.after(w)
	}
	return all, nil
}

// after returns g after w took effect.
func (g config) after(w effect) config {
	g = g.clone()
	g.Value = w.value
	if w.client == cutShort {
		i := slices.Index(g.Lost, w.value)
		g.Lost = slices.Delete(g.Lost, i, i+1)
	} else {
		g.Open[w.client] = call{Write: true}
	}
	for client, c := range g.Open {
		if !c.Write {
			g.Open[client] = call{Values: insert(slices.Clone(c.Values), w.value, false)}
		}
	}
	return g
}

func (g config) clone() config {
	g.Open = maps.Clone(g.Open)
	g.Lost = slices.Clone(g.Lost)
	return g
}

// best sorts configurations and drops those that can do nothing that another
// one cannot do as well. The error is that of ctx, or a [LimitError].
func best(ctx context.Context, all []config) ([]config, error) {
	configs := map[string]config{}
	for _, g := range all {
		configs[encode(g)] = g
	}
	var kept []config
	for _, text := range slices.Sorted(maps.Keys(configs)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g, covered := configs[text], false
		for other, h := range configs {
			covered = covered || other != text && h.covers(g)
		}
		if !covered {
			kept = append(kept, g)
		}
	}
	if len(kept) > maxConfigs {
		return nil, tooMany(len(kept[0].Open)+len(kept[0].Lost), writeOnce)
	}
	return kept, nil
}

// covers reports whether g can explain whatever h can: its reads may return
// more, and more writes may take effect that need not.
func (g config) covers(h config) bool {
	if g.Value != h.Value || !within(h.Lost, g.Lost) {
		return false
	}
	for client, c := range h.Open {
		d := g.Open[client]
		if c.waits() != d.waits() || !within(c.Values, d.Values) {
			return false
		}
	}
	return true
}

// insert adds v to a sorted list; one that has it already gets it again only
// if asked to.
func insert(list []int, v int, again bool) []int {
	i, found := slices.BinarySearch(list, v)
	if found && !again {
		return list
	}
	return slices.Insert(list, i, v)
}

// within reports whether the sorted list a is a part of the sorted list b,
// counting repetitions.
func within(a, b []int) bool {
	for _, v := range b {
		if len(a) > 0 && a[0] == v {
			a = a[1:]
		}
	}
	return len(a) == 0
}
