package value

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Signed is a value that an identity signed. A script makes one by self.sign
// and combine and in no other way, so that none can be forged: the signature is not a
// secret but the fact that the value exists. Equal values signed by one identity are
// one, whichever of its instances signed, as with a deterministic signature scheme.
//
// It is the algebra of Dolev and Yao (1983) in one type. A node cannot be given a signature
// that was not made in the scenario: values are decoded from what was sent or kept, and a
// tag for signed values is only written for a Signed.
type Signed struct {
	Value  starlark.Value // frozen
	Signer starlark.Value // an identity, or how many signed together
}

// Sign makes a value that an identity signed. It holds a copy, so that the signer
// can go on changing what it signed. That the identity is that of the code which calls is
// seen to by who calls Sign: self.sign does.
func Sign(v starlark.Value, by string) (*Signed, error) {
	encoded, err := Append(nil, v)
	if err != nil {
		return nil, err
	}
	copied, _, err := Decode(encoded)
	if err != nil {
		return nil, err
	}
	copied.Freeze()
	return &Signed{copied, starlark.String(by)}, nil
}

// Combine makes a certificate: what count identities signed together, of values that
// each of them signed. It is nil if they are fewer. It says how many signed and not
// who did, as a threshold signature does.
//
// Values must be equal, and signed by one identity each. A list that mixes them is a
// mistake of the protocol that would pass unnoticed if the odd ones were left out, so that
// it is an error. An identity counts once, however often it is in the list. That who signed
// is lost is on purpose, see Shoup, "Practical Threshold Signatures" (EUROCRYPT 2000): a
// list of signers would make different states of what is one to the protocol.
func Combine(list starlark.Iterable, count int) (*Signed, error) {
	signers := map[starlark.String]bool{}
	var of starlark.Value
	for e := range starlark.Elements(list) {
		s, ok := e.(*Signed)
		if !ok {
			return nil, fmt.Errorf("got a list with %s in it, want signed values", e.Type())
		}
		if of == nil {
			of = s.Value
		}
		if equal, err := starlark.EqualDepth(of, s.Value, MaxDepth); err != nil || !equal {
			return nil, fmt.Errorf("%s and %s are not equal; combine signatures of equal values", of, s.Value)
		}
		id, single := s.Signer.(starlark.String)
		if !single {
			return nil, fmt.Errorf("got a list with a certificate of %s identities in it, want what single ones signed", s.Signer)
		}
		signers[id] = true
	}
	if len(signers) < count {
		return nil, nil
	}
	return &Signed{of, starlark.MakeInt(count)}, nil
}

// IsSigner reports whether a value can stand for those who signed something.
//
// An identity, or a number of them.
func IsSigner(v starlark.Value) bool {
	switch v.(type) {
	case starlark.String, starlark.Int:
		return true
	}
	return false
}

func (s *Signed) String() string       { return fmt.Sprintf("signed(%s, by = %s)", s.Value, s.Signer) }
func (s *Signed) Type() string         { return "signed" }
func (s *Signed) Freeze()              {}
func (s *Signed) Truth() starlark.Bool { return true }
func (s *Signed) AttrNames() []string  { return []string{"signer", "value"} }

// Hash lets a signed value be a key or in a set, which is what quorums are counted in.
func (s *Signed) Hash() (uint32, error) {
	return starlark.Tuple{s.Value, s.Signer}.Hash()
}

// Attr returns the value or the signer.
func (s *Signed) Attr(name string) (starlark.Value, error) {
	switch name {
	case "value":
		return s.Value, nil
	case "signer":
		return s.Signer, nil
	}
	return nil, nil
}

// CompareSameType compares for equality only: what was signed and by whom.
func (s *Signed) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	other := y.(*Signed)
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("signed values have no order: %s", op)
	}
	equal, err := starlark.EqualDepth(s.Value, other.Value, depth-1)
	if err != nil {
		return false, err
	}
	sameSigner, err := starlark.Equal(s.Signer, other.Signer)
	return (equal && sameSigner) == (op == syntax.EQL), err
}
