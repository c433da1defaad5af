package dsl

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime/terminal"
)

func callHelp(c *call) (starlark.Value, error) {
	var topic starlark.Value
	if err := c.unpack(&topic); err != nil {
		return nil, err
	}
	text, err := c.in().help(topic)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(c.in().config.Stdout, text)
	return starlark.None, nil
}

// help returns the text about a topic; nil asks for the list of all.
func (in *Interpreter) help(topic starlark.Value) (string, error) {
	switch topic := topic.(type) {
	case nil:
		return in.overview(), nil
	case *builtin:
		return in.describe(topic.entry), nil
	case *starlark.Function:
		doc := topic.Doc()
		if doc == "" {
			doc = fmt.Sprintf("A function of %s that says nothing about itself.", topic.Position().Filename())
		}
		return fmt.Sprintf("%s\n%s\n", in.bold(topic.Name()), in.fill(indented(terminal.Visible(doc)), "    ")), nil
	case starlark.String:
		return in.topic(string(topic))
	default:
		// A value that is predeclared, such as json, is its own topic.
		for _, family := range in.Families() {
			for _, entry := range family.Entries {
				if in.builtins[entry.Name()] == topic {
					return in.describe(entry), nil
				}
			}
		}
		return "", fmt.Errorf("help: nothing is known about a value of type %s; help() lists all", topic.Type())
	}
}

// topic returns the text about the builtin or the family of that name, or else
// a list of what mentions it.
func (in *Interpreter) topic(name string) (string, error) {
	families := in.Families()
	if text := in.aboutModule(strings.TrimSuffix(strings.TrimPrefix(name, stdPrefix), ".star")); text != "" {
		return text, nil
	}
	var known []string
	for _, family := range families {
		for _, entry := range family.Entries {
			if entry.Name() == name {
				return in.describe(entry), nil
			}
			known = append(known, entry.Name())
		}
	}
	var found strings.Builder
	for _, family := range families {
		if family.Name == name {
			return in.list(family) + "help(\"name\") says more.\n", nil
		}
		known = append(known, family.Name)
		for _, entry := range family.Entries {
			if text := strings.ToLower(entry.Name() + " " + entry.Doc); name != "" && strings.Contains(text, strings.ToLower(name)) {
				found.WriteString(in.line(entry))
			}
		}
	}
	if found.Len() > 0 {
		return fmt.Sprintf("%q is mentioned by\n%s", name, &found), nil
	}
	return "", fmt.Errorf("help: nothing is known about %q%s; help() lists all", name, spell.Hint(name, known))
}

// aboutModule returns what a module of @std says of itself and the statement that
// loads all that it defines, "" if there is no module of that name.
func (in *Interpreter) aboutModule(name string) string {
	f := file{in.loader.std, name + ".star"}
	if f.tree.files == nil || in.builtins.Has(name) || !fs.ValidPath(f.path) {
		return ""
	}
	source, err := f.read()
	if err != nil {
		return ""
	}
	parsed, err := dialect.Parse(f.name(), source, 0)
	if err != nil {
		return ""
	}
	doc := ""
	load := fmt.Sprintf("load(%q", f.name())
	for i, s := range parsed.Stmts {
		if e, ok := s.(*syntax.ExprStmt); ok && i == 0 {
			if text, ok := e.X.(*syntax.Literal); ok && text.Token == syntax.STRING {
				doc = text.Value.(string)
			}
		}
		if _, ok := s.(*syntax.LoadStmt); ok { // what a module loads it does not give on
			continue
		}
		for _, defined := range newStatement(source, s).binds {
			if !strings.HasPrefix(defined, "_") {
				load += fmt.Sprintf(", %q", defined)
			}
		}
	}
	return fmt.Sprintf("%s\n%s\n\n    %s)\n", in.bold(f.name()), in.paragraphs(doc), load)
}

func (in *Interpreter) overview() string {
	var b strings.Builder
	for _, family := range in.Families() {
		b.WriteString(in.list(family))
	}
	b.WriteString("help(\"name\") says more, and searches for any other word.\n")
	return b.String()
}

// list returns a line for each builtin of a family.
func (in *Interpreter) list(family Family) string {
	heading, _ := strings.CutPrefix(in.fill(family.Name+": "+family.Doc, "    "), family.Name)
	text := in.bold(family.Name) + heading + "\n"
	for _, entry := range family.Entries {
		text += in.line(entry)
	}
	return text
}

func (in *Interpreter) line(e Entry) string {
	return in.fill(fmt.Sprintf("  %-14s %s", e.Name(), e.Summary()), strings.Repeat(" ", 17)) + "\n"
}

// fill breaks lines between words where they are longer than Stdout has columns.
// Those that follow begin with indent.
func (in *Interpreter) fill(text, indent string) string {
	width := cmp.Or(in.config.Width, 80)
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(strings.ReplaceAll(text, "\n", " \n"), " ") {
		rest, newline := strings.CutPrefix(word, "\n")
		n := utf8.RuneCountInString(rest)
		switch {
		case newline:
			b.WriteString("\n")
			column = 0
		case i > 0 && column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		case i > 0:
			b.WriteString(" ")
			column++
		}
		b.WriteString(rest)
		column += n
	}
	return b.String()
}

// item is a line of documentation that explains a name before it.
var item = regexp.MustCompile(`^  \S+ +`)

// paragraphs fills the lines of documentation. What explains a name goes on below
// where it begins.
func (in *Interpreter) paragraphs(doc string) string {
	lines := strings.Split(strings.TrimSpace(doc), "\n")
	for i, line := range lines {
		hang := 4 + utf8.RuneCountInString(item.FindString(line))
		lines[i] = in.fill("    "+line, strings.Repeat(" ", hang))
	}
	return strings.Join(lines, "\n")
}

func (in *Interpreter) describe(e Entry) string {
	text := fmt.Sprintf("%s\n%s\n", in.bold(in.fill(e.Signature, "        ")), in.paragraphs(e.Doc))
	if e.Example != "" {
		text += "\n" + indented(e.Example) + "\n"
	}
	if also := in.related(e.Name()); len(also) > 0 {
		text += "\n" + in.fill("see also "+strings.Join(also, ", "), "    ") + "\n"
	}
	return text
}

// related lists the builtins that the documentation of one mentions as calls,
// and those whose documentation mentions it.
func (in *Interpreter) related(name string) []string {
	calls := func(e Entry, name string) bool {
		i := strings.Index(e.Doc, name+"(")
		return i == 0 || i > 0 && !isWord(e.Doc[i-1])
	}
	var own Entry
	var all []Entry
	for _, family := range in.Families() {
		for _, e := range family.Entries {
			if all = append(all, e); e.Name() == name {
				own = e
			}
		}
	}
	var names []string
	for _, e := range all {
		pair := e.Name() == name+"s" || e.Name()+"s" == name // exchange, exchanges
		if e.Name() != name && (pair || calls(own, e.Name()) || calls(e, name)) {
			names = append(names, e.Name())
		}
	}
	return names
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (in *Interpreter) bold(s string) string {
	if in.config.Color {
		return "\x1b[1m" + s + "\x1b[0m"
	}
	return s
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
