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

// languageFamily has nothing to do with systems.
func languageFamily() Family {
	return Family{"language", "what Starlark lacks", []Entry{
		argsEntry(), failEntry(), helpEntry(), jsonEntry(), matchesEntry(), mathEntry(),
		structEntry(), tryEntry(),
	}}
}

func argsEntry() Entry {
	return Entry{
		Signature: "args",
		Doc:       "The words after -- on the command line, a list of strings.",
		Example:   `print("called with", args)`,
		value:     argsValue,
	}
}

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

func jsonValue(*Interpreter) starlark.Value { return guard.JSON() }

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

func mathValue(*Interpreter) starlark.Value { return math.Module }

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
