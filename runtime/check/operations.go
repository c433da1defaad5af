package check

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// An operation is what became of one operation of a client.
type operation struct {
	node.Operation
	client           string
	faulty           bool
	began, ended     int // places in the history: before and forever are beyond its ends
	beganIn, endedIn int // steps
	result           any // if it returned
	aborted          bool
	crashed          int              // the step in which its client did while it was under way, 0 if it did not
	cut              bool             // it ended because its client crashed, by which it took effect or never does
	text             func(any) string // shows values to people
	place            func(int) string // shows steps to people
}

const (
	before  = -1
	forever = math.MaxInt
)

// over reports whether it is known how the operation ended, and counts.
func (o *operation) over() bool { return o.ended != forever }

// returned reports whether the operation returned something that counts.
func (o *operation) returned() bool { return o.over() && !o.aborted && !o.cut }

// forget makes o an operation that never ended.
func (o *operation) forget() {
	o.ended, o.result, o.aborted, o.cut, o.crashed = forever, nil, false, false, 0
}

// happened lists the places of the operations that were not aborted: the others have no
// effect, in no order.
func happened(ops []operation) []int {
	var list []int
	for i := range ops {
		if !ops[i].aborted {
			list = append(list, i)
		}
	}
	return list
}

// at returns the operations at some places.
func at(ops []operation, places []int) []operation {
	some := make([]operation, len(places))
	for k, i := range places {
		some[k] = ops[i]
	}
	return some
}

// precedes reports whether o returned before p began.
func (o *operation) precedes(p *operation) bool { return o.ended < p.began }

// call is the operation as a model sees it.
func (o *operation) call() Call {
	return Call{Operation: o.Operation, Client: o.client, Returned: o.returned(), Result: o.result, cut: o.cut}
}

// String is the operation with its client: c1 write("red").
func (o *operation) String() string { return o.client + " " + o.text(o.Operation) }

// quiet reports whether the result says nothing but that the operation is done.
func (o *operation) quiet() bool { return o.result == nil && o.Arg != nil }

// withReturn is the operation with its return: c3 read() had returned "red" in step 8. If it
// was aborted it is with that: c3 write("red") had aborted in step 8.
func (o *operation) withReturn(verb string) string {
	if o.cut {
		return fmt.Sprintf("%s was cut short by a crash in %s", o, o.place(o.endedIn))
	}
	switch {
	case o.aborted:
		verb = strings.Replace(verb, "returned", "aborted", 1)
	case !o.quiet():
		verb += " " + o.text(o.result)
	}
	return fmt.Sprintf("%s %s in %s%s", o, verb, o.place(o.endedIn), o.atCrash())
}

// atCrash says, of an operation that ended, that it was under way at a crash.
func (o *operation) atCrash() string {
	if o.crashed == 0 || o.cut {
		return ""
	}
	return " (under way at a crash in " + o.place(o.crashed) + ")"
}

// operations lists the operations of a history in the order in which they
// began. The text, if any, says why the history cannot be read that way. Where there are crashes among
// the events, what was under way at one ends there, also if its client comes back and finishes it.
func operations(h runtime.History) (ops []operation, wrong string) {
	open := map[int]int{} // instance -> index of the operation under way
	for place, e := range h.Events {
		name, faulty := h.Cluster.Instances()[e.Instance].Name, h.Faulty.Has(e.Instance)
		switch e.Kind {
		case node.Invoked:
			op := operation{Operation: e.Operation, client: name, faulty: faulty, began: place, ended: forever, beganIn: e.Step, text: h.Cluster.Text, place: h.Place}
			if faulty {
				op.began = before
			}
			open[e.Instance] = len(ops)
			ops = append(ops, op)
		case node.Crashed:
			if i, ok := open[e.Instance]; ok && !faulty && !ops[i].cut { // the first of several counts
				ops[i].ended, ops[i].endedIn, ops[i].crashed, ops[i].cut = place, e.Step, e.Step, true
			}
		case node.Returned, node.Aborted:
			if faulty {
				continue
			}
			i, ok := open[e.Instance]
			if !ok {
				return nil, nothingEnds(h, e)
			}
			delete(open, e.Instance)
			if !ops[i].cut {
				ops[i].ended = place
			}
			ops[i].endedIn, ops[i].aborted, ops[i].cut = e.Step, e.Kind == node.Aborted, false
			if !ops[i].aborted { // what it is else is the reason
				ops[i].result = e.Value
			}
		}
	}
	return ops, ""
}

// tried reports whether some operation returned that could have returned something
// else: a value that was written before, or one that was not.
func tried(ops []operation, counts func(*operation) bool) bool {
	for i := range ops {
		o := &ops[i]
		written := func(w operation) bool { return w.Name == opWrite && w.began < o.ended }
		if o.returned() && counts(o) && (o.result != nil || slices.ContainsFunc(ops, written)) {
			return true
		}
	}
	return false
}

// whole returns the observations of a step as a monitor of operations takes them one
// by one: what faulty instances begin may have taken effect before all the rest, because
// only the whole step is judged.
func whole(seen []runtime.Observed, faulty node.Set) []runtime.Observed {
	begins := func(o runtime.Observed) bool { return o.Kind == node.Invoked && faulty.Has(o.Instance) }
	if !slices.ContainsFunc(seen, begins) {
		return seen
	}
	var first, rest []runtime.Observed
	for _, o := range seen {
		if begins(o) {
			first = append(first, o)
		} else {
			rest = append(rest, o)
		}
	}
	return append(first, rest...)
}

// The operations of a register.
const (
	opRead  = "read"
	opWrite = "write"
)

// registerHas returns an error if op is no operation of a register, or writes what it
// holds at first: no read could show whether that took effect.
func registerHas(op node.Operation) error {
	args, several := op.Arg.(node.Arguments)
	switch {
	case op.Name == opWrite && op.Arg == nil:
		return misused(op, "", " writes nothing, which is what a register holds at first, so that no read can show whether it did; give it a value")
	case op.Name == opWrite && !several, op.Name == opRead && (op.Arg == nil || several && args.Name == ""):
		return nil
	}
	return misused(op, "a register has the operations read() and write(value), not ", keyedHint(op, "register"))
}

// A misuse is an error about an operation. It keeps the operation, since the host shows its
// values in its own words, and only what knows the cluster has those.
type misuse struct {
	op            node.Operation
	before, after string
	cause         error // nil, or what follows
}

func misused(op node.Operation, before, after string) error {
	return &misuse{op: op, before: before, after: after}
}

func (m *misuse) Error() string { return m.in(node.Text).Error() }

func (m *misuse) in(text func(any) string) error {
	said := m.before + text(m.op) + m.after
	if m.cause == nil {
		return errors.New(said)
	}
	return fmt.Errorf("%s%w", said, inWords(m.cause, text))
}

// inWords is an error with the operation that it is about, if it is a misuse, in the words
// of a host.
func inWords(err error, text func(any) string) error {
	if m, ok := err.(*misuse); ok {
		return m.in(text)
	}
	return err
}

// keyedHint says of an operation that names a key what an object of the model word, which
// has none, would have to be.
func keyedHint(op node.Operation, word string) string {
	if args, ok := op.Arg.(node.Arguments); ok {
		if _, ok := args.Map()["key"]; ok {
			return fmt.Sprintf("; with a key it is one of many objects, keyed(%q)", word)
		}
	}
	return ""
}

// A refuser is a property that knows certain operations only.
type refuser interface {
	Property
	refuses(context.Context, node.Operation) error
}

// unknown returns the first operation begun that p does not know, with the error that
// says so: a mistake in how p is used, whatever else is wrong.
func unknown(ctx context.Context, p refuser, events []runtime.Observed) (o runtime.Observed, err error) {
	for _, o := range events {
		if o.Kind != node.Invoked {
			continue
		}
		if err := p.refuses(ctx, o.Operation); err != nil {
			return o, err
		}
	}
	return o, nil
}

// unknownIn is the error of unknown for a whole history, with its place.
func unknownIn(ctx context.Context, p refuser, h runtime.History) error {
	o, err := unknown(ctx, p, h.Events)
	if err != nil {
		return fmt.Errorf("%s: %s in %s: %w", p.Name(), h.Cluster.Instances()[o.Instance].Name, h.Place(o.Step), inWords(err, h.Cluster.Text))
	}
	return nil
}
