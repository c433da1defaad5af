package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"syscall"

	"github.com/twinsh/twinsh/runtime/terminal"
)

// Output that does not arrive. Most that print in Go do not look at the error, and most
// programs, whose output is for people, need not. Here a report is what the program is for,
// and CI believes its exit status: "held", with the report lost on a full disk, would be
// wrong. So errors are noted below all who print, stop what is running, and become the
// status.

// An output is a stream of the program. It notes that it cannot be written,
// because most of those who write to it do not look, and calls failed then. A full disk would
// otherwise make a report that was cut look like one that held. Several goroutines may write: a
// search shows its progress while a script prints.
type output struct {
	name   string // for messages
	to     io.Writer
	failed func(error)

	mu  sync.Mutex
	err error // the first
}

// Write implements [io.Writer]. After an error nothing is written any more.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	if err != nil {
		o.err = &unwritableError{o.name, err}
		if o.failed != nil {
			o.failed(o.err)
		}
		return n, o.err
	}
	return n, nil
}

// failure returns why the output could not be written, nil if it could.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// An unwritableError says that a stream cannot be written.
type unwritableError struct {
	name string
	err  error
}

func (e *unwritableError) Error() string {
	return fmt.Sprintf("%s cannot be written: %v", e.name, e.err)
}

func (e *unwritableError) Unwrap() error { return e.err }

// filtered returns a writer through which a terminal gets no orders but colours.
func filtered(to io.Writer, color bool) io.Writer {
	return &terminal.Writer{To: to, Color: color}
}

// unwritable reports whether something that was said did not arrive.
func (p *program) unwritable() bool {
	return slices.ContainsFunc(p.outputs, func(o *output) bool { return o.failure() != nil })
}

// written returns the exit status, which is that of bad usage if what was said
// did not arrive. That a reader wants no more, as head does, is known to the
// user, so that nothing is said about it.
//
// A signal counts for more: its status is what the caller waits for.
func (p *program) written(status int) int {
	for _, o := range p.outputs {
		err := o.failure()
		if err == nil {
			continue
		}
		// If it is stderr that cannot be written, this goes nowhere, and the status alone says it.
		if !errors.Is(err, syscall.EPIPE) {
			fmt.Fprintf(p.stderr, "twinsh: %v\n", err)
		}
		if p.stopped() == 0 {
			status = misused
		}
	}
	return status
}
