package engine

import (
	"encoding/binary"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// Key returns a text that says what the step does after a renaming (nil: as it is),
// equal for steps that do the same. It reports false for steps that are not renamed:
// those that name an operation.
func (s *Step) Key(r Renaming) (string, bool) {
	key := renamedKey{r, make([]byte, 0, 64)}
	key.text(s.kind)
	ok := s.move.key(&key)
	return string(key.b), ok
}

// renamed is what symmetry asks of a move.
type renamed interface {
	// key appends what the move is after a renaming, and reports whether moves
	// of its kind are renamed at all.
	key(k *renamedKey) bool
}

// A renamedKey is what a step does after a renaming.
type renamedKey struct {
	renaming Renaming
	b        []byte
}

func (k *renamedKey) word(w uint64)    { k.b = binary.AppendUvarint(k.b, w) }
func (k *renamedKey) set(s node.Set)   { k.word(uint64(k.renaming.set(s))) }
func (k *renamedKey) text(text string) { k.b = appendString(k.b, text) }

// sets appends the parts of a partition, in whichever order they come.
func (k *renamedKey) sets(parts []node.Set) {
	renamed := make([]node.Set, len(parts))
	for i, part := range parts {
		renamed[i] = k.renaming.set(part)
	}
	slices.Sort(renamed)
	for _, part := range renamed {
		k.word(uint64(part))
	}
}

func (x exchange) key(k *renamedKey) bool      { k.set(x.members); return true }
func (x instanceFault) key(k *renamedKey) bool { k.set(node.SetOf(x.who)); return true }
func (d deliver) key(k *renamedKey) bool       { return d.Flow.key(k) }
func (r round) key(k *renamedKey) bool         { k.set(r.instances); return r.Flow.key(k) }

func (x networkChange) key(k *renamedKey) bool {
	k.sets(x.parts)
	for _, f := range x.filters {
		k.text(f.kind)
		k.set(f.from)
		k.set(f.to)
	}
	if x.says != nil {
		x.says(k)
	}
	return true
}

func (x release) key(k *renamedKey) bool {
	x.Link.key(k)
	k.word(uint64(x.count))
	return true
}

// key appends the two ends of a link.
func (l Link) key(k *renamedKey) {
	k.set(node.SetOf(l.From))
	k.set(node.SetOf(l.To))
}

func (x stimulation) key(k *renamedKey) bool {
	k.set(x.who)
	k.word(uint64(x.least))
	return x.kind == node.TimeoutEvent
}

func (f Flow) key(k *renamedKey) bool {
	k.word(uint64(f.Hops))
	k.set(f.Deaf)
	for _, kind := range f.Types {
		k.text(kind)
	}
	k.sets(f.Parts)
	return true
}
