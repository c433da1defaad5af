package trace

import (
	"fmt"
	"slices"
)

// A drawing is the space-time diagram of a page, in pixels. Each step is a
// picture of its own, all equally wide.
type drawing struct {
	*Trace `json:"-"`
	Width  int
	Lanes  []laneShape
	Bands  []rect // one for each twinned identity
	Steps  []stepShape
	Fit    float64 // how much smaller it is in print, to fit a page
	lane   int     // the width of one
}

type laneShape struct {
	X                 int // its middle
	Name, Note, Class string
}

type rect struct {
	X, W        int
	Text, Class string
}

type stepShape struct {
	*Step
	Height   int
	From, To int // what of the width is concerned
	Focus    int // what of it counts most: the client that acts, or where it begins
	Top      int // of the parts
	Parts    []rect
	Lines    []laneShape // of the lanes that are up
	Arrows   []arrowShape
	Labels   []textShape
	Dots     []dotShape
	Chips    []chipShape
	Violated []string // the properties that this step violates first
}

// An arrowShape is a message. One that did not arrive has a mark where it ends.
type arrowShape struct {
	Path       string
	MarkX      int
	MarkY      int
	Class, Tip string
	Mail       bool
}

type textShape struct {
	X, Y              int
	Text, Tip, Anchor string
}

type dotShape struct {
	X, Y       int
	Class, Tip string
}

// A chipShape is a text in a frame on a lane.
type chipShape struct {
	X, Y, W          int // X is its left edge
	Text, Tip, Class string
}

const (
	charWidth   = 7  // of the font of the diagram, about
	chipHeight  = 20 // with the space below it
	labelHeight = 12
	hopHeight   = 34 // from sending to receiving
	margin      = 10
	titleChars  = 18 // that surely fit in a line of the title of a step
	titleLine   = 20
	titleWidth  = 180
	printWidth  = 980 // of a landscape page
	twinLooks   = 3   // how many classes twin0, twin1, … there are
)

// draw lays the diagram out.
func (t *Trace) draw() *drawing {
	d := &drawing{Trace: t}
	longest := 9
	for _, l := range t.Lanes {
		longest = max(longest, runes(l.Name))
	}
	for k := range t.Steps {
		for _, state := range t.Steps[k].States {
			longest = max(longest, runes(state.Summary))
		}
		for _, m := range t.Steps[k].Deliveries {
			longest = max(longest, runes(m.Text)+1)
		}
	}
	d.lane = min(longest, 14)*charWidth + margin
	identities := 0
	for i, l := range t.Lanes {
		shape := laneShape{X: i*d.lane + d.lane/2, Name: l.Name, Class: "server"}
		if l.Client {
			shape.Class = "client"
		}
		if l.Faulty {
			shape.Class += " faulty"
		}
		if l.Twinned {
			if i == 0 || t.Lanes[i-1].Identity != l.Identity {
				d.Bands = append(d.Bands, rect{X: i*d.lane + 3, W: d.lane - 6,
					Text: l.Identity + ": one identity", Class: fmt.Sprintf("twin%d", identities%twinLooks)})
				identities++
			} else {
				d.Bands[len(d.Bands)-1].W += d.lane
			}
			shape.Class += " " + d.Bands[len(d.Bands)-1].Class
		}
		d.Lanes = append(d.Lanes, shape)
	}
	d.Width = len(t.Lanes) * d.lane
	d.Fit = min(1, float64(printWidth)/float64(titleWidth+d.Width))
	before := t.Start
	for k := range t.Steps {
		d.Steps = append(d.Steps, d.step(&t.Steps[k], before))
		before = t.Steps[k].States
	}
	return d
}

func (d *drawing) step(s *Step, before []State) stepShape {
	p := stepShape{Step: s, Top: 2}
	for i, lane := range d.Lanes {
		if i >= len(before) || !before[i].Down {
			p.Lines = append(p.Lines, lane)
		}
	}
	y := margin
	for rest := s.Deliveries; len(rest) > 0; {
		wave := rest[:prefix(rest, func(m Delivery) bool { return m.Hop == rest[0].Hop })]
		rest = rest[len(wave):]
		y = d.wave(&p, wave, y)
		if slices.ContainsFunc(wave, func(m Delivery) bool { return m.Mail() }) {
			p.Top = y // the partition begins after it, and is named
			y += labelHeight + 4
		}
	}
	for i, part := range s.Parts {
		p.Parts = append(p.Parts, d.part(part, i)...)
	}
	p.From, p.To = d.concerned(s)
	if p.Focus = p.From; s.Client >= 0 {
		p.Focus = s.Client * d.lane
	}
	bottom := y
	for i, state := range s.States {
		same := i < len(before) && before[i].Summary == state.Summary && before[i].Down == state.Down
		if same || state.Summary == "" && !state.Down {
			continue
		}
		text, class := state.Summary, "state"
		if state.Down {
			text, class = "down", "failed"
		}
		p.Chips = append(p.Chips, d.chip(i, y, text, d.Trace.Lanes[i].Name+": "+text, class))
		bottom = y + chipHeight
	}
	for _, f := range d.Findings {
		if f.Step == s.Number {
			p.Violated = append(p.Violated, f.Property)
		}
	}
	// The title stands beside the picture, which must not be lower.
	lines := runes(s.Title)/titleChars + 1 + len(p.Violated)
	p.Height = max(bottom+margin/2, lines*titleLine+2*margin)
	return p
}

// concerned returns the stretch of the lanes that a step has to do with.
func (d *drawing) concerned(s *Step) (from, to int) {
	from, to = d.Width, 0
	for _, m := range s.Deliveries {
		for _, lane := range []int{m.From, m.To} {
			if lane >= 0 {
				from, to = min(from, lane*d.lane), max(to, (lane+1)*d.lane)
			}
		}
	}
	if from > to {
		return 0, d.Width
	}
	return from, to
}

// part lists the stretches of neighbouring lanes that are in a part.
func (d *drawing) part(lanes []int, number int) []rect {
	var all []rect
	for _, i := range slices.Sorted(slices.Values(lanes)) {
		if n := len(all); n > 0 && all[n-1].X+all[n-1].W == i*d.lane {
			all[n-1].W += d.lane
			continue
		}
		all = append(all, rect{X: i * d.lane, W: d.lane, Class: fmt.Sprintf("part%d", number%4), Text: fmt.Sprintf("part %d", number+1)})
	}
	return all
}

// wave draws the deliveries of one hop from y on and returns where it ends.
func (d *drawing) wave(p *stepShape, wave []Delivery, y int) int {
	sent := slices.ContainsFunc(wave, func(m Delivery) bool { return m.From >= 0 })
	end := y + 12
	if sent {
		y += d.labels(p, wave, y+margin) + margin + 4
	}
	// Those that come to one lane end below each other, so that each can be
	// pointed at. Chips come below all of them.
	arrivals := make([]int, len(d.Lanes))
	for _, m := range wave {
		x, tip, at := d.Lanes[m.To].X, d.tip(m), y+5
		if m.From >= 0 {
			at = y + hopHeight + 9*min(arrivals[m.To], 6)
			arrivals[m.To]++
			p.Arrows = append(p.Arrows, arrow(d.Lanes[m.From].X, y, x, at, m.Fate, tip))
			p.Arrows[len(p.Arrows)-1].Mail = m.Mail()
		}
		end = max(end, at+9)
		if m.Fate == Delivered {
			class := "event"
			if m.Changed {
				class += " changed"
			}
			if m.From < 0 {
				class += " stimulus"
			}
			p.Dots = append(p.Dots, dotShape{x, at, class, tip})
		}
	}
	lowest := make([]int, len(d.Lanes)) // where the next chip of a lane goes
	for _, m := range wave {
		for _, e := range effectsOf(m) {
			top := max(end, lowest[m.To])
			p.Chips = append(p.Chips, d.chip(m.To, top, e.brief, d.Trace.Lanes[m.To].Name+" "+e.full, e.class))
			lowest[m.To] = top + chipHeight
		}
	}
	return max(end, slices.Max(lowest))
}

// An effect is what is written on a lane about a delivery, in full and in short.
type effect struct{ full, brief, class string }

func effectsOf(m Delivery) []effect {
	var all []effect
	for _, o := range m.Seen {
		e := effect{observed(m.To, o).one, observed(m.To, o).brief, string(o.Kind)}
		switch {
		case o.Kind == Invoked:
			e.brief = o.Text
		case e.brief == "":
			e.brief = e.full
		}
		all = append(all, e)
	}
	for _, note := range m.Notes {
		all = append(all, effect{note, note, "note"})
	}
	return all
}

// labels writes beside each sender what it sends, from y on, and returns how much
// lower the last row of them is: those that would touch stand below each other.
func (d *drawing) labels(p *stepShape, wave []Delivery, y int) int {
	type span struct{ from, to int }
	var rows [][]span
	for i, lane := range d.Lanes {
		var texts, full []string
		aim := 0
		for _, m := range wave {
			if m.From == i {
				aim += d.Lanes[m.To].X - lane.X
				if !slices.Contains(full, m.full()) {
					texts, full = append(texts, m.label()), append(full, m.full())
				}
			}
		}
		if len(texts) == 0 {
			continue
		}
		text, more := texts[0], ""
		if len(texts) > 1 {
			more = fmt.Sprintf(" +%d", len(texts)-1)
		}
		label := textShape{X: lane.X + 8, Anchor: "start", Tip: lane.Name + " sends " + enumerate(full)}
		label.Text = Squeeze(text, (d.lane-margin)/charWidth-runes(more)) + more
		at := span{label.X, label.X + runes(label.Text)*charWidth}
		if aim < 0 {
			label.X, label.Anchor = lane.X-8, "end"
			at = span{label.X - (at.to - at.from), label.X}
		}
		row := slices.IndexFunc(rows, func(row []span) bool {
			return !slices.ContainsFunc(row, func(s span) bool { return at.from <= s.to && s.from <= at.to })
		})
		if row < 0 {
			row, rows = len(rows), append(rows, nil)
		}
		rows[row] = append(rows[row], at)
		label.Y = y + row*labelHeight
		p.Labels = append(p.Labels, label)
	}
	return (len(rows) - 1) * labelHeight
}

// arrow is a message from one point to another. Those that do not arrive end
// halfway, at the mark.
func arrow(x1, y1, x2, y2 int, fate Fate, tip string) arrowShape {
	a := arrowShape{Class: string(fate), Tip: tip, MarkX: x2, MarkY: y2}
	if x1 == x2 {
		a.Path = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+40, y1+4, x1+40, y2-4, x2+5, y2)
		return a
	}
	switch fate {
	case Delivered:
		// The tip of the arrow stops at the dot.
		a.MarkX, a.MarkY = x2-7*sign(x2-x1), y2-7*(y2-y1)/(abs(x2-x1)+y2-y1)
	default:
		share := 78 // percent of the way
		if fate == Down {
			share = 95
		}
		a.MarkX, a.MarkY = x1+(x2-x1)*share/100, y1+(y2-y1)*share/100
	}
	a.Path = fmt.Sprintf("M%d %dL%d %d", x1, y1, a.MarkX, a.MarkY)
	return a
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func abs(n int) int { return n * sign(n) }

// chip writes text on a lane; what does not fit shows in the tip.
func (d *drawing) chip(lane, y int, text, tip, class string) chipShape {
	text = Squeeze(oneLine(text), (d.lane-6)/charWidth-1)
	w := runes(text)*charWidth + 10
	return chipShape{X: d.Lanes[lane].X - w/2, Y: y, W: w, Text: text, Tip: tip, Class: class}
}

// fateTexts say what became of a message.
var fateTexts = map[Fate]string{
	Lost: "lost: the receiver takes no part", Cut: "lost: the network lets nothing pass here",
	Filtered: "lost: a filter lets no such message pass here", Waiting: "stays in flight", Down: "lost: the receiver is down",
}

// tip tells a delivery in full.
func (d *drawing) tip(m Delivery) string {
	to := d.Trace.Lanes[m.To].Name
	text := to
	if m.From >= 0 {
		text = fmt.Sprintf("%s → %s: %s", d.Trace.Lanes[m.From].Name, to, m.inFull())
	}
	if m.Fate != Delivered {
		return text + "\n" + fateTexts[m.Fate]
	}
	for _, o := range m.Seen {
		text += "\n" + to + " " + observed(m.To, o).one
	}
	for _, note := range m.Notes {
		text += "\n" + note
	}
	switch {
	case m.Changed && m.Summary != "":
		text += "\n" + to + " is now at " + m.Summary
	case !m.Changed:
		text += "\n" + to + " does not change"
	}
	return text
}
