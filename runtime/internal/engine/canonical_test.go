package engine_test

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// A poll is a protocol that treats servers the same: the leader of a round asks
// for votes, servers vote for it before everybody and tell the next leader, and
// who has a quorum of votes decides that the leader is elected. With favour set
// it treats them the same but for one. A call that was held back counts for nothing in a
// later round: beside the one of that round it would be the order of names that decides.
type poll struct{ favour string }

func (poll) Name() string    { return "poll" }
func (poll) Symmetric() bool { return true }
func (p poll) NewServer(self node.Self) (node.Node, error) {
	return &voter{poll: p, self: self}, nil
}
func (poll) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("no clients")
}

type voter struct {
	poll
	self  node.Self
	round int
	voted bool
	votes uint64 // bit i is set if the i-th server voted
	heard uint64 // the same for what it was given as the next leader
}

// A call names its sender once more, so that it has to be renamed.
type call struct {
	Leader string
	Heard  int
	Input  string
}

func (c call) Renamed(to func(string) string) any {
	c.Leader = to(c.Leader)
	return c
}

// A report tells the next leader who leads. It does not show whom it names.
type report struct{ leader string }

func (report) String() string                       { return "report" }
func (r report) Renamed(to func(string) string) any { return report{to(r.leader)} }

func (v *voter) place(id string) int { return slices.Index(v.self.Servers, id) }

func (v *voter) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.RoundEvent:
		v.round, v.voted, v.votes = e.Round.Number, false, 0
		if e.Round.Leader == v.self.ID {
			out.Broadcast(call{v.self.ID, bits.OnesCount64(v.heard), e.Round.Input})
			v.heard = 0
		}
	case node.MessageEvent:
		switch m := e.Message.(type) {
		case call:
			if !v.voted && strings.TrimRight(m.Input, "ab") == fmt.Sprint(v.round) {
				v.voted = true
				if v.self.ID != v.favour {
					out.Broadcast(m.Leader) // a string that is a name
				}
				out.SendNextLeader(report{m.Leader})
			}
		case report:
			v.heard |= 1<<v.place(m.leader) | 1<<(8+v.place(e.From))
		case string:
			v.votes |= 1 << v.place(e.From)
			if bits.OnesCount64(v.votes) == 2*v.self.F+1 {
				out.Decided(v.round, m)
			}
		}
	}
}

func (v *voter) Rename(to func(string) string) {
	rename := func(set uint64) (renamed uint64) {
		for i := range 16 {
			if k := i % 8; set>>i&1 != 0 {
				renamed |= 1 << (i - k + v.place(to(v.self.Servers[k])))
			}
		}
		return renamed
	}
	v.votes, v.heard = rename(v.votes), rename(v.heard)
}

func (v *voter) AppendBinary(b []byte) ([]byte, error) {
	return fmt.Append(b, v.Summary()), nil
}

func (v *voter) UnmarshalBinary(b []byte) error {
	_, err := fmt.Sscan(string(b), &v.round, &v.voted, &v.votes, &v.heard)
	return err
}

func (v *voter) Summary() string { return fmt.Sprint(v.round, v.voted, v.votes, v.heard) }
func (v *voter) Fields() []node.Field {
	return []node.Field{{Name: "state", Value: v.Summary()}}
}

// An act makes one step for each renaming of a cluster.
type act func(c *runtime.Cluster, r engine.Renaming) (runtime.Step, error)

// pollActs draws rounds and deliveries of a few hops, faults of servers and changes of the
// network, some of them in a view with one before.
func pollActs(t *rapid.T, c *runtime.Cluster) (acts []act) {
	for range rapid.IntRange(1, 5).Draw(t, "steps") {
		who := rapid.IntRange(0, c.Servers().Len()-1).Draw(t, "who")
		p := runtime.Phase{Hops: rapid.IntRange(0, 2).Draw(t, "hops")}
		var deaf node.Set
		var parts []node.Set
		if rapid.Bool().Draw(t, "parted") {
			parts = make([]node.Set, 2)
			for i := range c.Servers().All {
				parts[rapid.IntRange(0, 1).Draw(t, "part")] |= node.SetOf(i)
			}
			parts = slices.DeleteFunc(parts, func(s node.Set) bool { return s == 0 })
		}
		if rapid.IntRange(0, 3).Draw(t, "deaf") == 0 {
			deaf, p.Types = node.SetOf(who), []string{"string"}
		}
		kind := rapid.SampledFrom([]string{"round", "round", "round", "deliver", "crash", "restart", "amnesia", "partition", "cut", "hold", "drop", "order"}).Draw(t, "kind")
		other := rapid.IntRange(0, c.Servers().Len()-1).Draw(t, "other")
		if other == who && kind != "order" {
			kind = "round"
		}
		viewed := rapid.IntRange(0, 3).Draw(t, "view") == 0
		acts = append(acts, func(c *runtime.Cluster, r engine.Renaming) (runtime.Step, error) {
			q := p
			q.Deaf = c.Names(r.Set(deaf))
			for _, part := range parts {
				q.Groups = append(q.Groups, c.Names(r.Set(part)))
			}
			s, err := pollAct(c, kind, c.Instances()[r[who]], c.Instances()[r[other]].Name, q)
			if err != nil || !viewed {
				return s, err
			}
			heal, err := c.Step(runtime.HealStep{})
			if err != nil {
				return s, err
			}
			return runtime.View("v", []runtime.Step{heal, s})
		})
	}
	return acts
}

func pollAct(c *runtime.Cluster, kind string, in node.Instance, other string, p runtime.Phase) (runtime.Step, error) {
	switch kind {
	case "round":
		return c.Step(runtime.RoundStep{Leader: c.Identities()[in.Identity].Name, Phase: p})
	case "deliver":
		return c.Step(runtime.DeliverStep{Phase: p})
	case "partition":
		if p.Groups == nil {
			return c.Step(runtime.HealStep{})
		}
		return c.Step(runtime.PartitionStep{Groups: p.Groups})
	case "cut":
		return c.Step(runtime.CutStep{Src: in.Name, Dst: other})
	case "hold":
		return c.Step(runtime.HoldStep{Src: in.Name, Dst: other})
	case "drop":
		return c.Step(runtime.DropStep{Type: "string", Src: in.Name, Dst: other})
	case "order":
		return c.Step(runtime.OrderStep{ID: in.Name, First: []string{other}})
	}
	return fault(c, kind, in.Name)
}

func fault(c *runtime.Cluster, kind, id string) (runtime.Step, error) {
	switch kind {
	case "crash":
		return c.Step(runtime.CrashStep{ID: id})
	case "restart":
		return c.Step(runtime.RestartStep{ID: id})
	}
	return c.Step(runtime.AmnesiaStep{ID: id})
}

// storeActs draws exchanges of each client with some of the given number of
// servers, and faults of servers and clients.
func storeActs(t *rapid.T, c *runtime.Cluster, reach int) (acts []act) {
	circle := map[int][]node.Identity{}
	for client := range c.Clients().All {
		circle[client] = rapid.Permutation(c.Identities()[:c.Config().N]).Draw(t, "circle")[:reach]
	}
	for range rapid.IntRange(1, 9).Draw(t, "steps") {
		if rapid.IntRange(0, 4).Draw(t, "fault") == 0 {
			who := rapid.IntRange(0, len(c.Instances())-1).Draw(t, "who")
			kind := rapid.SampledFrom([]string{"crash", "restart", "amnesia"}).Draw(t, "kind")
			acts = append(acts, func(c *runtime.Cluster, r engine.Renaming) (runtime.Step, error) {
				return fault(c, kind, c.Instances()[r[who]].Name)
			})
			continue
		}
		client := rapid.SampledFrom(slices.Collect(c.Clients().All)).Draw(t, "client")
		var with node.Set
		for _, id := range circle[client] {
			some := rapid.IntRange(0, 1<<id.Instances.Len()-1).Draw(t, "instances")
			k := 0
			for i := range id.Instances.All {
				if some>>k&1 != 0 {
					with |= node.SetOf(i)
				}
				k++
			}
		}
		if with != 0 {
			acts = append(acts, func(c *runtime.Cluster, r engine.Renaming) (runtime.Step, error) {
				return c.Step(runtime.ExchangeStep{Client: c.Instances()[r[client]].Name, Reach: c.Names(r.Set(with))})
			})
		}
	}
	return acts
}

func exchanging(client string, with ...int) act {
	return func(c *runtime.Cluster, r engine.Renaming) (runtime.Step, error) {
		return c.Step(runtime.ExchangeStep{Client: client, Reach: c.Names(r.Set(node.SetOf(with...)))})
	}
}

// follow takes the renamed acts from src, as far as they can happen.
func follow(t *rapid.T, c *runtime.Cluster, r engine.Renaming, acts []act) (vectors []engine.Vector, happened []bool) {
	sim := engine.NewSimulator(c.Engine())
	v := c.Start().Vector()
	vectors, happened = append(vectors, v), append(happened, true)
	for _, a := range acts {
		s, err := a(c, r)
		if err != nil {
			t.Fatal(err)
		}
		next := make(engine.Vector, c.Engine().Width())
		ok := sim.Take(next, v, s.Engine())
		if ok {
			v = next
		}
		vectors, happened = append(vectors, v), append(happened, ok)
	}
	return vectors, happened
}

// equivariant reports whether renamed acts lead to renamed worlds.
func equivariant(t *rapid.T, y *engine.Symmetry, c *runtime.Cluster, acts []act) bool {
	plain, happened := follow(t, c, y.Renaming(0), acts)
	for g := range y.Order() {
		renamed, renamedHappened := follow(t, c, y.Renaming(g), acts)
		if !slices.Equal(happened, renamedHappened) {
			return false
		}
		for i := range plain {
			if !slices.Equal(renamed[i], rename(t, y, plain[i], g)) {
				return false
			}
		}
	}
	return true
}

func rename(t *rapid.T, y *engine.Symmetry, v engine.Vector, g int) engine.Vector {
	renamed := make(engine.Vector, len(v))
	if err := y.Rename(renamed, v, g); err != nil {
		t.Fatal(err)
	}
	return renamed
}

// text tells a world in words that do not depend on what was learnt before.
func text(c *runtime.Cluster, v engine.Vector) string {
	w := c.WorldAt(v)
	var b strings.Builder
	for i := range c.Instances() {
		fmt.Fprint(&b, w.Fields(i), " ")
	}
	fmt.Fprintf(&b, "round %d, faulty %v, crashed %v, in flight %#v", w.Round(), w.Faulty(), w.Crashed(), w.InFlight())
	return b.String()
}

func newPoll(t testing.TB, favour string) *runtime.Cluster {
	return simtest.Cluster(t, runtime.Config{Protocol: poll{favour}, N: 4, F: 1, Twins: simtest.Twins("C")})
}

func newStore(t testing.TB) *runtime.Cluster {
	return simtest.Cluster(t, runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1, Twins: simtest.Twins("C"),
		Clients: simtest.Clients(simtest.Program{simtest.Write("red"), simtest.Read()}, simtest.Program{simtest.Write("blue")}, simtest.Program{simtest.Read(), simtest.Read()})})
}

// Vectors that renamings turn into each other have one canonical form, which is
// one of them, in each run the same.
func TestCanonicalForms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		cluster func() *runtime.Cluster
		acts    func(*rapid.T, *runtime.Cluster) []act
	}{
		{"poll", func() *runtime.Cluster { return newPoll(t, "") }, pollActs},
		{"store", func() *runtime.Cluster { return newStore(t) },
			func(t *rapid.T, c *runtime.Cluster) []act { return storeActs(t, c, 4) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := tc.cluster()
				y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
				z := y.NewCanonicalizer()
				acts := tc.acts(t, c)
				v := last(follow(t, c, y.Renaming(0), acts))
				form := slices.Clone(v)
				canonical(t, z, form)
				for g := range y.Order() {
					image := rename(t, y, v, g)
					got := slices.Clone(image)
					by := canonical(t, z, got)
					if !slices.Equal(got, form) {
						t.Fatalf("%s\nand, by %v,\n%s\nhave two forms:\n%s\n%s",
							text(c, v), y.Renaming(g), text(c, image), text(c, form), text(c, got))
					}
					if renamed := rename(t, y, image, by); !slices.Equal(renamed, got) {
						t.Fatalf("%s is said to become\n%s by %v", text(c, image), text(c, got), y.Renaming(by))
					}
				}
				if by := canonical(t, z, slices.Clone(form)); by != 0 {
					t.Fatalf("the canonical form is %s, but by %v there is a smaller one", text(c, form), y.Renaming(by))
				}

				// Another run that has learnt things in another order.
				other := tc.cluster()
				y = engine.NewSymmetry(other.Engine(), engine.NameSymmetries(other.Engine()))
				g := rapid.IntRange(0, y.Order()-1).Draw(t, "renaming")
				follow(t, other, y.Renaming(g), acts)
				again := slices.Clone(last(follow(t, other, y.Renaming(0), acts)))
				canonical(t, y.NewCanonicalizer(), again)
				if text(other, again) != text(c, form) {
					t.Fatalf("in another run the form of\n%s\nis\n%s, not\n%s", text(c, v), text(other, again), text(c, form))
				}
			})
		})
	}
}

func last(vectors []engine.Vector, _ []bool) engine.Vector { return vectors[len(vectors)-1] }

func canonical(t *rapid.T, z *engine.Canonicalizer, v engine.Vector) int {
	by, err := z.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// Renaming acts on vectors as a group does.
func TestRenamingVectors(t *testing.T) {
	t.Parallel()
	c := newPoll(t, "")
	y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
	number := map[string]int{}
	for g := range y.Order() {
		number[fmt.Sprint(y.Renaming(g))] = g
	}
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		v := last(follow(t, c, y.Renaming(0), pollActs(t, c)))
		if !slices.Equal(rename(t, y, v, 0), v) {
			t.Fatalf("the identity changes %s", text(c, v))
		}
		for g := range y.Order() {
			image := rename(t, y, v, g)
			if !slices.Equal(image, v) {
				moved++
			}
			if back := rename(t, y, image, number[fmt.Sprint(y.Inverse(g))]); !slices.Equal(back, v) {
				t.Fatalf("%s renamed by %v and back is\n%s", text(c, v), y.Renaming(g), text(c, back))
			}
			for h := range y.Order() {
				product := make(engine.Renaming, len(y.Renaming(g)))
				for i, j := range y.Renaming(g) {
					product[i] = y.Renaming(h)[j]
				}
				got, want := rename(t, y, image, h), rename(t, y, v, number[fmt.Sprint(product)])
				if !slices.Equal(got, want) {
					t.Fatalf("%s by %v, then by %v, is\n%s, not\n%s", text(c, v), y.Renaming(g), y.Renaming(h), text(c, got), text(c, want))
				}
			}
		}
	})
	if !testing.Short() && moved == 0 {
		t.Error("no renaming changed anything")
	}
}

// Renamed steps lead to renamed worlds, if the protocol treats servers the same.
func TestSymmetricProtocols(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		cluster *runtime.Cluster
		acts    func(*rapid.T, *runtime.Cluster) []act
		same    bool
	}{
		{"poll", newPoll(t, ""), pollActs, true},
		{"poll with a favourite", newPoll(t, "B"), pollActs, false},
		{"store", newStore(t), func(t *rapid.T, c *runtime.Cluster) []act { return storeActs(t, c, 3) }, true},
		// A client that is answered by more than it waits for ignores the last
		// ones, and servers answer in the order of their names. If a phase goes on
		// with another exchange, the answers of both count.
		{"store with a reach of 4", newStore(t), func(*rapid.T, *runtime.Cluster) []act {
			return []act{exchanging("c1", 0, 1, 4), exchanging("c1", 0), exchanging("c2", 0, 1, 2, 4)}
		}, false},
		{"store with a reach of 3", newStore(t), func(*rapid.T, *runtime.Cluster) []act {
			return []act{exchanging("c1", 0, 1, 4), exchanging("c1", 0), exchanging("c2", 0, 1, 2)}
		}, true},
		{"store with reaches of 1 and 3", newStore(t), func(*rapid.T, *runtime.Cluster) []act {
			return []act{exchanging("c1", 0, 1, 4), exchanging("c1", 0), exchanging("c2", 1), exchanging("c2", 0, 2, 4)}
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.cluster
			if !engine.Symmetric(c.Engine()) {
				t.Error("the protocol does not say that it is symmetric")
			}
			y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
			differ := 0
			rapid.Check(t, func(t *rapid.T) {
				if acts := tc.acts(t, c); !equivariant(t, y, c, acts) {
					differ++
					if tc.same {
						t.Fatalf("renaming changes what happens")
					}
				}
			})
			if !tc.same && differ == 0 {
				t.Error("the asymmetry was not found")
			}
		})
	}
}

// What cannot be renamed is an error that says so.
func TestCannotBeRenamed(t *testing.T) {
	mutes := simtest.Cluster(t, runtime.Config{Protocol: simtest.Mute{}, N: 4, F: 1})
	for _, tc := range []struct {
		name, want string
		cluster    *runtime.Cluster
		step       func(c *runtime.Cluster) (runtime.Step, error)
	}{
		{"node", "the nodes of mute cannot be renamed", mutes, func(c *runtime.Cluster) (runtime.Step, error) { return c.Step(runtime.HealStep{}) }},
		{"log of inputs", "the nodes of log cannot be renamed", simtest.Cluster(t, runtime.Config{N: 4, Protocol: simtest.Nodes("log", func() node.Node {
			return &logged{}
		})}), func(c *runtime.Cluster) (runtime.Step, error) { return c.Step(runtime.TimeoutStep{IDs: []string{"A"}}) }},
		{"message", "a wrongCall cannot be renamed: panic: wrong", simtest.Cluster(t, runtime.Config{Protocol: wrongPoll{}, N: 2}),
			func(c *runtime.Cluster) (runtime.Step, error) { return c.Step(runtime.TimeoutStep{IDs: []string{"A"}}) }},
		{"state", " cannot be renamed: panic: never", simtest.Cluster(t, runtime.Config{Protocol: wrongPoll{}, N: 2}),
			func(c *runtime.Cluster) (runtime.Step, error) {
				return c.Step(runtime.RoundStep{Leader: "A", Phase: runtime.Phase{}})
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := tc.step(tc.cluster)
			w := simtest.Do(t, tc.cluster.Start(), s, err)
			y := engine.NewSymmetry(tc.cluster.Engine(), engine.NameSymmetries(tc.cluster.Engine()))
			v := slices.Clone(w.Vector())
			_, canonical := y.NewCanonicalizer().Canonical(slices.Clone(v))
			for _, err := range []error{y.Rename(v, w.Vector(), 1), canonical} {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%v, want an error with %q", err, tc.want)
				} else if strings.Contains(err.Error(), "symmetry.go") {
					t.Errorf("what failed is not the node's code only: %v", err)
				}
			}
		})
	}
}

// A logged node counts and hides what it counted.
type logged struct{ n int }

func (l *logged) React(node.Event, *node.Reaction) { l.n++ }
func (l *logged) Rename(func(string) string)       {}
func (l *logged) Rebase(by int) bool               { return true }

// A wrongPoll fails when it is to be renamed: its messages, or its nodes after
// a round.
type wrongPoll struct{ poll }

func (p wrongPoll) NewServer(self node.Self) (node.Node, error) {
	return &wrongVoter{voter{self: self}}, nil
}

type wrongVoter struct{ voter }

type wrongCall struct{}

func (wrongCall) Renamed(func(string) string) any { panic("wrong") }

func (v *wrongVoter) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.TimeoutEvent {
		out.Broadcast(wrongCall{})
	} else {
		v.votes++
	}
}

func (v *wrongVoter) Rename(func(string) string) {
	if v.votes > 0 {
		panic("never")
	}
}

// Observations that name servers are not the same under renamings.
func TestNameFree(t *testing.T) {
	for _, tc := range []struct {
		value any
		same  bool
	}{
		{"A", false}, {"D", false}, {"C", true}, {"a", true}, {7, true}, {nil, true},
		{call{Leader: "B"}, false}, {call{Leader: "C"}, true}, {wrongCall{}, false},
	} {
		c := simtest.Cluster(t, runtime.Config{N: 4, F: 1, Twins: simtest.Twins("C"), Protocol: simtest.Nodes("p", func() node.Node {
			return simtest.Func(func(e node.Event, out *node.Reaction) { out.Decided(1, tc.value) })
		})})
		s, err := c.Step(runtime.TimeoutStep{IDs: []string{"A"}})
		if err != nil {
			t.Fatal(err)
		}
		sim := engine.NewSimulator(c.Engine())
		if !sim.Take(make(engine.Vector, c.Engine().Width()), c.Start().Vector(), s.Engine()) || sim.Seen() == 0 {
			t.Fatalf("%v is not decided: %s", tc.value, sim.Why())
		}
		if got := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine())).NameFree(sim.Seen()); got != tc.same {
			t.Errorf("deciding %v is the same: %v, want %v", tc.value, got, tc.same)
		}
	}
}

// A symmetry may be used by several goroutines.
func TestSymmetryIsShared(t *testing.T) {
	c := newPoll(t, "")
	y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
	var (
		group sync.WaitGroup
		forms [3]string
	)
	for k := range forms {
		group.Go(func() {
			z := y.NewCanonicalizer()
			w := c.Start()
			for i := range 30 {
				leader := string(rune('A' + i%4))
				s, err := c.Step(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{Hops: 1 + i%3}})
				if err == nil {
					w, err = w.Do(s)
				}
				if err != nil {
					t.Error(err)
					return
				}
				v := slices.Clone(w.Vector())
				if _, err := z.Canonical(v); err != nil {
					t.Error(err)
				}
				forms[k] += text(c, v) + "\n"
			}
		})
	}
	group.Wait()
	if forms[1] != forms[0] || forms[2] != forms[0] {
		t.Error("goroutines got different forms")
	}
}

// What a renaming makes of a network is what the renamed steps make of it.
func TestNetworksAreRenamed(t *testing.T) {
	c := newPoll(t, "")
	y := engine.NewSymmetry(c.Engine(), engine.NameSymmetries(c.Engine()))
	after := func(g int) *runtime.World {
		name := func(i int) string { return c.Instances()[y.Renaming(g)[i]].Name }
		groups := make([][]string, 2)
		for i := range c.Servers().All {
			groups[min(i, 1)] = append(groups[min(i, 1)], name(i))
		}
		w := c.Start()
		for _, a := range []runtime.Action{
			runtime.PartitionStep{Groups: groups},
			runtime.CutStep{Src: name(0), Dst: name(1)},
			runtime.HoldStep{Src: name(0), Dst: name(2)},
			runtime.DropStep{Type: "string", Src: name(0)},
			runtime.DeafStep{ID: name(1), Types: []string{"call", "string"}},
			runtime.OrderStep{ID: name(0), First: []string{name(2), name(1)}},
			runtime.DuplicateStep{Type: "string", Src: name(0), Dst: name(1)},
		} {
			s, err := c.Step(a)
			w = simtest.Do(t, w, s, err)
		}
		return w
	}
	plain := after(0)
	for g := range y.Order() {
		renamed := slices.Clone(plain.Vector())
		if err := y.Rename(renamed, plain.Vector(), g); err != nil {
			t.Fatal(err)
		}
		if want := after(g).Vector(); !slices.Equal(renamed, want) {
			t.Errorf("under %v\n%s\nwant\n%s", y.Renaming(g), engine.Describe(c.Engine(), renamed), engine.Describe(c.Engine(), want))
		}
	}
}
