package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
)

// The border between protocols and the language. A protocol is a [node.Protocol], and where
// it comes from matters to one side only:
//
//   - One in a script is two roles (dsl/internal/role); callProtocol makes it.
//   - One in Go is handed over by the host, which the package does not know: a module of @std
//     calls native(name), and gets a function of the protocol's options.
//
// Both become a protocolValue, which is what cluster() takes and what the runtime runs. It
// passes each call of the runtime on to the protocol inside, and adds what only a script
// can know: how it was written (for texts and for scripts that are written) and what its
// functions are (for fingerprints).
//
// A host's mistakes, such as an option of a type that scripts do not have, are errors of
// [New]; TestNewChecksTheHost lists them.

// A Protocol is a protocol written in Go that a host hands to scripts. A
// module of @std gives it to them under a name:
//
//	kv = native("kv")
//
// and they choose its options: kv(write_back = False).
type Protocol struct {
	Name    string
	Doc     string // prose; its first sentence is a summary
	Options []Option
	// New makes the protocol. There is an argument for each option, of the
	// type of its default.
	New func(args map[string]any) (node.Protocol, error)
}

// An Option is a keyword argument of a protocol.
type Option struct {
	Name    string
	Default any // a bool, an int or a string; arguments must be of its type
	Doc     string
}

// entry makes the function that scripts call: its options are keyword arguments, with their
// defaults in the signature, so that help shows them and misspelt ones are found as for any
// builtin.
func (p Protocol) entry() (Entry, error) {
	e := Entry{Doc: p.Doc}
	params := []string{"*"}
	for _, o := range p.Options {
		switch o.Default.(type) {
		case bool, int, string:
		default:
			return e, fmt.Errorf("protocol %s: the default of %s is a %T, want a bool, an int or a string", p.Name, o.Name, o.Default)
		}
		assignment := o.Name + "=" + value.Text(o.Default)
		params = append(params, assignment)
		e.Doc += fmt.Sprintf("\n  %-24s %s", assignment, o.Doc)
	}
	if len(p.Options) == 0 {
		params = nil
	}
	e.Signature = p.Name + "(" + strings.Join(params, ", ") + ")"
	e.call = func(c *call) (starlark.Value, error) { return p.call(c) }
	return e, nil
}

// It hands New a value for each option, of the type of its default; that is checked here,
// so that New need not. Only what was given stands in the text of the protocol: kv() and
// kv(write_back = True) behave the same and read as they were written.
func (p Protocol) call(c *call) (starlark.Value, error) {
	given := make([]starlark.Value, len(p.Options))
	var variables []any
	for i := range given {
		variables = append(variables, &given[i])
	}
	if err := c.Unpack(variables...); err != nil {
		return nil, err
	}
	args := map[string]any{}
	var shown []string
	for i, o := range p.Options {
		args[o.Name] = o.Default
		if given[i] == nil {
			continue
		}
		v, err := o.value(given[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %s is %s, %w", p.Name, o.Name, given[i], err)
		}
		args[o.Name] = v
		shown = append(shown, o.Name+"="+value.Text(v))
	}
	made, err := p.New(args)
	if err != nil {
		return nil, err
	}
	text := "(" + strings.Join(shown, ", ") + ")"
	return &protocolValue{made, p.Name + text, append([]interp.Making{{Maker: c.Builtin, Args: text}}, interp.Makings(c)...)}, nil
}

// Numbers are as nodes in Go get them: 1.0 is the int 1. A bool is no int.
func (o Option) value(v starlark.Value) (any, error) {
	got, _ := value.ToGo(v)
	switch o.Default.(type) {
	case bool:
		if b, ok := got.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("want True or False")
	case int:
		if i, ok := got.(int); ok {
			return i, nil
		}
		return nil, fmt.Errorf("want an integer")
	default:
		if s, ok := got.(string); ok {
			return s, nil
		}
		return nil, fmt.Errorf("want a string, as in %s=%s", o.Name, value.Text(o.Default))
	}
}

// newNative makes the function native of the modules of @std. The protocols become
// functions once for an interpreter, so that native("kv") is the same value wherever it is
// called; that is how a script that is written finds a name for it.
func newNative(protocols []Protocol) (*interp.Builtin, error) {
	made := map[string]*interp.Builtin{}
	for _, p := range protocols {
		if made[p.Name] != nil {
			return nil, fmt.Errorf("protocol %s: there are two of that name", p.Name)
		}
		entry, err := p.entry()
		if err != nil {
			return nil, err
		}
		made[p.Name] = built(entry)
	}
	return built(nativeEntry(made)), nil
}

func nativeEntry(made map[string]*interp.Builtin) Entry {
	return Entry{
		Signature: "native(name)",
		Doc:       "The protocol of that name that the host program provides, as a function of its options.",
		call:      func(c *call) (starlark.Value, error) { return callNative(c, made) },
	}
}

// callNative hands out the function and does not call it: options belong to scripts, names
// to modules. Scripts see no native, so that what exists is said in one place, @std.
func callNative(c *call, made map[string]*interp.Builtin) (starlark.Value, error) {
	var name string
	if err := c.Unpack(&name); err != nil {
		return nil, err
	}
	if b := made[name]; b != nil {
		return b, nil
	}
	known := sortedKeys(made)
	return nil, fmt.Errorf("native: no protocol %q%s; there are: %s", name, spell.Hint(name, known), strings.Join(known, ", "))
}

// A protocolValue is a protocol in a script. Two are one value only if they are one in
// memory: a session finds the variable that holds its protocol that way.
type protocolValue struct {
	node.Protocol
	call string          // how its text says that the script made it
	made []interp.Making // the calls that may make it again
}

// Fingerprint implements [explore.Fingerprinted]: a protocol of a script is what its
// functions are, and what they see; one in Go speaks for itself, beside the options that it
// was called with.
func (p *protocolValue) Fingerprint() string {
	if s, ok := p.Protocol.(*role.Protocol); ok {
		d := newDigest(s.Interpreter())
		s.Note(d)
		return d.Sum()
	}
	return p.call + " " + explore.CodeOf(p.Protocol)
}

func (p *protocolValue) String() string { return p.call }

// Legend says what the states of servers show, "" if the protocol does not say.
func (p *protocolValue) Legend() string {
	if l, ok := p.Protocol.(interface{ Legend() string }); ok {
		return l.Legend()
	}
	return ""
}

// Label says how a message reads, "" if the protocol does not say.
func (p *protocolValue) Label(m node.Message) string {
	if l, ok := p.Protocol.(node.Labeler); ok {
		return l.Label(m)
	}
	return ""
}

func (p *protocolValue) Type() string          { return "protocol" }
func (p *protocolValue) Freeze()               {}
func (p *protocolValue) Truth() starlark.Bool  { return true }
func (p *protocolValue) Hash() (uint32, error) { return starlark.String(p.call).Hash() }

// Symmetric says what the protocol inside declares. These are written out because
// embedding a [node.Protocol] promotes the methods of that interface only: those that a
// protocol may have beside it would be lost, and with them symmetry and the check of
// filters.
func (p *protocolValue) Symmetric() bool {
	s, ok := p.Protocol.(node.Symmetric)
	return ok && s.Symmetric()
}

// MessageTypes lists those of the protocol inside, if it does.
func (p *protocolValue) MessageTypes() []string {
	if t, ok := p.Protocol.(node.Typed); ok {
		return t.MessageTypes()
	}
	return nil
}

// OnlyServes says what the protocol inside does.
func (p *protocolValue) OnlyServes() bool {
	s, ok := p.Protocol.(node.Serving)
	return ok && s.OnlyServes()
}

// NeverAborts says what the protocol inside does.
func (p *protocolValue) NeverAborts() bool {
	c, ok := p.Protocol.(node.Committing)
	return ok && c.NeverAborts()
}

// CrashTolerant says what the protocol inside does.
func (p *protocolValue) CrashTolerant() bool {
	t, ok := p.Protocol.(node.CrashTolerant)
	return ok && t.CrashTolerant()
}

// Roundless says what the protocol inside does.
func (p *protocolValue) Roundless() bool {
	r, ok := p.Protocol.(node.Roundless)
	return ok && r.Roundless()
}

// Coins lists what the protocol inside does.
func (p *protocolValue) Coins() []any {
	if r, ok := p.Protocol.(node.Randomized); ok {
		return r.Coins()
	}
	return nil
}

// SymmetricClients says what the protocol inside declares.
func (p *protocolValue) SymmetricClients(program []node.Operation) bool {
	s, ok := p.Protocol.(node.ClientSymmetric)
	return ok && s.SymmetricClients(program)
}

// noteRemade says which protocols and roles were made of functions that the text which was
// just evaluated has defined anew: they go on with those of before. A value holds the
// function and not the name, as everywhere in the language; at a prompt, where one mends a
// handler and tries again, that is the surprise which costs most. It runs after each piece
// of text, also after one that failed. Functions count by name and identity, so that a role
// made after the new definition is not reported.
func noteRemade(in *Interpreter) {
	defined := in.redefined
	in.redefined = nil
	if len(defined) == 0 {
		return
	}
	for _, name := range in.Names() {
		var functions []starlark.Callable
		switch v := in.Global(name).(type) {
		case *protocolValue:
			if p, ok := v.Protocol.(*role.Protocol); ok {
				functions = p.Functions()
			}
		case *role.Role:
			functions = v.Functions()
		}
		for _, fn := range functions {
			if slices.Contains(defined, fn.Name()) && in.Global(fn.Name()) != fn {
				fmt.Fprintf(plainOut(in), "note: %s was made with the %s of before; make it again\n", name, fn.Name())
				break
			}
		}
	}
}
