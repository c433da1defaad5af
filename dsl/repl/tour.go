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

// stops are the five exchanges with a store that forgets to write back.
var stops = []stop{{
	`1 of 6; tour() again makes the next stop.
A store of four servers, A to D, keeps one value; one of them may be faulty. c1 wants
to write, c2 to read twice. Reads should first write back what they found, but this
store skips that. Nothing has happened yet: that is step 0.`,
	[]string{
		`load("@std//kv.star", "kv", "read", "write")`,
		`cluster(kv(write_back = False), clients = {"c1": [write("red")], "c2": [read(), read()]})`,
	},
}, {
	`2 of 6. An exchange is one phase of a client with the servers that it reaches.
A write first asks a quorum of three what they have.`,
	[]string{`exchange("c1", ["A", "B", "C"])`},
}, {
	`3 of 6. Then it tells them. This time only A hears it, so the write is not done.`,
	[]string{`exchange("c1", ["A"])`},
}, {
	`4 of 6. c2 reads from A, B and C: the newest value that anybody has is red.`,
	[]string{`exchange("c2", ["A", "B", "C"])`},
}, {
	`5 of 6. c2 reads again, without A. Nobody else ever heard of red. Is that right?`,
	[]string{`exchange("c2", ["B", "C", "D"])`, `judge(linearizable()).why`, `show()`},
}, {
	`6 of 6. Go back one step and let A answer: a fifth exchange that repairs the story.
What else could have happened? next() lists acts, branches() where you have been,
explore(exchanges(reach = subsets(max = 3)) * 4, check = linearizable()) runs every
scenario from here, and :save FILE writes this one.`,
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
