package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

const (
	indent = 4 // of what belongs to a step, under its number
	gutter = 2 // between columns

	nothing = "nothing has happened yet"
)

// FormatStoryboard is a row for each step and a column for each server.
const FormatStoryboard Format = "storyboard"

var storyboardRenderer = renderer{
	format: FormatStoryboard, about: "a row for each step and a column for each server", endings: []string{".txt"}, drawn: true,
	render:     func(t *Trace, o Options) (string, error) { return Storyboard(t, o), nil },
	recognizes: drawing.MatchString,
}

// Storyboard draws a row for each step and a column for each server instance,
// with what changed in it: · if it was asked and nothing changed, – if it
// forgot, nothing if it was not involved. Below a row stands what was observed
// in the step. Where the width is too small for that, the columns stand below
// the step.
//
//	#  step                            A        B       C        C'    D
//	1  c1 write "red": query → A B C   ·        ·       ·
//	2  c1 write "red": update → A B C  v1 red   v1 red  v1 red
//	   c1 returns
//
// Clients have no columns: the title says what they do, and what they return stands below.
func Storyboard(t *Trace, o Options) string {
	b := &storyboard{canvas: newCanvas(o), Trace: t}
	b.header(t)
	b.layout()
	row := b.row()
	b.put(row, 1, "#", faint)
	if !b.below {
		b.put(row, indent, "step", faint)
	}
	for i, l := range t.Lanes {
		b.cell(row, i, l.Name, styleOf(t, i))
	}
	for k := range t.Steps {
		b.step(k)
	}
	if len(t.Steps) == 0 {
		b.put(b.row(), indent, shorten(nothing, b.width-indent), faint)
	} else if b.Legend != "" {
		b.put(b.row(), indent, shorten("states: "+b.Legend, b.width-indent), faint)
	}
	return b.String()
}

type storyboard struct {
	*canvas
	*Trace
	cols   []int // where the column of each lane begins; 0 for clients
	widths []int
	below  bool // whether cells stand below the title of their step
}

// layout finds the columns. All of them are as wide as what stands in them, if that fits beside the
// longest title; else they go below the titles, and the widest are narrowed first.
func (b *storyboard) layout() {
	// The title is never narrowed for the columns: it is what is read first.
	titles := len("step")
	for _, s := range b.Steps {
		titles = max(titles, runes(s.Title))
	}
	b.cols, b.widths = make([]int, len(b.Lanes)), make([]int, len(b.Lanes))
	sum := 0
	for i, l := range b.Lanes {
		if l.Client {
			continue
		}
		b.widths[i] = max(runes(l.Name), 4) + gutter
		for _, s := range b.Steps {
			b.widths[i] = max(b.widths[i], runes(s.cell(i))+gutter)
		}
		sum += b.widths[i]
	}
	col := indent + titles + gutter
	if b.below = col+sum-gutter > b.width; b.below {
		col = indent
		fit(b.widths, b.width-indent+gutter, gutter+1)
	}
	for i, w := range b.widths {
		b.cols[i] = col
		col += w
	}
}

// cell writes what there is to say of a server.
func (b *storyboard) cell(row, lane int, text string, s style) {
	if !b.Lanes[lane].Client {
		b.put(row, b.cols[lane], shorten(text, b.widths[lane]-gutter), s)
	}
}

// cell is what a step did to a server, in as few characters as that can be said. That it was asked
// and stayed as it was is as telling as a change: a vote that was refused, say.
func (s *Step) cell(lane int) string {
	state, did := s.States[lane], meaningOf(s).deed
	switch {
	case !state.Asked:
		return ""
	case did == forgets:
		return "–"
	case did == stops || s.fails(lane):
		return "down"
	case !state.Changed:
		return "·"
	case did == starts && state.Summary == "":
		return "up"
	case state.Summary == "":
		return "changed"
	}
	return state.Summary
}

// fails reports whether the code of a lane failed in the step, which ends what it does.
func (s *Step) fails(lane int) bool {
	return slices.ContainsFunc(s.Deliveries, func(d Delivery) bool {
		return d.To == lane && slices.ContainsFunc(d.Seen, func(o Observation) bool { return o.Kind == Failed })
	})
}

func (b *storyboard) step(k int) {
	s := &b.Steps[k]
	if heading := s.heading(); heading != "" {
		b.put(b.row(), indent, shorten(heading, b.width-indent), faint)
	}
	title := b.row()
	row := title
	b.put(title, 0, fmt.Sprintf("%2d", s.Number), faint)
	b.put(title, indent, shorten(s.Title, b.width-indent), plain)
	for i, l := range b.Lanes {
		text, look := s.cell(i), styleOf(b.Trace, i)
		if text == "" || l.Client {
			continue
		}
		if text == "·" {
			look = faint
		}
		if b.below && row == title {
			row = b.row()
		}
		b.cell(row, i, text, look)
	}
	for _, r := range b.remarks(k) {
		lines := 1
		if r.failed {
			lines = failureLines
		}
		for _, text := range wrap(r.text(b.Trace), b.width-indent, lines) {
			b.put(b.row(), indent, text, r.style)
		}
	}
}

// remarks lists what is to be said below a step. Equal remarks on several lanes
// are one.
func (b *storyboard) remarks(k int) []remark {
	s := &b.Steps[k]
	var all []remark
	add := func(r remark) {
		same := slices.IndexFunc(all, func(o remark) bool { return o.one == r.one && len(o.lanes) > 0 && len(r.lanes) > 0 })
		if same < 0 {
			all = append(all, r)
		} else if !slices.Contains(all[same].lanes, r.lanes[0]) {
			all[same].lanes = append(all[same].lanes, r.lanes[0])
		}
	}
	for _, u := range unheardIn(b.Trace, k) {
		add(u.remark(b.Trace))
	}
	for _, d := range s.Deliveries {
		for _, o := range d.Seen {
			if o.Kind != Invoked { // the title says so
				add(observed(d.To, o))
			}
		}
		for _, note := range d.Notes {
			add(remark{one: note})
		}
	}
	if b.leftOpen(k) {
		add(remark{one: b.Lanes[s.Client].Name + ": " + s.States[s.Client].Summary})
	}
	// In a network that holds messages, and before a delivery. It is said where it changes only.
	if s.InFlight > 0 && (k == 0 || s.InFlight != b.Steps[k-1].InFlight) {
		add(remark{one: english.Count(s.InFlight, "message") + " in flight"})
	}
	return all
}

// An unheard says what a lane did not hear in a step, although it was sent: the
// messages of a type of some lanes, which a filter kept back. Of that type it did
// hear those of others. Losses by partitions are not remarked upon, the title says who is
// parted; a filter is seen nowhere else.
type unheard struct {
	lane         int
	kind         string
	from, others []int
}

// unheardIn lists what filters kept back in step k, by receiver and type in the
// order in which that happened.
func unheardIn(t *Trace, k int) []unheard {
	var all []unheard
	find := func(d Delivery) int {
		return slices.IndexFunc(all, func(u unheard) bool { return u.lane == d.To && u.kind == d.Type })
	}
	for _, d := range t.Steps[k].Deliveries {
		if d.Fate != runtime.Filtered {
			continue
		}
		i := find(d)
		if i < 0 {
			i, all = len(all), append(all, unheard{lane: d.To, kind: d.Type})
		}
		all[i].from = insert(all[i].from, d.From)
	}
	for _, d := range t.Steps[k].Deliveries {
		if i := find(d); i >= 0 && d.From >= 0 && d.Fate == runtime.Delivered {
			all[i].others = insert(all[i].others, d.From)
		}
	}
	return all
}

// remark says so: B does not hear A's echo.
func (u unheard) remark(t *Trace) remark {
	r := remark{lanes: []int{u.lane}}
	what := u.kind
	switch {
	case len(u.others) == 0:
	case len(u.others) == 1 && u.others[0] == u.lane:
		r.one, r.many = "hears no "+what+" but its own", "hear no "+what+" but their own"
		return r
	case len(u.from) == 1:
		what = possessive(t, u.from[0]) + " " + what
	default:
		what += " of " + list(t, u.from)
	}
	r.one, r.many = "does not hear "+what, "do not hear "+what
	return r
}

// possessive is whose something is: A's.
func possessive(t *Trace, lane int) string {
	name := t.Lanes[lane].Name
	if strings.HasSuffix(name, "'") {
		return "the twin " + name + "'s"
	}
	return name + "'s"
}

// leftOpen reports whether step k is an exchange that left its phase open: the
// client asks the same again later, or never goes on.
func (b *storyboard) leftOpen(k int) bool {
	s := &b.Steps[k]
	if !meaningOf(s).phase || s.States[s.Client].Summary == "" {
		return false
	}
	for _, d := range s.Deliveries {
		if d.To == s.Client && slices.ContainsFunc(d.Seen, func(o Observation) bool { return o.Ends() }) {
			return false
		}
	}
	for i := range b.Steps[k+1:] {
		later := &b.Steps[k+1+i]
		if later.Client == s.Client {
			return slices.Equal(later.sent(), s.sent())
		}
		if !meaningOf(later).phase && later.States[s.Client].Asked {
			return true // it crashed, restarted or forgot
		}
	}
	return true
}
