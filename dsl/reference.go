package dsl

import (
	"fmt"
	"slices"
	"strings"
)

// Reference returns the reference of the language, in Markdown. It is made from the same
// entries as help(), so that the page cannot lack a builtin or keep one that is gone.
// docs/reference.md is what it returned when it was last written, which TestReferencePage
// compares (and with -rewrite-reference writes).
func Reference() string {
	var b strings.Builder
	b.WriteString("# The language\n\n")
	b.WriteString("This page is made from the program's own help; `help(name)` shows the same at the prompt.\n")
	b.WriteString("The language is Starlark, with sets, and with `if` and `for` outside of functions; it has neither `while` nor recursion.\n")
	b.WriteString("`load(\"helpers.star\", \"name\")` reads a module beside the script or in a folder below it, never above it, and `load(\"@std//quorum.star\", \"voters\")` one that comes with the program.\n")
	for _, family := range Families() {
		fmt.Fprintf(&b, "\n## %s: %s\n", family.Name, family.Doc)
		for _, e := range family.Entries {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n```python\n%s\n```\n", e.Signature, strings.ReplaceAll(e.Doc, "\n", "\n\n"), e.Example)
		}
	}
	return b.String()
}

// What is listed to people has an order that is the same each time.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
