package dsl

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A signed value can be made by its signer only: the only ways to make one
// are self.sign and combine, and it is a value of the interpreter, not of scripts.
type signed struct {
	value  starlark.Value // frozen
	signer starlark.Value // an identity, or how many signed together
}

func isSigner(v starlark.Value) bool {
	switch v.(type) {
	case starlark.String, starlark.Int:
		return true
	}
	return false
}

func (s *signed) String() string       { return fmt.Sprintf("signed(%s, by = %s)", s.value, s.signer) }
func (s *signed) Type() string         { return "signed" }
func (s *signed) Freeze()              {}
func (s *signed) Truth() starlark.Bool { return true }
func (s *signed) AttrNames() []string  { return []string{"signer", "value"} }
func (s *signed) Hash() (uint32, error) {
	return starlark.Tuple{s.value, s.signer}.Hash()
}

func (s *signed) Attr(name string) (starlark.Value, error) {
	switch name {
	case "value":
		return s.value, nil
	case "signer":
		return s.signer, nil
	}
	return nil, nil
}

// CompareSameType compares for equality only.
func (s *signed) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	other := y.(*signed)
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("signed values have no order: %s", op)
	}
	equal, err := starlark.EqualDepth(s.value, other.value, depth-1)
	if err != nil {
		return false, err
	}
	sameSigner, err := starlark.Equal(s.signer, other.signer)
	return (equal && sameSigner) == (op == syntax.EQL), err
}

// selfSign makes a value that only this identity can make. Twins are one
// identity and share its key.
func selfSign(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var value starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "value", &value); err != nil {
		return nil, misused(b, err)
	}
	// A copy, so that the signer can go on changing what it signed.
	encoded, err := appendValue(nil, value)
	if err != nil {
		return nil, fmt.Errorf("%s: the value %w", b.Name(), err)
	}
	copied, _, err := decodeValue(encoded)
	if err != nil {
		return nil, err
	}
	copied.Freeze()
	return &signed{copied, starlark.String(n.self.ID)}, nil
}

func verifyEntry() Entry {
	return Entry{
		Signature: "verify(signed, by)",
		Doc: `Whether a value was signed by an identity.
If by is a number, whether it was signed by that many identities together (see combine). Only self.sign and combine make signed values, so no one can forge one. A signed value has value and signer, which is an identity or a number.`,
		Example: `print(verify("not signed at all", by = "A"))`,
		pure:    true,
		call: func(c *call) (starlark.Value, error) {
			var v, by starlark.Value
			if err := c.unpack(&v, &by); err != nil {
				return nil, err
			}
			if !isSigner(by) {
				return nil, fmt.Errorf("verify: by is a %s, want an identity or a number of them", by.Type())
			}
			s, ok := v.(*signed)
			if !ok {
				return starlark.False, nil
			}
			equal, err := starlark.Equal(s.signer, by)
			return starlark.Bool(equal), err
		},
	}
}

func combineEntry() Entry {
	return Entry{
		Signature: "combine(signed, count)",
		Doc: `Makes a certificate: one value that count identities signed together, of values that each of them signed.
It is a threshold signature: the result says that so many signed, but not who did. None if too few did.`,
		Example: `print(combine([], count = 3))`,
		pure:    true,
		call: func(c *call) (starlark.Value, error) {
			var list starlark.Iterable
			var count int
			if err := c.unpack(&list, &count); err != nil {
				return nil, err
			}
			if count < 1 {
				return nil, fmt.Errorf("combine: count is %d, want 1 or more", count)
			}
			signers := map[starlark.String]bool{}
			var value starlark.Value
			for e := range starlark.Elements(list) {
				s, ok := e.(*signed)
				if !ok {
					return nil, fmt.Errorf("combine: got a list with %s in it, want signed values", e.Type())
				}
				if value == nil {
					value = s.value
				}
				if equal, err := starlark.EqualDepth(value, s.value, maxDepth); err != nil || !equal {
					return nil, fmt.Errorf("combine: %s and %s are not equal; combine signatures of equal values", value, s.value)
				}
				id, single := s.signer.(starlark.String)
				if !single {
					return nil, fmt.Errorf("combine: got a list with a certificate of %s identities in it, want what single ones signed", s.signer)
				}
				signers[id] = true
			}
			if len(signers) < count {
				return starlark.None, nil
			}
			return &signed{value, starlark.MakeInt(count)}, nil
		},
	}
}
