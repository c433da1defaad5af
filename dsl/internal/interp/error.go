package interp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// An Error is what went wrong in a script. As a text it looks like this:
//
//	story.star:7:13: exchange: no instance "c9"; there are A, B, C, D, c1
//	    exchange("c9", ["A", "B", "C"])
//	            ^
//	calls, innermost last:
//	  story.star:9:5: in <toplevel>
//	  story.star:7:13: in tell
//
// errors.As finds its cause: a [CheckFailed], a limit, or what Go code returned.
type Error struct {
	// Problems are what was found, in the order of the text. There is one,
	// unless the names of a file do not resolve.
	Problems []Problem
	// Stack are the calls that led there, outermost first. It is empty if the
	// script did not begin.
	Stack starlark.CallStack

	cause error
}

// A Problem is a message about a place in a script.
type Problem struct {
	Pos     syntax.Position
	Message string // its first line says what is wrong
	Source  string // the line of the script, "" if unknown

	drawn bool // see CheckFailed.Drawn
}

// Error is the rendering without colours.
func (e *Error) Error() string { return e.Render(false) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Render shows the problems with their lines, then the calls that led there,
// innermost last. It ends without a newline.
func (e *Error) Render(color bool) string {
	bold, red, plain := "\x1b[1m", "\x1b[31m", "\x1b[0m"
	if !color {
		bold, red, plain = "", "", ""
	}
	var b strings.Builder
	for _, p := range e.Problems {
		message := p.Message
		if !p.drawn {
			message = terminal.Visible(message)
		}
		first, rest, _ := strings.Cut(message, "\n")
		if p.Pos.IsValid() {
			fmt.Fprintf(&b, "%s: ", terminal.Visible(p.Pos.String()))
		}
		fmt.Fprintf(&b, "%s%s%s\n", bold, first, plain)
		if line, caret := p.excerpt(); line != "" {
			fmt.Fprintf(&b, "    %s\n", terminal.Visible(line))
			if before := []rune(line); caret >= 0 {
				shown := terminal.Visible(string(before[:min(caret, len(before))]))
				fmt.Fprintf(&b, "    %s%s^%s\n", strings.Repeat(" ", utf8.RuneCountInString(shown)), red, plain)
			}
		}
		if rest != "" {
			fmt.Fprintln(&b, rest)
		}
	}
	if len(e.Stack) > 1 || len(e.Stack) == 1 && e.Stack[0].Pos != e.Problems[0].Pos {
		fmt.Fprintln(&b, "calls, innermost last:")
		fmt.Fprintln(&b, terminal.Visible(CallsText(e.Stack)))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxExcerpt is how much of a long line an error shows on both sides of the
// place, in bytes.
const maxExcerpt = 120

// excerpt returns the line of a problem without what surrounds it, and where in
// it the problem is, in characters; -1 if that is not known. A line may be megabytes long: a
// script may be written by a program.
func (p Problem) excerpt() (line string, caret int) {
	line = strings.TrimSpace(p.Source)
	caret = int(p.Pos.Col) - 1 - (len(p.Source) - len(strings.TrimLeft(p.Source, " \t")))
	if len(line) > 2*maxExcerpt {
		from := max(0, caret-maxExcerpt)
		to := max(0, min(len(line), caret+maxExcerpt))
		if from >= len(line) || !utf8.RuneStart(line[from]) {
			from = 0
		}
		line = strings.ToValidUTF8(line[from:max(from, to)], "") + "…"
		if caret -= from; from > 0 {
			line = "…" + line
			caret++
		}
	}
	return line, max(caret, -1)
}

// CallsText lists calls, a line each.
func CallsText(stack starlark.CallStack) string {
	var lines []string
	for _, f := range stack {
		if IsFile(f) {
			lines = append(lines, fmt.Sprintf("  %s: in %s", f.Pos, f.Name))
		} else {
			lines = append(lines, "  in "+f.Name)
		}
	}
	return strings.Join(lines, "\n")
}

// IsFile reports whether a frame is one of Starlark, rather than of Go, which has no line to show.
func IsFile(f starlark.CallFrame) bool { return f.Pos.Filename() != "<builtin>" }

// ErrorAt returns an error about a place in a script, of which cause is the cause.
func ErrorAt(in *Interpreter, pos syntax.Position, message string, cause error) *Error {
	e := &Error{cause: cause}
	e.add(in, pos, message)
	return e
}

// explain says what err means to people. stopped is why the execution had to
// end, or nil: then whatever else went wrong, went wrong because of that.
func explain(in *Interpreter, err, stopped error) *Error {
	e := &Error{cause: err}
	message := err.Error()
	for rest := err; ; {
		var eval *starlark.EvalError
		if !errors.As(rest, &eval) {
			break
		}
		e.Stack = join(e.Stack, eval.CallStack)
		message, rest = eval.Msg, eval.Unwrap()
	}
	within := "" // a builtin
	if n := len(e.Stack); n > 0 && !IsFile(e.Stack[n-1]) {
		within = e.Stack[n-1].Name
		e.Stack = e.Stack[:n-1] // the message names the builtin
	}
	var (
		unresolved resolve.ErrorList
		unparsed   syntax.Error
		failed     *CodeError
	)
	if errors.As(err, &failed) {
		message = failed.Message // it names the function
		if len(failed.Calls) == 0 {
			message = failed.Error()
		}
	}
	switch {
	case stopped != nil:
		e.cause = stopped
		if message = stopped.Error(); errors.Is(stopped, context.Canceled) {
			message = "interrupted"
		}
		e.add(in, e.place(), message)
	case errors.As(err, &unresolved):
		for _, u := range unresolved {
			e.add(in, u.Pos, suggest(in, u))
		}
	case errors.As(err, &unparsed):
		e.add(in, missingAt(in, unparsed), unparsed.Msg)
		p := &e.Problems[0]
		if len(p.Source) <= 2*maxExcerpt {
			p.Message += andThen(in.config.Hints.Unparsed(p.Source, int(p.Pos.Col), p.Message))
		}
	default:
		e.add(in, e.place(), message)
		if failed == nil && within != "fail" { // which says what its script means
			first, rest, more := strings.Cut(message, "\n")
			if first += hint(in, e, message); more {
				first += "\n" + rest
			}
			e.Problems[0].Message = first
		}
	}
	return e
}

// missingAt returns where to report an error of the parser: what is missing at the end
// of a line is missing there, and not where the next begins.
func missingAt(in *Interpreter, err syntax.Error) syntax.Position {
	lines := LinesOf(in.sources[err.Pos.Filename()])
	n := int(err.Pos.Line)
	if !strings.HasPrefix(err.Msg, "got newline") || err.Pos.Col != 1 || n < 2 || n > len(lines)+1 {
		return err.Pos
	}
	name := err.Pos.Filename()
	return syntax.MakePosition(&name, err.Pos.Line-1, int32(utf8.RuneCountInString(lines[n-2]))+1)
}

func (e *Error) add(in *Interpreter, pos syntax.Position, message string) {
	p := Problem{Pos: pos, Message: message}
	var failed *CheckFailed
	p.drawn = errors.As(e.cause, &failed) && failed.Drawn && message == failed.Message
	lines := LinesOf(in.sources[pos.Filename()])
	if n := int(pos.Line); n >= 1 && n <= len(lines) {
		p.Source = lines[n-1]
	}
	e.Problems = append(e.Problems, p)
}

// place returns the innermost position in a script: a failed assertion
// interests where it stands, not where the module of assertions fails.
func (e *Error) place() (pos syntax.Position) {
	for _, f := range slices.Backward(e.Stack) {
		if !IsFile(f) {
			continue
		}
		if !strings.HasPrefix(f.Pos.Filename(), StdPrefix) {
			return f.Pos
		}
		if !pos.IsValid() {
			pos = f.Pos
		}
	}
	return pos
}

// join returns the frames of an error and of the error that caused it. The
// inner stack begins with the outer one, unless it is that of another thread.
func join(outer, inner starlark.CallStack) starlark.CallStack {
	if len(inner) >= len(outer) && slices.Equal(inner[:len(outer)], outer) {
		return inner
	}
	return slices.Concat(outer, inner)
}

var undefined = regexp.MustCompile(`^undefined: (\w+)( \(did you mean .*\))?$`)

// suggest adds the nearest builtin to the message about a name that nothing in
// its file is like. The resolver knows only the names of the file. What the host
// knows comes first.
func suggest(in *Interpreter, u resolve.Error) string {
	hints := in.config.Hints
	m := undefined.FindStringSubmatch(u.Msg)
	if m == nil {
		return u.Msg + andThen(hints.Unparsed("", 0, u.Msg))
	}
	if meant := hints.Undefined(m[1], u.Pos); meant != "" {
		return fmt.Sprintf("undefined: %s (did you mean %s?)", m[1], meant)
	}
	if m[2] != "" { // the resolver has a suggestion
		return u.Msg
	}
	if text := hints.Foreign(m[1]); text != "" {
		return u.Msg + "; " + text
	}
	names := append(in.Names(), starlark.Universe.Keys()...)
	return u.Msg + spell.Hint(m[1], names)
}
