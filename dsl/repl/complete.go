package repl

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/terminal"
	"github.com/twinsh/twinsh/runtime/trace"
)

// A Completion is what can be written at the cursor.
type Completion struct {
	// Start is where in the line, in bytes, the words begin that could stand
	// there instead of what stands between it and the cursor.
	Start int
	Words []string
	// Signature is that of the function whose arguments are being written, or
	// empty. In a string only the words matter.
	Signature string
}

var keywords = []string{
	"and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load(", "not", "or", "pass", "return",
}

// Signature implements [Guide].
func (s *Session) Signature(line string, cursor int) string {
	at := scan(s.before + line[:cursor])
	if call := at.call(); call != nil && !at.comment {
		signature, _ := dsl.Signature(s.value(call.callee))
		return signature
	}
	return ""
}

// Complete implements [Guide]. It evaluates names and attributes, never calls. It works on the
// text that was typed so far, which is no whole statement and need not become one: so that is
// scanned, not parsed. What it offers, by where the cursor stands:
//
//	in a string       what the parameter takes: names of clients, servers, types of messages, modules
//	after a dot       the attributes of what stands before it
//	in a call         its parameters that can be given by name; with a letter, all names as well
//	elsewhere         global variables, builtins and keywords
//	after a colon     commands of the shell
//	in a comment      nothing
func (s *Session) Complete(line string, cursor int) Completion {
	line = line[:cursor]
	if s.before == "" && strings.HasPrefix(line, ":") {
		return s.completeCommand(line)
	}
	at := scan(s.before + line)
	call := at.call()
	var done Completion
	var params []string
	if call != nil {
		done.Signature, params = dsl.Signature(s.value(call.callee))
	}
	if at.quote != "" {
		done.Signature = ""
	}
	word := at.text
	var words []string
	switch {
	case at.comment:
		return Completion{Start: cursor}
	case at.quote != "" && call != nil:
		words = s.inString(call, params)
	case at.quote != "":
	case strings.Contains(word, "."):
		dot := strings.LastIndex(word, ".")
		if v, ok := s.value(word[:dot]).(starlark.HasAttrs); ok {
			for _, name := range v.AttrNames() {
				attr, _ := v.Attr(name)
				words = append(words, open(name, attr))
			}
		}
		word = word[dot+1:]
	default:
		if call != nil && call.keyword == "" {
			for _, p := range params {
				words = append(words, p+" = ")
			}
			// After an opening parenthesis one wants to know what can stand here.
			if word == "" && len(words) > 0 {
				break // the rest would bury them
			}
		}
		for _, name := range s.Interpreter.Names() {
			words = append(words, open(name, s.Interpreter.Global(name)))
		}
		for _, name := range starlark.Universe.Keys() {
			words = append(words, open(name, starlark.Universe[name]))
		}
		words = append(words, keywords...)
	}
	done.Start = cursor - len(word)
	done.Words = matching(words, word)
	return done
}

// matching returns the words that begin with prefix, each once.
func matching(words []string, prefix string) []string {
	var found []string
	for _, w := range words {
		// What a terminal would obey is not put into the line.
		if strings.HasPrefix(w, prefix) && terminal.Visible(w) == w && !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	return found
}

// open returns the name of a value, with the parenthesis that begins its call.
func open(name string, v starlark.Value) string {
	if _, ok := v.(starlark.Callable); ok {
		return name + "("
	}
	return name
}

// value returns the value of a name with attributes, nil if there is none.
func (s *Session) value(path string) starlark.Value {
	names := strings.Split(path, ".")
	v := s.Interpreter.Global(names[0])
	for _, name := range names[1:] {
		has, ok := v.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		v, _ = has.Attr(name)
	}
	return v
}

// inString lists what a string in a call can be. It goes by the names of parameters, which mean the
// same in all builtins.
func (s *Session) inString(call *frame, params []string) []string {
	param := call.keyword
	if param == "" && call.commas < len(params) {
		param = params[call.commas]
	}
	switch {
	case call.callee == "load" && call.commas == 0:
		return s.Interpreter.Modules()
	case call.callee == "load":
		return s.exports(call.first)
	case call.callee == "help":
		var names []string
		for _, f := range s.Interpreter.Families() {
			for _, e := range f.Entries {
				names = append(names, e.Name())
			}
		}
		return names
	case call.callee == "show":
		return slices.DeleteFunc(trace.Formats(), func(name string) bool { return !trace.Format(name).Drawn() })
	case call.callee == "cluster" && param == "network":
		return []string{"lossy", "held"}
	}
	w := s.Interpreter.World()
	if w == nil {
		return nil
	}
	c := w.Cluster()
	var identities []string
	for _, id := range c.Identities() {
		identities = append(identities, id.Name)
	}
	switch param {
	case "client", "clients":
		return c.Names(c.Clients())
	case "reach":
		return c.Names(c.Servers())
	case "type", "types":
		return messageTypes(w)
	case "leader", "leaders":
		return identities
	}
	return slices.Concat(c.Names(c.Servers()|c.Clients()), messageTypes(w))
}

// messageTypes lists the types of the messages that were sent on the way to w, which are those that
// one wants to lose next.
func messageTypes(w *runtime.World) []string {
	var types []string
	add := func(m node.Message) {
		if t := node.MessageType(m); !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	for _, v := range w.Path() {
		for _, d := range v.Deliveries() {
			if d.From >= 0 {
				add(d.Event.Message)
			}
		}
	}
	for _, p := range w.InFlight() {
		add(p.Event.Message)
	}
	slices.Sort(types)
	return types
}

// exports lists what a module defines for others, in its order. It reads the
// module and executes nothing.
func (s *Session) exports(module string) []string {
	text, err := s.Module(module)
	if err != nil {
		return nil
	}
	anything := func(string) bool { return true }
	parsed, err := new(syntax.FileOptions).Parse(module, text, 0)
	if err != nil {
		return nil
	}
	_ = resolve.File(parsed, anything, anything) // what is wrong is said by load
	var names []string
	for _, global := range parsed.Module.(*resolve.Module).Globals {
		if name := global.First.Name; !strings.HasPrefix(name, "_") { // those cannot be loaded
			names = append(names, name)
		}
	}
	return names
}

func (s *Session) completeCommand(line string) Completion {
	name, arg, hasArg := strings.Cut(line[1:], " ")
	if hasArg {
		var words []string
		switch name {
		case "load", "edit":
			for _, m := range s.Interpreter.Modules() {
				if !strings.HasPrefix(m, "@") {
					words = append(words, m)
				}
			}
		case "set":
			words = []string{"diff on", "diff off"}
		}
		return Completion{Start: len(line) - len(arg), Words: matching(words, arg)}
	}
	var words []string
	for _, c := range commands() {
		words = append(words, c.name)
	}
	for _, global := range s.Interpreter.Names() {
		if short, ok := strings.CutPrefix(global, own); ok {
			words = append(words, short)
		}
	}
	return Completion{Start: 1, Words: matching(words, name)}
}

// A cursor is where a person stands in a text. It is found in one pass over the bytes; all that
// Starlark's syntax consists of is ASCII.
type cursor struct {
	quote   string  // what ends the string that it is in; "" outside of strings
	comment bool    // it is in a comment
	text    string  // the string so far, or the name before it: world().st
	frames  []frame // the brackets that are open, outermost first
}

// A frame is an open bracket.
type frame struct {
	bracket byte
	callee  string // of a parenthesis: the name before it, "" if there is none
	first   string // the string before the first comma
	commas  int    // before the cursor
	keyword string // of the argument at the cursor, "" if it has none
}

// call returns the innermost call whose arguments the cursor is in, or nil.
func (p *cursor) call() *frame {
	for i := range slices.Backward(p.frames) {
		if p.frames[i].callee != "" {
			return &p.frames[i]
		}
	}
	return nil
}

// scan finds the cursor at the end of a text.
func scan(text string) cursor {
	var p cursor
	name := "" // the name that ends here
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case p.comment:
			p.comment = c != '\n'
		case p.quote != "":
			i += p.within(text[i:])
		case isName(c) || c == '.':
			name += text[i : i+1]
		default:
			i += p.mark(text, i, name)
			name = ""
		}
	}
	if p.quote == "" {
		p.text = name
	}
	return p
}

// within goes on in a literal string, and returns how many more bytes than one it
// took.
func (p *cursor) within(text string) int {
	switch {
	case text[0] == '\\':
		return 1
	case !strings.HasPrefix(text, p.quote):
		p.text += text[:1] // a byte, not a character
		return 0
	}
	taken := len(p.quote) - 1
	p.quote = ""
	if n := len(p.frames); n > 0 && p.frames[n-1].commas == 0 {
		p.frames[n-1].first = p.text
	}
	return taken
}

// mark heeds the character at i, which ends a name, and returns how many more bytes
// than one it took. A text may close brackets that it never opened; then it is as if it had not.
func (p *cursor) mark(text string, i int, name string) int {
	top := &frame{} // outside of brackets nothing is noted
	if n := len(p.frames); n > 0 {
		top = &p.frames[n-1]
	}
	switch c := text[i]; c {
	case '#':
		p.comment = true
	case '"', '\'':
		p.quote, p.text = string(c), ""
		if triple := strings.Repeat(p.quote, 3); strings.HasPrefix(text[i:], triple) {
			p.quote = triple
			return 2
		}
	case '(':
		p.frames = append(p.frames, frame{bracket: c, callee: name})
	case '[', '{':
		p.frames = append(p.frames, frame{bracket: c})
	case ')', ']', '}':
		p.frames = p.frames[:max(0, len(p.frames)-1)]
	case ',':
		top.commas++
		top.keyword = ""
	case '=':
		if i+1 == len(text) || top.keyword == "" && text[i+1] != '=' {
			top.keyword = lastName(text[:i])
		}
	}
	return 0
}

// lastName returns the name at the end of a text, before spaces.
func lastName(text string) string {
	text = strings.TrimRight(text, " ")
	i := len(text)
	for i > 0 && isName(text[i-1]) {
		i--
	}
	return text[i:]
}

func isName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
