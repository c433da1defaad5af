package blackbox

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/hinshun/vt10x"
)

// A screen is what a terminal shows of what was written to it.
type screen struct {
	vt10x.Terminal
	columns int
	lines   []string // without blanks at their ends
}

// How the emulator marks a cell.
const (
	boldMode = 1 << 2
	wrapMode = 1 << 6 // the line goes on in the next row
)

// faint is what the emulator does not know. It is shown grey, as on many
// terminals.
var faint = regexp.MustCompile("\x1b\\[2m(.*?)\x1b\\[22m")

// screenOf shows what was written on a terminal. With 0 rows it has so many that
// all of it can be seen.
func screenOf(written []byte, columns, rows int) *screen {
	rows = cmp.Or(rows, bytes.Count(written, []byte("\n"))+10)
	s := &screen{Terminal: vt10x.New(vt10x.WithSize(columns, rows)), columns: columns}
	s.Write(faint.ReplaceAll(written, []byte("\x1b[90m$1\x1b[39m")))
	for y := range rows {
		line := make([]rune, columns)
		for x := range columns {
			line[x] = s.Cell(x, y).Char
		}
		s.lines = append(s.lines, strings.TrimRight(string(line), " "))
	}
	for s.lines[len(s.lines)-1] == "" {
		s.lines = s.lines[:len(s.lines)-1]
	}
	return s
}

// look returns the classes of a cell: bold, and of colours c1 to c8, which are
// red, green, yellow, blue, magenta, cyan, white and grey.
func (s *screen) look(x, y int) string {
	var classes []string
	if at := s.Cursor(); at.X == x && at.Y == y {
		classes = append(classes, "cursor")
	}
	cell := s.Cell(x, y)
	if cell.Mode&boldMode != 0 {
		classes = append(classes, "bold")
		if cell.FG.ANSI() {
			cell.FG %= 8 // the emulator made it bright
		}
	}
	if cell.FG.ANSI() {
		classes = append(classes, fmt.Sprintf("c%d", cell.FG))
	}
	return strings.Join(classes, " ")
}

// looks returns how the first cell of text looks, in the first line that has it.
func (s *screen) looks(text string) string {
	for y, line := range s.lines {
		if before, _, ok := strings.Cut(line, text); ok {
			return s.look(len([]rune(before)), y)
		}
	}
	return "missing"
}

// A page of a screen has the colours of the page that shows a trace.
const screenPage = `<!doctype html>
<meta charset="utf-8">
<style>
:root { --paper: #fbfaf7; --ink: #1c2230; --c1: #c62f3d; --c2: #20744a; --c3: #8d6200; --c4: #2f6fde; --c5: #8b3fa8; --c6: #0d7a80; --c8: #7b8494; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12151b; --ink: #e6e9ef; --c1: #ff7680; --c2: #71d19b; --c3: #e2b65c; --c4: #77a8ff; --c5: #d395ea; --c6: #5fc9cf; --c8: #7d8797; }
}
body { margin: 0; background: var(--paper); }
pre { display: inline-block; margin: 0; padding: 16px 20px; color: var(--ink); font: 14px/17px "DejaVu Sans Mono", monospace; }
.bold { font-weight: bold; }
.cursor { background: var(--ink); }
.c1 { color: var(--c1) } .c2 { color: var(--c2) } .c3 { color: var(--c3) } .c4 { color: var(--c4) }
.c5 { color: var(--c5) } .c6 { color: var(--c6) } .c8 { color: var(--c8) }
</style>
<pre>%s</pre>
`

// page returns the screen as a page for a browser.
func (s *screen) page() string {
	var b strings.Builder
	for y := range s.lines {
		for x := range s.columns {
			text := html.EscapeString(string(s.Cell(x, y).Char))
			if look := s.look(x, y); look != "" {
				text = fmt.Sprintf(`<span class="%s">%s</span>`, look, text)
			}
			b.WriteString(text)
		}
		b.WriteString("\n")
	}
	return fmt.Sprintf(screenPage, b.String())
}
