package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/twinsh/twinsh/runtime/english"
)

// why says where no order explains the operations any more, which earlier
// returns stand in the way, and what would have been right. It looks for orders some times for each
// operation, of a history that is known to have none: it is for the one counterexample that people
// see, and no search calls it.
func (m Model) why(ctx context.Context, ops []operation, explain explaining) (string, error) {
	ops, last, err := m.shortest(ctx, ops, explain)
	if err != nil {
		return "", err
	}
	culprit := &ops[last] // there was an order until it ended
	var right []string
	if !culprit.aborted {
		if right, err = m.possible(ctx, ops, last, explain); err != nil {
			return "", err
		}
	}
	// What is left is 1-minimal: if any one of these operations had not ended, there
	// would be an order.
	var because []string
	// The latest are forgotten first: of several reasons the one that goes furthest back is left.
	for i := len(ops) - 1; i >= 0; i-- {
		if i == last || !ops[i].over() {
			continue
		}
		was := ops[i]
		ops[i].forget()
		_, ok, err := explain(ctx, m, ops)
		if err != nil {
			return "", err
		}
		if ok {
			ops[i] = was
			because = append(because, was.withReturn("had returned"))
		}
	}
	slices.Reverse(because)

	text := fmt.Sprintf("%s returned %s in %s%s", culprit, culprit.text(culprit.result), culprit.place(culprit.endedIn), culprit.atCrash())
	if culprit.aborted {
		text = culprit.withReturn("returned")
	}
	if because == nil {
		text += ", which no order of the operations explains"
	} else if culprit.aborted {
		text += " after " + english.Join(because, "and") + "; no order of the operations without it explains that"
	} else {
		text += " after " + english.Join(because, "and") + "; no order of the operations explains that"
	}
	if right != nil {
		text += ". " + english.Join(right, "or") + " would have been right"
	}
	return text, nil
}

// shortest forgets all returns, and that operations were aborted, after the first one from which on the
// operations have no explanation, and says whose that is.
func (m Model) shortest(ctx context.Context, ops []operation, explain explaining) (known []operation, last int, err error) {
	var returns []int
	for i, op := range ops {
		if op.over() {
			returns = append(returns, i)
		}
	}
	// Places are in canonical order, in which the ends of operations in several steps may
	// stand otherwise than they came.
	slices.SortFunc(returns, func(i, j int) int {
		return cmp.Or(ops[i].endedIn-ops[j].endedIn, ops[i].ended-ops[j].ended)
	})
	until := func(k int) []operation {
		known := slices.Clone(ops)
		for _, i := range returns[k+1:] {
			known[i].forget()
		}
		return known
	}
	// What has no explanation gets none by what comes later.
	k := sort.Search(len(returns)-1, func(k int) bool {
		if err != nil {
			return true
		}
		_, ok, failed := explain(ctx, m, until(k))
		if failed != nil {
			err = failed
		}
		return !ok
	})
	return until(k), returns[k], err
}

// possible lists what ops[i] could have returned, among the values that occur and those
// that the model offers.
func (m Model) possible(ctx context.Context, ops []operation, i int, explain explaining) ([]string, error) {
	values := []any{nil, m.Init}
	for _, op := range ops {
		values = append(values, op.Arg, op.result)
	}
	if !m.register { // what the model offers as it looks for an order
		call := ops[i].call()
		heard := m.hearing(func(c Call, outcomes []Outcome) {
			if c.Client == call.Client && c.Result == call.Result && c.Returned {
				for _, o := range outcomes {
					values = append(values, o.Result)
				}
			}
		})
		if _, _, err := explain(ctx, heard, ops); err != nil {
			return nil, err
		}
	}
	// Values are compared by type and text: 1 and "1" are two, and a value that cannot be compared in
	// Go, which a model may offer, does not panic.
	tried := map[string]bool{}
	var right []string
	for _, v := range values {
		text := fmt.Sprintf("%T %#v", v, v)
		if tried[text] {
			continue
		}
		tried[text] = true
		other := slices.Clone(ops)
		other[i].result = v
		_, ok, err := explain(ctx, m, other)
		if err != nil {
			return nil, err
		}
		if ok {
			right = append(right, ops[i].text(v))
		}
	}
	return right, nil
}
