package explore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/files"
)

// A checkpoint is written whenever a layer is complete, and says how to get
// there again: the parent links of all search nodes, and the weights of the last layer's. The
// search nodes themselves are not in it, because they are numbers that mean nothing in
// another run; taking one step for each of them brings them back. So a file is
// small, and no state of a protocol has to be readable later.
//
// A file is locked while a search works with it. It is believed only as far as
// it can be checked: its fingerprint is that of the search, the worlds that it
// leads to are those that it was written of, and its counts are consistent.

// saveEvery is how much time passes between two files, so that quick layers
// are not slowed down.
const saveEvery = time.Second

// progressMade is what a search has counted and found.
type progressMade struct {
	Tallies     []uint64
	Marred      []marred
	Tested      marks
	Decided     map[int]string
	Worlds      int
	Steps       int
	Depth       int
	Progressing int
	Effects     effects
	Found       []foundBefore
	Passing     [][]string
}

// A marred is a count of scenarios in which something went wrong.
type marred struct {
	Place    uint32
	Outcome  outcome
	Progress bool
	Violated marks
	Failed   []string
	Count    []uint64
}

// A foundBefore is a flaw that was found.
type foundBefore struct {
	Property int
	Failure  string
	Length   int
	Shortest []byte
	Steps    []string // of the counterexample
}

// snapshot copies what was counted and found so far.
func (x *search) snapshot() progressMade {
	p := progressMade{
		Tallies: slices.Clone(x.tallies.counts), Worlds: x.report.Worlds, Steps: x.report.Steps,
		Depth: x.report.Depth, Progressing: x.progressing, Effects: x.effects.clone(),
	}
	p.Tested, p.Decided = x.tested(), maps.Clone(x.monitors.decided)
	for e, count := range x.tallies.marred {
		p.Marred = append(p.Marred, marred{e.place, e.outcome, e.progress, e.violated, x.monitors.failures(e.failed), slices.Clone(count)})
	}
	for _, v := range x.report.Violations {
		p.Found = append(p.Found, foundBefore{v.index, "", v.Length, v.Shortest.Bytes(), x.texts(v.Counterexample)})
	}
	for _, f := range x.report.Failures {
		p.Found = append(p.Found, foundBefore{0, f.Failure.Kind(), f.Length, f.Shortest.Bytes(), x.texts(f.Counterexample)})
	}
	for _, w := range x.report.Passing {
		p.Passing = append(p.Passing, x.texts(w))
	}
	return p
}

// texts lists the steps from the starting world to w.
func (x *search) texts(w *runtime.World) []string {
	texts := []string{}
	for _, v := range w.Path()[x.options.Start.Depth()+1:] {
		texts = append(texts, v.Step().String())
	}
	return texts
}

// A checkpointFile is where the checkpoints of a search are.
type checkpointFile struct {
	folder *os.Root
	name   string // in the folder
	shown  string // as people call it
}

// openCheckpoint locks the file of the options. Close releases it.
func (o Options) openCheckpoint() (file *checkpointFile, release func(), err error) {
	file = &checkpointFile{o.Folder, o.Checkpoint, o.Checkpoint}
	closeFolder := func() {}
	if file.folder == nil {
		if file.folder, err = os.OpenRoot(filepath.Dir(o.Checkpoint)); err != nil {
			return nil, nil, err
		}
		file.name = filepath.Base(o.Checkpoint)
		closeFolder = func() { file.folder.Close() }
	}
	// What is found out now need not be found out after hours.
	unlock, err := files.Lock(file.folder, file.name)
	if err != nil {
		closeFolder()
		return nil, nil, err
	}
	release = func() { unlock(); closeFolder() }
	if !o.Resume {
		if err := files.Replaceable(file.folder, file.name, isCheckpoint); err != nil {
			release()
			return nil, nil, err
		}
	}
	return file, release, nil
}

// save writes a checkpoint of a complete layer, if it is time.
func (x *search) save(layer *frontier) {
	if x.file != nil && (time.Since(x.saved) >= saveEvery || x.report.Stopped != nil) {
		x.write(layer, x.snapshot())
	}
}

// saveStopped writes a checkpoint of the layer before the one under way, which
// will be gone through again, unless the file is that already. That is not ended by a
// context: what the search did would be lost.
func (x *search) saveStopped(layer *frontier) {
	if x.file != nil && x.kept != len(x.parents) {
		x.write(layer, x.complete)
	}
}

// write writes a checkpoint. That it cannot be written is noted in the report
// and does not end the search: the next one may be.
func (x *search) write(layer *frontier, p progressMade) {
	c := checkpoint{
		Search: x.fingerprint(), From: x.symmetricFrom, Asymmetry: x.asymmetry, Progress: p, parents: x.parents,
	}
	for rank := range layer.len() {
		node, w := layer.at(rank)
		c.weights = append(c.weights, w...)
		c.Digest = digestNode(c.Digest, x.cluster.Digest(node[:x.width-2]), w)
	}
	data, err := c.encode()
	if err == nil {
		err = files.Write(x.file.folder, x.file.name, data, isCheckpoint)
	}
	x.report.Unsaved, x.report.Checkpoint, x.kept = nil, x.file.shown, len(x.parents)
	if err != nil {
		x.kept = 0
		x.report.Checkpoint = ""
		x.report.Unsaved = fmt.Errorf("checkpoint: %w", err)
	}
	x.saved = time.Now()
}

// digestNode adds the digest of a world, and its weight, to that of those before.
func digestNode(sum, world uint64, w weight) uint64 {
	for _, v := range append([]uint64{world}, w...) {
		sum = (sum ^ v) * 0x9e3779b97f4a7c15
		sum ^= sum >> 29
	}
	return sum
}

// fingerprint returns the fingerprint of the search.
func (x *search) fingerprint() Fingerprint {
	if x.print == nil {
		x.print = x.options.fingerprint(x.space, x.asked)
	}
	return x.print
}

// read returns nil if there is no file.
func (f *checkpointFile) read() (*checkpoint, error) {
	data, err := files.Read(f.folder, f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeCheckpoint(data)
	if err != nil {
		return nil, fmt.Errorf("%s is %w", f.shown, err)
	}
	return c, nil
}

// misfit returns an error about a checkpoint that is whole and yet wrong.
func (x *search) misfit(format string, args ...any) error {
	return fmt.Errorf("checkpoint: %s does not fit this search: %s; remove it to begin anew", x.file.shown, fmt.Sprintf(format, args...))
}

// ours reports that a checkpoint is one of another search.
func (x *search) ours(c *checkpoint) error {
	if d := x.fingerprint().differences(c.Search); d != "" {
		return fmt.Errorf("checkpoint: %s was written by another search; what differs is %s; name another file, or remove it to begin anew", x.file.shown, d)
	}
	return nil
}

// balance reports whether each scenario of the space is counted once: as judged,
// or as one that leads through a search node of the layer.
func (x *search) balance(layer *frontier) error {
	through := map[*place]weight{}
	for rank := range layer.len() {
		node, w := layer.at(rank)
		at := x.places[node[x.width-1]]
		if at.last {
			return x.misfit("a scenario goes on from its end")
		}
		if through[at] == nil {
			through[at] = make(weight, x.words)
		}
		through[at].add(w)
	}
	sum := x.covered()
	for at, w := range through {
		n := new(big.Int).Sub(at.at.Count(), big.NewInt(int64(at.at.Accepts())))
		sum.Add(sum, n.Mul(n, w.big()))
	}
	if sum.Cmp(x.report.Size) != 0 {
		return x.misfit("it counts %s scenarios, and there are %s", sum, x.report.Size)
	}
	return nil
}

// restore puts back what was counted and found.
func (x *search) restore(ctx context.Context, p progressMade) error {
	if n := 2 * int(outcomes) * x.words; len(p.Tallies)%n != 0 || len(p.Tallies)/n > len(x.places) {
		return x.misfit("it has %d tallies for %d places", len(p.Tallies), len(x.places))
	}
	if !p.Effects.fits(x.effects) {
		return x.misfit("it has noted the effects of other choices")
	}
	if p.Progressing < 0 || p.Progressing > len(p.Passing) || len(p.Passing) > passingKept {
		return x.misfit("%d of %d passing scenarios made progress", p.Progressing, len(p.Passing))
	}
	x.tallies.counts, x.progressing = p.Tallies, p.Progressing
	x.effects.add(p.Effects)
	r := x.report
	r.Worlds, r.Steps, r.Depth = p.Worlds, p.Steps, p.Depth
	x.testedBefore = p.Tested & x.all
	for slot, value := range p.Decided {
		if value == "" {
			x.monitors.decided[slot] = ""
		} else {
			x.monitors.decides(slot, value)
		}
	}
	wrong, err := x.restoreMarred(p.Marred)
	if err != nil {
		return err
	}
	steps := map[string]runtime.Step{}
	for _, s := range x.space.Steps() {
		steps[s.String()] = s
	}
	for _, texts := range p.Passing {
		w, err := x.walkAgain(steps, texts)
		if err != nil {
			return err
		}
		r.Passing = append(r.Passing, w)
	}
	for _, f := range p.Found {
		if err := x.restoreFound(ctx, p, f, steps); err != nil {
			return err
		}
	}
	for f := range wrong {
		if !x.known[f] {
			return x.misfit("something is wrong in scenarios that it counts, but it does not say how: %+v", f)
		}
	}
	return nil
}

// restoreMarred restores the counts of scenarios in which something is wrong, and
// returns what is.
func (x *search) restoreMarred(all []marred) (map[flaw]bool, error) {
	wrong := map[flaw]bool{}
	for _, m := range all {
		e := ending{m.Place, m.Outcome, m.Progress, m.Violated, x.monitors.fails(0, m.Failed)}
		if int(m.Place) >= len(x.places) || m.Outcome > violatesAll || m.Violated&^x.all != 0 || len(m.Count) != x.words || x.tallies.marred[e] != nil {
			return nil, x.misfit("it counts scenarios that cannot be: %+v", m)
		}
		x.tallies.marred[e] = m.Count
		for f := range x.flaws(&verdict{}, &verdict{violated: e.violated, failed: e.failed}) {
			wrong[f] = true
		}
	}
	return wrong, nil
}

// walkAgain returns the world to which steps of the space lead from the start.
func (x *search) walkAgain(steps map[string]runtime.Step, texts []string) (*runtime.World, error) {
	w := x.options.Start
	for _, text := range texts {
		s, ok := steps[text]
		if !ok {
			return nil, x.misfit("the space has no step %s", text)
		}
		next, err := w.Do(s)
		if err != nil {
			return nil, x.misfit("%v", err)
		}
		w = next
	}
	return w, nil
}

// restoreFound restores one of the things that were found.
func (x *search) restoreFound(ctx context.Context, p progressMade, f foundBefore, steps map[string]runtime.Step) error {
	w, err := x.walkAgain(steps, f.Steps)
	if err != nil {
		return err
	}
	at := flaw{f.Property, f.Failure}
	if x.known[at] || f.Property < 0 || f.Failure == "" && f.Property >= x.judged() || f.Length < 0 || f.Length > p.Depth ||
		len(f.Steps) != f.Length || len(f.Shortest) == 0 || len(f.Shortest) > 8*x.words {
		return x.misfit("what it found does not fit: %+v", f)
	}
	x.found(ctx, at, f.Length, w, new(big.Int).SetBytes(f.Shortest))
	return nil
}
