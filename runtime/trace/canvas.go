package trace

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/twinsh/twinsh/runtime/terminal"
)

// A style is how a character looks, if colours are on. Pictures mean the same without
// colours: those repeat what signs and words say.
type style uint8

const (
	plain style = iota
	faint
	bold
	red
	twin // of the first twinned identity; those that follow are of the next ones
)

var looks = [...]terminal.Style{
	plain: terminal.Plain, faint: terminal.Faint, bold: terminal.Bold, red: terminal.Red,
	twin: terminal.Cyan, terminal.Magenta, terminal.Yellow, terminal.Blue,
}

// styleOf returns how a lane looks: twins have the colour of their identity, what forgot is red.
func styleOf(t *Trace, lane int) style {
	if !t.Lanes[lane].Twinned {
		if t.Lanes[lane].Faulty {
			return red
		}
		return plain
	}
	identities := 0
	for i := 1; i <= lane; i++ {
		if t.Lanes[i-1].Twinned && t.Lanes[i-1].Identity != t.Lanes[i].Identity {
			identities++
		}
	}
	return twin + style(identities%(len(looks)-int(twin)))
}

// A canvas is rows of characters, none longer than its width. Where something
// was put to the right of it, the row ends with … instead.
//
// It counts each character as one column, as it is for what twinsh draws itself. Wide or
// combining characters of names and values shift what follows them in their row, no more.
type canvas struct {
	width int
	color bool
	full  bool
	rows  []line
}

type line struct {
	glyphs []glyph
	cut    bool
}

type glyph struct {
	char  rune
	style style
}

func newCanvas(o Options) *canvas {
	if o.Width <= 0 {
		o.Width = 80
	}
	return &canvas{width: o.Width, color: o.Color, full: o.Full}
}

// header writes what system a trace is of.
func (c *canvas) header(t *Trace) {
	type part struct {
		text  string
		style style
		mark  string
	}
	parts := []part{{t.Protocol, bold, ""}, {fmt.Sprintf("n=%d f=%d", t.N, t.F), plain, ""}}
	for _, i := range faultyLanes(t) {
		parts = append(parts, part{faultText(t, i), styleOf(t, i), " (faulty)"})
	}
	row, col := c.row(), 0
	for _, p := range parts {
		if col > 0 && col+runes(p.text)+runes(p.mark) > c.width {
			row, col = c.row(), indent
		}
		col = c.put(row, col, shorten(p.text, c.width-col-runes(p.mark)), p.style)
		col = c.put(row, col, p.mark, red) + 3
	}
	if t.Beyond {
		c.put(c.row(), 0, shorten(beyondText(t), c.width), red)
	}
	c.row()
}

// row adds an empty row and returns its number.
func (c *canvas) row() int {
	c.rows = append(c.rows, line{})
	return len(c.rows) - 1
}

// put writes text, over what stands there, and returns the column after it.
func (c *canvas) put(row, col int, text string, s style) int {
	l := &c.rows[row]
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = '�' // a terminal must not obey what a node's code says
		}
		if col < c.width {
			for len(l.glyphs) <= col {
				l.glyphs = append(l.glyphs, glyph{' ', plain})
			}
			l.glyphs[col] = glyph{r, s}
		} else {
			l.cut = true
		}
		col++
	}
	return col
}

// String returns the rows, each ended by a newline, without blanks at their ends. Runs of one
// style share an escape sequence, and each row ends as it began, so that a pager may begin
// anywhere.
func (c *canvas) String() string {
	var b strings.Builder
	for i := range c.rows {
		if c.rows[i].cut {
			c.rows[i].cut = false
			c.put(i, c.width-1, "…", faint)
		}
		row := c.rows[i].glyphs
		for len(row) > 0 && row[len(row)-1].char == ' ' {
			row = row[:len(row)-1]
		}
		for len(row) > 0 {
			n := slices.IndexFunc(row, func(g glyph) bool { return g.style != row[0].style })
			if n < 0 {
				n = len(row)
			}
			run := make([]rune, n)
			for i, g := range row[:n] {
				run[i] = g.char
			}
			look := terminal.Plain
			if c.color {
				look = looks[row[0].style]
			}
			b.WriteString(look.Paint(string(run)))
			row = row[n:]
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// shorten cuts s to at most n characters, the last of which shows the cut.
func shorten(s string, n int) string {
	if runes(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return strings.TrimRight(string([]rune(s)[:n-1]), " ") + "…"
}

// failureLines is how many lines a picture has at most for what code says that
// fails.
const failureLines = 20

// wrap breaks s between words, or in long ones, into at most so many lines of n
// characters, the last of which shows the cut if more would be needed. Those that
// follow the first begin with two blanks.
func wrap(s string, n, most int) []string {
	n = max(n, 4)
	var lines []string
	begin := ""
	for rest := []rune(s); len(rest) > 0; begin = "  " {
		room := n - len(begin)
		switch {
		case len(rest) <= room:
			return append(lines, begin+string(rest))
		case len(lines) == most-1:
			return append(lines, begin+shorten(string(rest), room))
		}
		end, next := room, room
		for i := room; i > 0; i-- {
			if rest[i] == ' ' {
				end, next = i, i+1
				break
			}
		}
		lines, rest = append(lines, begin+string(rest[:end])), rest[next:]
	}
	return lines
}

// fit narrows the widest of the given widths, and again, until their sum is at
// most total or none is wider than least. So narrow columns keep what they have, and the wide ones
// share what is missing.
func fit(widths []int, total, least int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > total; sum-- {
		widest := slices.Index(widths, slices.Max(widths))
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}
