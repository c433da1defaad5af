package role

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// What a role cannot mean is found when it is defined, not when some scenario first runs
// the handler: a function that cannot be called as its event calls it, and a variable that
// was to be an attribute of self. Such a mistake would else be a failure of nodes in some
// scenarios of a search, a finding about the protocol, where it is one about the script.
//
// Both checks are of what Starlark shows of a function: its parameters, and its text, which
// is parsed again (interp.Texts). A function whose text is not at hand, a builtin or one
// that the host made, is taken as it is. Tested by TestRoleMistakes and TestRoleIsFine.
//
// Below is what else is read off the text: which types of messages are sent (for filters,
// which must not name a type that there is not) and which attributes are assigned (for
// persistent and for hints). Texts say what might happen and not what does: a type that is
// computed is missed, one in code that never runs is counted. So nothing that a search
// concludes rests on them.

// What a role cannot mean is found when it is defined, not when some scenario
// first runs the handler: a function that cannot be called as its event calls
// it, and a variable that was to be an attribute of self.

// parameters are those that a function of a role is called with. Any other on_… is the
// handler of a type of messages.
func parameters(name string) []string {
	switch name {
	case "init", "show", "on_timeout", "on_exchange", "on_quiet":
		return []string{"self"}
	case "rebase":
		return []string{"self", "by"}
	case "on_round":
		return []string{"self", "round"}
	case "on_hop":
		return []string{"self", "k"}
	case "on_invoke":
		return []string{"self", "op"}
	}
	return []string{"self", "m"}
}

// checked reports a function of the role that its event cannot call, or that assigns a
// variable which is never read and has the name of an attribute. Each of these alone is
// fine: unread variables are common, and a variable may well be called as an attribute is.
// Both together are "x = 1" where "self.x = 1" was meant, after which the protocol silently
// does something else.
//
// Functions are looked at in the order of their names, so that the error is the same each
// time.
func checked(in *interp.Interpreter, r *Role) error {
	defined := interp.NewTexts(in)
	attributes := map[string]bool{}
	texts := map[string]syntax.Node{}
	for _, name := range r.names() {
		fn, ok := r.handlers[name].(*starlark.Function)
		if !ok {
			continue
		}
		if err := callable(name, fn, parameters(name)); err != nil {
			if like := misspelt(name, fn); like != "" {
				return fmt.Errorf("role: %s is no event, and %s (%s) takes no message (did you mean %s?)", name, fn.Name(), fn.Position(), like)
			}
			return err
		}
		if texts[name] = defined.Of(fn); texts[name] == nil {
			continue
		}
		self, _ := fn.Param(0)
		for _, attribute := range assignedAttributes(texts[name], self) {
			attributes[attribute] = true
		}
	}
	for _, name := range r.names() {
		if texts[name] == nil {
			continue
		}
		for _, id := range interp.Unread(texts[name]) {
			if attributes[id.Name] {
				return fmt.Errorf("role: %s assigns the variable %s and never reads it (%s); the attribute is written self.%s", name, id.Name, id.NamePos, id.Name)
			}
		}
	}
	return nil
}

// misspelt returns the event whose handler a function was to be that no message could be
// given to: one with a similar name, which can call it. It returns "" if there is none.
func misspelt(name string, fn *starlark.Function) string {
	event, ok := strings.CutPrefix(name, "on_")
	if !ok || slices.Contains(value.Events, event) {
		return ""
	}
	like := spell.Nearest(event, value.Events)
	if like == "" || callable("on_"+like, fn, parameters("on_"+like)) != nil {
		return ""
	}
	return "on_" + like
}

// callable reports whether a function can be called with parameters, as its event calls it.
//
// So many arguments are given by position and none by name. Defaults and *args are allowed
// for.
func callable(name string, fn *starlark.Function, want []string) error {
	most := fn.NumParams() - fn.NumKwonlyParams()
	if fn.HasVarargs() {
		most--
	}
	if fn.HasKwargs() {
		most--
	}
	least, required := 0, false
	for i := range fn.NumParams() {
		if fn.ParamDefault(i) != nil {
			continue
		}
		switch positional := i < most; {
		case positional:
			least++
		case i < most+fn.NumKwonlyParams():
			required = true // by name, and no event gives any
		}
	}
	if !required && least <= len(want) && (len(want) <= most || fn.HasVarargs()) {
		return nil
	}
	signature, _ := interp.Signature(fn)
	given := strings.Join(want, ", ")
	write := fmt.Sprintf("def %s(%s)", name, given)
	if fn.Name() == "lambda" {
		write = "lambda " + given + ": …"
	}
	return fmt.Errorf("role: %s is called with (%s), which %s (%s) does not take; write %s", name, given, signature, fn.Position(), write)
}

// assignedAttributes lists the attributes of self that a text assigns, also in a, self.b =
// …. What self is called in the function is given, since its first parameter may have any
// name.
func assignedAttributes(text syntax.Node, self string) []string {
	var names []string
	syntax.Walk(text, func(n syntax.Node) bool {
		if assign, ok := n.(*syntax.AssignStmt); ok {
			for _, target := range interp.Targets(assign.LHS) {
				if dot, ok := target.(*syntax.DotExpr); ok {
					if id, ok := dot.X.(*syntax.Ident); ok && id.Name == self {
						names = append(names, dot.Name.Name)
					}
				}
			}
		}
		return true
	})
	return names
}

// sentTypes lists the types of messages that the functions send under names that
// stand in their text, as in self.broadcast("vote"), and the types of which they see a
// signature.
func sentTypes(s *interp.Captured) []string {
	var types []string
	s.Walk(func(n syntax.Node) {
		if call, ok := n.(*syntax.CallExpr); ok {
			if kind, ok := sentBy(call); ok && !slices.Contains(types, kind) {
				types = append(types, kind)
			}
		}
	})
	for kind := range s.Values {
		if k, ok := kind.(*value.Kind); ok && !slices.Contains(types, k.Name) {
			types = append(types, k.Name)
		}
	}
	return types
}

// ambiguous reports two signatures of one type of messages: what is sent by one of them lacks
// fields that a handler reads by the other, in whichever scenario first comes there.
func (p *Protocol) ambiguous() error {
	var kinds []*value.Kind
	for v := range p.captured.Values {
		if k, ok := v.(*value.Kind); ok {
			kinds = append(kinds, k)
		}
	}
	for _, r := range p.roles() {
		kinds = append(kinds, r.kinds...)
	}
	// The values that functions see are in no order, and the error must be the same each time.
	slices.SortFunc(kinds, func(a, b *value.Kind) int { return strings.Compare(a.String(), b.String()) })
	first := map[string]*value.Kind{}
	for _, k := range kinds {
		if other := first[k.Name]; other != nil && !slices.Equal(other.Fields, k.Fields) {
			return fmt.Errorf("protocol %s: messages of the type %s have two signatures, %s and %s; give them one, or two names", p.name, k.Name, other, k)
		}
		first[k.Name] = k
	}
	return nil
}

// misspelt reports a handler of messages that no function sends, if it would be that of an
// event, or of messages that no role handles, by another spelling. Where the type of some
// message is computed, no handler is idle for sure.
//
// A handler that never runs is no failure in any scenario: a search would find that all is
// well. So it is an error where it is likely to be a slip, and only there: a handler for
// what is not sent yet is no mistake. It is looked at when the first node is made, when all
// is known that the functions may call.
func (p *Protocol) misspelt() error {
	sent := sentTypes(p.captured)
	if computes(p.captured) {
		return nil
	}
	roles := p.roles()
	for _, r := range roles {
		for _, kind := range slices.Sorted(maps.Keys(r.labels)) {
			if known := p.messageTypes(); !slices.Contains(known, kind) {
				return fmt.Errorf("protocol %s: label (%s) names messages of the type %s, which no role sends or handles%s", p.name, r.place, kind, spell.Hint(kind, known))
			}
		}
	}
	var unhandled []string
	for _, kind := range sent {
		if !slices.ContainsFunc(roles, func(r *Role) bool { return r.handlers["on_"+kind] != nil }) {
			unhandled = append(unhandled, kind)
		}
	}
	slices.Sort(unhandled)
	for _, r := range roles {
		for _, name := range r.names() {
			kind, handles := strings.CutPrefix(name, "on_")
			if !handles || slices.Contains(value.Events, kind) || slices.Contains(sent, kind) {
				continue
			}
			// An event that has its handler is not meant.
			events := slices.DeleteFunc(slices.Clone(value.Events), func(e string) bool { return r.handlers["on_"+e] != nil })
			like := spell.Nearest(kind, slices.Concat(unhandled, events))
			if like == "" {
				continue
			}
			where := ""
			if at := sentAt(p.captured, like); at.IsValid() {
				where = fmt.Sprintf("; %s is sent at %s, and no role handles it", like, at)
			}
			return fmt.Errorf("protocol %s: %s (%s) is the handler of messages of the type %s, which no function sends (did you mean on_%s?)%s",
				p.name, name, r.place, kind, like, where)
		}
	}
	return nil
}

// tosses reports that the protocol lists what a coin may show and none of its functions reads
// one: then what coins show would have no effect. That one is read and nothing is listed, the
// code of a variant may avoid; see selfCoin.
func (p *Protocol) tosses() error {
	if len(p.promises.Coins) == 0 || p.captured.Reads("coin") {
		return nil
	}
	return fmt.Errorf("protocol %s: coins lists what a coin may show, and no function reads one; code does so by self.coin(name)", p.name)
}

// computes reports whether the functions send a message whose type neither stands in
// their text nor is a variable that holds a signature.
//
// A variable counts for its value as it was when the functions were captured; nothing
// assigns it after that.
func computes(s *interp.Captured) (found bool) {
	signatures := map[string]bool{}
	for v, name := range s.Values {
		if _, ok := v.(*value.Kind); ok {
			signatures[name] = true
		}
	}
	s.Walk(func(n syntax.Node) {
		if call, ok := n.(*syntax.CallExpr); ok {
			if method, ok := call.Fn.(*syntax.DotExpr); ok && (method.Name.Name == "send" || method.Name.Name == "broadcast") {
				_, literal := sentBy(call)
				at := map[string]int{"send": 1, "broadcast": 0}[method.Name.Name]
				if len(call.Args) > at {
					id, ok := call.Args[at].(*syntax.Ident)
					literal = literal || ok && signatures[id.Name]
				}
				found = found || !literal
			}
		}
	})
	return found
}

// sentAt returns the first place at which the functions send messages of a type, by their
// text; it is not valid if there is none. First means in the order of files and lines, as
// the walk has no order and the error that names the place must be the same each time.
func sentAt(s *interp.Captured, kind string) (at syntax.Position) {
	s.Walk(func(n syntax.Node) {
		if call, ok := n.(*syntax.CallExpr); ok {
			pos, _ := call.Span()
			sent, ok := sentBy(call)
			earlier := pos.Filename() < at.Filename() || pos.Filename() == at.Filename() && before(pos, at)
			if ok && sent == kind && (!at.IsValid() || earlier) {
				at = pos
			}
		}
	})
	return at
}

// assigns reports whether a statement of the functions assigns an attribute of that name.
func assigns(s *interp.Captured, attribute string) (found bool) {
	s.Walk(func(n syntax.Node) {
		if assign, ok := n.(*syntax.AssignStmt); ok {
			for _, target := range interp.Targets(assign.LHS) {
				dot, ok := target.(*syntax.DotExpr)
				found = found || ok && dot.Name.Name == attribute
			}
		}
	})
	return found
}

// sentBy returns the type of message that a call of send or broadcast names. It does not
// ask whose method that is: a node is handed to functions under any name.
func sentBy(call *syntax.CallExpr) (string, bool) {
	method, ok := call.Fn.(*syntax.DotExpr)
	if !ok {
		return "", false
	}
	at, sends := map[string]int{"send": 1, "broadcast": 0}[method.Name.Name]
	if !sends || len(call.Args) <= at {
		return "", false
	}
	kind, ok := call.Args[at].(*syntax.Literal)
	if !ok || kind.Token != syntax.STRING {
		return "", false
	}
	return kind.Value.(string), true
}

// persists reports a persistent attribute that no node can have: init, which has just run,
// did not set it, and no function of the protocol assigns it. A misspelt name would mean
// that a restart forgets what the author believes to be on disk, in every scenario. It
// cannot be checked with the role, because what is assigned by functions which handlers
// call is known when they are captured.
func persists(n *scriptNode) error {
	if len(n.role.persistent) == 0 {
		return nil
	}
	if err := n.load(); err != nil {
		return err
	}
	for _, name := range n.role.persistent {
		if _, set := n.attrs[name]; !set && !assigns(n.protocol.captured, name) {
			return fmt.Errorf("protocol %s: persistent names %q%s, which no function of the role assigns; init sets %s",
				n.protocol.name, name, spell.Hint(name, n.attrNames()), orNothing(n.attrNames()))
		}
	}
	return nil
}
