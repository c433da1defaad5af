package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// A failureError is a failure that the node's code has put in words.
type failureError struct{ node.Failure }

func (e failureError) Error() string { return e.Message }

// guard runs code of a node, and turns an error or a panic into a failure, the same each
// time. No panic of a node ends the host. What unwinds the simulation itself passes through.
func guard(f func() error) (failure *node.Failure) {
	defer func() {
		if p := recover(); p != nil {
			if stop, ok := p.(stopped); ok {
				panic(stop) // not the node's affair
			}
			place, calls := frames()
			failure = &node.Failure{Message: fmt.Sprintf("panic: %v", p), Place: place, Calls: calls}
		}
	}()
	err := f()
	var known failureError
	switch {
	case errors.As(err, &known):
		return &known.Failure
	case err != nil:
		return &node.Failure{Message: err.Error()}
	}
	return nil
}

// frames lists the functions of the node's code that led to a panic, without
// addresses and directories, so that a run prints the same on each machine. The
// place is that of the innermost one.
func frames() (place, calls string) {
	// The innermost frames decide; a stack that is deeper is cut.
	pc := make([]uintptr, 64)
	stack := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	var b strings.Builder
	for {
		f, more := stack.Next()
		if strings.Contains(f.Function, "/runtime/internal/engine.") {
			break // from here on it is the simulation's code
		}
		if !strings.HasPrefix(f.Function, "runtime.") {
			at := node.Place(f.File, f.Line)
			if place == "" {
				place = at
			}
			fmt.Fprintf(&b, "  %s %s\n", f.Function, at)
		}
		if !more {
			break
		}
	}
	return place, strings.TrimSuffix(b.String(), "\n")
}

// failed is what becomes of an instance whose code failed: it is down for good. What it did
// in the same breath is not to be trusted.
func failed(sys *System, l local, failure node.Failure) outcome {
	l.flags = l.flags&^(begun|perhaps) | broken
	seen := sys.values.observation(node.Observation{Kind: node.Failed, Failure: failure})
	return outcome{next: sys.states.local(l), seen: []uint32{seen}}
}

// fail ends a step that does not end by itself: the instance that sends most fails, and
// what is on its way is lost. Of instances that send equally much the first fails, so that
// the verdict is the same in each run.
func (p *player) fail(hop int) {
	q := p.loudest()
	from := int(q.from)
	after := fmt.Sprintf("%d hops", hop-1)
	if p.packets > p.sys.limits.packets {
		after = fmt.Sprintf("%d messages", p.sys.limits.packets)
	}
	// It says the limit and not what was counted, so that a loop is one flaw wherever it is met.
	text := fmt.Sprintf("still sends %s after %s; a node must fall silent when nothing new reaches it",
		node.MessageType(p.sys.values.at(q.msg)), after)
	o := failed(p.sys, *p.sys.states.at(p.vec[from]), node.Failure{Message: text})
	p.vec[from] = o.next
	p.observe(from, &o)
	if p.record != nil {
		p.note(hop, -1, from, stimulus{}, Down, o.next, &o)
	}
	p.wave = p.wave[:0]
	p.packets = p.sys.limits.packets + 1
}

// loudest returns the first message in the wave of the instance that has most
// of them there.
func (p *player) loudest() packet {
	var count [node.MaxInstances]int
	for _, q := range p.wave {
		count[q.from]++
	}
	loudest := p.wave[0]
	for _, q := range p.wave {
		if n, most := count[q.from], count[loudest.from]; n > most || n == most && q.from < loudest.from {
			loudest = q
		}
	}
	return loudest
}
