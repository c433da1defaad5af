package explore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

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

// A checkpoint is what a file holds.
type checkpoint struct {
	Search Fingerprint
	Layers int
	Digest uint64 // of the last layer's worlds and weights
	From   int    // symmetricFrom; in the file -1 stands for never
	// Asymmetry is why symmetry was given up, so that it is not tried again.
	Asymmetry string
	Progress  progressMade

	parents [][]parentLink
	weights []uint64 // of the last layer
}

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
		return nil, errors.New("no checkpoint of this version of twinsh")
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, errors.New("damaged: its checksum is wrong; remove it to begin anew")
	}
	c, err := decodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("damaged: %w; remove it to begin anew", err)
	}
	return c, nil
}

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
