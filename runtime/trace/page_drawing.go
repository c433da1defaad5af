package trace

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

// A pageDrawing is the space-time diagram of a page. Each step is a picture of its
// own. Lanes share the width that the window has, so across everything is a
// share of it; downwards it is pixels. What overlaps does not depend on the
// width: a text has the room of a lane or two, and the page shortens what is longer.
type pageDrawing struct {
	*Trace
	Lanes []laneShape
	Bands []rect // one for each twinned identity
	Steps []stepShape
	Least int     // pixels that a lane has at least
	Fit   float64 // how much smaller it is in print, to fit a page
}

// A share of the width of all lanes, from 0 to 1.
type share float64

// String returns the share as a length of SVG.
func (s share) String() string { return strconv.FormatFloat(100*float64(s), 'f', 3, 64) + "%" }

// A laneShape is a lane: its name above the diagram, and its line in each step.
type laneShape struct {
	X           share // its middle
	Name, Class string
}

// A rect is a stretch of lanes, from top to bottom: a twinned identity, or a part.
type rect struct {
	X, W        share
	Lanes       int // how many it covers
	Text, Class string
}

// A stepShape is the picture of one step. Heights are counted from its own top, so that the page
// can put steps below each other, hide some, and scroll to one.
type stepShape struct {
	*Step
	Heading  string // of the view that begins with the step, "" if none does
	Height   int    // at least
	From, To int    // the lanes that it concerns, To not included
	Focus    int    // the lane that counts most: the client that acts, or where it begins
	Top      int    // of the parts
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
	X1, X2     share
	Y1, Y2     int
	Itself     bool // the sender is the receiver
	Class, Tip string
	Mail       bool
}

// Depth is how much lower the message ends than it begins.
func (a arrowShape) Depth() int { return a.Y2 - a.Y1 }

// A textShape is what stands beside a sender. More is the part of it that is
// never left out.
type textShape struct {
	X         share
	DX, Y     int
	Text, Tip string
	More      string
	Gaps      int // between lanes that it may fill
	Anchor    string
}

// A dotShape is an event on a lane: something that reached it.
type dotShape struct {
	X          share
	Y          int
	Class, Tip string
}

// A chipShape is a text in a frame on a lane.
type chipShape struct {
	X                share // its middle
	Y                int
	Text, Tip, Class string
}

const (
	charWidth   = 7  // of the font of the diagram, about
	chipHeight  = 20 // with the space below it
	labelHeight = 14
	hopHeight   = 34 // from sending to receiving
	margin      = 10
	longestText = 48 // characters of one in the diagram, however wide the window is
	titleWidth  = 180
	printWidth  = 980 // of a landscape page
	twinLooks   = 3   // how many classes twin0, twin1, … there are
)

// draw lays the diagram of a page out.
func draw(t *Trace) *pageDrawing {
	d := &pageDrawing{Trace: t}
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
	// Ten characters are enough to recognize most states. What is longer shows in full where there is
	// room, and when it is pointed at.
	d.Least = min(longest, 10)*charWidth + margin
	identities := 0
	for i, l := range t.Lanes {
		shape := laneShape{X: d.across(i, .5), Name: english.Squeeze(l.Name, longestText), Class: "server"}
		if l.Client {
			shape.Class = "client"
		}
		if l.Faulty {
			shape.Class += " faulty"
		}
		if l.Twinned {
			if i == 0 || t.Lanes[i-1].Identity != l.Identity {
				d.Bands = append(d.Bands, rect{X: d.across(i, .03), W: d.across(0, .94), Lanes: 1,
					Text: english.Squeeze(l.Identity, longestText) + ": one identity", Class: fmt.Sprintf("twin%d", identities%twinLooks)})
				identities++
			} else {
				band := &d.Bands[len(d.Bands)-1]
				band.W += d.across(1, 0)
				band.Lanes++
			}
			shape.Class += " " + d.Bands[len(d.Bands)-1].Class
		}
		d.Lanes = append(d.Lanes, shape)
	}
	d.Fit = min(1, float64(printWidth)/float64(titleWidth+len(t.Lanes)*d.Least))
	before := t.Start
	for k := range t.Steps {
		d.Steps = append(d.Steps, d.step(&t.Steps[k], before))
		before = t.Steps[k].States
	}
	return d
}

// across is where a lane begins, and more lanes further on.
func (d *pageDrawing) across(lane int, more float64) share {
	return share((float64(lane) + more) / float64(len(d.Trace.Lanes)))
}

func (d *pageDrawing) step(s *Step, before []State) stepShape {
	p := stepShape{Step: s, Heading: s.heading(), Top: 2}
	for i, lane := range d.Lanes {
		if i >= len(before) || !before[i].Down {
			p.Lines = append(p.Lines, lane)
		}
	}
	y := margin
	if len(s.Parts) > 0 {
		y += labelHeight // they are named above what happens
	}
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
		p.Focus = s.Client
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
	p.Height = bottom + margin/2
	return p
}

// concerned returns the stretch of lanes that a step has to do with.
func (d *pageDrawing) concerned(s *Step) (from, to int) {
	from, to = len(d.Lanes), 0
	for _, m := range s.Deliveries {
		for _, lane := range []int{m.From, m.To} {
			if lane >= 0 {
				from, to = min(from, lane), max(to, lane+1)
			}
		}
	}
	if from > to {
		return 0, len(d.Lanes)
	}
	return from, to
}

// part lists the stretches of neighbouring lanes that are in a part. A part whose lanes do not stand
// side by side has several stretches of one colour.
func (d *pageDrawing) part(lanes []int, number int) []rect {
	var all []rect
	next := -1
	for _, i := range slices.Sorted(slices.Values(lanes)) {
		if i == next {
			all[len(all)-1].W += d.across(1, 0)
			all[len(all)-1].Lanes++
		} else {
			all = append(all, rect{X: d.across(i, 0), W: d.across(1, 0), Lanes: 1, Class: fmt.Sprintf("part%d", number%4), Text: fmt.Sprintf("part %d", number+1)})
		}
		next = i + 1
	}
	return all
}

// wave draws the deliveries of one hop from y on and returns where it ends.
func (d *pageDrawing) wave(p *stepShape, wave []Delivery, y int) int {
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
			a := arrow(d.Lanes[m.From].X, y, x, at, m.Fate)
			a.Tip, a.Mail, a.Itself = tip, m.Mail(), m.From == m.To
			p.Arrows = append(p.Arrows, a)
		}
		end = max(end, at+9)
		if m.Fate == runtime.Delivered {
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

// An effect is what is written on a lane about a delivery, in full and in short. Its class is
// the kind of the observation, for the style sheet.
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
// lower the last row of them is. A text stands in the gap between its lane and
// the next one on the way, and in the one after that if nothing else does; a
// second one in a gap stands below the first.
func (d *pageDrawing) labels(p *stepShape, wave []Delivery, y int) int {
	lower := 0
	var gaps []int
	taken := make([]bool, len(d.Lanes)) // the gap after each lane
	for i, lane := range d.Lanes {
		var texts, full []string
		aim := 0
		for _, m := range wave {
			if m.From == i {
				aim += m.To - i
				if !slices.Contains(full, m.full()) {
					texts, full = append(texts, m.label()), append(full, m.full())
				}
			}
		}
		if len(texts) == 0 {
			continue
		}
		label := textShape{X: lane.X, DX: 8, Y: y, Anchor: "start", Tip: lane.Name + " sends " + english.Join(full, "and")}
		label.Text = english.Squeeze(oneLine(texts[0]), longestText)
		if len(texts) > 1 {
			label.More = fmt.Sprintf(" +%d", len(texts)-1)
		}
		gap := i
		if i > 0 && (aim < 0 || i == len(d.Lanes)-1) {
			label.DX, label.Anchor, gap = -8, "end", i-1
		}
		if taken[gap] {
			lower = labelHeight
			label.Y += lower
		}
		taken[gap] = true
		p.Labels = append(p.Labels, label)
		gaps = append(gaps, gap)
	}
	for k, gap := range gaps {
		label := &p.Labels[len(p.Labels)-len(gaps)+k]
		next := gap + sign(label.DX)
		if label.Gaps = 1; next >= 0 && next < len(d.Lanes)-1 && !taken[next] {
			label.Gaps, taken[next] = 2, true
		}
	}
	return lower
}

// arrow is a message from one point to another. One that does not arrive ends
// before, at the mark: on the way if the network lost it, close to the receiver if that is down.
func arrow(x1 share, y1 int, x2 share, y2 int, fate runtime.Fate) arrowShape {
	a := arrowShape{X1: x1, X2: x2, Y1: y1, Y2: y2, Class: fate.String()}
	way := 0.78
	switch fate {
	case runtime.Delivered:
		return a
	case runtime.Down:
		way = 0.95
	}
	a.X2 = x1 + share(way)*(x2-x1)
	a.Y2 = y1 + int(way*float64(y2-y1))
	return a
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// chip writes text on a lane; what does not fit shows in the tip.
func (d *pageDrawing) chip(lane, y int, text, tip, class string) chipShape {
	return chipShape{X: d.Lanes[lane].X, Y: y, Text: english.Squeeze(oneLine(text), longestText), Tip: tip, Class: class}
}

// tip describes a delivery in full.
func (d *pageDrawing) tip(m Delivery) string {
	to := d.Trace.Lanes[m.To].Name
	text := to
	if m.From >= 0 {
		text = fmt.Sprintf("%s → %s: %s", d.Trace.Lanes[m.From].Name, to, m.inFull())
	}
	if m.Moment != "" {
		text += ": " + m.Moment
	}
	if m.Fate != runtime.Delivered {
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
