// Package hash mixes words for the tables of the simulation and of the search.
package hash

// Words mixes words by multiplication and rotation. What it returns decides where
// something stands in memory and which part of a sample is checked, never what a
// name or a number means, so it may change between two versions of the program.
func Words(words []uint32) uint64 {
	const m = 0x9e3779b97f4a7c15
	h := uint64(len(words))
	for _, w := range words {
		h = (h ^ uint64(w)) * m
		h ^= h >> 29
	}
	return h ^ h>>32
}
