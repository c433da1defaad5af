package repl

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime"
)

// A stop of the tour is something to read and what to do then.
type stop struct {
	text string
	acts []string
}

// stops are a story of five exchanges with a store that forgets to write back,
// and a server that runs as twins. They fit 80 columns, and what they claim is tested.
var stops = []stop{{
	`1 of 6; tour() again makes the next stop.
A store of four servers, A to D, keeps one value. Client c1 wants to write, c2
to read twice. One server, C, is faulty: it runs as two instances of the same
correct code, C and C', under one name. Nothing has happened yet.`,
	[]string{
		`load("@std//kv.star", "kv", "read", "write")`,
		`cluster(kv(write_back = False),
    clients = {"c1": [write("red")], "c2": [read(), read()]})`,
		`twin("C")`,
	},
}, {
	`2 of 6. An exchange is one phase of a client with the servers that it reaches.
A write first asks a quorum of three for the newest version that they have.`,
	[]string{`exchange("c1", ["A", "B", "C"])`},
}, {
	`3 of 6. Then it sends the new value. Only C hears it this time, not its twin,
so the write is not done.`,
	[]string{`exchange("c1", ["C"])`},
}, {
	`4 of 6. c2 reads from A, B and C. The newest value that any of them has is red.
A reader should now write red back to a quorum; this store skips that.`,
	[]string{`exchange("c2", ["A", "B", "C"])`},
}, {
	`5 of 6. c2 reads again, and now C' answers in the name of C. It never heard of
red. To c2, C looks like one server that lies. Is the answer right?`,
	[]string{`exchange("c2", ["A", "B", "C'"])`, `judge(linearizable()).holds`, `show()`, `print(why(linearizable()))`},
}, {
	`6 of 6. Go back one step and let C answer: a fifth exchange that repairs the
story. What else could have happened? next() lists acts, branches() where you
have been, explore(exchanges() * 4, check = linearizable()) runs every scenario
of four exchanges from here, and :save FILE writes this one.`,
	[]string{`undo()`, `exchange("c2", ["A", "B", "C"])`, `judge(linearizable()).holds`},
}}

const tourDoc = `Walks through a story of five exchanges, stop by stop: each call makes the next one.
A stop says what there is to see and types what is to be done. Between two stops anything can be tried; the next one goes back to where the one before ended.`

const wentElsewhere = `Much may have happened since the last stop. The tour goes back to where that
ended; branches() lists where you have been.
`

// tour makes the next stop: it says what there is to see and lets the session act.
// What it says is true where the stop before ended, and only there.
func (s *Session) tour() error {
	at := stops[s.toured]
	if now := s.Interpreter.World(); s.toured > 0 && s.left != nil && !sameWorld(now, s.left) {
		fmt.Fprint(s.Stdout, wentElsewhere)
		s.Interpreter.Enter(s.left)
	}
	s.toured = (s.toured + 1) % len(stops)
	fmt.Fprintln(s.Stdout, at.text)
	s.queue, s.touring = append(s.queue, at.acts...), true
	return nil
}

// sameWorld reports whether two worlds of one system are the same, steps and all. They need not be
// one object: undo and the same act again lead to the same world on another way.
func sameWorld(a, b *runtime.World) bool {
	if a.Cluster() != b.Cluster() || a.Depth() != b.Depth() {
		return false
	}
	for ; a != b && a.Depth() > 0; a, b = a.Parent(), b.Parent() {
		if a.Step().String() != b.Step().String() {
			return false
		}
	}
	return true
}
