package node

import "math/bits"

// MaxInstances is how many instances a cluster can have.
const MaxInstances = 64

// A Set is a set of instances: bit i stands for instance i.
type Set uint64

// SetOf returns the set of the given instances.
func SetOf(instances ...int) Set {
	var s Set
	for _, i := range instances {
		s |= 1 << i
	}
	return s
}

// Has reports whether instance i is in s.
func (s Set) Has(i int) bool { return s>>i&1 != 0 }

// Len returns the number of instances in s.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// All iterates over the instances in s, in order.
func (s Set) All(yield func(int) bool) {
	for ; s != 0; s &= s - 1 {
		if !yield(bits.TrailingZeros64(uint64(s))) {
			return
		}
	}
}

// An Identity is a name with one network address and one signing key.
type Identity struct {
	Name      string
	Client    bool
	Instances Set
}

// An Instance is one running copy of an identity's code.
type Instance struct {
	Name     string // C, C', C”
	Identity int    // index into the identities of the cluster
	Copy     int    // 0 for the first
}
