package explore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twinsh/twinsh/runtime"
)

// A checkpoint is written whenever a layer is complete, and says how to get
// there again: the origins of all rows, and the weights of the last layer's. The
// rows themselves are not in it, because they are numbers that mean nothing in
// another run; taking one step for each of them brings them back. So a file is
// small, and no state of a protocol has to be readable later.

// checkpointMagic begins each file; the number is that of the format.
const checkpointMagic = "twinsh checkpoint 2\n"

// saveEvery is how much time passes between two files, so that quick layers
// are not slowed down.
const saveEvery = time.Second

// A checkpoint is what a file holds.
type checkpoint struct {
	Search  string // what is searched; a file of another search is refused
	Origins [][]origin
	Weights []uint64
	Digest  uint64 // of the last layer's worlds
	From    int    // symmetricFrom
	// Asymmetry is why symmetry was given up, so that it is not tried again.
	Asymmetry string
	Progress  progressMade
}

// progressMade is what a search has counted and found.
type progressMade struct {
	Tallies     []uint64
	Worlds      int
	Steps       int
	Depth       int
	Progressing int
	Violations  []foundBefore
	Passing     [][]string
	First       []string // steps of the counterexample
}

type foundBefore struct {
	Property, Why string
	Length        int
	Shortest      []byte
}

// snapshot copies what was counted and found so far.
func (x *search) snapshot() progressMade {
	p := progressMade{
		Tallies: slices.Clone(x.tallies.counts), Worlds: x.report.Worlds, Steps: x.report.Steps,
		Depth: x.report.Depth, Progressing: x.progressing,
	}
	for _, v := range x.report.Violations {
		p.Violations = append(p.Violations, foundBefore{v.Property, v.Why, v.Length, v.Shortest.Bytes()})
	}
	for _, w := range x.report.Passing {
		p.Passing = append(p.Passing, x.texts(w))
	}
	if w := x.report.Counterexample; w != nil {
		p.First = x.texts(w)
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

// subject tells what is searched, as far as it decides what is found.
func (x *search) subject() string {
	var b strings.Builder
	fmt.Fprintln(&b, x.cluster, x.space, x.space.Size(), x.options.First)
	for _, id := range x.cluster.Config().Clients {
		fmt.Fprintln(&b, id.Name, id.Program)
	}
	for _, p := range x.report.Checked {
		fmt.Fprintln(&b, p)
	}
	for _, w := range x.options.Start.Path()[1:] {
		fmt.Fprintln(&b, w.Step())
	}
	for _, s := range x.space.Steps() {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

// save writes a checkpoint of a complete layer, if it is time.
func (x *search) save(layer *frontier) error {
	if x.options.Checkpoint == "" || time.Since(x.saved) < saveEvery && x.report.Stopped == nil {
		return nil
	}
	return x.write(layer, x.snapshot())
}

// saveStopped writes a checkpoint of the layer before the one under way, which
// will be gone through again.
func (x *search) saveStopped(layer *frontier) error {
	if x.options.Checkpoint == "" {
		return nil
	}
	return x.write(layer, x.complete)
}

func (x *search) write(layer *frontier, p progressMade) error {
	c := checkpoint{Search: x.subject(), Origins: x.origins, From: x.symmetricFrom, Asymmetry: x.asymmetry, Progress: p}
	for rank := range layer.len() {
		row, w := layer.at(rank)
		c.Weights = append(c.Weights, w...)
		c.Digest = c.Digest*31 + x.cluster.Digest(row[:x.width-2])
	}
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(c); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	file := slices.Concat([]byte(checkpointMagic), sum[:], body.Bytes())
	if err := writeAtomically(x.options.Checkpoint, file); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	x.saved = time.Now()
	return nil
}

// writeAtomically leaves either the old file or the new one, whole, whenever
// the program is killed. The new one always has the same name until it is whole,
// so that what a killed program left behind is overwritten.
func writeAtomically(path string, data []byte) (err error) {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readCheckpoint returns nil if there is no such file.
func readCheckpoint(path string) (*checkpoint, error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(file, []byte(checkpointMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, fmt.Errorf("%s is no checkpoint of this version of twinsh", path)
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, fmt.Errorf("%s is damaged: its checksum is wrong; remove it to begin anew", path)
	}
	c := new(checkpoint)
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(c); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return c, nil
}

// resume goes back to where a checkpoint was written and returns the layer to
// go on from.
func (x *search) resume(ctx context.Context, c *checkpoint) (*frontier, error) {
	if c.Search != x.subject() {
		return nil, fmt.Errorf("checkpoint: %s was written by another search: of another space, system, start or property; name another file", x.options.Checkpoint)
	}
	if c.Asymmetry != "" && x.symmetry != nil {
		return nil, asymmetry{why: c.Asymmetry, known: true}
	}
	if c.From != never && x.symmetry == nil {
		return nil, fmt.Errorf("checkpoint: %s was written with symmetry, which this search does not have", x.options.Checkpoint)
	}
	x.symmetricFrom = c.From
	past, err := x.startMonitor(ctx)
	if err != nil {
		return nil, err
	}
	row := append(slices.Clone(x.options.Start.Vector()), past, x.place(x.space.Start()).index)
	rows := [][]uint32{row}
	var names *runtime.Canonicalizer
	if x.symmetry != nil {
		names = x.symmetry.NewCanonicalizer()
	}
	x.origins = c.Origins[:1]
	for k := 1; k < len(c.Origins); k++ {
		for _, r := range rows {
			x.expand(x.places[r[x.width-1]])
		}
		w := x.newWorker()
		next := make([][]uint32, 0, len(c.Origins[k]))
		for _, from := range c.Origins[k] {
			if int(from>>32) >= len(rows) {
				return nil, fmt.Errorf("checkpoint: %s does not fit this search", x.options.Checkpoint)
			}
			r, err := w.again(ctx, rows[from>>32], int(uint32(from)))
			if err != nil {
				return nil, err
			}
			if k >= c.From {
				if _, err := x.canonical(names, r); err != nil {
					return nil, err
				}
			}
			next = append(next, r)
		}
		rows = next
		x.origins = c.Origins[:k+1]
	}
	layer := newFrontier(x.width, x.words, 1)
	digest := uint64(0)
	for i, r := range rows {
		layer.add(r, c.Weights[i*x.words:(i+1)*x.words], c.Origins[len(c.Origins)-1][i])
		digest = digest*31 + x.cluster.Digest(r[:x.width-2])
	}
	if layer.seal(); layer.len() != len(rows) || digest != c.Digest {
		return nil, fmt.Errorf("checkpoint: the code of the protocol does not do what it did when %s was written", x.options.Checkpoint)
	}
	return layer, x.restore(c.Progress)
}

// again takes a choice from a row, as a search did before.
func (w *worker) again(ctx context.Context, row []uint32, choice int) ([]uint32, error) {
	x := w.search
	width := x.width - 2
	step, to := x.places[row[width+1]].choice(choice, 0)
	next := make([]uint32, x.width)
	w.sim.Expect(to.leaders)
	if !w.sim.Take(next[:width], row[:width], step) {
		return nil, fmt.Errorf("checkpoint: %s cannot happen any more: %s", step, w.sim.Why())
	}
	seen := w.after(ctx, x.monitors.verdict(row[width]), step, next[:width])
	if w.err != nil {
		return nil, w.err
	}
	next[width], next[width+1] = seen.monitor, to.index
	return next, nil
}

// restore puts back what was counted and found.
func (x *search) restore(p progressMade) error {
	x.tallies.counts, x.progressing = p.Tallies, p.Progressing
	r := x.report
	r.Worlds, r.Steps, r.Depth = p.Worlds, p.Steps, p.Depth
	for _, v := range p.Violations {
		r.Violations = append(r.Violations, Violation{v.Property, v.Why, v.Length, new(big.Int).SetBytes(v.Shortest), new(big.Int)})
	}
	steps := map[string]runtime.Step{}
	for _, s := range x.space.Steps() {
		steps[s.String()] = s
	}
	walk := func(texts []string) (*runtime.World, error) {
		w := x.options.Start
		for _, text := range texts {
			s, ok := steps[text]
			if !ok {
				return nil, fmt.Errorf("checkpoint: the space has no step %s", text)
			}
			next, err := w.Do(s)
			if err != nil {
				return nil, fmt.Errorf("checkpoint: %w", err)
			}
			w = next
		}
		return w, nil
	}
	for _, texts := range p.Passing {
		w, err := walk(texts)
		if err != nil {
			return err
		}
		r.Passing = append(r.Passing, w)
	}
	if p.First != nil {
		w, err := walk(p.First)
		if err != nil {
			return err
		}
		r.Counterexample, r.Beyond = w, w.Beyond()
	}
	return nil
}
