package dsl

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// help(): one entry, what a word may mean, or everything, filled to the columns of the
// terminal. All texts come from entries, docstrings and what modules of @std say of
// themselves; those of entries are also the reference (see Reference).
//
// Texts of Go are trusted, those of scripts are not: a docstring is made visible before it
// is coloured.

// helpText returns the text about a topic; nil asks for the list of all. A topic is the
// builtin itself, or a string. An error says that nothing is known, with the nearest name.
func helpText(in *Interpreter, topic starlark.Value) (string, error) {
	switch topic := topic.(type) {
	case nil:
		return overview(in), nil
	case *interp.Builtin:
		return describe(in, Entry{Signature: topic.Signature, Doc: topic.Doc, Example: topic.Example}), nil
	case *starlark.Function:
		doc := topic.Doc()
		if doc == "" {
			doc = fmt.Sprintf("A function of %s that says nothing about itself.", topic.Position().Filename())
		}
		return fmt.Sprintf("%s\n%s\n", bold(in, topic.Name()), paragraphs(in, terminal.Visible(unwrapped(doc)))), nil
	case starlark.String:
		return aboutWord(in, string(topic))
	default:
		// A value that is predeclared, such as json, is its own topic.
		for _, family := range in.Families() {
			for _, entry := range family.Entries {
				if in.scripts.Builtins()[entry.Name()] == topic {
					return describe(in, entry), nil
				}
			}
		}
		return "", fmt.Errorf("help: nothing is known about a value of type %s; help() lists all", topic.Type())
	}
}

// aboutWord returns the text about the builtin or the family of that name, or else a list
// of what mentions it. Modules of @std come first unless a builtin has their name. That
// search makes help("quorum") useful to one who does not know what the thing is called
// here.
func aboutWord(in *Interpreter, name string) (string, error) {
	families := in.Families()
	if text := aboutModule(in, strings.TrimSuffix(strings.TrimPrefix(name, interp.StdPrefix), ".star")); text != "" {
		return text, nil
	}
	var known []string
	for _, family := range families {
		for _, entry := range family.Entries {
			if entry.Name() == name {
				return describe(in, entry), nil
			}
			known = append(known, entry.Name())
		}
	}
	for _, family := range families {
		if family.Name == name {
			return listFamily(in, family) + "help(\"name\") says more.\n", nil
		}
		known = append(known, family.Name)
	}
	// The word, or its plural, comes before what merely stands within another word: "cas"
	// is no part of what "cast" means.
	word := regexp.QuoteMeta(name)
	for _, pattern := range []string{`(?i)(^|\W)` + word + `(e?s)?(\W|$)`, `(?i)` + word} {
		mentions := regexp.MustCompile(pattern)
		var found strings.Builder
		for _, family := range families {
			for _, entry := range family.Entries {
				if name != "" && mentions.MatchString(entry.Name()+" "+entry.Doc) {
					found.WriteString(entryLine(in, entry))
				}
			}
		}
		if found.Len() > 0 {
			return fmt.Sprintf("%q is mentioned by\n%s", name, &found), nil
		}
	}
	return "", fmt.Errorf("help: nothing is known about %q%s; help() lists all", name, spell.Hint(name, known))
}

// aboutModule returns what a module of @std says of itself and the statement that
// loads all that it defines, "" if there is no module of that name.
//
// The statement loads everything, because that is what one can copy and then cut down.
func aboutModule(in *Interpreter, name string) string {
	if in.scripts.Builtins().Has(name) {
		return ""
	}
	m, ok := in.scripts.Module(name)
	if !ok {
		return ""
	}
	load := fmt.Sprintf("load(%q", m.Name)
	for _, defined := range m.Defines {
		load += fmt.Sprintf(", %q", defined)
	}
	return fmt.Sprintf("%s\n%s\n\n    %s)\n", bold(in, m.Name), paragraphs(in, m.Doc), load)
}

// It is made of the same lines as the list of a family, and ends with how to go on.
func overview(in *Interpreter) string {
	var b strings.Builder
	for _, family := range in.Families() {
		b.WriteString(listFamily(in, family))
	}
	b.WriteString("help(\"name\") says more, and searches for any other word.\n")
	return b.String()
}

// list returns a line for each builtin of a family.
//
// The name of the family is a word that help takes, too.
func listFamily(in *Interpreter, family Family) string {
	heading, _ := strings.CutPrefix(fill(in, family.Name+": "+family.Doc, "    "), family.Name)
	text := bold(in, family.Name) + heading + "\n"
	for _, entry := range family.Entries {
		text += entryLine(in, entry)
	}
	return text
}

// entryLine is a line on a builtin: its name, and the first sentence of its documentation.
func entryLine(in *Interpreter, e Entry) string {
	if len(e.Name()) > 14 { // as in a manual page, the text begins in the next line
		return "  " + e.Name() + "\n" + fill(in, strings.Repeat(" ", 16)+" "+e.Summary(), strings.Repeat(" ", 17)) + "\n"
	}
	return fill(in, fmt.Sprintf("  %-14s %s", e.Name(), e.Summary()), strings.Repeat(" ", 17)) + "\n"
}

// fill breaks lines between words where they are longer than Stdout has columns. Those that
// follow begin with indent. Columns are counted in characters; a word that is longer than
// the terminal is wide stays whole, so that it can be copied. Newlines in the text stay.
func fill(in *Interpreter, text, indent string) string {
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

// unwrapped returns a docstring without the indentation of its code, and with lines that
// only go on in the next one joined. Those that are empty, or indented further, stay.
//
// Docstrings are wrapped by their authors for the width of their editors. Lines that begin
// with a dash, a star or further in are taken for lists and code, and stay.
func unwrapped(doc string) string {
	lines := strings.Split(strings.TrimSpace(doc), "\n")
	margin := -1
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
		if indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " \t")); i > 0 && lines[i] != "" && (margin < 0 || indent < margin) {
			margin = indent
		}
	}
	text := lines[0]
	for i, line := range lines[1:] {
		line = line[min(len(line), max(margin, 0)):]
		if line == "" || lines[i] == "" || strings.TrimLeft(line, " \t-*") != line {
			text += "\n" + line
		} else {
			text += " " + line
		}
	}
	return text
}

// item is a line of documentation that explains a name before it.
//
// What documents options of a protocol in Go has this form, see Protocol.entry.
var item = regexp.MustCompile(`^  \S+ +`)

// paragraphs fills the lines of documentation. What explains a name goes on below
// where it begins.
func paragraphs(in *Interpreter, doc string) string {
	lines := strings.Split(strings.TrimSpace(doc), "\n")
	for i, line := range lines {
		hang := 4 + utf8.RuneCountInString(item.FindString(line))
		lines[i] = fill(in, "    "+line, strings.Repeat(" ", hang))
	}
	return strings.Join(lines, "\n")
}

// describe returns what help says of one entry: how it is called, what it does, an example
// to copy, and what has to do with it.
func describe(in *Interpreter, e Entry) string {
	text := fmt.Sprintf("%s\n%s\n", bold(in, fill(in, e.Signature, "        ")), paragraphs(in, e.Doc))
	if e.Example != "" {
		text += "\n" + indented(e.Example) + "\n"
	}
	if also := related(in, e.Name()); len(also) > 0 {
		text += "\n" + fill(in, "see also "+strings.Join(also, ", "), "    ") + "\n"
	}
	return text
}

// related lists the builtins that the documentation of one mentions as calls, and those
// whose documentation mentions it. So the cross references need no upkeep: they are what
// the texts say, and a mention without parentheses is none.
func related(in *Interpreter, name string) []string {
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

func bold(in *Interpreter, s string) string {
	if in.config.Color {
		return terminal.Bold.Paint(s)
	}
	return s
}

// Examples are not filled: they are code.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
