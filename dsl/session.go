package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

// A session is small because worlds are: a world is a few numbers and a pointer to its
// parent, so that everything that was ever reached can be kept as long as something refers
// to it, and undo, redo, goto and branches are walks along parents. Nothing here plays a
// step.
//
// It is changed by builtins of the main script only, one at a time; functions that judge,
// which run on several goroutines, are kept out by moving and worldOf (see asking.go). So
// it needs no lock.

// A session is what one script leaves to the next: a system, and where in its time one
// stands. The zero session has no system. It belongs to the goroutine that executes
// scripts.
type session struct {
	protocol *protocolValue
	world    *runtime.World
	undone   []*runtime.World // the last one undone last
	ends     []*runtime.World // of the branches, the oldest first
	warned   bool             // of too few servers
	entered  *reportValue     // the last one whose counterexample was gone to
	// checks are the properties that were checked in worlds of the system, as a
	// script writes them.
	checks map[*runtime.World][]string
}

// Calls wrap it with their name; that it says what to do is more use than which pointer is
// nil, as it is the first error that a beginner meets.
var errNoCluster = errors.New("there is no system yet; call cluster(protocol, …) first")

// at moves to a world. What was undone cannot be redone from there, as it followed another
// world; it is not lost, because keep has noted it as the end of a branch.
func (s *session) at(w *runtime.World) {
	s.world, s.undone = w, nil
	s.keep(w)
}

// current returns the current world.
func (s *session) current() (*runtime.World, error) {
	if s.world == nil {
		return nil, errNoCluster
	}
	return s.world, nil
}

// checked notes that a property was checked in w. Its text is empty if it cannot
// be written again.
//
// A saved session makes the check again where it was made: in a later world the same
// property says something else. Checks of worlds that are left on the way, by undo, stay
// here and are written only if the way to the current world passes there.
func (s *session) checked(w *runtime.World, property string) {
	if property == "" || slices.Contains(s.checks[w], property) {
		return
	}
	if s.checks == nil {
		s.checks = map[*runtime.World][]string{}
	}
	s.checks[w] = append(s.checks[w], property)
}

// stage makes the cluster anew and goes to its start. A cluster is immutable, so twin(…)
// after cluster(…) makes a second one, and worlds of the first stay good for what looks at
// them. The error of a configuration leaves the session as it was.
func (s *session) stage(p *protocolValue, config runtime.Config) (starlark.Value, error) {
	cluster, err := runtime.NewCluster(config)
	if err != nil {
		return nil, err
	}
	s.protocol = p
	s.checks = nil
	s.at(cluster.Start())
	return &worldValue{World: s.world}, nil
}

// walk takes steps again that were undone, or undoes -n steps. The caller has checked that
// there are so many. It plays nothing: redone steps lead to the very worlds that were left.
func (s *session) walk(n int) *worldValue {
	for ; n < 0; n++ {
		s.undone = append(s.undone, s.world)
		s.world = s.world.Parent()
	}
	for ; n > 0; n-- {
		last := len(s.undone) - 1
		s.world, s.undone = s.undone[last], s.undone[:last]
	}
	return &worldValue{World: s.world}
}

// enter moves to a world, maybe one of another system, which is the session's from then on.
func (s *session) enter(w *runtime.World) *worldValue {
	s.protocol = w.Cluster().Config().Protocol.(*protocolValue) // every world of a script has one
	s.at(w)
	return &worldValue{World: w}
}

// keep notes that the session has been at w. Of the worlds on one line only the last is
// kept, since it leads to all before it; a step further on replaces the end that it goes on
// from, and going back to where one has been adds nothing. The newest branches are looked
// at first, because nearly every call comes from a step that goes on from the last.
//
// It takes time in the number of ends and in how many steps apart they are.
func (s *session) keep(w *runtime.World) {
	for i, end := range slices.Backward(s.ends) {
		switch {
		case on(end, w):
			s.ends[i] = w
			return
		case on(w, end):
			return
		}
	}
	// A system in which nothing happened is none to go back to.
	s.ends = slices.DeleteFunc(s.ends, func(end *runtime.World) bool {
		return end.Depth() == 0 && end.Cluster() != w.Cluster()
	})
	if s.ends = append(s.ends, w); len(s.ends) > maxBranches {
		s.ends = slices.Delete(s.ends, 0, 1)
	}
}

// maxBranches bounds what a session keeps of worlds that it left.
//
// A script may take and undo steps in a loop for ever; each end holds its whole way alive.
const maxBranches = 32

// on reports whether the way to end passes through w.
//
// It climbs from end to the depth of w and compares addresses: two worlds that are the same
// at different times are two here, as different things led to them.
func on(w, end *runtime.World) bool {
	for end != nil && end.Depth() > w.Depth() {
		end = end.Parent()
	}
	return end == w
}

// A branchList is a list of worlds at the ends of branches. It is a value of its own, and
// not a list, for its text: branches() at a prompt shows where each branch left the current
// way. It does not change when the session moves on.
type branchList struct {
	ends []*runtime.World
	here *runtime.World
}

func (b *branchList) Type() string               { return "branches" }
func (b *branchList) Freeze()                    {}
func (b *branchList) Truth() starlark.Bool       { return len(b.ends) > 0 }
func (b *branchList) Hash() (uint32, error)      { return 0, fmt.Errorf("unhashable type: branches") }
func (b *branchList) Len() int                   { return len(b.ends) }
func (b *branchList) Index(i int) starlark.Value { return &worldValue{World: b.ends[i]} }
func (b *branchList) Iterate() starlark.Iterator {
	values := make(starlark.Tuple, len(b.ends))
	for i := range b.ends {
		values[i] = b.Index(i)
	}
	return values.Iterate()
}

// String has a line for each branch; a star marks those that one is on.
//
// All ends are of one system, so that any two ways have their start in common at the least,
// and the search for the fork ends there.
func (b *branchList) String() string {
	var lines []string
	for i, end := range b.ends {
		fork := b.here
		for !on(fork, end) {
			fork = fork.Parent() // the start, at last
		}
		mark, how := " ", fmt.Sprintf("leaves this way after step %d", fork.Depth())
		if fork == b.here {
			mark, how = "*", "here"
			if end != b.here {
				how = "ahead"
			}
		}
		line := fmt.Sprintf("%s %d  %s, %s", mark, i, english.Count(end.Depth(), "step"), how)
		if end.Depth() > 0 {
			line += ": … " + end.Step().Text()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// worldOf returns the world that a call is about: that whose method it is, or
// the current one.
//
// It is what a builtin calls that is a method as well. A method works on its receiver
// wherever it is called, in an invariant, too; a function works on the session's world,
// which an invariant, a filter or a model may not see.
func worldOf(c *call) (*runtime.World, error) {
	if w, ok := c.Receiver().(*worldValue); ok {
		return w.World, nil
	}
	if err := outside(c); err != nil {
		return nil, err
	}
	return here(c)
}

// here returns the world that the session is in. Spaces are made for its system,
// in invariants, too.
//
// Callers use nothing of it but the system, so that an invariant which makes a space learns
// nothing of where the session stands.
func here(c *call) (*runtime.World, error) {
	w, err := interpreter(c).session.current()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	return w, nil
}

// moving returns the session for a call that changes it. Invariants cannot:
// several are judged at the same time.
//
// The error says what the function that judges should do instead. It is called before the
// session is changed.
func moving(c *call) (*session, error) {
	if err := outside(c); err != nil {
		return nil, err
	}
	return interpreter(c).session, nil
}
