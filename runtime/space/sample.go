package space

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
)

// A Drawing draws the indices of different scenarios, uniformly, one after the
// other. It depends on the space and the seed alone. It must not be used
// concurrently.
//
// It is a shuffle (Durstenfeld, "Algorithm 235: Random permutation", CACM 1964)
// of the list of all indices. Of that list, only places that changed are kept,
// so that the memory is that of what was drawn.
type Drawing struct {
	source      *rand.PCG
	drawn, left *big.Int
	moved       map[string]*big.Int
}

// Draw begins to draw scenarios of s.
func (s *Space) Draw(seed uint64) *Drawing {
	return &Drawing{source: rand.NewPCG(seed, 0), drawn: new(big.Int), left: s.Size(), moved: map[string]*big.Int{}}
}

// Next draws the next index, and reports false if all were drawn.
func (d *Drawing) Next() (*big.Int, bool) {
	if d.left.Sign() == 0 {
		return nil, false
	}
	place := Below(d.left, d.source)
	place.Add(place, d.drawn)
	index := d.at(place)
	d.moved[string(place.Bytes())] = d.at(new(big.Int).Set(d.drawn))
	delete(d.moved, string(d.drawn.Bytes())) // no later draw looks there
	d.drawn.Add(d.drawn, one)
	d.left.Sub(d.left, one)
	return index, true
}

// at returns the index that stands at a place of the list now.
func (d *Drawing) at(place *big.Int) *big.Int {
	if i, ok := d.moved[string(place.Bytes())]; ok {
		return i
	}
	return place
}

// Sample returns the indices of count different scenarios in the order in which
// a [Drawing] draws them; if there are not that many, of all. A larger sample
// begins with a smaller one of the same seed.
func (s *Space) Sample(count int, seed uint64) []*big.Int {
	var sample []*big.Int
	for d := s.Draw(seed); len(sample) < count; {
		index, ok := d.Next()
		if !ok {
			break
		}
		sample = append(sample, index)
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
