package dsl

import (
	"github.com/twinsh/twinsh/runtime"
)

// The acts that change who reaches whom. They are entries only: see builtin_acts.go for how
// an act comes to be a step.
//
// What they leave is the topology of a world (runtime/internal/engine knows it as one
// number): a partition, directed cuts, filters of types of messages (drop and deaf), links
// that double a message, held links, and orders of arrival. It lasts until heal() or until
// it is replaced, other than the groups and the deaf of a round or a delivery, which are of
// that step alone. A release of what is not there to be released cannot happen: as an act
// it is an error, in a space it ends the scenario.
//
// Their plural nouns stand in builtin_spaces_network.go. A filter that never lost a message
// in any scenario of a search is reported (report.no_effect): such a choice is a misspelt
// intent more often than not.

// networkFamily are acts that change who reaches whom.
//
// A partition and cuts say where nothing passes, drop and deaf what does not pass,
// duplicate what passes twice, hold, release and order when it passes. In help() and in the
// reference they stand in that order.
func networkFamily() Family {
	return Family{"network", "who reaches whom", []Entry{
		partitionEntry(), healEntry(), cutEntry(), deafEntry(), dropEntry(), duplicateEntry(), replayEntry(),
		holdEntry(), releaseEntry(), orderEntry(),
	}}
}

func partitionEntry() Entry {
	return Entry{
		Signature: "partition(*groups)",
		Doc: `Parts the network until it heals: each server instance is in exactly one group and reaches only that.
A client that no group names reaches all of them. A partition takes the place of an earlier one and of the cuts made before it; drops, duplications, holds and orders stay.`,
		Example: kvStage + `partition(["A", "B"], ["C", "D"])
exchange("c1", ["A", "B", "C"])
heal()`,
		call: acting(runtime.PartitionStep{}),
	}
}

func healEntry() Entry {
	return Entry{
		Signature: "heal()",
		Doc:       `Everybody reaches everybody again: partitions, cuts, drops, duplications, holds and orders end.`,
		Example: kvStage + `cut("c1", "A")
heal()`,
		call: acting(runtime.HealStep{}),
	}
}

func cutEntry() Entry {
	return Entry{
		Signature: "cut(src, dst)",
		Doc:       `Cuts the link from one instance to another, in that direction only.`,
		Example: kvStage + `cut("c1", "A")
exchange("c1", ["A", "B", "C", "D"])`,
		call: acting(runtime.CutStep{}),
	}
}

func deafEntry() Entry {
	return Entry{
		Signature: "deaf(id, types)",
		Doc:       `An instance hears no messages of the given types until the network heals. A type that no role handles or sends is an error.`,
		Example: kvStage + `deaf("A", ["update"])
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DeafStep{}),
	}
}

func dropEntry() Entry {
	return Entry{
		Signature: "drop(type, src=None, dst=None)",
		Doc: `Messages of a type are lost on the way from src to dst until the network heals.
Without src or dst that is from or to everybody. A type that no role handles or sends is an error.`,
		Example: kvStage + `drop("ack", src = "A")
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DropStep{}),
	}
}

func duplicateEntry() Entry {
	return Entry{
		Signature: "duplicate(type, src, dst)",
		Doc: `The next message of a type that is delivered from one instance to another arrives twice, be it in flight already or sent later. What is lost, because the receiver is down, say, does not count.
It counts until the network heals. What is sent to the next leader is not doubled. A type that no role handles or sends is an error.`,
		Example: kvStage + `duplicate("ack", "A", "c1")
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.DuplicateStep{}),
	}
}

func replayEntry() Entry {
	return Entry{
		Signature: "replay(type, src, dst)",
		Doc: `The next message of a type that is delivered from one instance to another is heard again in a later step. It stays in flight and comes with the first hop of the next round, delivery or exchange in which the link lets it pass.
It is what a network or a faulty server that repeats messages can do without a key: code that does not tell an old message from a new one shows. It counts until the network heals, as duplicate does.`,
		Example: kvStage + `replay("ack", "A", "c1")
exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])`,
		call: acting(runtime.ReplayStep{}),
	}
}

func holdEntry() Entry {
	return Entry{
		Signature: "hold(src, dst)",
		Doc:       `Messages on a link queue up until release lets them go.`,
		Example: kvStage + `hold("c1", "A")
exchange("c1", ["A", "B", "C", "D"])
release("c1", "A")
deliver()`,
		call: acting(runtime.HoldStep{}),
	}
}

func releaseEntry() Entry {
	return Entry{
		Signature: "release(src, dst, count=0)",
		Doc: `Lets the first count messages that queue on a held link go; they arrive with the next delivery.
Without a count all go, and the hold ends.`,
		Example: kvStage + `hold("c1", "A")
exchange("c1", ["A", "B", "C", "D"])
release("c1", "A", 1)
deliver()`,
		call: acting(runtime.ReleaseStep{}),
	}
}

func orderEntry() Entry {
	return Entry{
		Signature: "order(id, first=[])",
		Doc: `An instance hears the given instances first, in that order.
That is of messages that arrive together; the others follow in the usual order, that of the senders.`,
		Example: kvStage + `order("c2", first = ["D"])
exchange("c2", ["A", "B", "C", "D"])`,
		call: acting(runtime.OrderStep{}),
	}
}
