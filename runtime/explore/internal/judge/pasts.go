package judge

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A past is all that a search needs to know of what happened before a world: two
// scenarios with equal pasts are judged the same from there on, whatever comes. It never
// changes once it has a number, so that workers read it without a lock.
type past struct {
	states  []string // of the monitors, in the order of the properties
	watched node.Set // instances that are correct so far: only they make progress
	Verdict
}

// pasts numbers the pasts of a search, and remembers to which one each event leads from
// each other one, so that properties are asked once and not in each world. There are few
// pasts beside the worlds: what a property remembers is small by design (see
// [check.Monitor]). All methods may be called concurrently; the numbers depend on who
// comes first, and nothing that is reported depends on them.
type pasts struct {
	mu      sync.RWMutex
	numbers map[string]uint32 // by what is in a past
	all     []*past           // by number
	most    int               // that there may be
	texts   int               // bytes of the pasts and their keys

	// To which past something leads: a list of observations, a loss of memory, what
	// invariants found, and a renaming by its number.
	after  map[[2]uint32]uint32
	lost   map[forgetting]uint32
	broken map[breaking]uint32
	named  map[[2]uint32]uint32
	// restarted says so of instances that restarted with an operation under way.
	restarted map[forgetting]uint32
	// ended are the properties that a scenario violates if it ends with a past.
	ended map[uint32]Marks
	// contents are those of pasts that were put in order.
	contents map[uint32]string
}

// A forgetting is that instances become faulty by amnesia.
type forgetting struct {
	past   uint32
	faulty node.Set
}

// A breaking is that invariants are found violated, or meet failures of code when they
// play on.
type breaking struct {
	past       uint32
	invariants Marks
	failed     uint32 // the number of a set of kinds
}

// mostPasts is how many pasts there can be: they have numbers of 32 bits, and there is
// room for what goes on until all workers have stopped.
const mostPasts = 7 << 29

// TooManyPasts is the error of a search in which there are more.
func TooManyPasts(most int) error {
	return engine.LimitError{What: fmt.Sprintf("properties remember more than %d different pasts, which is as many as a search can number", most)}
}

// pastBytes is about what a past takes beside its texts, pairBytes what a map
// takes for each pair of numbers.
const (
	pastBytes = 160
	pairBytes = 40
)

func newPasts() *pasts {
	return &pasts{
		numbers: map[string]uint32{}, most: mostPasts,
		after: map[[2]uint32]uint32{}, lost: map[forgetting]uint32{}, broken: map[breaking]uint32{}, named: map[[2]uint32]uint32{},
		restarted: map[forgetting]uint32{}, ended: map[uint32]Marks{}, contents: map[uint32]string{},
	}
}

// bytes returns about how much memory the pasts occupy.
func (p *pasts) bytes() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.texts + pairBytes*(len(p.after)+len(p.lost)+len(p.named)+len(p.broken)+len(p.restarted)+len(p.ended))
}

// at returns the past with a number.
func (p *pasts) at(number uint32) *past {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.all[number]
}

// atEnd returns what is known of scenarios that end with a past.
func (p *pasts) atEnd(number uint32) (violated Marks, known bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	violated, known = p.ended[number]
	return violated, known
}

// ends notes what scenarios violate that end with a past.
func (p *pasts) ends(number uint32, violated Marks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[number] = violated
}

// remember returns the number of the past that is known under a key, or finds it. No
// lock is held meanwhile, because a property may take long: two workers may ask it the
// same, and come to the same past. What ends in an error is not remembered, so that it
// can be asked again.
func remember[K comparable](p *pasts, known map[K]uint32, key K, find func() (past, error)) (uint32, error) {
	p.mu.RLock()
	to, ok := known[key]
	p.mu.RUnlock()
	if ok {
		return to, nil
	}
	found, err := find()
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if to, err = p.number(found); err == nil {
		known[key] = to
	}
	return to, err
}

// add returns the number of a past that was found without a key.
func (p *pasts) add(found past) (uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.number(found)
}

// number numbers a past; p.mu is held. The error is a [engine.LimitError].
func (p *pasts) number(found past) (uint32, error) {
	var key strings.Builder
	fmt.Fprint(&key, found.watched, found.Progress, found.Violated, found.happened, found.Failed)
	for _, s := range found.states { // with their lengths, so that no two lists have one text
		key.WriteString(" ")
		key.WriteString(strconv.Itoa(len(s)))
		key.WriteString(" ")
		key.WriteString(s)
	}
	if number, ok := p.numbers[key.String()]; ok {
		return number, nil
	}
	if len(p.all) >= p.most {
		return 0, TooManyPasts(p.most)
	}
	number := uint32(len(p.all))
	found.Past = number
	p.all = append(p.all, &found)
	p.numbers[key.String()] = number
	p.texts += 2*key.Len() + pastBytes
	return number, nil
}

// content returns a text on a past, which write finds once.
func (p *pasts) content(number uint32, write func(*past) string) string {
	p.mu.RLock()
	text, ok := p.contents[number]
	p.mu.RUnlock()
	if ok {
		return text
	}
	text = write(p.at(number))
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.contents[number]; !ok {
		p.contents[number] = text
		p.texts += len(text) + pairBytes
	}
	return text
}
