package node_test

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/node"
)

// An operation ends only if it has begun, and one begins after the other: all else is a failure of
// the code, at the place of the call, and nothing is observed of it.
func TestOperationsOfReactions(t *testing.T) {
	read := node.Operation{Name: "read"}
	for _, test := range []struct {
		name  string
		under node.UnderWay
		do    func(r *node.Reaction)
		want  string // the failure, "" for none
		left  node.UnderWay
		seen  int
	}{
		{"begin", node.NoneUnderWay, func(r *node.Reaction) { r.Invoked(read) }, "", node.OneUnderWay, 1},
		{"begin and end", node.NoneUnderWay, func(r *node.Reaction) { r.Invoked(read); r.Returned(1) }, "", node.NoneUnderWay, 2},
		{"end", node.OneUnderWay, func(r *node.Reaction) { r.Aborted("") }, "", node.NoneUnderWay, 1},
		{"end none", node.NoneUnderWay, func(r *node.Reaction) { r.Returned(1) }, "Returned: no operation is under way: it has ended, as by an answer that came before, or Invoked was not called", node.NoneUnderWay, 0},
		{"abort none", node.NoneUnderWay, func(r *node.Reaction) { r.Aborted("") }, "Aborted: no operation is under way: it has ended, as by an answer that came before, or Invoked was not called", node.NoneUnderWay, 0},
		{"end twice", node.OneUnderWay, func(r *node.Reaction) { r.Returned(1); r.Returned(1) }, "Returned: no operation is under way", node.NoneUnderWay, 1},
		{"begin amid one", node.OneUnderWay, func(r *node.Reaction) { r.Invoked(read) }, "Invoked: an operation is under way; end it with Returned or Aborted first", node.OneUnderWay, 0},
		{"perhaps: begin", node.PerhapsUnderWay, func(r *node.Reaction) { r.Invoked(read) }, "", node.OneUnderWay, 1},
		{"perhaps: end", node.PerhapsUnderWay, func(r *node.Reaction) { r.Returned(1) }, "", node.NoneUnderWay, 1},
		{"perhaps: nothing", node.PerhapsUnderWay, func(*node.Reaction) {}, "", node.PerhapsUnderWay, 0},
	} {
		r := node.NewReaction(t.Context(), test.under)
		test.do(r)
		var got node.Failure
		if f := r.Failed(); f != nil {
			got = *f
		}
		if !strings.HasPrefix(got.Message, test.want) || (got.Message == "") != (test.want == "") || r.UnderWay() != test.left || len(r.Observations()) != test.seen {
			t.Errorf("%s: %+v, left %v, seen %v", test.name, got, r.UnderWay(), r.Observations())
		}
		if test.want != "" && !strings.Contains(got.Place, "reaction_test.go:") {
			t.Errorf("%s: the failure is at %q", test.name, got.Place)
		}
	}
}
