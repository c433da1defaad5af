package repl

import (
	"fmt"

	"go.starlark.net/starlark"
)

// A stop of the tour is something to read and what to do then.
type stop struct {
	text string
	acts []string
}

// stops are a story of five exchanges with a store that forgets to write back,
// and a server that runs as twins.
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

// tour makes the next stop: it tells about it and lets the session act.
func (s *Session) tour(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	at := stops[s.toured]
	s.toured = (s.toured + 1) % len(stops)
	fmt.Fprintln(s.Stdout, at.text)
	s.queue = append(s.queue, at.acts...)
	return starlark.None, nil
}
