package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// anonymousMonitor is a modelMonitor of a model to which it does not matter who calls: its Step
// never looks at the client of a call. Only then is what is remembered of one client the same as
// what is remembered of another, and can be renamed.
type anonymousMonitor struct{ *modelMonitor }

func (m anonymousMonitor) among(faulty node.Set) Monitor {
	return anonymousMonitor{m.modelMonitor.among(faulty).(*modelMonitor)}
}

// Rename implements [Renamable]. What is sorted by clients is sorted anew, since two states that are
// one have to be one text.
func (m anonymousMonitor) Rename(state string, to func(int) int) string {
	if state == violated {
		return state
	}
	s := decode[modelState](state)
	for key, o := range s.Objects {
		o.Open = renamed(o.Open, to)
		for i, client := range o.Cut {
			o.Cut[i] = to(client)
		}
		slices.Sort(o.Cut)
		for i, w := range o.Ways {
			if w.Known != nil {
				o.Ways[i].Known = renamed(w.Known, to)
			}
			for l := range w.Lost {
				w.Lost[l][0] = to(w.Lost[l][0])
			}
			slices.SortFunc(w.Lost, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
		}
		o.Ways, _ = m.best(context.Background(), o.Ways) // they are no more than they were
		s.Objects[key] = o
	}
	return encode(s)
}

// Content implements [Renamable]. It writes out what the numbers stand for: they depend on which
// worker met a value first. Objects and ways stand in the order of those texts for the same reason.
func (m anonymousMonitor) Content(state string) string {
	if state == violated {
		return state
	}
	s := decode[modelState](state)
	var all []string
	for key, o := range s.Objects {
		text := m.numbers.content(key)
		for _, client := range slices.Sorted(maps.Keys(o.Open)) {
			text += fmt.Sprint(client, m.numbers.content(o.Open[client]), slices.Contains(o.Cut, client))
		}
		var ways []string
		for _, w := range o.Ways {
			text := m.numbers.content(w.State)
			for _, client := range slices.Sorted(maps.Keys(w.Known)) {
				text += fmt.Sprint(client, m.numbers.content(w.Known[client]...))
			}
			for _, l := range w.Lost {
				text += fmt.Sprint(l[0], m.numbers.content(l[1]))
			}
			ways = append(ways, text)
		}
		slices.Sort(ways)
		all = append(all, text+strings.Join(ways, "\n"))
	}
	slices.Sort(all)
	return strings.Join(all, "\n") + fmt.Sprint(s.Moved)
}
