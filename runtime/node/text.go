package node

import (
	"fmt"
	"strconv"
	"strings"
)

// Text shows a message, value or argument to people as Go writes it: strings are
// quoted, and what has a String method speaks for itself. Values that differ in more
// than their types have different texts, and so have 1 and 1.0. A host that writes
// values otherwise says so to the cluster.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return fmt.Sprintf("%q", v)
	case float64: // so that 1.0 is not taken for 1
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// LabelOf shows a message to people: as its protocol says, else by its [Text].
func LabelOf(p Protocol, m Message) string {
	if l, ok := p.(Labeler); ok {
		if label := l.Label(m); label != "" {
			return label
		}
	}
	return Text(m)
}

// FullText shows a message to people without leaving anything out: what its
// method Full returns, if it has one, else its [Text].
func FullText(v any) string {
	if f, ok := v.(interface{ Full() string }); ok {
		return f.Full()
	}
	return Text(v)
}
