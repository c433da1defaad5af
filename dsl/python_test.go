package dsl

import (
	"strings"
	"testing"
)

// TestPythonHabits writes what people who come from Python write.
func TestPythonHabits(t *testing.T) {
	for text, want := range map[string]string{
		`x = f"a{b}"`:              "there are no f-strings",
		`x = f'a' + c`:             "there are no f-strings",
		"import os":                "modules are loaded with load",
		"from os import path":      "modules are loaded with load",
		"try:\n  x = 1":            "try_(lambda: …)",
		"class A:\n  pass":         "there are no classes; struct(x = 1)",
		"assert 1 == 1":            "write check(…)",
		"assert(1 == 1)":           "write check(…)",
		"x = 2 ** 3":               "math.pow(x, y)",
		"exit":                     ":quit or Ctrl-D leaves the shell",
		"quit()":                   ":quit or Ctrl-D leaves the shell",
		"x = 1\nx is None":         "write == or !=",
		"while True:\n  pass":      "write for i in range(1000) and break",
		`raise ValueError("x")`:    `fail("…") ends the script`,
		"x = 1; x++":               "write x += 1",
		`print "x"`:                "write print(…)",
		"@foo\ndef f(): pass":      "there are no decorators",
		"def f(a: int): pass":      "parameters and results have no types",
		"def f(a) -> int: pass":    "parameters and results have no types",
		"if (y := 3): pass":        "there is no :=",
		"del x":                    "a dict has pop(key)",
		"def f():\n  yield 3":      "build a list and return it",
		"def f():\n  global x":     "cannot assign a global variable",
		"sum([1])":                 "add in a loop",
		"isinstance(1, int)":       `write type(x) == "list"`,
		"x = {1, 2}":               "write set([1, 2])",
		"x = any(i for i in [1])":  "write [… for x in …]",
		"null":                     "write None",
		"x = 1 && 2":               "write and",
		"x = 1 || 2":               "write or",
		"x = !True":                "write not",
		"match x:\n  case 1: pass": "write if, elif and else",
		"x = [*[1]]":               "write a + b",
		`x = "a" "b"`:              "write +",
		"function f() {}":          "functions are written def name(…):",
		"let x = 1":                "variables need no word before them",
	} {
		err := testInterpreter(t, new(strings.Builder)).Exec(t.Context(), "habit.star", text+"\n")
		if err == nil || !strings.Contains(strings.Split(err.Error(), "\n")[0], want) {
			t.Errorf("%q: %v\nwant %q in its first line", text, err, want)
		}
	}
}

// TestNoAdvice makes mistakes that no habit explains: nothing is added.
func TestNoAdvice(t *testing.T) {
	for text, want := range map[string]string{
		"x = [1, 2":           "got end of file, want ']'",
		`x = {"a": 1 "b": 2}`: "got string literal, want '}'",
		"print(1 2)":          "got int literal, want ','",
		"x = 1 &":             "got newline, want primary expression",
		"functon(1":           "got end of file, want ')'",
	} {
		err := testInterpreter(t, new(strings.Builder)).Exec(t.Context(), "slip.star", text+"\n")
		if err == nil || !strings.HasSuffix(strings.Split(err.Error(), "\n")[0], want) {
			t.Errorf("%q: %v\nwant %q at the end of its first line", text, err, want)
		}
	}
}
