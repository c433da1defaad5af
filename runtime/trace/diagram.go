package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

// FormatMessages is every message as an arrow.
const FormatMessages Format = "messages"

var messagesRenderer = renderer{
	format: FormatMessages, about: "every message as an arrow", drawn: true,
	render:     func(t *Trace, o Options) (string, error) { return Diagram(t, o), nil },
	recognizes: drawing.MatchString,
}

// Diagram draws a vertical line for each instance and, step by step, an arrow
// for each message, from ● to ◄ or ►; a message to several instances is one
// arrow. What a wave of messages did to an instance stands below the wave:
// what was observed, and [its state] if that changed. An instance that is down
// has no line.
//
//	── 2  exchange c1 A,B,C ────────────────────────────────────────
//	     ◄─────────◄─────────◄──────✗──────✗ update v1 red ●
//	  [v1 red]  [v1 red]  [v1 red]  │      │               │
//	     ●── ack ──┼─────────┼──────┼──────┼───────────────►
//
// ✗ is where a message was lost, ○ where it waits, ✉ marks what was sent to the next leader. Waves
// stand in order, and within a wave messages do, so that time goes down.
func Diagram(t *Trace, o Options) string {
	d := &diagram{canvas: newCanvas(o), Trace: t, down: make([]bool, len(t.Lanes)), shown: make([]string, len(t.Lanes))}
	d.header(t)
	d.layout()
	d.heads()
	for k := range t.Steps {
		// About a screen.
		if len(d.rows)-d.headed > 40 {
			d.heads()
		}
		d.step(&t.Steps[k])
	}
	if len(t.Steps) == 0 {
		d.put(d.row(), indent, shorten(nothing, d.width-indent), faint)
	}
	d.legend()
	return d.String()
}

type diagram struct {
	*canvas
	*Trace
	cols   []int // of the lanes
	right  int   // the column after the last one
	down   []bool
	shown  []string // the state of each lane that was written last
	headed int      // the row that names the lanes, last time
}

// layout finds the columns of the lanes. Between two neighbours there is room
// for what their states and the messages that pass there say, as far as the
// width allows.
func (d *diagram) layout() {
	n := len(d.Lanes)
	gaps := make([]int, n+1) // gaps[i] is left of lane i
	state := make([]int, n)  // how much is written on each lane
	for i, l := range d.Lanes {
		state[i] = runes(l.Name)
	}
	for i := range gaps {
		gaps[i] = 4
	}
	for k := range d.Steps {
		for _, m := range d.Steps[k].Deliveries {
			if m.Changed {
				// A long state or remark is worth no more than 18 columns: it may cover a neighbour where that
				// has nothing to say, and is shortened where it has.
				state[m.To] = max(state[m.To], min(runes(m.Summary)+2, 18))
			}
			for _, o := range m.Seen {
				state[m.To] = max(state[m.To], min(runes(observed(m.To, o).brief), 18))
			}
			for _, note := range m.Notes {
				state[m.To] = max(state[m.To], min(runes(note), 18))
			}
			if m.From < 0 || m.From == m.To {
				continue
			}
			gap := max(m.From, m.To)
			if d.Lanes[m.From].Client != d.Lanes[m.To].Client {
				gap = slices.IndexFunc(d.Lanes, func(l Lane) bool { return l.Client })
			}
			gaps[gap] = max(gaps[gap], min(runes(m.label())+5, 22))
		}
	}
	for i := range gaps {
		switch {
		case i == 0:
			gaps[i] = (state[i] + 1) / 2
		case i == n:
			gaps[i] = state[i-1]/2 + 1
		case d.Lanes[i-1].Client:
			// Clients act one at a time: what is written on one may cover others.
			gaps[i] = max(gaps[i], runes(d.Lanes[i].Name)+6)
		case d.Lanes[i].Client:
			gaps[i] = max(gaps[i], state[i-1]+2)
		default:
			gaps[i] = max(gaps[i], (state[i-1]+state[i])/2+2)
		}
	}
	// Two is the least: a line and a blank beside it. With more lanes than that gives room for, the
	// canvas cuts what does not fit.
	fit(gaps, d.width, 2)
	d.cols = make([]int, n)
	col := 0
	for i := range d.cols {
		col += gaps[i]
		d.cols[i] = col
	}
	d.right = min(d.width, col+gaps[n])
}

// heads names the lanes. It does so again every forty rows, or a reader in the middle of a long
// diagram would count lines.
func (d *diagram) heads() {
	d.headed = d.row()
	for i, l := range d.Lanes {
		room := d.right
		if i+1 < len(d.Lanes) {
			room = d.cols[i+1] - d.cols[i]
		}
		name := shorten(l.Name, max(room-1, 1))
		d.put(d.headed, max(d.cols[i]-(runes(name)-1)/2, 0), name, styleOf(d.Trace, i))
	}
}

// lifelines adds a row with the line of each lane. It is as of before the step for those that
// go down in it: what reaches them last is still drawn.
func (d *diagram) lifelines() int {
	row := d.row()
	for i, col := range d.cols {
		if !d.down[i] {
			look := styleOf(d.Trace, i)
			if look == plain {
				look = faint
			}
			d.put(row, col, "│", look)
		}
	}
	return row
}

func (d *diagram) step(s *Step) {
	row := d.row()
	if heading := s.heading(); heading != "" {
		d.rule(row, "═", heading)
		row = d.row()
	}
	number := fmt.Sprintf("%d  ", s.Number)
	heading := s.Call
	if runes(number)+runes(heading) > d.width-ruled {
		heading = s.Title // it is shorter
	}
	d.rule(row, "─", number+heading)
	for rest := s.Deliveries; len(rest) > 0; {
		wave := rest[:prefix(rest, func(m Delivery) bool { return m.Hop == rest[0].Hop })]
		rest = rest[len(wave):]
		for left := wave; len(left) > 0; {
			same := left[:prefix(left, func(m Delivery) bool {
				return m.From == left[0].From && m.Type == left[0].Type && m.Text == left[0].Text && m.Again == left[0].Again
			})]
			left = left[len(same):]
			if same[0].From >= 0 {
				d.arrow(same)
			}
		}
		d.effects(s, wave, rest)
	}
	if d.full {
		d.contents(s)
	}
	for i, state := range s.States {
		d.down[i] = state.Down
	}
}

// ruled is what a rule takes of its row beside the text in it.
const ruled = 6 // ── text ──

// rule draws a line across all lanes, with a text in it. The line becomes longer if the text
// needs it and there is room: what a step is called matters more than that few lanes are narrow.
func (d *diagram) rule(row int, dash, text string) {
	text = shorten(text, d.width-ruled)
	d.put(row, 0, strings.Repeat(dash, max(d.right, runes(text)+ruled)), faint)
	d.put(row, 2, " "+text+" ", plain)
}

// contents lists what the messages of a step say, and who sends them. Nothing is cut here: a
// text goes on in the next row, in the middle of a word if need be.
func (d *diagram) contents(s *Step) {
	var said []string
	for i := range s.Deliveries {
		m := &s.Deliveries[i]
		if m.From < 0 {
			continue
		}
		text := []rune(d.Lanes[m.From].Name + ": " + m.full())
		if slices.Contains(said, string(text)) {
			continue
		}
		said = append(said, string(text))
		for col := 2; len(text) > 0; col = min(indent, d.width-1) {
			n := min(len(text), max(d.width-col, 1))
			d.put(d.row(), col, string(text[:n]), plain)
			text = text[n:]
		}
	}
}

// prefix returns how many of all satisfy ok before the first that doesn't.
func prefix(all []Delivery, ok func(Delivery) bool) int {
	n := slices.IndexFunc(all, func(m Delivery) bool { return !ok(m) })
	if n < 0 {
		return len(all)
	}
	return n
}

// arrow draws a message to one or several lanes.
func (d *diagram) arrow(same []Delivery) {
	row := d.lifelines()
	from := d.cols[same[0].From]
	marks := []int{from}
	for _, m := range same {
		marks = append(marks, d.cols[m.To])
	}
	slices.Sort(marks)
	for col := marks[0]; col <= marks[len(marks)-1]; col++ {
		line := "─"
		if slices.Contains(d.cols, col) {
			line = "┼"
		}
		d.put(row, col, line, plain)
	}
	for _, m := range same {
		head, look := "►", plain
		switch {
		case m.Fate == runtime.Waiting:
			head = "○"
		case m.Fate != runtime.Delivered:
			head, look = "✗", red
		case d.cols[m.To] < from:
			head = "◄"
		}
		d.put(row, d.cols[m.To], head, look)
	}
	d.put(row, from, "●", plain)
	d.label(row, from, slices.Compact(marks), same[0].label())
}

// mail marks what was sent to the next leader, which no partition of the leader's
// round keeps back.
const mail = "✉ "

// label is the text on the arrow of a message.
func (d *Delivery) label() string {
	if d.Mail() {
		return mail + d.Text
	}
	if d.Again {
		return d.Text + d.way()
	}
	return d.Text
}

// label writes a message's text on its arrow: as near to the sender as there
// is room for it between two lanes, else between two of those concerned, else
// shortened. Within a gap the arrow stays visible on both sides of the text, and no lifeline
// is covered that the message does not end at, if that can be.
func (d *diagram) label(row, from int, marks []int, text string) {
	if len(marks) == 1 { // only to itself
		d.put(row, from+2, english.Squeeze(text, d.width-from-2), plain)
		return
	}
	crossed := slices.DeleteFunc(slices.Clone(d.cols), func(col int) bool { return col < marks[0] || col > marks[len(marks)-1] })
	best, room := 0, 0
	for _, stops := range [][]int{crossed, marks} {
		at := slices.Index(stops, from)
		for reach := 1; reach < len(stops); reach++ {
			for _, i := range []int{at - reach, at + reach - 1} { // the gap that begins at stops[i]
				if i < 0 || i+1 >= len(stops) {
					continue
				}
				if inner := stops[i+1] - stops[i] - 1; inner > room && room < runes(text)+2 {
					best, room = stops[i]+1, inner
				}
			}
		}
	}
	if room < 3 {
		return
	}
	if room >= runes(text)+2 {
		text = " " + text + " "
	} else {
		text = english.Squeeze(text, room)
	}
	d.put(row, best+(room-runes(text)+1)/2, text, plain)
}

// effects writes what a wave did to each lane. The rest of the step comes later.
func (d *diagram) effects(s *Step, wave, rest []Delivery) {
	var said, states []annotation
	quiet := make([]bool, len(d.Lanes)) // whether the lane's state is of no interest
	for _, m := range wave {
		for _, o := range m.Seen {
			r := observed(m.To, o)
			if r.brief == "" {
				r.brief = r.text(d.Trace)
			}
			lines := []string{r.brief}
			if r.failed || d.full {
				lines = wrap(r.brief, d.width, failureLines)
			}
			for _, text := range lines {
				if len(lines) > 1 { // so that all begin at one column
					text += strings.Repeat(" ", max(0, d.width-runes(text)))
				}
				said = append(said, annotation{m.To, text, r.style})
			}
			// How an operation ends says more than that it is idle then.
			quiet[m.To] = quiet[m.To] || o.Ends()
		}
		for _, note := range m.Notes {
			said = append(said, annotation{m.To, note, plain})
		}
		if meaningOf(s).deed == stops {
			said = append(said, annotation{m.To, "✗", red})
			quiet[m.To] = true
		}
	}
	for i, m := range wave {
		again := func(o Delivery) bool { return o.To == m.To && o.Changed }
		switch {
		case !m.Changed || quiet[m.To] || m.Summary == "" || m.Summary == d.shown[m.To]:
		case slices.ContainsFunc(wave[i+1:], again):
		case m.Hop == 0 && slices.ContainsFunc(rest, again): // it has only begun
		default:
			d.shown[m.To] = m.Summary
			states = append(states, annotation{m.To, "[" + shorten(m.Summary, d.room(m.To)-2) + "]", styleOf(d.Trace, m.To)})
		}
	}
	d.annotate(said, states)
}

// room is how much can be written on a lane without touching its neighbours.
func (d *diagram) room(lane int) int {
	left, right := -1, d.width
	if lane > 0 {
		left = d.cols[lane-1]
	}
	if lane+1 < len(d.cols) {
		right = d.cols[lane+1]
	}
	return max(right-left-1, 4)
}

// An annotation is text that belongs on a lane.
type annotation struct {
	lane  int
	text  string
	style style
}

// annotate writes annotations, each as near to its lane and as high as it can
// be without touching others, and those of one lane below each other. The
// blocks stand below each other where they share a lane. The packing is greedy: rows that
// stand out are worse to read than a row too many.
func (d *diagram) annotate(blocks ...[]annotation) {
	type span struct{ from, to int }
	var rows [][]span
	first := len(d.rows)
	least := make([]int, len(d.Lanes))
	for _, block := range blocks {
		top := 0
		for _, a := range block {
			top = max(top, least[a.lane])
		}
		for _, a := range block {
			text := shorten(a.text, d.width)
			n := runes(text)
			col := max(0, min(d.cols[a.lane]-(n-1)/2, d.width-n))
			row := max(top, least[a.lane])
			for row < len(rows) && slices.ContainsFunc(rows[row], func(s span) bool { return col <= s.to && s.from <= col+n }) {
				row++
			}
			if row == len(rows) {
				rows = append(rows, nil)
				d.lifelines()
			}
			rows[row] = append(rows[row], span{col, col + n})
			d.put(first+row, col, text, a.style)
			least[a.lane] = row + 1
		}
	}
}

// legend explains the signs that a reader may not know, those that occur only.
func (d *diagram) legend() {
	uses := func(ok func(Delivery) bool) bool {
		return slices.ContainsFunc(d.Steps, func(s Step) bool { return slices.ContainsFunc(s.Deliveries, ok) })
	}
	var signs []string
	if uses(func(m Delivery) bool { return m.Fate != runtime.Delivered && m.Fate != runtime.Waiting }) {
		signs = append(signs, "✗ lost")
	}
	if uses(func(m Delivery) bool { return m.Fate == runtime.Waiting }) {
		signs = append(signs, "○ stays in flight")
	}
	if uses(func(m Delivery) bool { return m.Mail() }) {
		signs = append(signs, mail+"sent to the next leader, before this round and its partition")
	}
	if len(signs) > 0 {
		d.put(d.row(), 2, shorten(strings.Join(signs, "   "), d.width-2), faint)
	}
}
