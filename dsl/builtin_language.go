package dsl

import (
	"fmt"
	"strings"

	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
)

// What scripts need that has nothing to do with systems. Starlark's own functions (len,
// sorted, range and so on) are in none of the families: the interpreter predeclares them,
// the long-running ones guarded (dsl/internal/guard, Universe).
//
// Entries with a value are no functions: args, json and math. Pure ones may be called by
// the code of nodes as well. Tested in language_test.go and by the scripts that it runs.

// languageFamily has nothing to do with systems.
func languageFamily() Family {
	return Family{"language", "what Starlark lacks", []Entry{
		argsEntry(), failEntry(), helpEntry(), jsonEntry(), matchesEntry(), mathEntry(),
		structEntry(), tryEntry(),
	}}
}

// What a script is given from outside goes through args alone: it reads no environment, no
// file and no clock, so that it does the same wherever it runs.
func argsEntry() Entry {
	return Entry{
		Signature: "args",
		Doc:       "The words after -- on the command line, a list of strings.",
		Example:   `print("called with", args)`,
		value:     argsValue,
	}
}

// It is frozen, since evaluated text and modules see the same list.
func argsValue(in *Interpreter) starlark.Value {
	list := starlark.NewList(nil)
	for _, arg := range in.config.Args {
		list.Append(starlark.String(arg))
	}
	list.Freeze()
	return list
}

func failEntry() Entry {
	return Entry{
		Signature: `fail(*args, sep=" ")`,
		Doc: `Ends the script with a message: what it claims does not hold.
The arguments are shown as print shows them.`,
		Example: `if len("abc") != 3:
    fail("the length is", len("abc"))`,
		pure: true,
		call: callFail,
	}
}

// callFail checks each argument before it makes its text, and the sum as it goes: a value
// that holds itself through a struct has no end as text, and 1,000 strings of 16 MiB would
// take all memory in one step, in which nothing stops a script. The error is a CheckFailed,
// as is that of check: what the script claims does not hold, so that the exit status is 1
// and not 2.
func callFail(c *call) (starlark.Value, error) {
	var args starlark.Tuple
	sep := " "
	if err := c.Unpack(&args, &sep); err != nil {
		return nil, err
	}
	var words []string
	size := 0
	for _, arg := range args {
		if err := guard.Printable(arg); err != nil {
			return nil, fmt.Errorf("fail: the %s %w", arg.Type(), err)
		}
		word, ok := starlark.AsString(arg)
		if !ok {
			word = arg.String()
		}
		if size += len(word) + len(sep); size > guard.MaxText {
			return nil, fmt.Errorf("fail: the message would be longer than %d bytes", guard.MaxText)
		}
		words = append(words, word)
	}
	return nil, &CheckFailed{Message: strings.Join(words, sep)}
}

func helpEntry() Entry {
	return Entry{
		Signature: "help(topic=None)",
		Doc: `Prints what there is, or what a topic means: a builtin, its name, or a function of a script.
A function is described by the string that its body begins with.`,
		Example: `help()
help("struct")
help(try_)`,
		call: callHelp,
	}
}

// callHelp writes to Stdout itself and not through plainOut, because what helpText returns
// is coloured; texts of scripts in it are made visible there.
func callHelp(c *call) (starlark.Value, error) {
	var topic starlark.Value
	if err := c.Unpack(&topic); err != nil {
		return nil, err
	}
	text, err := helpText(interpreter(c), topic)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(interpreter(c).config.Stdout, text)
	return starlark.None, nil
}

func jsonEntry() Entry {
	return Entry{
		Signature: "json",
		Doc: `A module with encode, decode and indent.
json.encode(x) is a string, json.decode(s) the value that it stands for.`,
		Example: `print(json.encode({"leader": "A", "parts": [["A", "B"], ["C"]]}))
print(json.decode("[1, 2]"))`,
		value: jsonValue,
	}
}

// The module of the library recurses over what it reads and writes, so that a guarded one
// takes its place.
func jsonValue(*Interpreter) starlark.Value { return guard.JSON() }

// It only says whether: groups and replacements are left out, since a script that takes
// texts apart should be given values instead.
func matchesEntry() Entry {
	return Entry{
		Signature: "matches(text, pattern)",
		Doc: `Whether a regular expression matches anywhere in a text.
The syntax is that of Go's package regexp (RE2). A pattern has at most 1,000 bytes, and 16,384 parts with its repetitions written out.`,
		Example: `print(matches("v1 red", "^v[0-9]+ "))`,
		pure:    true,
		call:    callMatches,
	}
}

// callMatches hands over to [guard.Matches], which bounds the expression and counts steps
// in parts of it times bytes of text: Go's regexp takes linear time, but of as large a
// factor as the expression has parts.
func callMatches(c *call) (starlark.Value, error) {
	var text, pattern string
	if err := c.Unpack(&text, &pattern); err != nil {
		return nil, err
	}
	found, err := guard.Matches(c.Thread, text, pattern)
	if err != nil {
		return nil, fmt.Errorf("matches: %w", err)
	}
	return starlark.Bool(found), nil
}

func mathEntry() Entry {
	return Entry{
		Signature: "math",
		Doc:       "A module with ceil, floor, sqrt, log, pow and others, and the constants e and pi.",
		Example:   `print(math.floor(math.sqrt(17)))`,
		value:     mathValue,
	}
}

// Its functions take numbers, and each of them takes no time to speak of.
func mathValue(*Interpreter) starlark.Value { return math.Module }

// The library's own struct; nodes may keep it, and its constructor is the default one.
func structEntry() Entry {
	return Entry{
		Signature: "struct(**fields)",
		Doc:       "A value with the given attributes. Structs with equal fields are equal.",
		Example: `point = struct(x = 1, y = 2)
print(point.x + point.y)`,
		pure: true,
		call: callStruct,
	}
}

// callStruct looks whether the hash of the struct would take long, which is where structs
// that hold one another twice, and so on, are noticed: a hash walks them as a tree.
func callStruct(c *call) (starlark.Value, error) {
	var fields []starlark.Tuple
	if err := c.Unpack(&fields); err != nil {
		return nil, err
	}
	made := starlarkstruct.FromKeywords(starlarkstruct.Default, fields)
	if err := guard.Hashable(made); err != nil {
		return nil, fmt.Errorf("struct: it %w", err)
	}
	return made, nil
}

// Its name ends in _ since try is a reserved word of Starlark.
func tryEntry() Entry {
	return Entry{
		Signature: "try_(fn)",
		Doc: `Calls a function of no arguments and survives its failure.
The result is a struct: ok, value (None after a failure) and error (the message, None after a success).
An interrupt and the step limit still end the script.`,
		Example: `result = try_(lambda: 1 // 0)
print(result.ok, result.error)`,
		call: callTry,
	}
}

// callTry calls fn on the thread of the script, so that its steps count and the stack
// shows. What ends the execution itself is no failure of fn: an interrupt, the limit of
// steps or of memory goes on up, or a loop of try_ would hold up Ctrl-C. A panic in Go is
// an error of its builtin by then, and survived as others are. What fn did to the session
// before it failed stays done.
func callTry(c *call) (starlark.Value, error) {
	var fn starlark.Callable
	if err := c.Unpack(&fn); err != nil {
		return nil, err
	}
	value, err := starlark.Call(c.Thread, fn, nil, nil)
	var failed starlark.Value = starlark.None
	if err != nil {
		if interp.RunOf(c.Thread).Stopped() != nil {
			return nil, err
		}
		value, failed = starlark.None, starlark.String(interp.MessageOf(err))
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"ok": starlark.Bool(err == nil), "value": value, "error": failed,
	}), nil
}
