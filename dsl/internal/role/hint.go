package role

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
)

// Who writes a role forgets "self.", or an attribute in init, or what a method of
// self takes.

// OfSelf reports whether a place is in a function of a role, as its first parameter says,
// and a name is that of an attribute which every node has or which functions of the scripts
// assign. It is asked when a name is not defined, and parses all texts for that: time that
// only an error costs.
func OfSelf(in *interp.Interpreter, name string, pos syntax.Position) bool {
	file, err := interp.Dialect.Parse(pos.Filename(), in.Sources()[pos.Filename()], 0)
	if err != nil {
		return false
	}
	inside := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if def, ok := n.(*syntax.DefStmt); ok && len(def.Params) > 0 {
			start, end := def.Span()
			if id, ok := def.Params[0].(*syntax.Ident); ok && id.Name == "self" && !before(pos, start) && before(pos, end) {
				inside = true
			}
		}
		return !inside
	})
	if _, method := selfSignatures[name]; !inside || method || slices.Contains(selfFacts, name) {
		return inside
	}
	for path, text := range in.Sources() { // in a shell, init is in a text of its own
		file, err := interp.Dialect.Parse(path, text, 0)
		if err == nil && slices.Contains(assignedAttributes(file, "self"), name) {
			return true
		}
	}
	return false
}

// Of one file.
func before(a, b syntax.Position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
}

// selfSignatures says how the methods of self are called. They are no [interp.Builtin],
// which would make that from one signature, because each of them is made anew for a node
// and must be quick to make: handlers call them all the time.
var selfSignatures = map[string]string{
	"send":      "send(to, type, **fields), as in self.send(m.sender, \"ack\", value = 1)",
	"broadcast": "broadcast(type, **fields), as in self.broadcast(\"vote\", value = 1); with message(\"vote\", \"value\") fields are given by position",
	"decide":    "decide(slot, value)",
	"invoked":   "invoked(op)",
	"returns":   "returns(value=None)",
	"fails":     "fails(reason=\"\")",
	"refuse":    "refuse(why)",
	"sign":      "sign(value)",
	"log":       "log(text)",
	"coin":      "coin(name), as in self.coin(\"r1\")",
}

// misused adds to the error of a method of self that was called with other
// arguments how it is called.
//
// Fields of messages are given by name, so that a message with a field called to is what
// Starlark sees in self.send(to = "A", …).
func misused(b *starlark.Builtin, err error, kwargs []starlark.Tuple) error {
	for _, kw := range kwargs {
		if name := string(kw[0].(starlark.String)); name == "to" || name == "type" {
			return fmt.Errorf("%w; %s stands first, without its name: it is self.%s", err, name, selfSignatures[strings.TrimPrefix(b.Name(), "self.")])
		}
	}
	return fmt.Errorf("%w; it is self.%s", err, selfSignatures[strings.TrimPrefix(b.Name(), "self.")])
}

// elsewhere says what has an attribute that self is taken to have. These are the names that
// the same thing has in other frameworks, or what the argument beside self has.
var elsewhere = map[string]string{
	"leader": "round.leader", "number": "round.number", "input": "round.input",
	"name": "self.id", "sender": "m.sender", "peers": "self.replicas",
}

// like returns what an attribute that is not there probably is.
func like(name string, attributes []string) string {
	if meant := elsewhere[name]; meant != "" {
		return fmt.Sprintf(" (did you mean %s?)", meant)
	}
	return spell.Hint(name, attributes)
}

// missing is the error of an attribute of self that is not there. It names what init sets
// rather than what is set now, so that it is one failure in all states: failures are
// counted by place and message, and a search should report one mistake once.
func (s *self) missing(name string) error {
	n := s.node
	if n.role.handlers["init"] == nil {
		return fmt.Errorf("self has no .%s%s; set it in init, which this role lacks, as in role(init = init, …)", name, like(name, (&self{node: &scriptNode{}}).AttrNames()))
	}
	fresh := &scriptNode{attrs: n.attrs} // while init runs
	if b, ok := n.protocol.fresh.Load(n.key()); ok {
		fresh = &scriptNode{encoded: b.([]byte)}
		if err := fresh.load(); err != nil {
			return err
		}
	}
	return fmt.Errorf("self has no .%s%s; set it in init, which sets %s", name, like(name, (&self{node: fresh}).AttrNames()), orNothing(fresh.attrNames()))
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
