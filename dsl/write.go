package dsl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime/files"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// writable opens the folder below which scripts write. what names the parameter
// that names a file there.
func (in *Interpreter) writable(what, file string) (*os.Root, error) {
	if in.config.WriteDir == "" {
		return nil, fmt.Errorf("%s is %q, but this program lets scripts write no files", what, file)
	}
	if !filepath.IsLocal(file) {
		where := "the current folder"
		if in.config.WriteDir != "." {
			where = in.config.WriteDir
		}
		return nil, fmt.Errorf("%s is %q, want a path below %s", what, file, where)
	}
	folder, err := os.OpenRoot(in.config.WriteDir)
	if err != nil {
		return nil, fmt.Errorf("%s is %q: %w", what, file, err)
	}
	return folder, nil
}

// write writes a file below the folder of the host, whole or not at all. A file
// that is there is replaced only if mine recognizes it.
func (in *Interpreter) write(what, file, text string, mine func([]byte) bool) error {
	folder, err := in.writable(what, file)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := files.Write(folder, file, []byte(text), mine); err != nil {
		return fmt.Errorf("%s is %q, which cannot be written: %w", what, file, err)
	}
	return nil
}

// plain returns where text goes that is not coloured. A terminal does not obey it.
func (in *Interpreter) plain() io.Writer {
	if in.config.Color {
		return &terminal.Writer{To: in.config.Stdout}
	}
	return in.config.Stdout
}

// Save writes [Interpreter.Script] into a file that is not there yet.
func (in *Interpreter) Save(path string) error {
	script, err := in.Script()
	if err != nil {
		return err
	}
	return files.WriteAt(path, []byte(script), nil)
}

// An UnwrittenError is the cause of an [Error] if a script went on to its end,
// but a checkpoint or a report could not be written.
type UnwrittenError struct{ Err error }

func (e *UnwrittenError) Error() string { return e.Err.Error() }

// Unwrap returns why it could not be written.
func (e *UnwrittenError) Unwrap() error { return e.Err }

// unwritten notes that something could not be written. The script goes on, and
// ends with that error.
func (c *call) unwritten(err error) {
	r := runOf(c.thread)
	at := &starlark.EvalError{Msg: err.Error(), CallStack: c.thread.CallStack()}
	for _, late := range r.unwritten {
		if late.at.Msg == at.Msg && slices.Equal(late.at.CallStack, at.CallStack) {
			return // in a loop once is enough
		}
	}
	r.unwritten = append(r.unwritten, lateError{&UnwrittenError{err}, at})
}

// A lateError is an error at a place that the script has left.
type lateError struct {
	error
	at *starlark.EvalError
}

// explainAll says what err means, and what could not be written. Either may be
// missing.
func (r *run) explainAll(err error) error {
	if err == nil && len(r.unwritten) == 0 {
		return nil
	}
	e := &Error{}
	if err != nil {
		e = r.in.explain(err, r.stopped())
	}
	for _, late := range r.unwritten {
		there := r.in.explain(late.at, nil)
		e.Problems = append(e.Problems, there.Problems...)
		e.cause = errors.Join(e.cause, late.error)
	}
	return e
}
