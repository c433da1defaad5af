package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

func networkFamily() []Entry {
	return []Entry{{
		Signature: "partition(*groups)",
		Doc: `Parts the network until it heals: each server instance is in exactly one group and reaches only that.
A client that no group names reaches all of them. A partition takes the place of an earlier one and of the cuts made before it; drops, holds and orders stay.`,
		Example: kvStage + `partition(["A", "B"], ["C", "D"])
exchange("c1", ["A", "B", "C"])
heal()`,
		call: acting(runtime.PartitionStep{}),
	}, {
		Signature: "heal()",
		Doc:       `Everybody reaches everybody again: partitions, cuts, drops, holds and orders end.`,
		Example: kvStage + `cut("c1", "A")
heal()`,
		call: acting(runtime.HealStep{}),
	}, {
		Signature: "cut(src, dst)",
		Doc:       `Cuts the link from one instance to another, in that direction only.`,
		Example: kvStage + `cut("c1", "A")
exchange("c1", ["A", "B", "C", "D"])`,
		call: acting(runtime.CutStep{}),
	}, {
		Signature: "deaf(id, types)",
		Doc:       `An instance hears no messages of the given types until the network heals. A type that no role handles or sends is an error.`,
		Example: kvStage + `deaf("A", ["update"])
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DeafStep{}),
	}, {
		Signature: "drop(type, src=None, dst=None)",
		Doc: `Messages of a type are lost on the way from src to dst until the network heals.
Without src or dst that is from or to everybody. A type that no role handles or sends is an error.`,
		Example: kvStage + `drop("ack", src = "A")
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DropStep{}),
	}, {
		Signature: "duplicate(type, src, dst)",
		Doc: `The next message of a type that is delivered from one instance to another arrives twice, be it in flight already or sent later. What is lost, because the receiver is down, say, does not count.
It counts until the network heals. What is sent to the next leader is not doubled. A type that no role handles or sends is an error.`,
		Example: kvStage + `duplicate("ack", "A", "c1")
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DuplicateStep{}),
	}, {
		Signature: "hold(src, dst)",
		Doc:       `Messages on a link queue up until release lets them go.`,
		Example: kvStage + `hold("c1", "A")
exchange("c1", ["A", "B", "C", "D"])
release("c1", "A")
deliver()`,
		call: acting(runtime.HoldStep{}),
	}, {
		Signature: "release(src, dst, count=0)",
		Doc: `Lets the first count messages that queue on a held link go; they arrive with the next delivery.
Without a count all go, and the hold ends.`,
		Example: kvStage + `hold("c1", "A")
exchange("c1", ["A", "B", "C", "D"])
release("c1", "A", 1)
deliver()`,
		call: acting(runtime.ReleaseStep{}),
	}, {
		Signature: "order(id, first=[])",
		Doc: `An instance hears the given instances first, in that order.
That is of messages that arrive together; the others follow in the usual order, that of the senders.`,
		Example: kvStage + `order("c2", first = ["D"])
exchange("c2", ["A", "B", "C", "D"])`,
		call: acting(runtime.OrderStep{}),
	}}
}

// networkSpaces are the spaces of the acts on the network.
func networkSpaces() []Entry {
	return []Entry{{
		Signature: "partitions(max=None, exactly=None)",
		Doc: `The space of all partitions of the server instances into at most max groups, or exactly that many.
It is a choice of rounds(partitions = …), and by itself a space of partition acts.`,
		Example: roundStage + `print(partitions(exactly = 2).size, partitions(max = 3).size)`,
		call:    callPartitions,
	}, {
		Signature: "duplicates(type, src=None, dst=None)",
		Doc: `The space of single duplications of a message, on one of the links from src to dst.
These are instances, lists of them, or all if none is given.`,
		Example: kvStage + `print(duplicates("ack", dst = "c1").size)
print((exchanges("c1") + duplicates("ack", "A", "c1") + exchanges("c1")).size)`,
		call: callDuplicates,
	}, {
		Signature: "releases(src, dst, max=1)",
		Doc:       `The space of releasing 1 to max messages that queue on a held link.`,
		Example: kvStage + `hold("c1", "A")
print(releases("c1", "A", max = 3).size)`,
		call: func(c *call) (starlark.Value, error) {
			var src, dst string
			most := 1
			if err := c.Unpack(&src, &dst, &most); err != nil {
				return nil, err
			}
			w, err := here(c)
			if err != nil {
				return nil, err
			}
			if most < 1 || most > maxTimes {
				return nil, fmt.Errorf("releases: max is %d, want 1 to %d", most, maxTimes)
			}
			var steps []runtime.Step
			for n := range most {
				s, err := w.Cluster().Step(runtime.ReleaseStep{Src: src, Dst: dst, Count: n + 1})
				if err != nil {
					return nil, err
				}
				steps = append(steps, s)
			}
			return named(c, steps), nil
		},
	}, {
		Signature: "orders(id, of)",
		Doc:       `The space of hearing one of the given instances first: each of them in turn.`,
		Example: kvStage + `s = orders("c2", ["A", "B", "C", "D"]) + exchanges("c2", [["A", "B", "C", "D"]])
print(s.size)`,
		call: func(c *call) (starlark.Value, error) {
			var id string
			var of interp.Names
			if err := c.Unpack(&id, &of); err != nil {
				return nil, err
			}
			w, err := here(c)
			if err != nil {
				return nil, err
			}
			var steps []runtime.Step
			for _, first := range of {
				s, err := w.Cluster().Step(runtime.OrderStep{ID: id, First: []string{first}})
				if err != nil {
					return nil, err
				}
				steps = append(steps, s)
			}
			return named(c, steps), nil
		},
	}}
}

func callPartitions(c *call) (starlark.Value, error) {
	var most, exactly int
	if err := c.Unpack(&most, &exactly); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	n := cl.Servers().Len()
	if (most == 0) == (exactly == 0) {
		return nil, fmt.Errorf("partitions: give either max or exactly, as in partitions(max = 2)")
	}
	if k := most + exactly; k < 1 || k > n {
		return nil, fmt.Errorf("partitions: %d groups of %d instances, want 1 to %d", k, n, n)
	}
	if err := space.Listable(space.CountPartitions(n, exactly, most+exactly), "partitions"); err != nil {
		return nil, fmt.Errorf("partitions: of %d instances, %w", n, err)
	}
	all := space.PartitionsUpTo(cl.Servers(), most)
	if exactly > 0 {
		all = space.Partitions(cl.Servers(), exactly)
	}
	var steps []runtime.Step
	for _, parts := range all {
		step, err := cl.Step(runtime.PartitionStep{Groups: cl.Groups(parts)})
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return named(c, steps), nil
}

func callDuplicates(c *call) (starlark.Value, error) {
	var kind string
	var src, dst oneOrMore
	if err := c.Unpack(&kind, &src, &dst); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	all := cl.Names(cl.Servers() | cl.Clients())
	if src == nil {
		src = all
	}
	if dst == nil {
		dst = all
	}
	var steps []runtime.Step
	for _, from := range src {
		for _, to := range dst {
			if from == to && len(src)+len(dst) > 2 {
				continue // not a link
			}
			s, err := cl.Step(runtime.DuplicateStep{Type: kind, Src: from, Dst: to})
			if err != nil {
				return nil, fmt.Errorf("duplicates: %w", err)
			}
			steps = append(steps, s)
		}
	}
	return named(c, steps), nil
}
