package explore_test

import (
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// An exhibit is a flaw of the K-V store and a space that shows it.
type exhibit struct {
	name     string
	flawed   runtime.Config
	right    runtime.Config // the same without the flaw
	space    func(stage) *space.Space
	property check.Property // nil for linearizable
	story    string         // a shortest violation
	length   int
	beyond   bool
}

// anyExchanges returns the space of so many exchanges of any of the clients
// with one to three servers.
func anyExchanges(clients string, times int) func(stage) *space.Space {
	return func(s stage) *space.Space { return s.Exchanges(clients, s.Subsets(1, 3)).Times(times) }
}

// fewExchanges is the same for some reaches only.
func fewExchanges(clients string, times int, reaches ...string) func(stage) *space.Space {
	return func(s stage) *space.Space { return s.Exchanges(clients, s.Reaches(reaches...)).Times(times) }
}

// three is a store of three servers, too few for one faulty.
func three(options kvproto.Options, clients ...runtime.Client) runtime.Config {
	c := four(options, clients...)
	c.N = 3
	return c
}

// threefold is config with three instances of a server.
func threefold(config runtime.Config, id string) runtime.Config {
	config.Twins = []runtime.Twin{{ID: id, Copies: 3}}
	return config
}

func exhibits() []exhibit {
	c1, c2, c3 := runs("c1", red), runs("c2", blue), runs("c3", read(), read())
	reader, twice := runs("c2", read()), runs("c2", read(), read())
	inversion := []runtime.Client{c1, reader, runs("c3", read())}
	return []exhibit{{
		name:   "no write-back",
		flawed: four(kvproto.Options{NoWriteBack: true}, inversion...),
		right:  four(kvproto.Options{}, inversion...),
		space:  anyExchanges("c1 c2 c3", 6),
		story:  "c1: A B C\nc1: A\nc2: A B C\nc3: B C D", length: 4,
	}, {
		name:   "three servers, but nobody is faulty",
		flawed: twinned(three(kvproto.Options{Quorum: 2}, c1, reader), "C"),
		right:  three(kvproto.Options{Quorum: 2}, c1, reader),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B\nc1: A C\nc2: B C'\nc2: B C'", length: 4,
	}, {
		name:   "three servers, one twinned",
		flawed: twinned(three(kvproto.Options{Quorum: 2}, c1, reader), "C"),
		right:  twinned(three(kvproto.Options{}, c1, reader), "C"), // all three must answer
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B\nc1: A C\nc2: B C'\nc2: B C'", length: 4,
	}, {
		name:     "three servers, one twinned, not even regular",
		flawed:   twinned(three(kvproto.Options{Quorum: 2}, c1, reader), "C"),
		right:    twinned(three(kvproto.Options{}, c1, reader), "C"),
		space:    anyExchanges("c1 c2", 6),
		property: check.Regular(),
		story:    "c1: A B\nc1: A C\nc2: B C'\nc2: B C'", length: 4,
	}, {
		name:   "quorum 2",
		flawed: four(kvproto.Options{Quorum: 2}, c1, reader),
		right:  four(kvproto.Options{}, c1, reader),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B\nc1: A B\nc2: C D\nc2: C D", length: 4,
	}, {
		name:   "read quorum 2",
		flawed: twinned(four(kvproto.Options{ReadQuorum: 2}, c1, reader), "C"),
		right:  twinned(four(kvproto.Options{}, c1, reader), "C"),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B C\nc1: A B C\nc2: C' D\nc2: A B C", length: 4,
	}, {
		name:   "read quorum 2, but nobody is faulty",
		flawed: twinned(four(kvproto.Options{ReadQuorum: 2}, c1, reader), "C"),
		right:  four(kvproto.Options{ReadQuorum: 2}, c1, reader),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B C\nc1: A B C\nc2: C' D\nc2: A B C", length: 4,
	}, {
		name:   "first reply",
		flawed: four(kvproto.Options{ReadRule: "first"}, c1, reader),
		right:  four(kvproto.Options{ReadRule: "max"}, c1, reader),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B C\nc1: B C D\nc2: A B C\nc2: A B C", length: 4,
	}, {
		name:   "no tie-break",
		flawed: four(kvproto.Options{NoTieBreak: true}, c1, c2, c3),
		right:  four(kvproto.Options{}, c1, c2, c3),
		space:  fewExchanges("c1 c2 c3", 8, "A", "A B C", "B C D"),
		story:  "c1: A B C\nc1: A\nc2: B C D\nc2: A B C\nc3: A B C\nc3: A B C\nc3: B C D\nc3: B C D", length: 8,
	}, {
		name:   "writer skips the query",
		flawed: four(kvproto.Options{SkipQuery: true}, c1, c2, runs("c3", read())),
		right:  four(kvproto.Options{}, c1, c2, runs("c3", read())),
		space:  anyExchanges("c1 c2 c3", 4),
		story:  "c2: A B C\nc1: A B C\nc3: A B C\nc3: A B C", length: 4,
	}, {
		name:   "server skips the version check",
		flawed: four(kvproto.Options{NoVersionCheck: true}, c1, twice),
		right:  four(kvproto.Options{}, c1, twice),
		space:  anyExchanges("c1 c2", 6),
		story:  "c1: A B C\nc2: A B C\nc1: A B C\nc2: A B C\nc2: A B C\nc2: A B C", length: 6,
	}, {
		name:   "every reply counts",
		flawed: threefold(four(kvproto.Options{CountReplies: true}, c1, reader), "C"),
		right:  threefold(four(kvproto.Options{}, c1, reader), "C"),
		space:  anyExchanges("c1 c2", 5),
		story:  "c1: A C C'\nc1: A C C'\nc2: B C'' D\nc2: B C'' D", length: 4,
	}, {
		name:   "every reply counts, but there are only two instances",
		flawed: threefold(four(kvproto.Options{CountReplies: true}, c1, reader), "C"),
		right:  twinned(four(kvproto.Options{CountReplies: true}, c1, reader), "C"),
		space:  anyExchanges("c1 c2", 5),
		story:  "c1: A C C'\nc1: A C C'\nc2: B C'' D\nc2: B C'' D", length: 4,
	}, {
		name:   "two faulty servers",
		flawed: twinned(four(kvproto.Options{}, c1, reader), "B", "C"),
		right:  twinned(four(kvproto.Options{}, c1, reader), "C"),
		space:  anyExchanges("c1 c2", 5),
		story:  "c1: A B C\nc1: A B C\nc2: B' C' D\nc2: B' C' D", length: 4, beyond: true,
	}, {
		name:   "volatile counter",
		flawed: four(kvproto.Options{VolatileCounter: true}, runs("c1", red, blue), twice),
		right:  four(kvproto.Options{}, runs("c1", red, blue), twice),
		space: func(s stage) *space.Space {
			return simtest.EitherOf(s.Exchanges("c1 c2", s.Reaches("A", "A B C", "B C D")), s.Of("restart c1")).Times(9)
		},
		story:  "c1: A B C\nc1: A\nrestart c1\nc1: B C D\nc1: B C D\nc2: A B C\nc2: A B C\nc2: B C D\nc2: B C D",
		length: 9,
	}, {
		name:   "a client that says two things at once",
		flawed: fickle(blue),
		right:  fickle(red),
		space: func(s stage) *space.Space {
			reaches := s.Reaches("A", "A B C", "B C D")
			return simtest.InTurn(s.Exchanges("c1", reaches), s.Exchanges("c1'", reaches), s.Exchanges("c1", reaches),
				s.Exchanges("c1'", reaches), s.Exchanges("c2", reaches).Times(6))
		},
		story: "c1: A B C\nc1': A B C\nc1: A\nc1': B C D\n" +
			"c2: A B C\nc2: A B C\nc2: B C D\nc2: B C D\nc2: A B C\nc2: A B C",
		length: 10,
	}}
}

// fickle is the correct store with a writer that runs as twins, of which the
// second carries out another operation. Both sign with the tag that comes next.
func fickle(second node.Operation) runtime.Config {
	c := four(kvproto.Options{}, runs("c1", red), runs("c2", read(), read(), read()))
	c.Twins = []runtime.Twin{{ID: "c1", Copies: 2, Program: []node.Operation{second}}}
	return c
}

// Each flaw is found, in as few steps as can be, and nothing is found in the
// same space without it.
func TestGallery(t *testing.T) {
	for _, e := range exhibits() {
		t.Run(e.name, func(t *testing.T) {
			property := e.property
			if property == nil {
				property = check.Linearizable()
			}
			flawed := newStage(t, e.flawed)
			r := flawed.exploresWith(e.space(flawed), explore.Options{Properties: []check.Property{property}, First: true})
			switch {
			case r.Counterexample == nil:
				t.Errorf("nothing was found:\n%s", r.Text())
			case r.Violations[0].Property != property.Name() || r.Violations[0].Length != e.length || r.Counterexample.Depth() != e.length:
				t.Errorf("want %d steps, found %d: %q\n%s", e.length, r.Counterexample.Depth(), simtest.Texts(r.Counterexample), r.Text())
			case r.Beyond != e.beyond:
				t.Errorf("beyond f is %t:\n%s", r.Beyond, r.Text())
			}
			story := flawed.explores(flawed.Story(e.story), property)
			if len(story.Violations) != 1 || story.Violations[0].Length != e.length {
				t.Errorf("the story does not show it:\n%s", story.Text())
			}
			right := newStage(t, e.right)
			if r := right.explores(e.space(right), property); !r.OK() || r.Vacuous() || r.Beyond {
				t.Errorf("without the flaw:\n%s", r.Text())
			}
		})
	}
}

// The correct store with one of its four servers faulty is linearizable, however
// the exchanges of two writers and a reader interleave. Forgery is nothing that
// twins do: without its signatures the store is too.
func TestCorrectStore(t *testing.T) {
	for _, test := range []struct {
		name    string
		options kvproto.Options
	}{{"correct", kvproto.Options{}}, {"no signatures", kvproto.Options{NoVerify: true}}} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, twinned(four(test.options, runs("c1", red), runs("c2", blue), runs("c3", read())), "C"))
			reaches := append(s.Subsets(3, 3), s.Reaches("A", "C'", "B D", "A C C'")...)
			r := s.explores(s.Exchanges("c1 c2 c3", reaches).Times(6), check.Linearizable())
			if !r.OK() || r.Vacuous() {
				t.Errorf("%s", r.Text())
			}
		})
	}
}

// So is that of seven servers with two faulty, as far as a sample shows. The
// same sample shows what is wrong if reads write nothing back.
func TestSevenServersSampled(t *testing.T) {
	for _, right := range []bool{true, false} {
		config := four(kvproto.Options{NoWriteBack: !right}, runs("c1", red, blue), runs("c2", read(), read()), runs("c3", read(), read()))
		config.N, config.F = 7, 2
		s := newStage(t, twinned(config, "C", "E"))
		of := s.Exchanges("c1 c2 c3", append(s.Quorums(5), s.Reaches("A", "B C'", "C D E'")...)).Times(12)
		r, err := explore.Sample(t.Context(), of, 2000, 1, explore.Options{Start: s.Start(), Properties: []check.Property{check.Linearizable()}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Violations) == 0 != right || r.Covered.Int64() != 2000 || r.Progress() < 0.9 || r.Beyond || r.Stopped != nil {
			t.Errorf("right: %t\n%s", right, r.Text())
		}
	}
}

// Without write-back, reads can be inverted, but each of them is still regular.
func TestNoWriteBackIsRegular(t *testing.T) {
	s, of := inverting(t)
	if r := s.explores(of, check.Regular()); !r.OK() || r.Vacuous() {
		t.Errorf("not regular:\n%s", r.Text())
	}
	if r := s.explores(of, check.Linearizable()); len(r.Violations) != 1 {
		t.Errorf("linearizable:\n%s", r.Text())
	}
}

// The five exchanges of the store's designers violate nothing, even without
// write-back. A read before the last one makes the difference.
func TestFiveAndSixExchanges(t *testing.T) {
	const begin = "c1: A B C\nc1: A B C\nc2: B C D\nc2: A C\ncrash c2\n"
	for _, test := range []struct {
		name      string
		writeBack bool
		story     string
		violated  bool
	}{
		{"five", true, begin + "amnesia C\nc4: B C D\nc4: B C D", false},
		{"five, no write-back", false, begin + "amnesia C\nc4: B C D", false},
		{"six", true, begin + "c3: A C D\nc3: A C D\namnesia C\nc4: B C D\nc4: B C D", false},
		{"six, no write-back", false, begin + "c3: A C D\namnesia C\nc4: B C D", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, four(kvproto.Options{NoWriteBack: !test.writeBack},
				runs("c1", red), runs("c2", blue), runs("c3", read()), runs("c4", read())))
			r := s.explores(s.Story(test.story), check.Linearizable())
			if len(r.Violations) > 0 != test.violated || !r.Complete() || r.EndedEarly.Sign() > 0 || r.Vacuous() || r.Beyond {
				t.Errorf("%s", r.Text())
			}
		})
	}
}
