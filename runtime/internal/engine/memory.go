package engine

import (
	"reflect"
	"unsafe"
)

// A Size says how much a system has learnt.
type Size struct {
	States, Messages int // different local states; messages, operations and rounds
	Runs             int // different pairs of local state and event: runs of the nodes' code
	Components       int // different components of steps remembered
	Bytes            int // memory of the tables, roughly
}

// Learnt says how much the system has learnt so far. Several searches of one
// system add up.
func (sys *System) Learnt() Size {
	states, contents := sys.states.counts()
	s := Size{States: states, Messages: sys.values.count(), Runs: sys.transitions.known.size(), Components: sys.components.size()}
	s.Bytes = int(sys.bytes.Load()) + states*int(unsafe.Sizeof(local{})) + contents*2*int(unsafe.Sizeof(content{}))
	for _, t := range []*table{
		&sys.transitions.known, &sys.components, &sys.envs.byEnv, &sys.values.byList, &sys.values.joins,
		&sys.states.byMail, &sys.classes.of, &sys.classes.known, &sys.settings,
	} {
		s.Bytes += t.bytes()
	}
	return s
}

// occupy counts bytes that are taken beside the tables.
func (sys *System) occupy(bytes int) { sys.bytes.Add(int64(bytes)) }

// words returns the bound of a table, numbers that of a vec.
func (sys *System) words(what string) *bound {
	return &bound{what, &sys.limits.chunks, sys.fill}
}

func (sys *System) numbers(what string) *bound {
	return &bound{what, &sys.limits.blocks, sys.fill}
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
