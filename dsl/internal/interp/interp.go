// Package interp runs scripts in Starlark for a host that adds builtins to the
// language. It knows nothing of what these are about.
//
//	Interpreter   executes scripts and remembers what they defined        interp.go
//	  Eval        executes text piece by piece, for shells                eval.go
//	Run           one execution: its thread, its limits, its end          run.go
//	  load        executes modules, each once while it is unchanged       load.go, module.go
//	Statement     a statement of a text, and the names in it              statement.go
//	Builtin       a function in Go that scripts call                      builtin.go
//	  params      its parameters, as its signature says                   params.go
//	Error         what went wrong, where, and through which calls         error.go
//	  CheckFailed and other causes of an Error                            causes.go
//	Hints         what a mistake probably means                           hint.go, python.go
//	Captured      what functions see of a script, which must not change   captured.go
//	Digest        what functions are, wherever and however they are written  digest.go
//	Definitions   how a script can write again what it has                definitions.go
//
// Texts are rewritten by package guard before they are compiled, so that nothing that
// a script does ends the process.
//
// # An execution
//
// A text is looked at for what no script can hold, parsed, bounded in how deep it nests,
// rewritten, resolved, looked through for functions that hold themselves, compiled, and run in
// a fresh thread of its own. The same is done for each module that it loads, once while that
// is unchanged. Whatever goes wrong on the way, a panic of Go code included, becomes an
// [Error] that shows the place, its line and the calls.
//
// An execution ends when its context is done, when its thread has taken all its steps, or when
// the process occupies too much memory. All three cancel its thread; what a script defined
// until then stays. Threads that were made for functions which Go code calls end with the
// same context, by who made them.
//
// # Two kinds of text
//
// A file is a module: its variables are its own, and are frozen when it ends. Text that is
// evaluated, as in a shell, has variables that belong to the interpreter and stay variables:
// see eval.go for how Starlark is brought to that.
//
// # Who may call what when
//
// An Interpreter executes one text at a time. While one is under way, functions of the script may
// be called by several goroutines at a time, each in a thread of its own ([Run.Thread]): the
// handlers of nodes, invariants. What these see is frozen first ([Capture]), and it is noticed
// if the script assigns it anew.
package interp

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// Dialect is Starlark with sets, with if and for outside of functions, and
// with globals that may be assigned again. It has neither while nor recursion,
// so that every loop is bounded by the data that it runs over.
var Dialect = &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true}

// A Config is what a host hands to an Interpreter. It is not changed afterwards.
type Config struct {
	Host     any                 // whose interpreter it is: what [Run.Host] returns
	Builtins starlark.StringDict // what scripts see beside what Starlark has
	Internal starlark.StringDict // what modules of @std see beside that
	Hints    Hints

	Modules   fs.FS  // of @std
	Dir       string // that text without a file loads modules from; "" if it cannot
	MaxSteps  uint64 // of one execution, and of each thread that it makes
	MaxMemory uint64 // bytes of the process; 0 means any number

	// Print is given what print prints, maybe by several goroutines at a time.
	Print func(text string)
	// Executed is called after each statement of a text that is evaluated.
	Executed func(text string, s syntax.Stmt)
}

// An Interpreter executes scripts. What text that is evaluated defines stays. It
// must not be used concurrently.
type Interpreter struct {
	config   Config
	builtins starlark.StringDict // what every script sees
	internal starlark.StringDict // what modules of @std see
	sources  map[string]string   // by file name, for error messages
	loader   *loader             // of Exec and Eval
	globals  starlark.StringDict // of Eval: builtins and what was defined since
	past     []*Statement        // that Eval executed and that define something
	running  *Run                // the execution that is under way, nil if none is
	// mistake is an error of a function that Go code calls and that cannot return
	// one: the builtin in which it happens fails with it.
	mistake atomic.Pointer[error]
	// turns counts when a script was executed since it last could have assigned
	// variables: calls of builtins, and ends of executions.
	turns atomic.Uint64
}

// New makes an Interpreter.
func New(config Config) (*Interpreter, error) {
	in := &Interpreter{config: config, builtins: starlark.StringDict{}, sources: map[string]string{}}
	for _, more := range []starlark.StringDict{config.Builtins, guard.Universe(), guard.Hidden()} {
		maps.Copy(in.builtins, more)
	}
	in.internal = maps.Clone(in.builtins)
	maps.Copy(in.internal, config.Internal)
	in.globals = maps.Clone(in.builtins)
	in.globals[scopeName] = scope{in.globals}
	var err error
	in.loader, err = newLoader(config.Modules, config.Dir)
	return in, err
}

// ExecFile executes the script at path as a module of its own. The script loads
// modules from its folder and those below, and from @std. Whatever goes wrong in
// it is an [*Error]. ExecFile returns promptly after ctx is done.
func (in *Interpreter) ExecFile(ctx context.Context, path string) error {
	source, loader, main, err := in.open(path)
	if err != nil {
		return err
	}
	defer loader.close()
	return in.execute(ctx, loader, main, source)
}

// open reads a script and makes the loader of the modules beside it, which is
// to be closed. The script itself may lie anywhere and be a symbolic link: a person named
// it. What it loads lies in its folder.
func (in *Interpreter) open(path string) (source string, l *loader, main file, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", nil, file{}, err
	}
	if l, err = newLoader(in.config.Modules, filepath.Dir(path)); err != nil {
		return "", nil, file{}, err
	}
	return string(text), l, file{l.local, filepath.Base(path)}, nil
}

// Exec executes source as a module of its own; name stands for it in messages.
// Errors are those of [Interpreter.ExecFile].
func (in *Interpreter) Exec(ctx context.Context, name, source string) error {
	return in.execute(ctx, in.loader, file{in.loader.text, name}, source)
}

// ExecIn executes source as if it stood in a file of that name in a folder.
func (in *Interpreter) ExecIn(ctx context.Context, dir, name, source string) error {
	loader, err := newLoader(in.config.Modules, dir)
	if err != nil {
		return err
	}
	defer loader.close()
	return in.execute(ctx, loader, file{loader.local, name}, source)
}

func (in *Interpreter) execute(ctx context.Context, loader *loader, main file, source string) error {
	return in.run(ctx, loader, main, func(thread *starlark.Thread) error {
		program, err := in.compile(main, source)
		if err != nil {
			return err
		}
		_, err = program.Init(thread, in.builtins)
		return err
	})
}

// compile parses and resolves the text of a file, and keeps it for messages, also if it cannot be
// parsed: then the message needs it most.
func (in *Interpreter) compile(f file, source string) (*starlark.Program, error) {
	in.sources[f.name()] = source
	if err := wellFormed(f.name(), source); err != nil {
		return nil, err
	}
	parsed, err := Dialect.Parse(f.name(), source, 0)
	if err != nil {
		return nil, err
	}
	if err := guard.Shallow(parsed); err != nil {
		return nil, err
	}
	return program(parsed, in.visible(f).Has)
}

// program compiles a parsed text that sees the given names.
func program(parsed *syntax.File, sees func(name string) bool) (*starlark.Program, error) {
	guard.Rewrite(parsed.Stmts)
	program, err := starlark.FileProgram(parsed, sees)
	if err != nil {
		return nil, err
	}
	return program, guard.Recursive(parsed)
}

// wellFormed reports what no text of a script can hold: the parser takes a NUL
// for the end of the text, and bytes that are no UTF-8 for some letter. Digits it reads in a
// time that grows with the square of how many there are.
func wellFormed(name, text string) error {
	if len(text) > guard.MaxText {
		return syntax.Error{Pos: syntax.MakePosition(&name, 1, 1), Msg: fmt.Sprintf("the script is longer than %d bytes", guard.MaxText)}
	}
	line, column, digits := int32(1), int32(1), 0
	for i := 0; i < len(text); column++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		what := ""
		if digits++; r < '0' || r > '9' {
			digits = 0
		}
		switch {
		case digits > guard.MaxDigits:
			what = fmt.Sprintf("a number of more than %d digits", guard.MaxDigits)
		case r == 0:
			what = "a NUL byte, which cannot be in a script"
		case r == utf8.RuneError && size == 1:
			what = fmt.Sprintf("the byte 0x%02x, which is not UTF-8; a script is text in UTF-8", text[i])
		case r == '\n':
			line, column = line+1, 0
		}
		if what != "" {
			return syntax.Error{Pos: syntax.MakePosition(&name, line, column), Msg: what}
		}
		i += size
	}
	return nil
}

// visible returns the predeclared names that f sees.
func (in *Interpreter) visible(f file) starlark.StringDict {
	if f.std() {
		return in.internal
	}
	return in.builtins
}

// Context returns the context of the execution that is under way. It is for
// what has no thread, such as attributes of values.
func (in *Interpreter) Context() context.Context {
	if in.running == nil {
		return context.Background()
	}
	return in.running.ctx
}

// Builtins is what every script sees.
func (in *Interpreter) Builtins() starlark.StringDict { return in.builtins }

// Globals is what text that is evaluated sees, as it is from now on.
func (in *Interpreter) Globals() starlark.StringDict { return in.globals }

// Sources is the text of each file that was compiled, by its name.
func (in *Interpreter) Sources() map[string]string { return in.sources }

// Mistaken notes a mistake of a script. It may be called concurrently; one of
// several is kept. It is for functions that the simulation calls through interfaces without an
// error: a node that shows its state, say.
func (in *Interpreter) Mistaken(err error) { in.mistake.CompareAndSwap(nil, &err) }

// Mistake returns the mistake that the builtin which is called now will fail with,
// nil if there is none.
func (in *Interpreter) Mistake() error {
	if err := in.mistake.Load(); err != nil {
		return *err
	}
	return nil
}

// Names lists the global variables that evaluated text sees, in order, without
// those of Starlark itself, unless the host has another in the place of one.
func (in *Interpreter) Names() []string {
	return slices.DeleteFunc(in.globals.Keys(), func(name string) bool {
		return guard.IsHidden(name) || name == LastValue || starlark.Universe.Has(name) && in.globals[name] == in.builtins[name]
	})
}

// Modules lists what evaluated text can load, in order: modules of @std, then
// the scripts in the folder of the interpreter.
func (in *Interpreter) Modules() []string {
	var names []string
	for _, t := range []*tree{in.loader.std, in.loader.local} {
		if t.files == nil {
			continue
		}
		prefix := ""
		if t == in.loader.std {
			prefix = StdPrefix
		}
		for _, pattern := range []string{"*.star", "*/*.star", "*/*/*.star"} {
			paths, _ := fs.Glob(t.files, pattern) // the patterns are well formed
			for _, p := range paths {
				names = append(names, prefix+p)
			}
		}
	}
	return names
}
