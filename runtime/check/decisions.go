package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// agreement is the safety property of consensus (Lamport, Shostak and Pease, "The Byzantine
// Generals Problem", TOPLAS 1982, condition IC1) and of the Twins paper (Bano et al., OPODIS 2021),
// where it is asked of the blocks at each height. It is compared by
// slot and not by prefix, because a replica of a chain decides one block for each slot.
type agreement struct{}

func (agreement) Name() string { return "agreement" }

func (agreement) about() node.ObservationKind { return node.Decided }

func (agreement) needs() string { return "two decisions for one slot" }

// Concerns implements [Monitored].
func (agreement) Concerns(c *runtime.Cluster) node.Set { return c.Servers() }

// Judge compares each decision with the first for its slot, of any replica, which is enough: if
// two differ, one of them differs from the first.
func (agreement) Judge(_ context.Context, h runtime.History) (Verdict, error) {
	first := map[int]runtime.Observed{} // slot -> its first decision
	vacuous := true
	for _, e := range h.Events {
		if e.Kind != node.Decided || h.Faulty.Has(e.Instance) {
			continue
		}
		f, ok := first[e.Slot]
		vacuous = vacuous && !ok
		switch {
		case !ok:
			first[e.Slot] = e
		case f.Value != e.Value:
			in := h.Cluster.Instances()
			who := "but " + in[e.Instance].Name + " decided"
			if f.Instance == e.Instance {
				who = "and then"
			}
			return Verdict{Why: fmt.Sprintf("%s decided %s for slot %d in %s, %s %s for it in %s",
				in[f.Instance].Name, h.Cluster.Text(f.Value), e.Slot, h.Place(f.Step), who, h.Cluster.Text(e.Value), h.Place(e.Step))}, nil
		}
	}
	return Verdict{Holds: true, Vacuous: vacuous}, nil
}

// Monitor knows all systems: who is faulty is known to it from the start, or it is asked as to
// a history (see [MonitorOf]).
func (agreement) Monitor(_ *runtime.Cluster, faulty node.Set) Monitor {
	return &agreementMonitor{faulty: faulty}
}

// agreementMonitor remembers the value of each slot, by its number. It forgets who decided first,
// in which step, and how often, so that scenarios which differ in that are one to a search.
type agreementMonitor struct {
	safety
	faulty  node.Set
	numbers numbers
}

func (m *agreementMonitor) Start() string { return encode(map[int]int{}) }

func (m *agreementMonitor) Next(_ context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	slots := decode[map[int]int](state)
	for _, e := range seen {
		if e.Kind != node.Decided || m.faulty.Has(e.Instance) {
			continue
		}
		v := m.numbers.number(e.Value)
		if was, ok := slots[e.Slot]; ok {
			m.met.Store(true)
			if was != v {
				return violated, nil
			}
		}
		slots[e.Slot] = v
	}
	return encode(slots), nil
}

// Rename implements [Renamable]: it does not matter who decided.
func (m *agreementMonitor) Rename(state string, _ func(int) int) string { return state }

// Content implements [Renamable]: it has one image only.
func (m *agreementMonitor) Content(string) string { return "" }
