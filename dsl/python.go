package dsl

import (
	"regexp"
	"strings"
)

// What to write instead of Python. Starlark is a small part of Python, and most who write
// it come from there; its parser says "got import, want primary expression". These tables
// turn such an error into what the language has instead. They are consulted when something
// has failed and never before, so that they cannot change what a script means.
//
// The texts that are matched are those of go.starlark.net as it is in go.mod.
// TestPythonHabits executes an example of each, so that an update of the library which
// words an error in another way is noticed; TestNoAdvice has mistakes of which nothing must
// be said.

// insteadOfWord is what to write instead of a word of Python, as it stands in the
// parser's message or at the beginning of the line.
//
// The place of the error is often behind the word, so that the first word of the line
// counts, too.
var insteadOfWord = map[string]string{
	"import":   `modules are loaded with load("@std//kv.star", "kv") or load("file.star", "name")`,
	"from":     `modules are loaded with load("@std//kv.star", "kv") or load("file.star", "name")`,
	"try":      `there are no exceptions; try_(lambda: …) calls a function and survives its failure`,
	"except":   `there are no exceptions; try_(lambda: …) calls a function and survives its failure`,
	"raise":    `there are no exceptions; fail("…") ends the script`,
	"class":    `there are no classes; struct(x = 1) makes a value with attributes, role(…) the code of a node`,
	"assert":   `write check(…) for a property, or load("@std//assert.star", "assert") and assert.eq(got, want)`,
	"while":    `there is no while loop, so that every script ends; write for i in range(1000) and break`,
	"with":     `there is no with statement`,
	"is":       `there is no is; write == or !=`,
	"del":      `there is no del; a dict has pop(key), a list has pop(index) and remove(value)`,
	"yield":    `there are no generators; build a list and return it`,
	"global":   `a function cannot assign a global variable; return the value, or keep it in an attribute of self`,
	"nonlocal": `a function cannot assign a variable of the function around it; return the value`,
	"async":    `nothing waits here; write def`,
	"await":    `nothing waits here; call the function`,
	"match":    `there is no match; write if, elif and else`,
	"print":    `print is a function; write print(…)`,
	"elif":     `elif belongs to an if with the same indentation`,
	"let":      `variables need no word before them; write x = 1`,
	"const":    `variables need no word before them; write x = 1`,
	"var":      `variables need no word before them; write x = 1`,
	"function": `functions are written def name(…):`,
	"func":     `functions are written def name(…):`,
}

// insteadOfToken is the same for what stands in the line before the place of
// the error or at it. The first that fits is taken.
//
// They are matched against all that stands before the place and not against the token
// there, because the parser stops at what is left over: of f"…" it has read the f as a
// name.
var insteadOfToken = []struct {
	before *regexp.Regexp // matched against the line up to and with the place
	text   string
}{
	{regexp.MustCompile(`\b[rR]?[fF][rR]?("[^"]*"?|'[^']*'?)$`), `there are no f-strings; write "%s at %d" % (a, b) or "{} at {}".format(a, b)`},
	{regexp.MustCompile(`\*\*=?$`), `there is no **; write a product, or math.pow(x, y)`},
	{regexp.MustCompile(`(\+\+|--).?$`), `there is no ++ or --; write x += 1`},
	{regexp.MustCompile(`&&$`), `write and`},
	{regexp.MustCompile(`\|\|$`), `write or`},
	{regexp.MustCompile(`!$`), `write not`},
	{regexp.MustCompile(`===$`), `write ==`},
	{regexp.MustCompile(`\(.*:=?$`), `there is no :=; assign in a statement of its own`},
	{regexp.MustCompile(`\?$`), `write a if condition else b; help(name) describes a builtin`},
	{regexp.MustCompile(`(^|\s)@$`), `there are no decorators; call the function`},
	{regexp.MustCompile(`\(.*\bfor$`), `there are no generator expressions; write [… for x in …]`},
	{regexp.MustCompile(`["'][^"']*["']\s*["'][^"']*["']?$`), `texts side by side are not joined; write +`},
	{regexp.MustCompile(`\{[^:]*,$`), `there are no set displays; write set([1, 2])`},
	{regexp.MustCompile(`\[\*$`), `a list is not spread into another; write a + b`},
}

// annotation is the place of a type in the head of a function.
var annotation = regexp.MustCompile(`^\s*def\s+\w+\s*\(.*(:|->)$|^\s*def\s+\w+\s*\(.*\)\s*-$`)

// insteadOfName is what to write instead of a builtin of Python.
//
// A name in this table is used only if nothing in the script is called so.
var insteadOfName = map[string]string{
	"assert":     `write check(…) for a property, or load("@std//assert.star", "assert") and assert.eq(got, want)`,
	"exit":       `:quit or Ctrl-D leaves the shell; fail("…") ends a script`,
	"quit":       `:quit or Ctrl-D leaves the shell; fail("…") ends a script`,
	"isinstance": `write type(x) == "list"`,
	"sum":        `add in a loop`,
	"length":     `write len(x)`,
	"push":       `write list.append(x)`,
	"map":        `write [f(x) for x in list]`,
	"filter":     `write [x for x in list if f(x)]`,
	"pow":        `write math.pow(x, y)`,
	"open":       `a script reads no files; load("file.star", "name") loads a module`,
	"input":      `a script asks nothing; the words after -- are in args`,
	"null":       `write None`,
	"nil":        `write None`,
	"true":       `write True`,
	"false":      `write False`,
	"this":       `a handler gets its node as self`,
	"super":      `there are no classes`,
	"iter":       `write for x in list`,
	"frozenset":  `write tuple(sorted(…))`,
	"format":     `write "{}".format(x)`,
	"callable":   `write type(f) in ["function", "builtin_function_or_method"]`,
	"Exception":  `there are no exceptions; fail("…") ends the script`,
	"ValueError": `there are no exceptions; fail("…") ends the script`,
	"random":     `nothing is random; a space lists every choice, and sample(space, count, seed = 1) draws from it`,
	"time":       `there is no clock; timeout(id) lets an instance wait in vain`,
}

// insteadOfFailed is what to write instead of what an operator or a method refused.
var insteadOfFailed = []struct {
	message *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`^list has no \.sort `), `write sorted(list)`},
	{regexp.MustCompile(`^list has no \.(push|add) `), `write list.append(x)`},
	{regexp.MustCompile(` has no \.(length|size|len|count) `), `write len(x)`},
	{regexp.MustCompile(`^dict has no \.has_key `), `write key in dict`},
	{regexp.MustCompile(`^unknown conversion %[\d.+#-]`), `conversions have no width and no precision, as in "%d" or "%s"`},
	{regexp.MustCompile(`^unknown binary op: (string \+ \w+|\w+ \+ string)$`), `write str(x), or "%s" % x`},
	{regexp.MustCompile(`^got string in sequence assignment$`), `of a dict, for k, v in d.items() takes keys and values`},
	{regexp.MustCompile(`^unhandled index operation space\[`), `the scenarios of a space are space.at(i), as in space.at(0)`},
	{regexp.MustCompile(`^unknown binary op: (space \* (float|string|bool)|(float|string|bool) \* space)`), `a space is repeated a whole number of times, as in space * 2`},
	{regexp.MustCompile(`^digest has no \.`), `a digest has no fields and no way leads back from it; keep the value beside it, and compare digest(value)`},
	{regexp.MustCompile(`value of type space has no len`), `how many scenarios a space has is space.size`},
	{regexp.MustCompile(`comparison exceeded maximum recursion depth$`), `keys and elements of sets nest ten levels at most; let digest(value) stand for the value`},
	{regexp.MustCompile(`^signed has no \.(val|data|content|payload|msg) `), `what was signed is its value, and by whom is its signer`},
}

// What errors of the parser look like, and a line that begins with a word and goes on with
// what makes it neither a call nor an assignment.
var (
	gotToken    = regexp.MustCompile(`^got (\w+), want`)
	unsupported = regexp.MustCompile(`does not support (\w+) loops`)
	firstWord   = regexp.MustCompile(`^\s*(\w+)\s+[^\s=(.\[,]`)
)

// instead says what to write instead of what the parser did not expect in a line before
// column col (counted in characters, from 1), or "" if that is not known. What the message
// names is surest, then what stands at the place, then the first word of the line.
func instead(line string, col int, message string) string {
	if m := gotToken.FindStringSubmatch(message); m != nil && insteadOfWord[m[1]] != "" {
		return insteadOfWord[m[1]]
	}
	if m := unsupported.FindStringSubmatch(message); m != nil {
		return insteadOfWord[m[1]]
	}
	if strings.Contains(message, "does not associate with") {
		return "write a < b and b < c"
	}
	if strings.HasPrefix(message, "got '=', want newline") {
		return "each assignment is a statement of its own"
	}
	// The place is that of the token that was not expected, or the end of it.
	runes := []rune(line)
	// Which of the two it is, the message does not say.
	for _, end := range []int{col, col - 1, col + 1} {
		if end < 1 || end > len(runes) {
			continue
		}
		before := string(runes[:end])
		if annotation.MatchString(before) {
			return "parameters and results have no types; leave them out"
		}
		for _, token := range insteadOfToken {
			if token.before.MatchString(before) {
				return token.text
			}
		}
	}
	if m := firstWord.FindStringSubmatch(line); m != nil {
		return insteadOfWord[m[1]]
	}
	return ""
}
