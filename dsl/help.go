package dsl

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
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
		return fmt.Sprintf("%s\n%s\n", in.bold(topic.Name()), indented(doc)), nil
	case starlark.String:
		var known []string
		for _, family := range Families() {
			for _, entry := range family.Entries {
				if entry.Name() == string(topic) {
					return in.describe(entry), nil
				}
				known = append(known, entry.Name())
			}
		}
		return "", fmt.Errorf("help: nothing is known about %q%s; help() lists all", string(topic), Hint(string(topic), known))
	default:
		// A value that is predeclared, such as json, is its own topic.
		for _, family := range Families() {
			for _, entry := range family.Entries {
				if in.builtins[entry.Name()] == topic {
					return in.describe(entry), nil
				}
			}
		}
		return "", fmt.Errorf("help: nothing is known about a value of type %s; help() lists all", topic.Type())
	}
}

func (in *Interpreter) overview() string {
	var b strings.Builder
	for _, family := range Families() {
		fmt.Fprintf(&b, "%s: %s\n", in.bold(family.Name), family.Doc)
		for _, entry := range family.Entries {
			fmt.Fprintf(&b, "  %-14s %s\n", entry.Name(), entry.Summary())
		}
	}
	b.WriteString("help(\"name\") tells more.\n")
	return b.String()
}

func (in *Interpreter) describe(e Entry) string {
	text := fmt.Sprintf("%s\n%s\n", in.bold(e.Signature), indented(e.Doc))
	if e.Example != "" {
		text += "\n" + indented(e.Example) + "\n"
	}
	return text
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
