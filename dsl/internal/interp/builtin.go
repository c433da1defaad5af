package interp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Builtin is a function in Go that scripts call, with its documentation. Bound to a
// receiver it is a method. The signature is the one place where its name, its parameters and
// their defaults stand: the check of arguments, errors, help, completion and the reference
// read it off there.
type Builtin struct {
	// Signature is written as in a def statement, exchange(client, reach). The names
	// and defaults of the parameters are taken from it.
	Signature string
	Doc       string // prose; its first sentence is a summary
	Example   string // a script that can be executed
	// Pure says that it may be called outside of the execution of a script, too.
	Pure bool
	Code func(*Call) (starlark.Value, error)

	params   params
	receiver starlark.Value // nil if it is no method
}

// NewBuiltin completes a builtin. It panics if the signature cannot be parsed, which is a mistake
// of the program and not of a script.
func NewBuiltin(b Builtin) *Builtin {
	b.params = parseSignature(b.Signature)
	return &b
}

// Method returns b as a method of receiver.
func (b *Builtin) Method(receiver starlark.Value) *Builtin {
	method := *b
	method.receiver = receiver
	return &method
}

// Receiver returns the value whose method b is, nil if it is a function.
func (b *Builtin) Receiver() starlark.Value { return b.receiver }

// Name returns the name in the signature.
func (b *Builtin) Name() string {
	name, _, _ := strings.Cut(b.Signature, "(")
	return name
}

func (b *Builtin) String() string        { return "<built-in function " + b.Name() + ">" }
func (b *Builtin) Type() string          { return "builtin_function_or_method" }
func (b *Builtin) Freeze()               {}
func (b *Builtin) Truth() starlark.Bool  { return true }
func (b *Builtin) Hash() (uint32, error) { return starlark.String(b.Name()).Hash() }

// Binary implements [starlark.HasBinary]: no operator takes a function. Without it the error
// of rounds * 3 would be that there is no operator for two types, and not what is missing.
func (b *Builtin) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	switch op {
	case syntax.STAR, syntax.PLUS, syntax.PIPE:
	default:
		return nil, nil
	}
	left, right := b.Name()+"(…)", "…"
	if n, ok := y.(starlark.Int); ok {
		right = n.String()
	}
	if side == starlark.Right {
		left, right = right, left
	}
	return nil, fmt.Errorf("%s is a function and has to be called: %s %s %s", b.Name(), left, op, right)
}

// CallInternal implements [starlark.Callable]. A panic of the code is an error, and so is
// a mistake of the script that was noted while it ran (see [Interpreter.Mistaken]).
func (b *Builtin) CallInternal(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (_ starlark.Value, err error) {
	r := RunOf(thread)
	if r != nil && !b.Pure {
		r.in.turns.Add(1)
	}
	defer recovered(&err) // here, where the call stack is still known
	v, err := b.Code(&Call{thread, b, args, kwargs})
	if r != nil {
		var failed *CheckFailed
		// A mistake may be why the builtin failed or found nothing. A check that did not hold because
		// a function was wrong says so; other errors say more than that.
		if mistake := r.in.mistake.Swap(nil); mistake != nil && (err == nil || errors.As(err, &failed)) {
			v, err = nil, *mistake
		}
	}
	if inner, ok := err.(*starlark.EvalError); ok {
		// It may come from another thread. Wrapped, it gets this stack as well.
		err = fmt.Errorf("%s: %w", b.Name(), inner)
	}
	return v, err
}

// A Call is one call of a builtin.
type Call struct {
	Thread *starlark.Thread
	*Builtin
	Args   starlark.Tuple
	Kwargs []starlark.Tuple
}

// Place returns where a script makes the call, the innermost place that is in a text.
func (c *Call) Place() (pos syntax.Position) {
	for _, f := range slices.Backward(c.Thread.CallStack()) {
		if IsFile(f) {
			return f.Pos
		}
	}
	return pos
}
