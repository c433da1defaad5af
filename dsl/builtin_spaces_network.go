package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

func partitionsEntry() Entry {
	return Entry{
		Signature: "partitions(max=None, exactly=None)",
		Doc: `The space of all partitions of the server instances into at most max groups, or exactly that many.
It is a choice of rounds(partitions = …), and by itself a space of partition acts.`,
		Example: roundStage + `print(partitions(exactly = 2).size, partitions(max = 3).size)`,
		call:    callPartitions,
	}
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

func duplicatesEntry() Entry {
	return Entry{
		Signature: "duplicates(type, src=None, dst=None)",
		Doc: `The space of single duplications of a message, on one of the links from src to dst.
These are instances, lists of them, or all if none is given.`,
		Example: kvStage + `print(duplicates("ack", dst = "c1").size)
print((exchanges("c1") + duplicates("ack", "A", "c1") + exchanges("c1")).size)`,
		call: callDuplicates,
	}
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

func releasesEntry() Entry {
	return Entry{
		Signature: "releases(src, dst, max=1)",
		Doc:       `The space of releasing 1 to max messages that queue on a held link.`,
		Example: kvStage + `hold("c1", "A")
print(releases("c1", "A", max = 3).size)`,
		call: callReleases,
	}
}

func callReleases(c *call) (starlark.Value, error) {
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
}

func ordersEntry() Entry {
	return Entry{
		Signature: "orders(id, of)",
		Doc:       `The space of hearing one of the given instances first: each of them in turn.`,
		Example: kvStage + `s = orders("c2", ["A", "B", "C", "D"]) + exchanges("c2", [["A", "B", "C", "D"]])
print(s.size)`,
		call: callOrders,
	}
}

func callOrders(c *call) (starlark.Value, error) {
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
}
