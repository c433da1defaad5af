package guard

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"

	"go.starlark.net/starlark"
)

// Regular expressions for scripts. Go's package regexp matches in time linear in the text
// (Thompson, "Regular Expression Search Algorithm", CACM 1968; Cox, "Regular Expression
// Matching Can Be Simple And Fast", 2007), so that there is no exponential blow-up to fear.
// What remains is the factor, the size of the compiled expression, which repetitions
// multiply: ((a{9}){9}){9} has 729 states. Both the factor and the text are bounded, and a
// match in a long text polls as it reads.

const (
	// MaxPattern bounds the text of a regular expression, in bytes.
	MaxPattern = 1000
	// MaxProgram bounds the parts of a regular expression, with each repetition
	// written out: as many may be active at each letter of a text. A match takes parts times
	// letters at most, as in Thompson, "Regular Expression Search Algorithm", CACM 1968.
	MaxProgram = 16 << 10
	// maxNotes bounds parts times groups, which the library makes room for.
	maxNotes = 4 << 20
	// maxFolded bounds how many ranges of letters beyond ASCII are compared without
	// regard to case: the library looks at each letter of each.
	maxFolded = 4
	// briefMatch is how many steps are few enough to be taken without a look.
	briefMatch = 1 << 16
)

// Matches reports whether a regular expression matches anywhere in a text. A step is
// counted for each part of the expression and each byte of the text, as far as it is read,
// and it ends when thread is cancelled. A short text is matched at once, where the library
// may take its quicker ways; a long one through a reader, by which it can be stopped.
func Matches(thread *starlark.Thread, text, pattern string) (bool, error) {
	re, size, err := compilePattern(pattern)
	if err != nil {
		return false, err
	}
	// On a string the library is faster than on a reader, which only long texts need.
	if len(text) <= briefMatch/size {
		found := re.MatchString(text)
		return found, Poll(thread, uint64(size*(len(text)+1)))
	}
	r := &polledReader{Reader: strings.NewReader(text), thread: thread, size: uint64(size)}
	found := re.MatchReader(r)
	return found, r.err
}

// caseless is how the parts of a pattern begin that are compared without regard to case.
var caseless = regexp.MustCompile(`\(\?[imsU-]*i`)

// beyondASCII is how letters are written that may lie far beyond it.
var beyondASCII = regexp.MustCompile(`[^\x00-\x7f]|\\x`)

// compilePattern compiles a regular expression, and says how many parts it has. Each limit
// is looked at before what it protects: the text before it is parsed, the parts before it
// is compiled. The error of a pattern that is none is Go's.
func compilePattern(pattern string) (*regexp.Regexp, int, error) {
	if len(pattern) > MaxPattern {
		return nil, 0, fmt.Errorf("the pattern is %d bytes long, want at most %d", len(pattern), MaxPattern)
	}
	if n := strings.Count(pattern, "-"); n > maxFolded && caseless.MatchString(pattern) && beyondASCII.MatchString(pattern) {
		return nil, 0, fmt.Errorf("the pattern has letters beyond ASCII, (?i) and %d ranges, want at most %d", n, maxFolded)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	size, groups := programSize(tree), tree.MaxCap()+1
	if size > MaxProgram {
		return nil, 0, fmt.Errorf("the pattern has %d parts with its repetitions written out, want at most %d", size, MaxProgram)
	}
	if size > maxNotes/groups {
		return nil, 0, fmt.Errorf("the pattern has %d parts with its repetitions written out and %d groups, want a product of at most %d; (?:…) makes no group", size, groups-1, maxNotes)
	}
	re, err := regexp.Compile(pattern)
	return re, size, err
}

// programSize returns roughly how many instructions a regular expression is compiled to. The
// library bounds that, too, but only after it has written each repetition out.
func programSize(re *syntax.Regexp) int {
	size := 1
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size += programSize(sub)
	}
	switch {
	case re.Op != syntax.OpRepeat:
		return size
	case re.Min == re.Max:
		return max((size-1)*re.Max, 1)
	}
	return size * max(re.Min+1, re.Max) // each that may be missing is a part more
}

// A polledReader reads a text for a regular expression, up to where its thread is
// cancelled. The library takes that for the end of the text, so that what it found is
// worthless if there is an error.
type polledReader struct {
	*strings.Reader
	thread *starlark.Thread
	size   uint64 // steps for each byte
	steps  uint64 // not yet counted
	err    error
}

func (r *polledReader) ReadRune() (rune, int, error) {
	if r.steps >= interval {
		r.err = Poll(r.thread, r.steps)
		r.steps = 0
	}
	if r.err != nil {
		return 0, 0, io.EOF
	}
	c, n, err := r.Reader.ReadRune()
	r.steps += r.size * uint64(n)
	return c, n, err
}
