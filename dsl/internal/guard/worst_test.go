package guard

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// large defines the largest values that there may be, and those that are small and
// hold much.
const large = `
text = "a" * ((1 << 24) - 1) + "b"
other = "a" * ((1 << 24) - 1) + "c"
wide = "é" * (1 << 23)
marks = "ü" * ((1 << 23) - 1) + "é"
words = "a b\n" * (1 << 20)
texts = [text] * (1 << 21)
others = [other] * (1 << 21)
numbers = list(range(1 << 18))
table = {i: i for i in numbers}
some = set(numbers)
power = 1 << 511
for i in range(11):
    power *= power
power = power * power
def nested():
    x = [0]
    for i in range(8):
        x = [x] * 100
    return x
deep = nested()
deeper = nested()
half = (text,)
raw = bytes(text)
def same(x):
    return x
`

// worst is a call of each operator, function and method with values for which it takes
// long. What is not there takes no longer with any value than with a small one.
var worst = map[string][]string{
	"+":      {"text + text", "texts + texts", "half + half", "wide + wide", "power + power"},
	"-":      {"some - some", "power - (power - 1)"},
	"*":      {"'ab' * (1 << 23)", "[0] * (1 << 21)", "power * 3", "(1 << 511) * power", "half * 2", "(text,) * 1000"},
	"/":      {"power / 3"},
	"//":     {"power // (1 << 511)", "(power - 1) // 7"},
	"%":      {"power % ((1 << 511) - 1)", "'%s' % text", "'%r' % wide", "'%d' % power", "('%%' * (1 << 22)) % ()"},
	"==":     {"texts == others", "deep == deeper", "[power] * 1000000 == [power] * 1000000", "table == dict(table)", "some == set(numbers)", "{1: texts} == {1: others}", "struct(x = texts) == struct(x = others)", "text == other"},
	"!=":     {"texts != others", "deep != deeper", "{1: deep} != {1: deeper}"},
	"<":      {"texts < [text + 'x'] * (1 << 21)", "[text] * 2000 + [1] < [text + ''] * 2000 + [2]", "some < set(numbers)", "text < other"},
	"<=":     {"texts <= [text + ''] * (1 << 21)", "some <= set(numbers)"},
	">":      {"texts > [text + ''] * (1 << 21)", "some > set(numbers)"},
	">=":     {"texts >= [text + ''] * (1 << 21)", "some >= set(numbers)"},
	"in":     {"other in texts", "deep in [deeper] * 10", "other in tuple([text] * 100000)", "other in text", "text in table", "marks in wide", "('a' * (1 << 20) + 'b') in text"},
	"not in": {"other not in texts"},
	"|":      {"some | some", "table | table", "power | power"},
	"&":      {"some & some", "power & power"},
	"^":      {"some ^ some", "power ^ power"},
	"<<":     {"power << 511"},
	">>":     {"power >> 511"},
	"+=":     {"add(text)"},
	"|=":     {"update(dict(table))"},

	"abs": {"abs(-power)"}, "any": {"any([''] * (1 << 21))"}, "all": {"all(texts)"}, "bool": {"bool(text)"},
	"bytes": {"bytes(wide)", "bytes([1] * (1 << 21))"}, "chr": {"chr(65)"}, "dict": {"dict(table)", "dict([(text, 1)] * 1000)", "dict(a = 1)"},
	"dir": {"dir(text)"}, "enumerate": {"enumerate(texts)"}, "fail": {"fail(text)"}, "float": {"float('1' * (1 << 24))", "float(power)"},
	"getattr": {"getattr(text, 'strip')"}, "hasattr": {"hasattr(text, other)"}, "hash": {"hash(wide)"},
	"int": {"int('9' * 349525)", "int('f' * 349525, 16)", "int(1e300)"}, "len": {"len(text)"}, "list": {"list(texts)", "list(wide.codepoints())"},
	"max": {"max(texts)", "max(texts + [other])", "max([deep, deeper])"}, "min": {"min([other] + texts)", "min(texts, key = same)"}, "ord": {"ord('é')"},
	"print": {"print(wide)"}, "range": {"range(1 << 60)"}, "repr": {"repr(wide)", "repr([power] * 24)", "repr(raw)"}, "reversed": {"reversed(texts)"},
	"set": {"set(texts)", "set([half] * 100000)"}, "sorted": {"sorted(texts)", "sorted([text, other] * 1000)", "sorted(texts, key = same)", "sorted([deep, deeper])"},
	"str": {"str([wide])", "str(power)", "str(raw)"}, "tuple": {"tuple(numbers)"}, "type": {"type(text)"}, "zip": {"zip(numbers, numbers)", "zip(*[range(1000)] * (1 << 21))", "zip(*[numbers] * (1 << 21))"},

	"string.capitalize": {"wide.capitalize()"}, "string.codepoint_ords": {"wide.codepoint_ords()"}, "string.codepoints": {"wide.codepoints()"},
	"string.count": {"text.count('a' * 100 + 'b')", "wide.count('é')"}, "string.elem_ords": {"wide.elem_ords()"}, "string.elems": {"wide.elems()"},
	"string.endswith": {"text.endswith((text + '',) * 100000)", "text.endswith(text)"}, "string.find": {"text.find('a' * (1 << 20) + 'c')"}, "string.format": {"'{}'.format(wide)"},
	"string.index": {"text.index('b')"}, "string.isalnum": {"wide.isalnum()"}, "string.isalpha": {"wide.isalpha()"}, "string.isdigit": {"wide.isdigit()"},
	"string.islower": {"wide.islower()"}, "string.isspace": {"wide.isspace()"}, "string.istitle": {"wide.istitle()"}, "string.isupper": {"wide.isupper()"},
	"string.join": {"','.join(['ab'] * (1 << 21))"}, "string.lower": {"wide.lower()"}, "string.lstrip": {"wide.lstrip(marks)"}, "string.partition": {"text.partition('c')"},
	"string.removeprefix": {"text.removeprefix(other)"}, "string.removesuffix": {"text.removesuffix(other)"}, "string.replace": {"text.replace('a', 'b')", "wide.replace('é', 'e')"},
	"string.rfind": {"text.rfind('c' + 'a' * 1000)"}, "string.rindex": {"text.rindex('a' * (1 << 20))"}, "string.rpartition": {"text.rpartition('c' * 100)"},
	"string.rsplit": {"words.rsplit()"}, "string.rstrip": {"wide.rstrip(marks)"}, "string.split": {"words.split()", "words.split('\\n')"}, "string.splitlines": {"words.splitlines()"},
	"string.startswith": {"text.startswith((other,) * 100000)"}, "string.strip": {"wide.strip(marks)", "(' ' * (1 << 24)).strip()"}, "string.title": {"wide.title()"}, "string.upper": {"wide.upper()"},

	"bytes.elems": {"raw.elems()"},

	"dict.clear": {"dict(table).clear()"}, "dict.get": {"{text: 1}.get(other)"}, "dict.items": {"table.items()"}, "dict.keys": {"table.keys()"}, "dict.pop": {"dict(table).pop(7)"},
	"dict.popitem": {"dict(table).popitem()"}, "dict.setdefault": {"{text: 1}.setdefault(other, 2)"}, "dict.update": {"dict().update(table)"}, "dict.values": {"table.values()"},

	"list.append": {"[].append(text)"}, "list.clear": {"list(texts).clear()"}, "list.extend": {"[].extend(texts)"}, "list.index": {"texts.index(other)"}, "list.insert": {"texts.insert(0, 1)"},
	"list.pop": {"texts.pop(0)"}, "list.remove": {"texts.remove(other)"},

	"set.add": {"set().add(text)"}, "set.clear": {"set(numbers).clear()"}, "set.difference": {"some.difference(texts)"}, "set.discard": {"set(numbers).discard(1)"},
	"set.intersection": {"some.intersection(texts)"}, "set.issubset": {"some.issubset(numbers)"}, "set.issuperset": {"some.issuperset(numbers)"}, "set.pop": {"set(numbers).pop()"},
	"set.remove": {"set(numbers).remove(1)"}, "set.symmetric_difference": {"some.symmetric_difference(texts)"}, "set.union": {"some.union(texts, texts)"}, "set.update": {"set().update(texts)"},

	"json.encode": {"json.encode(wide)", "json.encode([1] * (1 << 20))", "json.encode([power])"}, "json.decode": {"json.decode('[' + '0,' * (1 << 20) + '0]')", "json.decode('[' + '[],' * (1 << 20) + '0]')", "json.decode('[' + (('9' * 300000) + ',') * 50 + '0]')"},
	"json.indent": {"json.indent('[' + '0,' * (1 << 20) + '0]')"}, "json.encode_indent": {"json.encode_indent([1] * (1 << 20))"},
}

// No call of what scripts have takes long within one step: it is done at once, is
// refused, or ends soon after its thread is cancelled.
func TestWorst(t *testing.T) {
	predeclared := starlark.StringDict{"json": JSON(), "struct": starlark.NewBuiltin("struct", starlarkstruct.Make)}
	maps.Copy(predeclared, Universe())
	maps.Copy(predeclared, Hidden())
	parse := func(script string) *starlark.Program {
		file, err := options.Parse("x.star", script, 0)
		if err != nil {
			t.Fatal(script, err)
		}
		Rewrite(file.Stmts)
		program, err := starlark.FileProgram(file, predeclared.Has)
		if err != nil {
			t.Fatal(script, err)
		}
		return program
	}
	values, err := parse(large).Init(&starlark.Thread{}, predeclared)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(predeclared, values)
	maps.Copy(predeclared, starlark.StringDict{
		"add":    mustFunction(t, parse("def f(y):\n    x = ''\n    for i in range(100):\n        x += y"), predeclared),
		"update": mustFunction(t, parse("def f(y):\n    x = {}\n    x |= y"), predeclared),
	})
	for _, name := range known() {
		if len(worst[name]) == 0 {
			t.Errorf("%s is not in the table", name)
		}
		for _, call := range worst[name] {
			if testing.Short() {
				continue
			}
			thread := &starlark.Thread{Print: func(*starlark.Thread, string) {}}
			program := parse(call)
			stop := time.AfterFunc(100*time.Millisecond, func() { thread.Cancel("interrupted") })
			began := time.Now()
			_, err := program.Init(thread, predeclared)
			took := time.Since(began)
			stop.Stop()
			if took > time.Minute {
				t.Errorf("%s took %s: %.100v", call, took, err)
			}
		}
	}
}

func mustFunction(t *testing.T, program *starlark.Program, predeclared starlark.StringDict) starlark.Value {
	t.Helper()
	globals, err := program.Init(&starlark.Thread{}, predeclared)
	if err != nil {
		t.Fatal(err)
	}
	return globals["f"]
}

// known lists the operators, functions and methods that there are.
func known() []string {
	names := []string{"+=", "|="}
	for op := syntax.PLUS; op <= syntax.NEQ; op++ {
		switch op {
		case syntax.TILDE, syntax.DOT, syntax.COMMA, syntax.EQ, syntax.SEMI, syntax.COLON, syntax.LPAREN, syntax.RPAREN, syntax.LBRACK, syntax.RBRACK, syntax.LBRACE, syntax.RBRACE:
		default:
			names = append(names, op.String())
		}
	}
	names = append(names, "in", "not in")
	for name := range starlark.Universe {
		if !slices.Contains([]string{"None", "True", "False"}, name) {
			names = append(names, name)
		}
	}
	for _, v := range []starlark.HasAttrs{starlark.String(""), starlark.Bytes(""), new(starlark.List), new(starlark.Dict), new(starlark.Set)} {
		for _, name := range v.AttrNames() {
			names = append(names, v.Type()+"."+name)
		}
	}
	for name := range JSON().Members {
		names = append(names, "json."+name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
