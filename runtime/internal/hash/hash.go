// Package hash mixes words for the tables of the simulation and of the search.
package hash

import "math/bits"

// Words mixes words, two at a time, by folding a product of 128 bits, as wyhash does (Wang Yi,
// "Modern Non-Cryptographic Hash Function and Pseudorandom Number Generator", 2019). What it
// returns decides where something stands in memory and which part of a sample is checked, never
// what a name or a number means, so it may change between two versions of the program.
func Words(words []uint32) uint64 {
	h := uint64(len(words))
	for len(words) > 1 {
		h = fold(h ^ uint64(words[1])<<32 ^ uint64(words[0]))
		words = words[2:]
	}
	if len(words) > 0 {
		h = fold(h ^ uint64(words[0]))
	}
	return h
}

// fold spreads each bit over all, which the product alone does upwards only.
func fold(x uint64) uint64 {
	high, low := bits.Mul64(x, 0x9e3779b97f4a7c15)
	return high ^ low
}
