package value

import (
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// Text shows a Go value to those who write scripts, as they would write it: None, True,
// cas(old = None, new = 1). It may be called concurrently.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case node.Operation:
		if v.Arg == nil {
			return v.Name + "()"
		}
		return v.Name + "(" + Text(v.Arg) + ")"
	case node.Arguments:
		var texts []string
		for at, ok := v, v.Name != ""; ok; at, ok = at.More.(node.Arguments) {
			texts = append(texts, at.Name+"="+Text(at.Value))
		}
		return strings.Join(texts, ", ")
	}
	return node.Text(v)
}
