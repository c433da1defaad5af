package dsl

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// Nouns for the acts that change the network: each lists the single changes that could be
// made, from which * and distinct(n) make several. They are made of choiceOf, ofPairs and
// onLinks; see builtin_spaces.go for the shape that they share.
//
// Such a step costs a position in a scenario and lasts until healed. The choices of rounds
// and deliveries (partitions, deaf) cost none and last one step; that is the other way to
// say who reaches whom, and the one of the Twins paper.

// That a partition is an act and a choice of rounds at the same time is what makes one noun
// do for both: a round takes the groups out of the steps (see partitionsIn).
func partitionsEntry() Entry {
	return Entry{
		Signature: "partitions(max=None, exactly=None)",
		Doc: `The space of all partitions of the server instances into at most max groups, or exactly that many.
It is a choice of rounds(partitions = …), and by itself a space of partition acts.`,
		Example: roundStage + `print(partitions(exactly = 2).size, partitions(max = 3).size)`,
		call:    callPartitions,
	}
}

// callPartitions counts with Stirling numbers of the second kind before it lists: eleven
// instances in at most six groups are 600,000 ways. Groups are not ordered, and come out in
// the order of their first members. Giving both bounds or neither is an error, as each
// would be a guess.
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
	// One of the two is 0 here.
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
	var actions []runtime.Action
	for _, parts := range all {
		actions = append(actions, runtime.PartitionStep{Groups: cl.Groups(parts)})
	}
	return choiceOf(c, cl, actions)
}

func healsEntry() Entry {
	return Entry{
		Signature: "heals()",
		Doc:       `The space whose only step heals the network.`,
		Example:   roundStage + `print((partitions(exactly = 2) + rounds("A", partitions(max = 1)) + heals() + rounds("B")).size)`,
		call:      callHeals,
	}
}

// callHeals makes a space of one step, so that healing can stand within a sequence of
// choices.
func callHeals(c *call) (starlark.Value, error) {
	if err := c.Unpack(); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	return choiceOf(c, w.Cluster(), []runtime.Action{runtime.HealStep{}})
}

func cutsEntry() Entry {
	return onLinks("cuts", "cuts of a link, in one direction", func(src, dst string) runtime.Action { return runtime.CutStep{Src: src, Dst: dst} })
}

func holdsEntry() Entry {
	return onLinks("holds", "holds of a link, on which messages queue up then", func(src, dst string) runtime.Action { return runtime.HoldStep{Src: src, Dst: dst} })
}

// onLinks makes the entry of a plural noun: the space of an act on one link. A link has a
// direction; both are a choice of two.
func onLinks(plural, what string, action func(src, dst string) runtime.Action) Entry {
	return Entry{
		Signature: plural + "(src=None, dst=None)",
		Doc: "The space of single " + what + `: of one of those from src to dst.
These are instances, lists of them, or all if none is given. Several at once are a choice of different ones, as in ` + plural + `(dst = "A").distinct(2).`,
		Example: kvStage + "print(" + plural + `("c1", ["A", "B"]).size, ` + plural + `(dst = "A").distinct(2).size)`,
		call: func(c *call) (starlark.Value, error) {
			var src, dst oneOrMore
			if err := c.Unpack(&src, &dst); err != nil {
				return nil, err
			}
			return callOnLinks(c, src, dst, action)
		},
	}
}

// callOnLinks leaves out "links" from an instance to itself where they come up in a product
// of lists, because a node always reaches itself. One that is named alone, cuts("A", "A"),
// is passed on to the cluster, whose error says that.
func callOnLinks(c *call, src, dst oneOrMore, action func(src, dst string) runtime.Action) (starlark.Value, error) {
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	src, dst = orEvery(src, cl), orEvery(dst, cl)
	return ofPairs(c, cl, src, dst, "of src or dst", func(from, to string) runtime.Action {
		if notALink(from, to, src, dst) {
			return nil
		}
		return action(from, to)
	})
}

// orEvery returns the names, or those of all instances if none are given.
func orEvery(names oneOrMore, cl *runtime.Cluster) oneOrMore {
	if names == nil {
		return everyInstance(cl)
	}
	return names
}

// notALink is whether a choice of links leaves out what leads from a node to itself. One
// that is asked for by itself is passed on to the cluster, whose error says what is wrong.
func notALink(from, to string, src, dst oneOrMore) bool {
	return from == to && len(src)+len(dst) > 2
}

func dropsEntry() Entry {
	return Entry{
		Signature: "drops(type, src=None, dst=None)",
		Doc: `The space of losing messages of a type from then on, until the network heals: one of the types, from one of src to one of dst.
Each is one name or a list of choices. Without src or dst messages are lost from or to all instances at once, as with drop.`,
		Example: kvStage + `print(drops("ack").at(0))
print(drops(["ack", "update"], src = ["A", "B"]).size)`,
		call: callDrops,
	}
}

// callDrops has a product of three and so counts by itself. "" stands for all instances in
// the action, not in the language: one that slips in from a script is an error (emptyName),
// or a misspelt variable would drop everything.
func callDrops(c *call) (starlark.Value, error) {
	var types, src, dst oneOrMore
	if err := c.Unpack(&types, &src, &dst); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if src == nil {
		src = oneOrMore{""} // from all
	} else if slices.Contains(src, "") {
		return nil, emptyName(c, "src")
	}
	if dst == nil {
		dst = oneOrMore{""}
	} else if slices.Contains(dst, "") {
		return nil, emptyName(c, "dst")
	}
	return ofTriples(c, w.Cluster(), types, src, dst, "types, src or dst", func(kind, from, to string) runtime.Action {
		return runtime.DropStep{Type: kind, Src: from, Dst: to}
	})
}

// ofTriples makes the choice of an action for each of some things on each link from src to
// dst, as ofPairs does without the things. Of drops, no src or dst stands for all at once and
// a node's link to itself is one as any other, so both are up to the caller.
func ofTriples[A any](c *call, cl *runtime.Cluster, things []A, src, dst oneOrMore, fewer string, action func(thing A, from, to string) runtime.Action) (starlark.Value, error) {
	if err := space.Listable(product(len(things), len(src), len(dst)), c.Name()); err != nil {
		return nil, fmt.Errorf("%s: %w; give fewer %s", c.Name(), err, fewer)
	}
	var actions []runtime.Action
	for _, thing := range things {
		for _, from := range src {
			for _, to := range dst {
				if step := action(thing, from, to); step != nil {
					actions = append(actions, step)
				}
			}
		}
	}
	return choiceOf(c, cl, actions)
}

// emptyName is the error of a name that would stand for all instances in an action.
//
// It is said of the parameter, as the name is mostly one that a script computes.
func emptyName(c *call, parameter string) error {
	return fmt.Errorf(`%s: %s: "" is no instance; leave %[2]s out for all of them`, c.Name(), parameter)
}

// The default is all instances, clients, too: a client that hears no answers is a choice as
// any other is.
func deafsEntry() Entry {
	return Entry{
		Signature: "deafs(types, ids=None)",
		Doc: `The space of one of the instances (default: all) that is deaf from then on, until the network heals.
types is what it does not hear: a list of types of messages, or a list of such lists, one of which is chosen. In rounds and deliveries, deaf = … chooses who is deaf in one step.`,
		Example: kvStage + `print(deafs(["update"], ["A", "B"]).size)
print(deafs([["update"], ["update", "query"]], "A").size)`,
		call: callDeafs,
	}
}

// callDeafs takes one list of types as one set, all of which are not heard, and a list of
// lists as a choice; setChoices keeps which it was.
func callDeafs(c *call) (starlark.Value, error) {
	var types setChoices
	var ids oneOrMore
	if err := c.Unpack(&types, &ids); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		ids = everyInstance(w.Cluster())
	}
	sets := types.sets
	if !types.lists {
		sets = [][]string{slices.Concat(sets...)}
	}
	return ofPairs(c, w.Cluster(), ids, sets, "ids or lists of types", func(id string, types []string) runtime.Action {
		return runtime.DeafStep{ID: id, Types: types}
	})
}

func duplicatesEntry() Entry {
	return Entry{
		Signature: "duplicates(type, src=None, dst=None)",
		Doc: `The space of single duplications of a message of one of the types, on one of the links from src to dst.
type is one name or a list of choices; src and dst are instances, lists of them, or all if none is given.`,
		Example: kvStage + `print(duplicates(["ack", "update"], dst = "c1").size)
print((exchanges("c1") + duplicates("ack", "A", "c1") + exchanges("c1")).size)`,
		call: callDuplicates,
	}
}

func replaysEntry() Entry {
	return Entry{
		Signature: "replays(type, src=None, dst=None)",
		Doc: `The space of single messages of one of the types that are heard again in a later step, on one of the links from src to dst.
type is one name or a list of choices; src and dst are instances, lists of them, or all if none is given. See replay.`,
		Example: kvStage + `print(replays(["ack", "update"], dst = "c1").size)
print((replays("ack", "A", "c1") + exchanges("c1") * 2).size)`,
		call: callReplays,
	}
}

func callReplays(c *call) (starlark.Value, error) {
	return callOnMessages(c, func(kind, src, dst string) runtime.Action {
		return runtime.ReplayStep{Type: kind, Src: src, Dst: dst}
	})
}

func callDuplicates(c *call) (starlark.Value, error) {
	return callOnMessages(c, func(kind, src, dst string) runtime.Action {
		return runtime.DuplicateStep{Type: kind, Src: src, Dst: dst}
	})
}

// callOnMessages is callOnLinks for messages of one of several types.
func callOnMessages(c *call, action func(kind, src, dst string) runtime.Action) (starlark.Value, error) {
	var kinds, src, dst oneOrMore
	if err := c.Unpack(&kinds, &src, &dst); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	src, dst = orEvery(src, cl), orEvery(dst, cl)
	return ofTriples(c, cl, kinds, src, dst, "types, src or dst", func(kind, from, to string) runtime.Action {
		if notALink(from, to, src, dst) {
			return nil
		}
		return action(kind, from, to)
	})
}

func releasesEntry() Entry {
	return Entry{
		Signature: "releases(src, dst, max=1)",
		Doc: `The space of releasing 1 to max messages that queue on a held link: on one of those from src to dst.
These are instances or lists of them.`,
		Example: kvStage + `hold("c1", "A")
hold("c1", "B")
print(releases("c1", ["A", "B"], max = 3).size)`,
		call: callReleases,
	}
}

// callReleases bounds max before it makes a list of that length, as it is a plain number that
// a script can make large.
func callReleases(c *call) (starlark.Value, error) {
	var src, dst oneOrMore
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
	if err := space.Listable(product(most, len(src), len(dst)), c.Name()); err != nil {
		return nil, fmt.Errorf("releases: %w; give fewer of src or dst, or a smaller max", err)
	}
	counts := make([]int, most)
	for n := range counts {
		counts[n] = n + 1
	}
	return ofTriples(c, w.Cluster(), counts, src, dst, "of src or dst, or a smaller max", func(count int, from, to string) runtime.Action {
		if notALink(from, to, src, dst) {
			return nil
		}
		return runtime.ReleaseStep{Src: from, Dst: to, Count: count}
	})
}

func ordersEntry() Entry {
	return Entry{
		Signature: "orders(id, of)",
		Doc: `The space of hearing one of the given instances first: each of them in turn.
id is the instance that hears them, or a list of choices.`,
		Example: kvStage + `s = orders("c2", ["A", "B", "C", "D"]) + exchanges("c2", [["A", "B", "C", "D"]])
print(s.size)`,
		call: callOrders,
	}
}

// callOrders puts one instance first in each step. All orders of k senders would be k!
// steps, too many to be listed unasked; the act order(id, first = [...]) plays any of them,
// and steps(…) puts it into a space.
func callOrders(c *call) (starlark.Value, error) {
	var ids oneOrMore
	var of interp.Names
	if err := c.Unpack(&ids, &of); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	return ofPairs(c, w.Cluster(), ids, of, "ids or instances to hear first", func(id, first string) runtime.Action {
		return runtime.OrderStep{ID: id, First: []string{first}}
	})
}
