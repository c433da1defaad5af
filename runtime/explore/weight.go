package explore

import (
	"math/big"
	"math/bits"
)

// A weight is an exact count of scenarios: a natural number in words of 64
// bits, the lowest first. All weights of a search have the same length, long
// enough for the size of its space, so that no sum overflows.
type weight []uint64

// weightWords is how many words a count of up to size scenarios takes.
func weightWords(size *big.Int) int { return max(1, (size.BitLen()+63)/64) }

func (w weight) add(v weight) {
	if len(w) == 1 {
		w[0] += v[0]
		return
	}
	var carry uint64
	for i := range w {
		w[i], carry = bits.Add64(w[i], v[i], carry)
	}
}

func (w weight) zero() bool {
	for _, x := range w {
		if x != 0 {
			return false
		}
	}
	return true
}

func (w weight) big() *big.Int {
	b := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(w[i]))
	}
	return b
}
