package runtime

// Limits bound what a cluster plays. Tests make them small.
type limits struct {
	// A step that takes more hops or delivers more messages is taken for one
	// that never ends.
	hops, packets int
}
