// Package role lets the functions of a script be the code of nodes.
//
//	Role         handlers by event, as role(…) of a script makes it        role.go
//	  checked    what a role cannot mean, found when it is defined         check.go
//	Protocol     roles of replicas and of clients, as a [node.Protocol]    protocol.go
//	scriptNode   one node: a role, and the attributes that are its state   node.go
//	self         what a handler sees of its node, and acts by              self.go
//	OfSelf       what is meant if "self." is forgotten                     hint.go
//
// It is the part of the language that scenarios run: Go calls into Starlark here, where the
// rest of dsl is called by it. It imports interp and value, and of the runtime only
// runtime/node, as any protocol does: it knows no world, no search and no session. The
// builtins role() and protocol(), with all that is said of them to people, are in
// dsl/builtin_protocols.go.
package role

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// A Role is the code of replicas or of clients: handlers by event. It is immutable. Keys of
// handlers are names of functions of the role: init, show, rebase, and on_ with an event or
// a type.
type Role struct {
	handlers   map[string]starlark.Callable
	labels     map[string]starlark.Callable // by type of message: how one reads
	kinds      []*value.Kind                // signatures by which handlers and labels are given
	persistent []string
	place      syntax.Position // of the call that made it
}

func (r *Role) String() string        { return "role(" + strings.Join(r.names(), ", ") + ")" }
func (r *Role) Type() string          { return "role" }
func (r *Role) Freeze()               {}
func (r *Role) Truth() starlark.Bool  { return true }
func (r *Role) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: role") }

// In order, so that errors, texts and digests are the same each time.
func (r *Role) names() []string {
	var names []string
	for name := range r.handlers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Call writes the call that makes r, with the names that name gives to its functions. It
// reports false if one of them has none there, or cannot be passed by keyword.
func (r *Role) Call(name func(starlark.Callable) string) (text string, ok bool) {
	var args []string
	for _, key := range r.names() {
		function := name(r.handlers[key])
		if function == "" || !identifier.MatchString(key) {
			return "", false
		}
		args = append(args, key+" = "+function)
	}
	var labels []string
	for _, kind := range slices.Sorted(maps.Keys(r.labels)) {
		function := name(r.labels[kind])
		if function == "" {
			return "", false
		}
		labels = append(labels, fmt.Sprintf("%q: %s", kind, function))
	}
	if len(labels) > 0 {
		args = append(args, "label = {"+strings.Join(labels, ", ")+"}")
	}
	if len(r.persistent) > 0 {
		args = append(args, fmt.Sprintf("persistent = [%s]", quoted(r.persistent)))
	}
	return "role(" + strings.Join(args, ", ") + ")", true
}

// identifier is what a keyword looks like.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)

func quoted(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(list, ", ")
}

// Functions lists the functions of r, which may be nil.
func (r *Role) Functions() []starlark.Callable {
	var functions []starlark.Callable
	if r != nil {
		for _, name := range r.names() {
			functions = append(functions, r.handlers[name])
		}
		for _, kind := range slices.Sorted(maps.Keys(r.labels)) {
			functions = append(functions, r.labels[kind])
		}
	}
	return functions
}

// New makes a role of the arguments of a call of role() at a place: init, show, on_…, and a
// dict of handlers by message type. What it cannot mean is an error.
//
// Arguments are looked at one by one, in the order of the call: the name first, where a
// plural of an event (on_rounds) is more likely a slip than a type of messages, and can
// still be had through handlers; then the value, which must be a function that can be
// frozen. A second handler for one type is an error rather than the last one counting. Then
// the functions are checked against each other, see checked. Nothing is called.
func New(in *interp.Interpreter, kwargs []starlark.Tuple, place syntax.Position) (*Role, error) {
	r := &Role{handlers: map[string]starlark.Callable{}, place: place}
	add := func(name string, v starlark.Value) error {
		fn, ok := v.(starlark.Callable)
		if !ok {
			return fmt.Errorf("role: %s is %s, want a function", name, value.Article(v))
		}
		if err := guard.Freezable(fn); err != nil {
			return fmt.Errorf("role: %s: %w", name, err)
		}
		if _, twice := r.handlers[name]; twice {
			return fmt.Errorf("role: two handlers for %s: one as a keyword, one in handlers", name)
		}
		r.handlers[name] = fn
		return nil
	}
	for _, kw := range kwargs {
		name := string(kw[0].(starlark.String))
		if event := strings.TrimSuffix(strings.TrimPrefix(name, "on_"), "s"); name == "on_"+event+"s" && slices.Contains(value.Events, event) {
			return nil, fmt.Errorf("role: %s is the handler of messages of the type %ss (did you mean on_%s?); if they are called so, write handlers = {%q: …}", name, event, event, event+"s")
		}
		switch {
		case name == "init" || name == "show" || name == "rebase" || strings.HasPrefix(name, "on_") && len(name) > 3:
			if kw[1] == starlark.None {
				continue
			}
			if err := add(name, kw[1]); err != nil {
				return nil, err
			}
		case name == "handlers":
			d, ok := kw[1].(*starlark.Dict)
			if !ok {
				return nil, fmt.Errorf("role: handlers is %s, want a dict from message type to function", value.Article(kw[1]))
			}
			for _, item := range d.Items() {
				kind, ok := r.kind(item[0])
				if !ok {
					return nil, fmt.Errorf("role: handlers has the key %s, want the name of a message type", item[0])
				}
				if err := add("on_"+kind, item[1]); err != nil {
					return nil, err
				}
			}
		case name == "label":
			if err := r.label(kw[1]); err != nil {
				return nil, err
			}
		case name == "persistent":
			if err := (*interp.Names)(&r.persistent).Unpack(kw[1]); err != nil {
				return nil, fmt.Errorf("role: persistent: %w", err)
			}
		default:
			return nil, fmt.Errorf("role: unexpected keyword argument %s%s; want init, show, label, rebase, persistent, handlers or on_ and an event (%s) or message type",
				name, spell.Hint(name, []string{"init", "show", "label", "rebase", "persistent", "handlers", "on_round", "on_timeout", "on_exchange", "on_invoke", "on_hop", "on_quiet"}), strings.Join(value.Events, ", "))
		}
	}
	return r, checked(in, r)
}

// kind returns the name of a type of messages, and keeps its signature if it is given by one.
func (r *Role) kind(v starlark.Value) (name string, ok bool) {
	if k, is := v.(*value.Kind); is {
		r.kinds = append(r.kinds, k)
	}
	return value.KindOf(v)
}

// label takes the functions that say how messages read.
//
// What is wrong with one of them is found now, as with handlers.
func (r *Role) label(v starlark.Value) error {
	d, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf(`role: label is %s, want a dict from message type to function, as in {"vote": lambda m: "vote for " + m.value}`, value.Article(v))
	}
	r.labels = map[string]starlark.Callable{}
	for _, item := range d.Items() {
		kind, ok := r.kind(item[0])
		if !ok {
			return fmt.Errorf("role: label has the key %s, want the name of a message type", item[0])
		}
		fn, ok := item[1].(starlark.Callable)
		if !ok {
			return fmt.Errorf("role: label: %s is %s, want a function of a message", kind, value.Article(item[1]))
		}
		if err := guard.Freezable(fn); err != nil {
			return fmt.Errorf("role: label: %s: %w", kind, err)
		}
		if f, ok := fn.(*starlark.Function); ok {
			if err := callable("the label of "+kind, f, []string{"m"}); err != nil {
				return err
			}
		}
		r.labels[kind] = fn
	}
	return nil
}

// Begins reports whether something can be begun by a node of the role: it takes part in
// exchanges, is asked to do things, or acts when it waited in vain. A client that cannot
// begin anything never gets a message to react to, either.
func (r *Role) Begins() bool {
	return r.handlers["on_exchange"] != nil || r.handlers["on_invoke"] != nil || r.handlers["on_timeout"] != nil
}

// Handlers names the functions of the role.
func (r *Role) Handlers() string { return orNothing(r.names()) }
