package space

import "strings"

// A text is how a script writes a space. It is put together when it is asked for,
// because all the texts of the spaces of which a large one is made would take far
// more memory than the spaces.
type text struct {
	write func(*pen)
	binds binding
}

// in writes t as part of a text that holds together as given.
func (t text) in(b *pen, outer binding) {
	if b.cut {
		return
	}
	if t.binds < outer {
		b.WriteString("(")
		defer b.WriteString(")")
	}
	t.write(b)
}

func plain(s string, binds binding) text {
	return text{func(b *pen) { b.WriteString(s) }, binds}
}

// between is a and b with an operator between them.
func between(a text, operator string, b text, binds binding) text {
	return text{func(w *pen) { a.in(w, binds); w.WriteString(operator); b.in(w, binds) }, binds}
}

// after is a with something after it.
func after(a text, what string, binds binding) text {
	return text{func(w *pen) { a.in(w, binds); w.WriteString(what) }, binds}
}

// maxText is after how many bytes a text is cut: one of twice the same space and
// so on is small in memory and endless to write.
const maxText = 1 << 20

// A pen writes a text up to maxText bytes.
type pen struct {
	strings.Builder
	cut bool
}

func (p *pen) WriteString(s string) {
	switch {
	case p.cut:
	case p.Len()+len(s) > maxText:
		p.cut = true
		p.Builder.WriteString("…")
	default:
		p.Builder.WriteString(s)
	}
}

// A binding says how tightly a text holds together, the loosest first.
type binding int

const (
	byOr binding = iota
	byThen
	byTimes
	asOne
)
