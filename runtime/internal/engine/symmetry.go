package engine

import (
	"fmt"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/node"
)

// Symmetric reports whether the protocol of a system declares that it is symmetric, and
// so does all that stands in its place.
func Symmetric(sys *System) bool {
	promises := func(p node.Protocol) bool {
		s, ok := p.(node.Symmetric)
		return ok && s.Symmetric()
	}
	for _, start := range sys.spec.Starts {
		if start.Code != nil && !promises(start.Code) {
			return false
		}
	}
	return promises(sys.spec.Protocol)
}

// NameSymmetries lists those of the Symmetries that rename identities which the
// protocol declares to treat the same: servers, and clients with one program if
// there is no more to them than that. The first instance of an identity stays
// the first. Twins are not swapped, because the order in which they are heard,
// and what they may propose, distinguishes them.
func NameSymmetries(sys *System) []Renaming {
	declared, _ := sys.spec.Protocol.(node.ClientSymmetric)
	return slices.DeleteFunc(Symmetries(sys), func(r Renaming) bool {
		for i, j := range r {
			if sys.instances[i].Copy != sys.instances[j].Copy {
				return true
			}
			if i != j && sys.clients.Has(i) && (declared == nil || !declared.SymmetricClients(program(sys, i))) {
				return true
			}
		}
		return false
	})
}

// A Symmetry is a group of renamings and what is known of their effect on the
// system's states. It may be used concurrently.
//
// If a protocol treats names the same, each renaming of a reachable world is reachable
// in as many steps, and a search needs one world of each orbit (Clarke, Enders, Filkorn
// and Jha, "Exploiting symmetry in temporal logic model checking", 1996; Ip and Dill,
// "Better verification through symmetry", 1996, call the names a scalarset). The
// protocol declares it, and a search checks that the declaration holds.
type Symmetry struct {
	sys       *System
	renamings []Renaming
	inverse   []Renaming
	all       []int   // the numbers of the renamings
	from      []uint8 // [place * order + renaming] which place's state comes there

	generators []int  // of the group
	epoch      uint32 // see Renew
	reactions  table  // reaction -> whether it is equivariant

	mu       sync.Mutex
	locals   map[uint64]uint32 // (local state, renaming) -> local state
	messages map[uint64]uint32
	envs     map[uint64]uint32
}

// NewSymmetry returns the symmetry of a group of renamings, the identity first.
func NewSymmetry(sys *System, renamings []Renaming) *Symmetry {
	y := &Symmetry{sys: sys, renamings: renamings, locals: map[uint64]uint32{}, messages: map[uint64]uint32{}, envs: map[uint64]uint32{}}
	y.generators = Generators(renamings)
	for _, r := range renamings {
		inverse := make(Renaming, len(r))
		for i, j := range r {
			inverse[j] = i
		}
		y.inverse = append(y.inverse, inverse)
	}
	for g := range renamings {
		y.all = append(y.all, g)
	}
	// Canonical forms are found place by place, for all renamings at once: what they read
	// lies side by side.
	for place := range sys.Width() - 1 {
		for _, inverse := range y.inverse {
			y.from = append(y.from, uint8(inverse[place]))
		}
	}
	return y
}

// Renew makes everything new to the simulators that y makes from now on ([Symmetry.NewSimulator]):
// they compare it with its images. A system may have learnt steps in another search, which compared
// nothing, or with other images. No simulator of before may be used meanwhile.
func (y *Symmetry) Renew() {
	y.epoch = y.sys.epochs.Add(1)
	y.reactions = table{bound: y.sys.words("reactions under renamings")}
}

// Order returns the number of renamings.
func (y *Symmetry) Order() int { return len(y.renamings) }

// Renaming returns the g-th renaming.
func (y *Symmetry) Renaming(g int) Renaming { return y.renamings[g] }

// Inverse returns the renaming that takes the g-th back.
func (y *Symmetry) Inverse(g int) Renaming { return y.inverse[g] }

// Rename writes to dst what becomes of src under the g-th renaming. The error
// says what cannot be renamed.
func (y *Symmetry) Rename(dst, src Vector, g int) error {
	last := len(src) - 1
	for i, j := range y.renamings[g] {
		id, err := y.local(src[i], g)
		if err != nil {
			return err
		}
		dst[j] = id
	}
	var err error
	dst[last], err = y.env(src[last], g)
	return err
}

// to returns the g-th renaming as a map of identities.
func (y *Symmetry) to(g int) func(string) string {
	sys, r := y.sys, y.renamings[g]
	return func(name string) string {
		id, ok := sys.identityOf[name]
		if !ok {
			return name
		}
		return sys.identities[sys.instances[r[instanceOf(sys.identities[id], 0)]].Identity].Name
	}
}

// local renames a local state.
func (y *Symmetry) local(id uint32, g int) (uint32, error) {
	return y.remember(y.locals, id, g, func() (uint32, error) { return y.newLocal(id, g) })
}

func (y *Symmetry) newLocal(id uint32, g int) (to uint32, err error) {
	sys, r := y.sys, y.renamings[g]
	l := *sys.states.at(id)
	// A class is renamed by what its members do. The state that shows it is another one after
	// a renaming, so that people see the right names.
	if c := l.class; c != nil {
		renamed, err := y.class(*c, g)
		if err != nil {
			return 0, err
		}
		if to, err = y.local(l.bare, g); err != nil {
			return 0, err
		}
		return sys.classes.keep(renamed, to), nil
	}
	if len(l.mailbox) > 0 {
		if to, err = y.local(l.bare, g); err != nil {
			return 0, err
		}
		mailbox := slices.Clone(l.mailbox)
		for i, m := range mailbox {
			mailbox[i].from = uint8(r[m.from])
			if mailbox[i].msg, err = y.message(m.msg, g); err != nil {
				return 0, err
			}
		}
		return sys.states.mailed(to, mailbox), nil
	}
	start, err := y.start(l.start, g)
	if err != nil {
		return 0, err
	}
	n, err := sys.states.node(id)
	if err != nil {
		return 0, err
	}
	// A log of inputs could be renamed input by input, but a node that cannot encode its
	// state has not said which names it keeps beside them.
	renamer, ok := n.(node.Renamer)
	if !ok || l.logs {
		return 0, fmt.Errorf("the nodes of %s cannot be renamed", y.sys.spec.Protocol.Name())
	}
	if failure := guard(func() error {
		renamer.Rename(y.to(g))
		if to, err = sys.states.keep(start, l.flags, n); err != nil || l.coins == 0 {
			return err
		}
		coins, err := y.message(l.coins, g)
		to = sys.states.withCoins(to, coins)
		return err
	}); failure != nil {
		return 0, fmt.Errorf("%s cannot be renamed: %s", sys.spec.Starts[l.start].Self.ID, failure)
	}
	return to, nil
}

// start renames a way to make a node: to that of the instance in the same place.
func (y *Symmetry) start(s, g int) (int, error) {
	for i, start := range y.sys.spec.StartOf {
		if start == s {
			return y.sys.spec.StartOf[y.renamings[g][i]], nil
		}
	}
	return 0, fmt.Errorf("no instance starts in way %d", s)
}

// env renames an environment.
func (y *Symmetry) env(id uint32, g int) (uint32, error) {
	if id == 0 || g == 0 {
		return id, nil
	}
	return y.remember(y.envs, id, g, func() (uint32, error) { return y.newEnv(id, g) })
}

func (y *Symmetry) newEnv(id uint32, g int) (uint32, error) {
	sys, r := y.sys, y.renamings[g]
	e := *sys.envs.at(id)
	// The keys of steps that change links are not renamed either, so such worlds are
	// met in searches without symmetry only.
	if e.topology != 0 {
		e.topology = sys.envs.topology(sys.envs.topologyAt(e.topology).renamed(r, &sys.envs))
	}
	e.flight = slices.Clone(e.flight)
	var err error
	for i, p := range e.flight {
		e.flight[i].from, e.flight[i].to = uint8(r[p.from]), uint8(r[p.to])
		if e.flight[i].msg, err = y.message(p.msg, g); err != nil {
			return 0, err
		}
	}
	slices.SortStableFunc(e.flight, packet.compareLinks)
	return sys.envs.env(&e), nil
}

func (y *Symmetry) message(id uint32, g int) (uint32, error) {
	return y.remember(y.messages, id, g, func() (uint32, error) {
		m, err := y.value(y.sys.values.at(id), g)
		if err != nil {
			return 0, err
		}
		return y.sys.values.value(m), nil
	})
}

// remember returns what is known of a number and a renaming, or finds it out. Nodes' code
// runs meanwhile, without the lock: two goroutines may find out the same.
func (y *Symmetry) remember(known map[uint64]uint32, id uint32, g int, find func() (uint32, error)) (uint32, error) {
	key := uint64(id)<<32 | uint64(g)
	y.mu.Lock()
	to, ok := known[key]
	y.mu.Unlock()
	if ok {
		return to, nil
	}
	to, err := find()
	if err != nil {
		return 0, err
	}
	y.mu.Lock()
	known[key] = to
	y.mu.Unlock()
	return to, nil
}

// value renames a message or an observed value.
func (y *Symmetry) value(v any, g int) (renamed any, err error) {
	switch v := v.(type) {
	case string:
		return y.to(g)(v), nil
	case node.RenamedValue:
		failure := guard(func() error {
			renamed = v.Renamed(y.to(g))
			return nil
		})
		if failure != nil {
			return nil, fmt.Errorf("a %s cannot be renamed: %s", node.MessageType(v), failure)
		}
		return renamed, nil
	}
	return v, nil // it names no identity
}

// NameFree reports whether a list of observations names no identity that a renaming
// renames, so that properties of values judge it the same after it.
func (y *Symmetry) NameFree(list uint32) bool {
	for _, o := range y.sys.Observations(list) {
		for g := range y.renamings {
			v, err := y.value(o.Value, g)
			arg, errArg := y.value(o.Operation.Arg, g)
			if err != nil || errArg != nil || v != o.Value || arg != o.Operation.Arg {
				return false
			}
		}
	}
	return true
}

// entryBytes is about what a map takes for each pair of numbers.
const entryBytes = 24

// Bytes returns about how much memory the renamings, and what is known of their
// effect, occupy.
func (y *Symmetry) Bytes() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.reactions.bytes() + entryBytes*(len(y.locals)+len(y.messages)+len(y.envs)) + len(y.renamings)*16*(len(y.sys.instances)+3)
}
