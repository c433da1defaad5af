package check

import (
	"context"
	"maps"
	"slices"
)

// What a modelMonitor of strict linearizability makes of a crash. Lazily, as everywhere, an operation takes
// effect when a return asks for it; a crash of its client is the last moment at which it can. So each way
// splits in two there, one in which it has taken effect and one in which it never does. A client that comes
// back may return what it was about to, so that the operation stays under way, and is marked.

// SeesCrashes implements [Crashing].
func (m *modelMonitor) SeesCrashes() bool { return m.property.strict }

// crashed notes that the client of an operation under way crashed: it has taken effect in each way from
// now on, or never does. What a read returns has been seen by then.
func (m *modelMonitor) crashed(ctx context.Context, s *modelState, client int) error {
	key, o, at, ok := m.underWay(s, client)
	if !ok || slices.Contains(o.Cut, client) {
		return nil
	}
	outcomes, err := m.step(ctx, at.of, at.of.Init, client, at.op)
	if err != nil {
		return err
	}
	s.Moved = s.Moved || slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Next != at.of.Init })
	reads := m.reading(o, client)
	took := func(w way) bool {
		_, known := w.Known[client]
		return known
	}
	var ways []way
	for _, w := range o.Ways {
		var some []way
		switch {
		case reads:
			some, err = m.closure(ctx, o, w)
		case took(w):
			some = []way{w}
		default:
			if some, err = m.reach(ctx, o, w, took, client); err == nil {
				w.Known = maps.Clone(w.Known)
				if w.Known == nil {
					w.Known = map[int][]int{}
				}
				w.Known[client] = []int{}
				some = append(some, w)
			}
		}
		if err != nil {
			return err
		}
		ways = append(ways, some...)
	}
	o.Cut = insert(slices.Clone(o.Cut), client, false)
	if o.Ways, err = m.best(ctx, ways); err != nil {
		return err
	}
	s.Objects[key] = o
	return nil
}

// uncut returns the clients that are cut short without one, nil if none is left.
func uncut(list []int, value int) []int {
	list = slices.DeleteFunc(slices.Clone(list), func(v int) bool { return v == value })
	if len(list) == 0 {
		return nil
	}
	return list
}

// closure lists w and all ways that it may become by operations that take effect one after another.
func (m *modelMonitor) closure(ctx context.Context, o objectState, w way) ([]way, error) {
	all, seen := []way{w}, map[string]bool{encode(w): true}
	for at := 0; at < len(all); at++ {
		next, err := m.after(ctx, o, all[at])
		if err != nil {
			return nil, err
		}
		for _, w := range next {
			if text := encode(w); !seen[text] {
				seen[text] = true
				all = append(all, w)
			}
		}
		if len(all) > maxConfigs {
			return nil, tooMany(len(o.Open)+len(w.Lost), useKeys)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}
