package dsl

import "github.com/twinsh/twinsh/runtime"

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
