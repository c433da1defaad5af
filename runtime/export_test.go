package runtime

// What tests of notations want to know of actions that belong to no cluster.
var (
	ParseAction = parseAction
	Kinds       = kinds
)
