// Package dsl is the language of twinsh: Starlark with builtins that stage a
// system, act on it and search what it can do.
//
//	Interpreter  executes scripts; one is one session with one current world    dsl.go
//	  Eval       executes text piece by piece, for shells
//	  Names      what a shell needs to know, to complete and to save
//	Config       what the host hands to it: modules, protocols, output, limits  dsl.go
//	Error        what went wrong, where, and through which calls                dsl.go
//	CheckFailed  a check or an assertion that did not hold
//	Protocol     a protocol written in Go, for native() in an @std module       protocol.go
//	Family       builtins that belong together, with their documentation        builtin.go
//	Entry        one builtin: signature, documentation, example
//	Reference    the reference of the language, made of them                    reference.go
//
// A host makes an Interpreter with [New] and executes scripts with it. The
// package knows no protocol and no module of its own.
//
// Within, a file builtin_*.go is a family of builtins, or a part of one. What they deal
// with has files of its own:
//
//	session.go                       the current world, undo and branches
//	world.go, space.go, step.go      values of scripts
//	protocol.go                      protocols of scripts and of Go
//	property.go, report.go           what is judged, and what came of it
//	finding.go, alarm.go             violations and failures; those not looked at
//	params.go                        what parameters take
//	asking.go                        functions that judge worlds or choose steps
//	writer.go, output.go             scripts that are written; files and Stdout
//	help.go, hint.go, python.go      documentation; what is meant by a mistake
//	fingerprint.go                   what a search is a search of
//
// Scripts are executed by dsl/internal/interp, which knows nothing of all that. The code
// of nodes stands in dsl/internal/role, and what nodes keep and send in
// dsl/internal/value.
package dsl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/files"
)

// A Config is what a host hands to an Interpreter. The zero Config runs
// scripts that load nothing and print nowhere.
//
// It is copied by [New]; what it refers to must not be changed while the Interpreter is
// used. Stdout is written to by one goroutine at a time. Report and Progress are called
// during a search, Report by the goroutine that executes the script; an error of Report
// ends that script later, with what it found in hand.
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

// An Interpreter executes scripts. It is one session: the current world that one script
// leaves is the one that the next finds. It must not be used concurrently. Within, searches
// use all processors, and functions of the script run on their goroutines; what they see is
// frozen.
//
// Interpreters share nothing, so that a host may have as many as it wants, each on a
// goroutine of its own. It keeps what it has learnt of systems as long as worlds of them
// are referred to: by the session, by variables of evaluated text, or by the host.
type Interpreter struct {
	config    Config
	scripts   *interp.Interpreter
	session   *session
	defined   []Entry                   // by the host, for Eval
	staged    map[*protocolValue]string // how text that was evaluated writes a protocol
	redefined []string                  // functions that text which is evaluated defined
	alarms    []*alarm                  // of the execution that is under way
	played    map[*runtime.World]*alarm // those about steps that the script took, not yet looked at
}

// New checks the configuration and makes an Interpreter. The errors are mistakes of the
// host: protocols of one name, an option of a type that scripts do not have.
func New(config Config) (*Interpreter, error) {
	if config.Stdout == nil {
		config.Stdout = io.Discard
	}
	config.Stdout = &sharedWriter{to: config.Stdout}
	if config.MaxSteps == 0 {
		config.MaxSteps = 1<<64 - 1
	}
	in := &Interpreter{config: config, session: &session{}, staged: map[*protocolValue]string{}}
	builtins := starlark.StringDict{}
	for _, family := range Families() {
		for _, entry := range family.Entries {
			builtins[entry.Name()] = entry.in(in)
		}
	}
	native, err := newNative(config.Protocols)
	if err != nil {
		return nil, err
	}
	in.scripts, err = interp.New(interp.Config{
		Host: in, Builtins: builtins, Internal: starlark.StringDict{"native": native}, Hints: hints{in},
		Modules: config.Modules, Dir: config.Dir, MaxSteps: config.MaxSteps, MaxMemory: config.MaxMemory,
		Print: func(text string) { fmt.Fprintln(plainOut(in), text) },
		Executed: func(text string, s syntax.Stmt) {
			noteStaging(in, text, s)
			if def, ok := s.(*syntax.DefStmt); ok {
				in.redefined = append(in.redefined, def.Name.Name)
			}
		},
	})
	if err != nil {
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
	return in.exec(func() error { return in.scripts.ExecFile(ctx, path) })
}

// Exec executes source as a module of its own; name stands for it in messages.
// Errors are those of [Interpreter.ExecFile].
func (in *Interpreter) Exec(ctx context.Context, name, source string) error {
	return in.exec(func() error { return in.scripts.Exec(ctx, name, source) })
}

// exec executes a whole script, and reports what it should have looked at. What went wrong
// in the script comes first: after an error it cannot be expected to have looked.
func (in *Interpreter) exec(execute func() error) error {
	in.alarms, in.played = nil, nil
	if err := execute(); err != nil {
		return err
	}
	return unseen(in)
}

// Eval reads one statement with readline and executes it among the names that
// earlier calls defined. If it is an expression, Eval returns its value, else
// nil; the variable _ holds the last value that was not None. At the end of the
// input, readline and Eval return io.EOF; any other error of readline abandons the
// statement and is returned. The name stands for the text in messages and should be
// another one for each call. Other errors are those of [Interpreter.ExecFile].
func (in *Interpreter) Eval(ctx context.Context, name string, readline func() ([]byte, error)) (starlark.Value, error) {
	in.alarms, in.played = nil, nil
	defer noteRemade(in)
	return in.scripts.Eval(ctx, name, readline)
}

// EvalText executes text, statement after statement, as [Interpreter.Eval]
// does; a function may use names that are defined further down. After each
// statement done is called, with the value if it is an expression, else nil.
func (in *Interpreter) EvalText(ctx context.Context, name, text string, done func(starlark.Value)) error {
	in.alarms, in.played = nil, nil
	defer noteRemade(in)
	return in.scripts.EvalText(ctx, name, text, done)
}

// EvalFile executes the script at path as [Interpreter.EvalText] does. It loads
// modules as [Interpreter.ExecFile] does, afresh each time.
func (in *Interpreter) EvalFile(ctx context.Context, path string, done func(starlark.Value)) error {
	in.alarms, in.played = nil, nil
	defer noteRemade(in)
	return in.scripts.EvalFile(ctx, path, done)
}

// World returns the current world, nil if there is no system yet.
func (in *Interpreter) World() *runtime.World { return in.session.world }

// Enter makes a world of this interpreter the current one.
//
// It panics if no script set up the system of w.
func (in *Interpreter) Enter(w *runtime.World) { in.session.enter(w) }

// Script returns a script that leads from nothing to the current world: what
// was evaluated so far, as far as it is needed, the system, the steps, and the
// checks that were made on the way.
//
// The error says what has no name that could be written.
func (in *Interpreter) Script() (string, error) { return sessionScript(in) }

// Save writes [Interpreter.Script] into a file that is not there yet: whole, or not at all.
// The path is one that a person named and may lead anywhere, other than those of scripts.
func (in *Interpreter) Save(path string) error {
	script, err := in.Script()
	if err != nil {
		return err
	}
	return files.WriteAt(path, []byte(script), nil)
}

// Names lists the global variables that evaluated text sees, in order, without
// those of Starlark itself.
func (in *Interpreter) Names() []string { return in.scripts.Names() }

// Global returns the value of a global variable, nil if there is none.
//
// It is the value itself. Lists and dicts of evaluated text are not frozen, and change when
// it does.
func (in *Interpreter) Global(name string) starlark.Value { return in.scripts.Globals()[name] }

// Define adds a function without parameters to what evaluated text sees, and to
// what help knows. Its documentation is written as that of an [Entry].
//
// An error of fn is that of the text which called it, with its place.
func (in *Interpreter) Define(name, doc string, fn func() error) {
	e := Entry{Signature: name + "()", Doc: doc, call: func(c *call) (starlark.Value, error) {
		if err := c.Unpack(); err != nil {
			return nil, err
		}
		return starlark.None, fn()
	}}
	in.scripts.Globals()[name] = built(e)
	in.defined = append(in.defined, e)
}

// Families returns all that evaluated text sees beyond Starlark itself: [Families],
// and what the host defined.
func (in *Interpreter) Families() []Family {
	if len(in.defined) == 0 {
		return Families()
	}
	return append(Families(), Family{"shell", "for those who type", in.defined})
}

// Modules lists what evaluated text can load, in order: modules of @std, then
// the scripts in the folder of the interpreter.
func (in *Interpreter) Modules() []string { return in.scripts.Modules() }

// Resize says how many columns Stdout has from now on; 0 means 80.
func (in *Interpreter) Resize(columns int) { in.config.Width = columns }

// Signature returns how a function is called, as in exchange(client, reach),
// and the names of the parameters that can be given by name. The signature is
// empty if v is no function or does not say.
func Signature(v starlark.Value) (signature string, params []string) { return interp.Signature(v) }

// Hint returns " (did you mean x?)" with the candidate nearest to name, or "".
func Hint(name string, candidates []string) string { return spell.Hint(name, candidates) }

// They are powers of two, as the tools say that show memory; "16G" is no unit, because it
// is not known which kind it means.
var units = map[string]int{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// leastMemory is the least limit that can be meant: less is a unit that was forgotten.
const leastMemory = 1 << 20

// ParseMemory returns the number of bytes, a MiB or more, that a text such as
// "16GiB" stands for.
func ParseMemory(text string) (int, error) {
	digits := strings.TrimRight(text, "BKMGi")
	n, err := strconv.Atoi(digits)
	unit, ok := units[text[len(digits):]]
	if err != nil || !ok || n <= 0 || n > math.MaxInt/unit {
		return 0, errors.New(`want bytes, or a text such as "512MiB" or "16GiB"`)
	}
	if n*unit < leastMemory {
		return 0, fmt.Errorf(`%s is less than 1 MiB; give it a unit, as in "%dMiB" or "%dGiB"`, text, n, n)
	}
	return n * unit, nil
}

// An Error is what went wrong in a script: Problems, each with a place, a message and
// the line of the script, and the Stack of the calls that led there. Render shows it
// with colours or without, and errors.As finds what was the reason: one of the
// following, or the error of a cancelled context.
type Error = interp.Error

// A Problem is a message about a place in a script.
type Problem = interp.Problem

// A CheckFailed is the cause of an [Error] if the script is in order and what it
// claims is not: a check or an assertion did not hold.
type CheckFailed = interp.CheckFailed

// A StepLimitError is the cause of an [Error] if a script took more steps than
// [Config.MaxSteps].
type StepLimitError = interp.StepLimitError

// A MemoryLimitError is the cause of an [Error] if the process occupied more bytes
// than [Config.MaxMemory] while a script was executed.
type MemoryLimitError = interp.MemoryLimitError

// A PanicError is the cause of an [Error] if Go code panicked.
type PanicError = interp.PanicError

// An UnwrittenError is the cause of an [Error] if a script went on to its end,
// but a checkpoint or a report could not be written.
type UnwrittenError = interp.UnwrittenError
