package runtime

// Memory that is not in the tables of a cluster: see [Cluster.Learnt] for those.

// entryBytes is about what a map takes for each pair of numbers.
const entryBytes = 24

// Bytes returns about how much memory the renamings, and what is known of their
// effect, occupy.
func (y *Symmetry) Bytes() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return entryBytes*(len(y.locals)+len(y.messages)+len(y.envs)) + len(y.renamings)*16*(len(y.cluster.instances)+3)
}

// Bytes returns about how much memory the canonicalizer occupies beside its symmetry.
func (z *Canonicalizer) Bytes() int { return 16*cap(z.images) + 2*entryBytes*len(z.envs) }
