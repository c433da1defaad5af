package dsl

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"math"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/explore"
)

// Fingerprint implements [explore.Fingerprinted]: a protocol of a script is what
// its functions are, and what they see; one in Go speaks for itself.
func (p *protocolValue) Fingerprint() string {
	if s, ok := p.Protocol.(*scriptProtocol); ok {
		return s.Fingerprint()
	}
	return p.call + " " + explore.CodeOf(p.Protocol)
}

// Fingerprint implements [explore.Fingerprinted].
func (p *scriptProtocol) Fingerprint() string {
	f := p.in.newPrint()
	f.protocol(p)
	return f.sum()
}

// code returns what distinguishes properties of scripts beside their names: their
// arguments, and the functions among these.
func (l propertyList) code(in *Interpreter) []explore.Part {
	var parts []explore.Part
	for i, p := range l {
		f := in.newPrint()
		f.value(p)
		parts = append(parts, explore.DigestOf(fmt.Sprintf("the arguments of %s", p.name), f.sum()))
		for _, q := range l[:i] {
			if q.name == p.name {
				parts[i].Name += fmt.Sprintf(" (%d)", i+1)
				break
			}
		}
	}
	return parts
}

// A print sums up values of scripts by what they are: a function by its
// definition, without comments and layout, its defaults, and the variables that
// it captured or names, wherever in the script they stand. Nothing in it depends
// on where files are.
type print struct {
	*capturedGlobals // to find definitions, not to freeze anything
	hash             hash.Hash
	at               map[any]int // values that were met, by identity
}

func (in *Interpreter) newPrint() *print {
	return &print{
		capturedGlobals: &capturedGlobals{in: in, files: map[string]*syntax.File{}},
		hash:            sha256.New(), at: map[any]int{},
	}
}

func (p *print) sum() string { return hex.EncodeToString(p.hash.Sum(nil)) }

// note adds texts so that no two lists of them are one.
func (p *print) note(texts ...any) {
	for _, text := range texts {
		fmt.Fprintf(p.hash, "%q;", fmt.Sprint(text))
	}
}

// met reports whether a value was met before, and notes which it was.
func (p *print) met(v any) bool {
	n, ok := p.at[v]
	if ok {
		p.note("again", n)
		return true
	}
	p.at[v] = len(p.at)
	return false
}

func (p *print) each(kind string, count int, values iter.Seq[starlark.Value]) {
	p.note(kind, count)
	for v := range values {
		p.value(v)
	}
}

func (p *print) value(v starlark.Value) {
	switch v := v.(type) {
	case nil:
		p.note("nothing")
	case starlark.NoneType, starlark.Bool, starlark.Int:
		p.note(v.Type(), v)
	case starlark.Float: // -0.0 prints as 0.0 does
		p.note(v.Type(), math.Float64bits(float64(v)))
	case starlark.String:
		p.note(v.Type(), string(v))
	case starlark.Bytes:
		p.note(v.Type(), string(v))
	case starlark.Tuple:
		if len(v) == 0 || !p.met(&v[0]) {
			p.each(v.Type(), len(v), starlark.Elements(v))
		}
	case *starlark.List:
		if !p.met(v) {
			p.each(v.Type(), v.Len(), starlark.Elements(v))
		}
	case *starlark.Set:
		if !p.met(v) {
			p.each(v.Type(), v.Len(), starlark.Elements(v))
		}
	case *starlark.Dict:
		if !p.met(v) {
			p.note(v.Type(), v.Len())
			for key, value := range v.Entries() {
				p.value(key)
				p.value(value)
			}
		}
	case *starlarkstruct.Struct:
		p.note(v.Type())
		p.value(v.Constructor())
		for _, name := range v.AttrNames() {
			field, _ := v.Attr(name)
			p.note(name)
			p.value(field)
		}
	case *starlark.Function:
		if !p.met(v) {
			p.function(v)
		}
	case *starlark.Builtin:
		p.note(v.Type(), v.Name())
		p.value(v.Receiver())
	default:
		p.own(v)
	}
}

// own notes a value of the language's own.
func (p *print) own(v starlark.Value) {
	p.note(v.Type())
	switch v := v.(type) {
	case *builtin:
		p.note(v.entry.Name())
	case value.Operation:
		p.note(v.Name)
		p.value(value.FromGo(v.Arg))
	case *value.Signed:
		p.value(v.Value)
		p.value(v.Signer)
	case *role:
		if !p.met(v) {
			p.role(v)
		}
	case *protocolValue:
		if s, ok := v.Protocol.(*scriptProtocol); ok {
			p.protocol(s)
		} else {
			p.note(v.Fingerprint())
		}
	case *propertyValue:
		p.note(v.name, len(v.args))
		for _, arg := range v.args {
			p.value(arg)
		}
	case *spaceValue:
		p.note(v.Space, v.Size(), v.Digest()) // the text leaves long lists out
	case *worldValue:
		c := v.Cluster()
		p.note(c, c.Config().Network)
		if made, ok := c.Config().Protocol.(*protocolValue); ok {
			p.own(made)
		}
		for _, w := range v.Path()[1:] {
			p.note(w.Step())
		}
	default:
		p.note(v)
	}
}

func (p *print) protocol(s *scriptProtocol) {
	if p.met(s) {
		return
	}
	p.note(s.name, s.symmetric)
	p.role(s.replica)
	p.role(s.client)
}

func (p *print) role(r *role) {
	if r == nil {
		p.note("no role")
		return
	}
	p.note("role", len(r.handlers), fmt.Sprintf("%q", r.persistent))
	for _, name := range r.names() {
		p.note(name)
		p.value(r.handlers[name])
	}
}

func (p *print) function(fn *starlark.Function) {
	p.note("function", fn.NumParams(), fn.NumFreeVars())
	definition := p.text(fn)
	if definition == nil { // the text of its file may say more than is needed
		p.note(fn.Name(), p.in.sources[fn.Position().Filename()])
	} else {
		syntax.Walk(definition, func(n syntax.Node) bool {
			p.node(n)
			return true
		})
	}
	for i := range fn.NumParams() {
		p.value(fn.ParamDefault(i))
	}
	for i := range fn.NumFreeVars() {
		binding, v := fn.FreeVar(i)
		p.note(binding.Name)
		p.value(v)
	}
	values := valuesOf(fn.Module())
	names := p.named(fn)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		p.note(name)
		p.value(values(name))
	}
}

// node notes a part of a definition. Its children follow, and nil after them.
func (p *print) node(n syntax.Node) {
	if n == nil {
		p.note("end")
		return
	}
	p.note(fmt.Sprintf("%T", n))
	switch n := n.(type) {
	case *syntax.Ident:
		p.note(n.Name)
	case *syntax.Literal:
		p.note(n.Token, n.Value)
	case *syntax.UnaryExpr:
		p.note(n.Op)
	case *syntax.BinaryExpr:
		p.note(n.Op)
	case *syntax.AssignStmt:
		p.note(n.Op)
	case *syntax.BranchStmt:
		p.note(n.Token)
	case *syntax.IfStmt:
		p.note(len(n.True), len(n.False))
	case *syntax.DefStmt:
		p.note(len(n.Params), len(n.Body))
	case *syntax.LambdaExpr:
		p.note(len(n.Params))
	case *syntax.Comprehension:
		p.note(n.Curly, len(n.Clauses))
	case *syntax.SliceExpr:
		p.note(n.Lo != nil, n.Hi != nil, n.Step != nil)
	}
}
