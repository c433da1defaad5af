package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// CutContent makes the contents of states 8 bits wide, so that different ones
// share one all the time.
func CutContent(sys *System) { sys.cutContent = true }

// LimitRoom lets tables have so many chunks, and numbered things so many blocks.
func LimitRoom(sys *System, chunks, blocks int) {
	sys.limits.chunks, sys.limits.blocks = chunks, blocks
}

// CopyLimits gives one system the limits of another.
func CopyLimits(to, from *System) { to.LimitSteps(from.limits.hops, from.limits.packets) }

// A Player plays steps and remembers nothing.
type Player struct{ *player }

func NewPlayer(sys *System) *Player { return &Player{newPlayer(sys)} }

func (p *Player) Take(dst, src Vector, s *Step) bool {
	return p.take(dst, src, s)
}

func (p *Player) Why() string       { return p.why }
func (p *Player) Matched() []uint32 { return p.matched }

// PerInstance lists what each instance was seen to do in the last step, in order.
func (p *Player) PerInstance() map[int][]node.Observation {
	seen := map[int][]node.Observation{}
	for pair := range slices.Chunk(p.seen, 2) {
		seen[int(pair[0])] = append(seen[int(pair[0])], *p.sys.values.seen(pair[1]))
	}
	return seen
}

// Describe says what a world is, in no numbers that depend on what was learnt.
func Describe(sys *System, v Vector) string {
	var b strings.Builder
	for i := range sys.instances {
		l := sys.states.at(v[i])
		fmt.Fprintf(&b, "%s %d %d %q %v", sys.instances[i].Name, l.start, l.flags, l.body, l.logs)
		for _, m := range l.mailbox {
			fmt.Fprintf(&b, " %d %v", m.from, sys.values.at(m.msg))
		}
		b.WriteByte('\n')
	}
	e := sys.env(v)
	fmt.Fprintf(&b, "round %d %x\n", e.round, sys.envs.topologyAt(e.topology).append(nil))
	for _, p := range e.flight {
		fmt.Fprintln(&b, p.from, p.to, p.released, sys.values.at(p.msg))
	}
	return b.String()
}

// DescribeFilters says what the filters with the given numbers are.
func DescribeFilters(sys *System, numbers []uint32) string {
	var texts []string
	for f, n := range sys.envs.filters {
		for _, number := range numbers {
			if number&^OfPhase == n {
				texts = append(texts, fmt.Sprint(f.kind, f.from, f.to, number&OfPhase != 0))
			}
		}
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}
