package runtime

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// The notation of an action is one line: its name, its arguments, and those that
// may be left out as name=value:
//
//	exchange c1 A,B,C
//	round A groups=A,B|A',C,D hops=2 deaf=B types=vote
//	invoke c1 write("red")
//	drop ack src=A
//	coin r1 0
//	coin r1 0,1 groups=A,B|C
//	view v2 "round A","timeout A,B,C,D least=1"
//
// Members of a list are parted by commas, groups by bars. A word that holds
// anything but letters, digits and -_'. is quoted as in Go, and so is the notation
// of a step in a view.

// An Argument is one of the things that an action says. The type of its value is that
// of the field of the action: a string, a []string, a [][]string, an int, a
// [node.Operation], a [Faces] or a []Action. It does not change with the value.
type Argument struct {
	Name      string // reach
	Instances bool   // each name in it is that of an instance, and not of an identity or a type of messages
	Optional  bool   // it is not written if it has the zero value
	Value     any
}

// What the names in an argument are the names of.
const (
	ofInstances = true
	ofOthers    = false // or it has none
)

// empty reports whether the argument has the zero value.
func (a Argument) empty() bool {
	switch v := a.Value.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case [][]string:
		return v == nil
	case Faces:
		return len(v) == 0
	case []Action:
		return len(v) == 0
	case int:
		return v == 0
	}
	return false
}

// An editor returns the value that is to take the place of an argument's value.
type editor func(Argument) any

func required[T any](e editor, name string, instances bool, value T) T {
	return e(Argument{name, instances, false, value}).(T)
}

func optional[T any](e editor, name string, instances bool, value T) T {
	return e(Argument{name, instances, true, value}).(T)
}

// Arguments lists the arguments of an action in the order in which they are
// written, but for optional ones that have the zero value.
func Arguments(a Action) []Argument {
	var list []Argument
	a.edit(func(arg Argument) any {
		if !arg.Optional || !arg.empty() {
			list = append(list, arg)
		}
		return arg.Value
	})
	return list
}

// Edit returns an action with other arguments: f is asked for each of them, left
// out or not, and returns its new value, of the same type.
func Edit(a Action, f func(Argument) any) Action { return a.edit(f) }

// kinds are the zero values of all kinds of actions.
var kinds = slices.Concat(clientKinds, roundKinds, faultKinds, networkKinds, coinKinds, viewKinds)

// notation writes an action.
func notation(a Action) string {
	var b strings.Builder
	b.WriteString(a.Name())
	for _, arg := range Arguments(a) {
		b.WriteByte(' ')
		if arg.Optional {
			b.WriteString(arg.Name + "=")
		}
		b.WriteString(word(arg.Value))
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[\pL\pN_'.-]+$`)

func word(value any) string {
	switch v := value.(type) {
	case string:
		if plainWord.MatchString(v) {
			return v
		}
		return strconv.Quote(v)
	case []string:
		words := make([]string, len(v))
		for i, name := range v {
			words[i] = word(name)
		}
		return strings.Join(words, ",")
	case [][]string:
		words := make([]string, len(v))
		for i, group := range v {
			words[i] = word(group)
		}
		return strings.Join(words, "|")
	case []Action:
		words := make([]string, len(v))
		for i, a := range v {
			words[i] = word(a.String())
		}
		return strings.Join(words, ",")
	case Faces:
		words := make([]string, len(v))
		for i, face := range v {
			words[i] = literal(face)
		}
		return strings.Join(words, ",")
	case int:
		return strconv.Itoa(v)
	case node.Operation:
		if v.Arg == nil {
			return word(v.Name) + "()"
		}
		return word(v.Name) + "(" + literal(v.Arg) + ")"
	}
	panic(fmt.Sprintf("runtime: no notation for a %T", value))
}

// literal writes the argument of an operation. Of a value that is neither text
// nor number nor truth value it writes the type, what people are shown and, so that
// what prints the same stays apart, a digest; parseAction does not read that.
func literal(v any) string {
	switch v := v.(type) {
	case node.Arguments:
		var words []string
		for at, ok := v, v.Name != ""; ok; at, ok = at.More.(node.Arguments) {
			text := "none"
			if at.Value != nil {
				text = literal(at.Value)
			}
			words = append(words, word(at.Name)+"="+text)
		}
		return strings.Join(words, ",")
	case string:
		return strconv.Quote(v)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case int, bool:
		return fmt.Sprint(v)
	}
	text := fmt.Sprintf("%T %s", v, word(node.Text(v)))
	if engine.Unsound(v) == "" { // else no step has it
		sum := sha256.Sum256(engine.AppendValue(nil, v))
		text += fmt.Sprintf(" #%x", sum[:16])
	}
	return text
}

// parseAction reads the notation of an action: the inverse of its String. It knows
// of no cluster, so that what is named need not exist; [Cluster.Step] checks that.
func parseAction(text string) (Action, error) {
	words := split(text, ' ')
	i := slices.IndexFunc(kinds, func(a Action) bool { return a.Name() == words[0] })
	if i < 0 {
		names := make([]string, len(kinds))
		for i, a := range kinds {
			names[i] = a.Name()
		}
		return nil, fmt.Errorf("%q: no step is called %s; there are %s", text, words[0], strings.Join(names, ", "))
	}
	options := map[string]string{}
	var required []string
	for _, w := range words[1:] {
		name, value, option := cutWord(w, '=')
		_, twice := options[name]
		switch {
		case w == "":
		case !option, strings.Contains(name, "("): // an operation with arguments
			required = append(required, w)
		case twice:
			return nil, fmt.Errorf("%q: %s is given twice", text, name)
		default:
			options[name] = value
		}
	}
	var failed error
	action := kinds[i].edit(func(arg Argument) any {
		var w string
		switch {
		case failed != nil:
			return arg.Value
		case arg.Optional:
			var given bool
			if w, given = options[arg.Name]; !given {
				return arg.Value
			}
			delete(options, arg.Name)
		case len(required) == 0:
			failed = fmt.Errorf("%q: %s is missing", text, arg.Name)
			return arg.Value
		default:
			w, required = required[0], required[1:]
		}
		value, err := parse(arg.Value, w)
		if err != nil {
			failed = fmt.Errorf("%q: %s: %w", text, arg.Name, err)
			return arg.Value
		}
		return value
	})
	switch {
	case failed != nil:
		return nil, failed
	case len(required) > 0:
		return nil, fmt.Errorf("%q: %s is one word too many", text, required[0])
	}
	for name := range options {
		return nil, fmt.Errorf("%q: %s takes no %s", text, words[0], name)
	}
	return action, nil
}

// parse reads what word writes, a value of the same type as another.
func parse(other any, w string) (any, error) {
	switch other.(type) {
	case string:
		return unquote(w)
	case []string:
		return list(w)
	case []Action:
		return actionsOf(w)
	case Faces:
		var faces Faces
		for _, part := range split(w, ',') {
			face, err := parseLiteral(part)
			if err != nil {
				return nil, err
			}
			faces = append(faces, face)
		}
		return faces, nil
	case [][]string:
		var groups [][]string
		for _, g := range split(w, '|') {
			group, err := list(g)
			if err != nil {
				return nil, err
			}
			groups = append(groups, group)
		}
		return groups, nil
	case int:
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, fmt.Errorf("%s is no number", w)
		}
		return n, nil
	}
	return operation(w)
}

// actionsOf reads the steps of a view.
func actionsOf(w string) ([]Action, error) {
	texts, err := list(w)
	if err != nil {
		return nil, err
	}
	actions := make([]Action, len(texts))
	for i, text := range texts {
		if strings.HasPrefix(text, ViewStep{}.Name()+" ") {
			return nil, fmt.Errorf("%q is in a view, and a view has no views in it", text)
		}
		if actions[i], err = parseAction(text); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

func list(w string) ([]string, error) {
	var names []string
	for _, part := range split(w, ',') {
		name, err := unquote(part)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func operation(w string) (node.Operation, error) {
	name, rest, called := cutWord(w, '(')
	arg, closed := strings.CutSuffix(rest, ")")
	if !called || !closed {
		return node.Operation{}, fmt.Errorf(`%s is no operation, as read() or write("red")`, w)
	}
	name, err := unquote(name)
	op := node.Operation{Name: name}
	if err != nil || arg == "" {
		return op, err
	}
	if _, _, named := cutWord(arg, '='); named {
		op.Arg, err = namedArguments(arg)
	} else {
		op.Arg, err = parseLiteral(arg)
	}
	return op, err
}

// namedArguments reads several arguments with names.
func namedArguments(text string) (node.Arguments, error) {
	values := map[string]any{}
	for _, part := range split(text, ',') {
		name, arg, _ := cutWord(part, '=')
		name, err := unquote(name)
		if err != nil {
			return node.Arguments{}, err
		}
		if _, twice := values[name]; twice {
			return node.Arguments{}, fmt.Errorf("%s is given twice", name)
		}
		if arg == "none" {
			values[name] = nil
		} else if values[name], err = parseLiteral(arg); err != nil {
			return node.Arguments{}, err
		}
	}
	return node.ArgumentsOf(values), nil
}

// parseLiteral is the inverse of literal.
func parseLiteral(text string) (any, error) {
	n, err := strconv.Atoi(text)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return nil, fmt.Errorf("%s is too large a number", text)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, nil
	}
	if text == "true" || text == "false" {
		return text == "true", nil
	}
	s, err := strconv.Unquote(text)
	if err != nil {
		return nil, fmt.Errorf("%s is no string, number or truth value", text)
	}
	return s, nil
}

func unquote(w string) (string, error) {
	if plainWord.MatchString(w) {
		return w, nil
	}
	name, err := strconv.Unquote(w)
	if err != nil {
		return "", fmt.Errorf("%s is no word; quote it", strconv.Quote(w))
	}
	return name, nil
}

// split splits at each sep that is not in quotes.
func split(text string, sep byte) []string {
	var parts []string
	for {
		part, rest, found := cutWord(text, sep)
		parts = append(parts, part)
		if !found {
			return parts
		}
		text = rest
	}
}

// cutWord is [strings.Cut] at the first sep that is not in quotes.
func cutWord(text string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}
