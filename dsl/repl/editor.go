package repl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrInterrupted is the error of an Editor whose user gave the line up.
var ErrInterrupted = errors.New("interrupted")

// An Editor is where a Session gets its lines from. One goroutine uses it, but for Close, which
// may be called while ReadLine waits.
type Editor interface {
	// ReadLine shows the prompt and reads a line, without its newline. If
	// several lines are pasted at once they come together. The error is
	// io.EOF at the end of the input and ErrInterrupted if the user gave the
	// line up.
	ReadLine(prompt string) (string, error)
	// Remember adds to the history what may have taken several lines.
	Remember(text string)
	// Follow says who says how a line can go on.
	Follow(Guide)
	// Interactive reports whether a person types, and wants prompts.
	Interactive() bool
	// Close gives back what the editor holds. It does not wait for input.
	Close() error
}

// A Guide says how a line can go on. The cursor is a place in bytes. It is asked while a line is
// edited, at each key, so that it evaluates no calls and looks at no more than it must.
type Guide interface {
	// Complete says what can be written at the cursor.
	Complete(line string, cursor int) Completion
	// Signature is that of the function whose arguments are being written at
	// the cursor, or empty.
	Signature(line string, cursor int) string
}

// Lines returns an Editor that reads lines from in, without history and
// completion. Prompts go to out; if it is nil, they are not shown.
func Lines(in io.Reader, out io.Writer) Editor { return &lines{bufio.NewReader(in), out} }

type lines struct {
	in  *bufio.Reader
	out io.Writer
}

func (l *lines) ReadLine(prompt string) (string, error) {
	if l.out != nil {
		fmt.Fprint(l.out, prompt)
	}
	line, err := l.in.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil // the last line may lack its newline
	}
	if err == io.EOF && l.out != nil {
		fmt.Fprintln(l.out)
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (l *lines) Remember(string)   {}
func (l *lines) Follow(Guide)      {}
func (l *lines) Interactive() bool { return l.out != nil }
func (l *lines) Close() error      { return nil }
