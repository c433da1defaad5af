package space

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
)

// Sample returns the indices of count different scenarios, drawn uniformly, in
// the order in which they were drawn; if there are not that many, of all. The
// draw depends on the seed alone, and a larger sample begins with a smaller one.
//
// It is the beginning of a shuffle (Durstenfeld, "Algorithm 235: Random
// permutation", CACM 1964) of the list of all indices. Of that list, only
// places that changed are kept, so that the cost is that of the sample.
func (s *Space) Sample(count int, seed uint64) []*big.Int {
	if s.size.IsInt64() {
		count = int(min(int64(count), s.size.Int64()))
	}
	if count <= 0 {
		return nil
	}
	var (
		source = rand.NewPCG(seed, 0)
		moved  = map[string]*big.Int{}
		at     = func(place *big.Int) *big.Int {
			if i, ok := moved[string(place.Bytes())]; ok {
				return i
			}
			return place
		}
		sample = make([]*big.Int, count)
		left   = s.Size()
	)
	for i := range sample {
		first := big.NewInt(int64(i))
		drawn := Below(left, source)
		drawn.Add(drawn, first)
		sample[i] = at(drawn)
		moved[string(drawn.Bytes())] = at(first)
		left.Sub(left, one)
	}
	return sample
}

// Below draws a number from 0 to n-1, each as likely, by drawing as many bits as
// n has until they make one.
func Below(n *big.Int, source rand.Source) *big.Int {
	bits := n.BitLen()
	words := make([]byte, 8*((bits+63)/64))
	for {
		for i := 0; i < len(words); i += 8 {
			binary.BigEndian.PutUint64(words[i:], source.Uint64())
		}
		x := new(big.Int).SetBytes(words)
		x.Rsh(x, uint(8*len(words)-bits))
		if x.Cmp(n) < 0 {
			return x
		}
	}
}
