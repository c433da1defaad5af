package value

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A protocol that declares itself symmetric lets a search rename identities in
// states, messages and decided values. A string that is the name of an identity
// counts as that identity, wherever it stands: in keys of dicts, in sets, as a signer. A string that
// only happens to be "A" is renamed as well, in all places, so that equal things stay equal; if
// code takes it for something else, the check of symmetry finds that it does not treat
// identities the same. Renamings are one to one, so that no two keys become one.

// Renamed implements [node.RenamedValue].
func (m Message) Renamed(to func(string) string) any {
	return Message{m.Kind, renamedText(m.body, to)}
}

// Renamed implements [node.RenamedValue].
func (c Composite) Renamed(to func(string) string) any { return Composite{renamedText(c.encoded, to)} }

// renamedText decodes, renames and encodes again. The result is canonical as before:
// renaming may change the order of the keys of a dict, which sorting undoes. It panics on
// bytes that Append did not write.
func renamedText(encoded string, to func(string) string) string {
	v, _, err := Decode([]byte(encoded))
	if err != nil {
		panic(err)
	}
	b, err := Append(nil, Renamed(v, to))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Renamed returns v with each identity replaced. It panics if that makes a key
// of a dict unhashable, which renaming cannot.
//
// The renaming is a permutation of the identities: different names stay different, so that
// no two keys of a dict become one. to returns what is no identity as it is. v is not
// changed; lists, dicts and signed values of the result are new ones. Operations stay what
// they are, since their arguments are the environment's and name no identity; symmetry is
// checked against what happens anyway.
func Renamed(v starlark.Value, to func(string) string) starlark.Value {
	each := func(values []starlark.Value) []starlark.Value {
		out := make([]starlark.Value, len(values))
		for i, e := range values {
			out[i] = Renamed(e, to)
		}
		return out
	}
	switch v := v.(type) {
	case starlark.String:
		return starlark.String(to(string(v)))
	case *starlark.List:
		var elems []starlark.Value
		for e := range v.Elements() {
			elems = append(elems, e)
		}
		return starlark.NewList(each(elems))
	case starlark.Tuple:
		return starlark.Tuple(each(v))
	case *starlark.Set:
		s := starlark.NewSet(v.Len())
		for e := range v.Elements() {
			must(s.Insert(Renamed(e, to)))
		}
		return s
	case *starlark.Dict:
		d := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			must(d.SetKey(Renamed(item[0], to), Renamed(item[1], to)))
		}
		return d
	case *starlarkstruct.Struct:
		fields := starlark.StringDict{}
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			must(err)
			fields[name] = Renamed(field, to)
		}
		return starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	case *Signed:
		value := Renamed(v.Value, to)
		value.Freeze()
		return &Signed{value, Renamed(v.Signer, to)}
	case Digest:
		return v.renamed(to)
	}
	return v
}

// must panics for what cannot fail: to put a renamed key where the key was hashable.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
