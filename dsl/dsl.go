// Package dsl is the language of twinsh: Starlark with builtins that stage a
// system, act on it and search what it can do.
//
//	Interpreter  executes scripts; one is one session with one current world    dsl.go
//	  Eval       executes text piece by piece, for shells                       eval.go
//	  Names      what a shell needs to know, to complete and to save            shell.go
//	Config       what the host hands to it: modules, protocols, output, limits  dsl.go
//	Protocol     a protocol written in Go, for native() in an @std module       protocol.go
//	Family       builtins that belong together, with their documentation        registry.go
//	Entry        one builtin: signature, documentation, example                 registry.go
//	Error        what went wrong, where, and through which calls                error.go
//	CheckFailed  a check or an assertion that did not hold                      error.go
//
// A host makes an Interpreter with [New] and executes scripts with it. The
// package knows no protocol and no module of its own.
package dsl

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
)

// dialect is Starlark with sets, with if and for outside of functions, and
// with globals that may be assigned again. It has neither while nor recursion,
// so that every loop is bounded by the data that it runs over.
var dialect = &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true}

// A Config is what a host hands to an Interpreter. The zero Config runs
// scripts that load nothing and print nowhere.
type Config struct {
	// Modules holds what scripts load as "@std//name.star". Modules of it see
	// one builtin more than scripts do: native(name) is the protocol of that
	// name, a function of its options.
	Modules   fs.FS
	Protocols []Protocol

	// Dir is the folder that text without a file of its own, given to Exec or
	// Eval, loads modules from. If it is empty, such text loads only @std.
	Dir string

	// WriteDir is the folder below which scripts write files: show(file = …)
	// and explore(checkpoint = …). If it is empty, they can write nothing.
	WriteDir string

	Stdout   io.Writer                   // where print and show write; nil discards
	Color    bool                        // whether Stdout is a terminal that shows colours; then no script can give it orders
	Width    int                         // columns of Stdout; 0 means 80
	Shard    explore.Shard               // which part of each space to explore
	Report   func(*explore.Report) error // is given each report of explore; may be nil
	Progress func(explore.Progress)      // is called with how far a search has come; may be nil
	Args     []string                    // what scripts see as args

	// MaxSteps is how many steps of Starlark one execution may take; 0 means
	// any number. What a property or a role calls has as many for each call.
	MaxSteps uint64
	// MaxMemory is how many bytes of memory the process may occupy while a
	// script is executed; 0 means any number. It is looked at a hundred times
	// a second, and counts what the host itself takes.
	MaxMemory uint64
}

// An Interpreter executes scripts. It is one session: the current world that
// one script leaves is the one that the next finds. It must not be used
// concurrently.
type Interpreter struct {
	config   Config
	builtins starlark.StringDict       // what every script sees
	internal starlark.StringDict       // what modules of @std see
	sources  map[string]string         // by file name, for error messages
	loader   *loader                   // of Exec and Eval
	globals  starlark.StringDict       // of Eval: builtins and what was defined since
	defined  []Entry                   // by the host, for Eval
	past     []*statement              // that Eval executed and that define something
	staged   map[*protocolValue]string // how such statements write a protocol
	session  *session
	// mistake is an error of a function that the simulation calls and that cannot
	// return one, such as show: the builtin in which it happens fails with it.
	mistake atomic.Pointer[error]
	alarms  []*alarm                  // of the execution that is under way
	played  map[*runtime.World]*alarm // those about steps that the script took, not yet looked at
	running *run                      // the execution that is under way, nil if none is
	// turns counts when a script was executed since it last could have assigned
	// variables: calls of builtins, and ends of executions.
	turns atomic.Uint64
}

// New checks the configuration and makes an Interpreter.
func New(config Config) (*Interpreter, error) {
	if config.Stdout == nil {
		config.Stdout = io.Discard
	}
	config.Stdout = &sharedWriter{to: config.Stdout}
	if config.MaxSteps == 0 {
		config.MaxSteps = 1<<64 - 1
	}
	in := &Interpreter{
		config:   config,
		builtins: starlark.StringDict{},
		sources:  map[string]string{},
		staged:   map[*protocolValue]string{},
		session:  &session{},
	}
	for _, family := range Families() {
		for _, entry := range family.Entries {
			in.builtins[entry.Name()] = entry.bind(in)
		}
	}
	maps.Copy(in.builtins, guard.Universe())
	maps.Copy(in.builtins, guard.Hidden())
	native, err := newNative(config.Protocols)
	if err != nil {
		return nil, err
	}
	in.internal = maps.Clone(in.builtins)
	in.internal["native"] = native
	in.globals = maps.Clone(in.builtins)
	in.globals[scopeName] = scope{in.globals}
	if in.loader, err = newLoader(config.Modules, config.Dir); err != nil {
		return nil, err
	}
	return in, nil
}

// ExecFile executes the script at path as a module of its own. The script
// loads modules from its folder and those below, and from @std.
//
// A script that does not look at failures of nodes' code that it met has not
// held either. Whatever goes wrong in the script is an [*Error]. It unwraps to
// [*CheckFailed], [*StepLimitError], [*MemoryLimitError], [*PanicError] or the error of a cancelled
// ctx, if that was the reason. ExecFile returns promptly after ctx is done.
func (in *Interpreter) ExecFile(ctx context.Context, path string) error {
	source, loader, main, err := in.open(path)
	if err != nil {
		return err
	}
	defer loader.close()
	return in.execute(ctx, loader, main, source)
}

// open reads a script and makes the loader of the modules beside it, which is
// to be closed.
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

func (in *Interpreter) execute(ctx context.Context, loader *loader, main file, source string) error {
	err := in.run(ctx, loader, main, func(thread *starlark.Thread) error {
		program, err := in.compile(main, source)
		if err != nil {
			return err
		}
		_, err = program.Init(thread, in.builtins)
		return err
	})
	if err != nil {
		return err
	}
	return in.unseen()
}

// mistaken notes a mistake of a script. It may be called concurrently; one of
// several is kept.
func (in *Interpreter) mistaken(err error) { in.mistake.CompareAndSwap(nil, &err) }

// compile parses and resolves the text of a file, and keeps it for messages.
func (in *Interpreter) compile(f file, source string) (*starlark.Program, error) {
	in.sources[f.name()] = source
	if err := wellFormed(f.name(), source); err != nil {
		return nil, err
	}
	parsed, err := dialect.Parse(f.name(), source, 0)
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
// for the end of the text, and bytes that are no UTF-8 for some letter.
func wellFormed(name, text string) error {
	if len(text) > guard.MaxText {
		return syntax.Error{Pos: syntax.MakePosition(&name, 1, 1), Msg: fmt.Sprintf("the script is longer than %d bytes", guard.MaxText)}
	}
	line, column := int32(1), int32(1)
	for i := 0; i < len(text); column++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		what := ""
		switch {
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

// A run is one execution. It has a thread of its own, because a thread that
// was cancelled, or took all its steps, stays so.
type run struct {
	in        *Interpreter
	ctx       context.Context
	loader    *loader
	loading   []file          // modules that are being executed, the main one first
	uses      map[file][]file // what each of them loads
	settled   map[file]bool   // modules that are known to be those of the files now
	exhausted atomic.Bool     // all steps were taken
	unwritten []lateError     // what could not be written
}

const runKey = "twinsh run"

func runOf(thread *starlark.Thread) *run { return thread.Local(runKey).(*run) }

// contextOf returns the context of the execution that thread belongs to. A
// builtin that works for long watches it.
func contextOf(thread *starlark.Thread) context.Context { return runOf(thread).ctx }

// context returns the context of the execution that is under way. It is for
// what has no thread, such as attributes of values.
func (in *Interpreter) context() context.Context {
	if in.running == nil {
		return context.Background()
	}
	return in.running.ctx
}

// run calls execute with a fresh thread, and explains its error.
func (in *Interpreter) run(ctx context.Context, loader *loader, main file, execute func(*starlark.Thread) error) error {
	defer in.turns.Add(1)
	r := &run{in: in, ctx: ctx, loader: loader, loading: []file{main}, uses: map[file][]file{}, settled: map[file]bool{}}
	in.running, in.alarms, in.played = r, nil, nil
	in.mistake.Store(nil)
	defer func() { in.running = nil }()
	if limit := in.config.MaxMemory; limit > 0 {
		var exceeded context.CancelCauseFunc
		r.ctx, exceeded = context.WithCancelCause(ctx)
		defer guard.Watch(limit, func(used uint64) { exceeded(&MemoryLimitError{limit, used}) })()
		defer exceeded(nil)
	}
	thread := r.thread(main.name())
	thread.Load = r.load
	stop := context.AfterFunc(r.ctx, func() { thread.Cancel("interrupted") })
	defer stop()
	err := func() (err error) {
		defer recovered(&err)
		return execute(thread)
	}()
	return r.explainAll(err)
}

// thread returns a fresh thread of the execution, with all steps to take.
func (r *run) thread(name string) *starlark.Thread {
	thread := &starlark.Thread{
		Name:  name,
		Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(r.in.plain(), text) },
		OnMaxSteps: func(thread *starlark.Thread) {
			r.exhausted.Store(true)
			thread.Cancel("too many steps")
		},
	}
	thread.SetLocal(runKey, r)
	thread.SetMaxExecutionSteps(r.in.config.MaxSteps)
	return thread
}

// stopped returns why the execution has to end, or nil. Nothing in a script
// may hold up such an end.
func (r *run) stopped() error {
	if r.exhausted.Load() {
		return &StepLimitError{r.in.config.MaxSteps}
	}
	if limit, ok := context.Cause(r.ctx).(*MemoryLimitError); ok {
		return limit
	}
	return r.ctx.Err()
}

// A sharedWriter is written to by one goroutine at a time. Invariants may print.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *sharedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// Hint returns " (did you mean x?)" with the candidate nearest to name, or "".
func Hint(name string, candidates []string) string { return spell.Hint(name, candidates) }
