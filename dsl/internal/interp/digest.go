package interp

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
)

// A Digest sums up values of scripts by what they are: a function by its
// definition, without comments and layout, its defaults, and the variables that
// it captured or names, wherever in the script they stand. Nothing in it depends
// on where files are.
//
// It is what says that a checkpoint belongs to a search, in another process and maybe after the
// script was edited: a comment that was added changes nothing, a constant that a function
// names does. It is the SHA-256 (FIPS 180-4) of a list of texts, each quoted and ended, so that no
// two lists run into one. A value that occurs again is its number in the order of meeting, which
// also ends values that hold themselves.
type Digest struct {
	texts Texts
	own   func(starlark.Value)
	hash  hash.Hash
	at    map[any]int // values that were met, by identity
}

// NewDigest makes an empty digest. own notes values of types that Starlark does not have.
func NewDigest(in *Interpreter, own func(*Digest, starlark.Value)) *Digest {
	p := &Digest{texts: NewTexts(in), hash: sha256.New(), at: map[any]int{}}
	p.own = func(v starlark.Value) { own(p, v) }
	return p
}

// Sum returns the digest in hexadecimal digits.
func (p *Digest) Sum() string { return hex.EncodeToString(p.hash.Sum(nil)) }

// Note adds texts so that no two lists of them are one.
func (p *Digest) Note(texts ...any) {
	for _, text := range texts {
		fmt.Fprintf(p.hash, "%q;", fmt.Sprint(text))
	}
}

// Met reports whether a value was met before, and notes which it was.
func (p *Digest) Met(v any) bool {
	n, ok := p.at[v]
	if ok {
		p.Note("again", n)
		return true
	}
	p.at[v] = len(p.at)
	return false
}

func (p *Digest) each(kind string, count int, values iter.Seq[starlark.Value]) {
	p.Note(kind, count)
	for v := range values {
		p.Value(v)
	}
}

// Value notes a value.
func (p *Digest) Value(v starlark.Value) {
	switch v := v.(type) {
	case nil:
		p.Note("nothing")
	case starlark.NoneType, starlark.Bool, starlark.Int:
		p.Note(v.Type(), v)
	case starlark.Float: // -0.0 prints as 0.0 does
		p.Note(v.Type(), math.Float64bits(float64(v)))
	case starlark.String:
		p.Note(v.Type(), string(v))
	case starlark.Bytes:
		p.Note(v.Type(), string(v))
	case starlark.Tuple:
		if len(v) == 0 || !p.Met(&v[0]) {
			p.each(v.Type(), len(v), starlark.Elements(v))
		}
	case *starlark.List:
		if !p.Met(v) {
			p.each(v.Type(), v.Len(), starlark.Elements(v))
		}
	case *starlark.Set:
		if !p.Met(v) {
			p.each(v.Type(), v.Len(), starlark.Elements(v))
		}
	case *starlark.Dict:
		if !p.Met(v) {
			p.Note(v.Type(), v.Len())
			for key, value := range v.Entries() {
				p.Value(key)
				p.Value(value)
			}
		}
	case *starlarkstruct.Struct:
		p.Note(v.Type())
		p.Value(v.Constructor())
		for _, name := range v.AttrNames() {
			field, _ := v.Attr(name)
			p.Note(name)
			p.Value(field)
		}
	case *starlark.Function:
		if !p.Met(v) {
			p.function(v)
		}
	case *Builtin:
		p.Note(v.Type(), v.Name())
	case *starlark.Builtin:
		p.Note(v.Type(), v.Name())
		p.Value(v.Receiver())
	default:
		p.own(v)
	}
}

func (p *Digest) function(fn *starlark.Function) {
	p.Note("function", fn.NumParams(), fn.NumFreeVars())
	definition := p.texts.Of(fn)
	if definition == nil { // the text of its file may say more than is needed
		p.Note(fn.Name(), p.texts.in.sources[fn.Position().Filename()])
	} else {
		syntax.Walk(definition, func(n syntax.Node) bool {
			p.node(n)
			return true
		})
	}
	for i := range fn.NumParams() {
		p.Value(fn.ParamDefault(i))
	}
	for i := range fn.NumFreeVars() {
		binding, v := fn.FreeVar(i)
		p.Note(binding.Name)
		p.Value(v)
	}
	values := valuesOf(fn.Module())
	names := p.texts.named(fn)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		p.Note(name)
		p.Value(values(name))
	}
}

// node notes a part of a definition. Its children follow, and nil after them. What the kind of a
// part and its children do not say is noted here: operators, names, and how children divide.
func (p *Digest) node(n syntax.Node) {
	if n == nil {
		p.Note("end")
		return
	}
	p.Note(fmt.Sprintf("%T", n))
	switch n := n.(type) {
	case *syntax.Ident:
		p.Note(n.Name)
	case *syntax.Literal:
		p.Note(n.Token, n.Value)
	case *syntax.UnaryExpr:
		p.Note(n.Op)
	case *syntax.BinaryExpr:
		p.Note(n.Op)
	case *syntax.AssignStmt:
		p.Note(n.Op)
	case *syntax.BranchStmt:
		p.Note(n.Token)
	case *syntax.IfStmt:
		p.Note(len(n.True), len(n.False))
	case *syntax.DefStmt:
		p.Note(len(n.Params), len(n.Body))
	case *syntax.LambdaExpr:
		p.Note(len(n.Params))
	case *syntax.Comprehension:
		p.Note(n.Curly, len(n.Clauses))
	case *syntax.SliceExpr:
		p.Note(n.Lo != nil, n.Hi != nil, n.Step != nil)
	}
}
