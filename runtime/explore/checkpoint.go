package explore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/files"
)

// A checkpoint is written whenever a layer is complete, and says how to get
// there again: the parent links of all search nodes, and the weights of the last layer's. The
// search nodes themselves are not in it, because they are numbers that mean nothing in
// another run; taking one step for each of them brings them back. So a file is
// small, and no state of a protocol has to be readable later: a rank and a choice for each
// search node of all layers.
//
// A file is locked while a search works with it. It is believed only as far as
// it can be checked: its fingerprint is that of the search, the worlds that it
// leads to are those that it was written of, and its counts are consistent.

// saveEvery is how much time passes between two files, so that quick layers
// are not slowed down.
const saveEvery = time.Second

// A checkpointFile is where the checkpoints of a search are. The folder is open while the search
// lasts, so that a link put in its place meanwhile leads nowhere.
type checkpointFile struct {
	folder *os.Root
	name   string // in the folder
	shown  string // as people call it
}

// A keeper keeps the checkpoints of a search. It writes between layers only, so that a file
// says something exact: all scenarios of so many steps, and nothing of longer ones. What a
// search that stops has judged of the layer under way is reported and not kept.
type keeper struct {
	*checkpointFile
	complete progressMade // when the last complete layer was
	saved    time.Time
	layers   int // in the file, 0 if there is none of this search
}

// keeper locks the file of the options. Release gives it free.
func (o Options) keeper() (k *keeper, release func(), err error) {
	file := &checkpointFile{o.Folder, o.Checkpoint, o.Checkpoint}
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
	return &keeper{checkpointFile: file}, release, nil
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

// kept returns the checkpoint to go on from, nil if the search begins anew. A file of another
// search, and one that cannot be read, is refused in both cases: to begin anew would overwrite it.
func (x *search) kept() (*checkpoint, error) {
	if x.keeper == nil {
		return nil, nil
	}
	x.keeper.saved = time.Now()
	c, err := x.keeper.read()
	switch {
	case x.options.Resume && err != nil:
		return nil, fmt.Errorf("resume: %w", err)
	case err != nil:
		return nil, fmt.Errorf("checkpoint: %w", err)
	case c == nil:
		if x.options.Resume {
			x.report.Anew = fmt.Sprintf("there was no checkpoint %s to resume", x.keeper.shown)
		}
		return nil, nil
	case !x.options.Resume:
		// Hours of another search are not lost for want of a resume.
		return nil, x.ours(c)
	}
	return c, x.ours(c)
}

// ours reports that a checkpoint is one of another search.
func (x *search) ours(c *checkpoint) error {
	if d := x.report.fingerprint().differences(c.Search); d != "" {
		return fmt.Errorf("checkpoint: %s was written by another search; what differs is %s; name another file, or remove it to begin anew", x.keeper.shown, d)
	}
	return nil
}

// save writes a checkpoint of a complete layer, if it is time.
func (x *search) save(layer *frontier) {
	if x.keeper != nil && (time.Since(x.keeper.saved) >= saveEvery || x.report.Stopped != nil) {
		x.write(layer, x.snapshot())
	}
}

// saveStopped writes a checkpoint of the layer before the one under way, which
// will be gone through again, unless the file is that already. That is not ended by a
// context: what the search did would be lost.
func (x *search) saveStopped(layer *frontier) {
	if x.keeper != nil && x.keeper.layers != len(x.graph.parents) {
		x.write(layer, x.keeper.complete)
	}
}

// write writes a checkpoint. That it cannot be written is noted in the report
// and does not end the search: the next one may be. It goes through all search nodes of the
// layer and all parent links, which takes a fraction of the time that it took to find them;
// the file takes the place of the last one as a whole, or not at all (see package files).
func (x *search) write(layer *frontier, p progressMade) {
	k, g := x.keeper, x.graph
	c := checkpoint{Search: x.report.fingerprint(), From: g.canonicalFrom, Asymmetry: x.asymmetry, Progress: p, parents: g.parents}
	for rank := range layer.len() {
		node, w := layer.at(rank)
		c.weights = append(c.weights, w...)
		c.Digest = digestNode(c.Digest, x.cluster.Engine().Digest(node.vector()), w)
	}
	data, err := c.encode()
	if err == nil {
		err = files.Write(k.folder, k.name, data, isCheckpoint)
	}
	x.report.Unsaved, x.report.Checkpoint, k.layers = nil, k.shown, len(g.parents)
	if err != nil {
		k.layers = 0
		x.report.Checkpoint = ""
		x.report.Unsaved = fmt.Errorf("checkpoint: %w", err)
	}
	k.saved = time.Now()
}

// snapshot copies what was counted and found so far. A copy, because it is kept while the
// next layer is gone through, and written if that one is not completed.
func (x *search) snapshot() progressMade {
	p := progressMade{
		Tallies: slices.Clone(x.tallies.counts), Worlds: x.report.Worlds, Steps: x.report.Steps,
		Depth: x.report.Depth, Progressing: x.findings.progressing, Effects: x.effects.clone(),
	}
	p.Tested, p.Decided = x.judge.Tested(), maps.Clone(x.judge.Decided())
	for e, count := range x.tallies.marred {
		p.Marred = append(p.Marred, marred{e.place, e.outcome, e.progress, e.violated, x.judge.Failures(e.failed), slices.Clone(count)})
	}
	for _, v := range x.report.Violations {
		p.Found = append(p.Found, foundBefore{v.index, "", v.Length, v.Shortest.Bytes(), x.texts(v.Counterexample)})
	}
	for _, f := range x.report.Failures {
		p.Found = append(p.Found, foundBefore{0, f.Kind(), f.Length, f.Shortest.Bytes(), x.texts(f.Counterexample)[:f.Length]})
	}
	for _, w := range x.report.Passing {
		p.Passing = append(p.Passing, x.texts(w))
	}
	return p
}

// texts lists the steps from the starting world to w, in their notation: by it steps are
// found again in the space of a search that resumes.
func (x *search) texts(w *runtime.World) []string {
	texts := []string{}
	for _, v := range w.Path()[x.options.Start.Depth()+1:] {
		texts = append(texts, v.Step().String())
	}
	return texts
}

// digestNode adds the digest of a world, and its weight, to that of those before, in their
// order. It finds mistakes and changed code, and is no signature.
func digestNode(sum, world uint64, w weight) uint64 {
	for _, v := range append([]uint64{world}, w...) {
		sum = (sum ^ v) * 0x9e3779b97f4a7c15
		sum ^= sum >> 29
	}
	return sum
}

// A checkpoint is what a file holds.
type checkpoint struct {
	Search Fingerprint
	Layers int
	Digest uint64 // of the last layer's worlds and weights
	From   int    // canonicalFrom of the graph; in the file -1 stands for never
	// Asymmetry is why symmetry was given up, so that it is not tried again.
	Asymmetry string
	Progress  progressMade

	parents [][]parentLink
	weights []uint64 // of the last layer
}

// progressMade is what a search has counted and found.
type progressMade struct {
	Tallies     []uint64
	Marred      []marred
	Tested      judge.Marks
	Decided     map[int]string
	Worlds      int
	Steps       int
	Depth       int
	Progressing int
	Effects     effects
	Found       []foundBefore
	Passing     [][]string
}

// A marred is a count of scenarios in which something went wrong. Ways in which code failed
// stand as texts, because the numbers of their sets mean nothing in another run.
type marred struct {
	Place    uint32
	Outcome  outcome
	Progress bool
	Violated judge.Marks
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

// The format of a checkpoint: a line, the SHA-256 of the rest, and the rest,
// which is a JSON object, preceded by its length, and numbers. All numbers are
// unsigned varints. For each layer there is the number of search nodes, and for each search node
// the rank in the layer before and the choice that it came from; then come the
// weights of the search nodes of the last layer, to the end.
//
// The reader takes the file for an enemy's: it allocates no more than the file
// is long, and what it returns can be walked through without looking again.

// checkpointLine begins each checkpoint; checkpointMagic is that of this format.
const (
	checkpointLine  = "twinsh checkpoint "
	checkpointMagic = checkpointLine + "3\n"
)

// isCheckpoint recognizes files of this and other versions.
func isCheckpoint(head []byte) bool { return bytes.HasPrefix(head, []byte(checkpointLine)) }

func (c checkpoint) encode() ([]byte, error) {
	c.Layers = len(c.parents)
	if c.From == never {
		c.From = -1
	}
	head, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	body := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	for _, layer := range c.parents {
		body = binary.AppendUvarint(body, uint64(len(layer)))
		for _, from := range layer {
			body = binary.AppendUvarint(body, from>>32)
			body = binary.AppendUvarint(body, uint64(uint32(from)))
		}
	}
	for _, w := range c.weights {
		body = binary.AppendUvarint(body, w)
	}
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(checkpointMagic), sum[:], body), nil
}

// decodeCheckpoint reads a file. The error goes on from "FILE is".
func decodeCheckpoint(data []byte) (*checkpoint, error) {
	rest, ok := bytes.CutPrefix(data, []byte(checkpointMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("no checkpoint of this version of twinsh; name another file, or remove it to begin anew")
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, errors.New("damaged: its checksum is wrong; name another file, or remove it to begin anew")
	}
	c, err := decodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("damaged: %w; name another file, or remove it to begin anew", err)
	}
	return c, nil
}

// decodeBody reads what stands behind the checksum. That is right for files of this program
// and for those that were made to look so; nothing is allocated that the file has no bytes for,
// and each parent link is left to be compared with the layer before, when that is known.
func decodeBody(body []byte) (*checkpoint, error) {
	short := false
	number := func() uint64 {
		n, size := binary.Uvarint(body)
		if size <= 0 {
			short, body = true, nil
			return 0
		}
		body = body[size:]
		return n
	}
	length := number()
	if short || length > uint64(len(body)) {
		return nil, errors.New("it is shorter than it says")
	}
	c := new(checkpoint)
	head := json.NewDecoder(bytes.NewReader(body[:length]))
	head.DisallowUnknownFields()
	if err := head.Decode(c); err != nil {
		return nil, err
	}
	body = body[length:]
	if c.From == -1 {
		c.From = never
	}
	if c.Layers < 1 || c.Layers > len(body) || c.From < 0 || c.From != never && c.From >= c.Layers {
		return nil, fmt.Errorf("it has %d layers, canonical ones from %d on", c.Layers, c.From)
	}
	for k := range c.Layers {
		nodes := number()
		if nodes > uint64(len(body))/2 || nodes == 0 && k < c.Layers-1 {
			return nil, fmt.Errorf("layer %d has %d search nodes", k, nodes)
		}
		layer := make([]parentLink, nodes)
		for i := range layer {
			rank, choice := number(), number()
			if rank >= 1<<32 || choice >= 1<<32 {
				return nil, fmt.Errorf("search node %d of layer %d has no parent link", i, k)
			}
			if layer[i] = rank<<32 | choice; i > 0 && layer[i] <= layer[i-1] {
				return nil, fmt.Errorf("the search nodes of layer %d are not in order", k)
			}
		}
		c.parents = append(c.parents, layer)
	}
	for len(body) > 0 {
		c.weights = append(c.weights, number())
	}
	if short {
		return nil, errors.New("it ends within a number")
	}
	return c, nil
}
