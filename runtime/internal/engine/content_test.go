package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// Marks is a protocol that does whatever a hash says of all that has no name, so
// that it treats servers the same (unless the order of messages distinguishes them).
// What its nodes remember, send and decide prints the same and is different.
type marks struct {
	seed uint32
	kept int // how many marks there are
}

var allMarks = []any{nil, "<nil>", 1, "1", 1.5, "1.5", true, "true", int8(1), ""}

func (marks) Name() string    { return "marks" }
func (marks) Symmetric() bool { return true }
func (p marks) NewServer(self node.Self) (node.Node, error) {
	return &marker{marks: p, self: self}, nil
}
func (marks) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("no clients")
}

type marker struct {
	marks
	self node.Self
	mark byte
	peer string
}

// A hint prints the same whichever mark it is about.
type hint struct {
	Mark  byte
	About string
	Lives int
}

func (hint) String() string { return "hint" }
func (h hint) Renamed(to func(string) string) any {
	h.About = to(h.About)
	return h
}

func (m *marker) React(e node.Event, out *node.Reaction) {
	h := m.seed
	tell := func(v ...any) {
		for _, b := range fmt.Sprint(v...) {
			h = (h ^ uint32(b)) * 16777619
		}
	}
	choose := func(n uint32) uint32 {
		h = h*1664525 + 1013904223
		return h >> 8 % 0xffff % n
	}
	tell(m.mark, m.peer == "", m.peer == m.self.ID, e.Kind)
	lives := 3
	others := []string{m.self.ID}
	if m.peer != "" {
		others = append(others, m.peer)
	}
	switch e.Kind {
	case node.RoundEvent:
		tell(e.Round.Leader == m.self.ID, e.Round.Leader == m.peer, e.Round.Number%2)
		others = append(others, e.Round.Leader)
	case node.MessageEvent:
		of := e.Message.(hint)
		lives = of.Lives - 1
		tell(of.Mark, of.About == "", of.About == m.self.ID, of.About == e.From, of.About == m.peer, e.From == m.self.ID, e.From == m.peer, lives)
		others = append(others, e.From)
		if of.About != "" {
			others = append(others, of.About)
		}
	}
	h ^= h >> 15
	someone := func() string { return others[choose(uint32(len(others)))] }
	switch choose(4) {
	case 0:
		m.mark = byte(choose(uint32(m.kept)))
	case 1:
		m.peer = someone()
	case 2:
		m.mark, m.peer = byte(choose(uint32(m.kept))), ""
	}
	if lives > 0 {
		of := hint{byte(choose(uint32(m.kept))), "", lives}
		if choose(2) == 0 {
			of.About = someone()
		}
		switch choose(6) {
		case 0:
			out.Broadcast(of)
		case 1, 2:
			out.SendNextLeader(of)
		case 3:
			out.Send(someone(), of)
		}
	}
	if choose(4) == 0 {
		out.Decided(int(choose(2)), allMarks[m.mark])
	}
}

func (m *marker) Rename(to func(string) string) { m.peer = to(m.peer) }
func (m *marker) AppendBinary(b []byte) ([]byte, error) {
	return append(append(b, m.mark), m.peer...), nil
}
func (m *marker) UnmarshalBinary(b []byte) error {
	m.mark, m.peer = b[0], string(b[1:])
	return nil
}

// drawMarks draws a cluster of marks, and the rounds of which scenarios consist.
func drawMarks(t *rapid.T, cut bool) (*runtime.Cluster, []runtime.Step) {
	config := runtime.Config{
		Protocol: marks{rapid.Uint32().Draw(t, "seed"), rapid.IntRange(1, len(allMarks)).Draw(t, "marks")},
		N:        rapid.IntRange(2, 4).Draw(t, "n"), F: 1,
	}
	if rapid.IntRange(0, 3).Draw(t, "twin") == 0 {
		config.Twins = simtest.Twins("B")
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	if cut {
		engine.CutContent(c.Engine())
	}
	partitions := [][]node.Set{nil}
	if rapid.Bool().Draw(t, "parted") {
		partitions = space.Partitions(c.Servers(), 2)
	}
	hops := rapid.IntRange(0, 2).Draw(t, "hops")
	var rounds []runtime.Step
	for _, parts := range partitions {
		for _, id := range c.Identities() {
			s, err := c.Step(runtime.RoundStep{Leader: id.Name, Phase: runtime.Phase{Groups: c.Groups(parts), Hops: hops}})
			if err != nil {
				t.Fatal(err)
			}
			rounds = append(rounds, s)
		}
	}
	return c, rounds
}

// A canonical form is an image of what it is the form of, and all images have
// the same one, even if different states share a content all the time.
func TestCanonicalFormsAreImages(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c, rounds := drawMarks(t, cut)
				y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
				z := y.NewCanonicalizer()
				sim := engine.NewSimulator(c.Engine())
				if rapid.Bool().Draw(t, "classes") {
					sim.Expect(c.Servers())
				}
				for range 10 {
					v := slices.Clone(c.Start().Vector())
					for range rapid.IntRange(1, 5).Draw(t, "rounds") {
						next := make(engine.Vector, c.Engine().Width())
						if !sim.Take(next, v, rapid.SampledFrom(rounds).Draw(t, "round").Engine()) {
							t.Fatal(sim.Why())
						}
						v = next
					}
					hasOneForm(t, y, z, v)
				}
			})
		})
	}
}

func hasOneForm(t *rapid.T, y *engine.Symmetry, z *engine.Canonicalizer, v engine.Vector) {
	form := slices.Clone(v)
	canonical(t, z, form)
	for g := range y.Order() {
		image := rename(t, y, v, g)
		got := slices.Clone(image)
		by := canonical(t, z, got)
		if renamed := rename(t, y, image, by); !slices.Equal(renamed, got) {
			t.Fatalf("%v is said to become\n%v by %v, which makes it\n%v", image, got, y.Renaming(by), renamed)
		}
		if !slices.Equal(got, form) {
			t.Fatalf("%v and its image by %v have two forms:\n%v\n%v", v, y.Renaming(g), form, got)
		}
	}
}

// Symmetry changes no verdict and no count, whatever prints the same.
func TestSymmetryChangesNoVerdict(t *testing.T) {
	t.Parallel()
	used, violated := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c, rounds := drawMarks(t, rapid.Bool().Draw(t, "cut"))
		n := 1
		for size := len(rounds); size*len(rounds) <= 3000 && n < 5; n++ {
			size *= len(rounds)
		}
		of := space.Of(rounds...).Times(n)
		judge := func(at explore.Symmetry) *explore.Report {
			r, err := explore.Explore(t.Context(), of, explore.Options{Start: c.Start(), Properties: []check.Property{check.Agreement()}, Symmetry: at, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		with, without := judge(explore.Always), judge(explore.Never)
		if with.Renamings > 1 {
			used++
		}
		if len(without.Violations) > 0 {
			violated++
		}
		if got, want := found(with), found(without); got != want {
			t.Fatalf("with symmetry (%s) %s\nwithout %s", with.Asymmetry, got, want)
		}
	})
	if !testing.Short() && (used == 0 || violated == 0) {
		t.Errorf("%d searches used symmetry, %d found a violation", used, violated)
	}
	t.Logf("%d searches used symmetry, %d found a violation", used, violated)
}

// found says what of a report must not depend on symmetry.
func found(r *explore.Report) string {
	var b strings.Builder
	fmt.Fprint(&b, r.Covered, " covered, ", r.Progressed, " progressed")
	for _, v := range r.Violations {
		fmt.Fprint(&b, ", ", v.Property, " after ", v.Length, " in ", v.Shortest, " and ", v.Scenarios)
	}
	return b.String()
}
