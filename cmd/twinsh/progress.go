package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/explore"
)

// A progressLine is one line on a terminal that says how far a search has
// come. It vanishes before anything else is written. It is the only place where times are
// printed: they are of use while one waits, and would make equal reports differ.
type progressLine struct {
	terminal io.Writer
	width    func() int // columns of the terminal

	mu    sync.Mutex
	shown bool
	last  time.Duration // how old the search was when it was last shown
}

// Often enough to be seen moving, and seldom enough to cost nothing.
const progressEvery = 100 * time.Millisecond

// show replaces the line. Searches call it as often as they like, maybe from several goroutines; a
// search that is younger than the last one shown is another one.
func (l *progressLine) show(p explore.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Elapsed >= l.last && p.Elapsed-l.last < progressEvery {
		return
	}
	l.last, l.shown = p.Elapsed, true
	text := []rune(progressText(p))
	fmt.Fprintf(l.terminal, "\r%s\x1b[K", string(text[:min(len(text), max(l.width()-1, 0))]))
}

// progressText says it in a few words, the most telling first: the line is cut at the width of the
// window.
func progressText(p explore.Progress) string {
	parts := []string{fmt.Sprintf("step %d of %d", p.Layer, p.Layers)}
	if p.Back {
		text := "back to " + parts[0]
		if p.Nodes > 0 {
			text += fmt.Sprintf(": %d%%", p.Done*100/p.Nodes)
		}
		return text + "   " + p.Elapsed.Round(time.Second).String()
	}
	if p.Nodes > 0 {
		parts[0] += fmt.Sprintf(": %d%%", p.Done*100/p.Nodes)
	}
	if p.Left >= time.Second {
		parts[0] += fmt.Sprintf(", %s left", p.Left.Round(time.Second))
	}
	if p.Size != nil {
		scenarios := english.Grouped(p.Size) + " scenarios"
		if p.Covered != nil && p.Covered.Sign() > 0 {
			scenarios = english.Grouped(p.Covered) + " of " + scenarios
		}
		parts = append(parts, scenarios)
	}
	parts = append(parts, english.Number(p.Worlds)+" worlds")
	if s := p.Elapsed.Seconds(); s > 0 {
		parts = append(parts, english.Number(int(float64(p.Steps)/s))+" steps/s")
	}
	return strings.Join(append(parts, fmt.Sprintf("%d MB", p.Bytes>>20), p.Elapsed.Round(time.Second).String()), "   ")
}

// clear takes the line away.
func (l *progressLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		fmt.Fprint(l.terminal, "\r\x1b[K")
		l.shown = false
	}
}

// over returns a writer to w that clears the line first.
//
// It is put below the outputs (see main), so that whatever is printed, by whichever
// goroutine, comes on a line of its own.
func (l *progressLine) over(w io.Writer) io.Writer { return clearing{l, w} }

type clearing struct {
	line *progressLine
	w    io.Writer
}

func (c clearing) Write(p []byte) (int, error) {
	c.line.clear()
	return c.w.Write(p)
}

// progressFlag chooses how progress is shown: "line" as it is, on a terminal only;
// "json", a line of JSON each time, for machines; or "none".
func progressFlag(show *func(explore.Progress), machines io.Writer) func(string) error {
	return func(text string) error {
		switch text {
		case "line":
		case "none":
			*show = nil
		case "json":
			*show = progressJSON(json.NewEncoder(machines))
		default:
			return fmt.Errorf("want line, json or none")
		}
		return nil
	}
}

// progressJSON shows progress as JSON, an object in a line each time:
//
//	back     whether the search is on its way back to a checkpoint
//	layer    how many steps the scenarios have taken that are searched now, of at most layers
//	done     how many of the rows, the search nodes of this layer, were gone on from; on the way
//	         back those of all layers until there
//	covered  scenarios that were judged in the layers before, of size
//	worlds   search nodes that were gone on from since the beginning, of this layer an estimate
//	steps    steps that were taken, likewise
//	bytes    of memory that worlds and tables take
//	seconds  since it began; left is how long this layer takes still if it goes on so, 0 if that
//	         is not known
func progressJSON(out *json.Encoder) func(explore.Progress) {
	return func(now explore.Progress) {
		// Nothing can be done about a reader who went away.
		_ = out.Encode(map[string]any{
			"back": now.Back, "layer": now.Layer, "layers": now.Layers, "done": now.Done, "rows": now.Nodes,
			"covered": now.Covered, "size": now.Size, "worlds": now.Worlds, "steps": now.Steps,
			"bytes": now.Bytes, "seconds": now.Elapsed.Seconds(), "left": now.Left.Seconds(),
		})
	}
}
