package runtime

import (
	"reflect"
	"unsafe"
)

// What takes memory beside the tables of a cluster is counted as it is made: see
// [Cluster.Learnt].

// occupy counts bytes.
func (k *code) occupy(bytes int) {
	k.mu.Lock()
	k.bodies += bytes
	k.mu.Unlock()
}

// messageBytes is about what a message takes, with what finds it by its value,
// beside the texts in it.
const messageBytes = 96

// textBytes returns how long the texts in a value are together.
func textBytes(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.String:
		n = v.Len()
	case reflect.Struct:
		for i := range v.NumField() {
			n += textBytes(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			n += textBytes(v.Index(i))
		}
	case reflect.Interface:
		n = textBytes(v.Elem())
	}
	return n
}

// bytes returns the memory of an outcome.
func (o *outcome) bytes() int {
	n := int(unsafe.Sizeof(*o)) + len(o.sends)*int(unsafe.Sizeof(send{})) + 4*len(o.seen) + len(o.refused)
	for _, note := range o.notes {
		n += len(note) + int(unsafe.Sizeof(note))
	}
	return n
}

// bytes returns the memory of a class.
func (c *equivalenceClass) bytes() int {
	n := int(unsafe.Sizeof(*c))
	for _, r := range c.reactions {
		n += int(unsafe.Sizeof(r)) + len(r.events)*int(unsafe.Sizeof(opened{}))
	}
	return n
}

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
