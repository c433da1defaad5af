package space

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Digest returns a digest of what the space lists and in which order. It is the
// same in every process, and covers what the text of a space leaves out: the
// steps of a long choice, and the end of a long text. Equal spaces that are put
// together in different ways have different digests. It takes time in the number
// of the spaces and steps of which the space is made.
func (s *Space) Digest() [sha256.Size]byte {
	known := map[*Space][sha256.Size]byte{}
	var digest func(*Space) [sha256.Size]byte
	digest = func(s *Space) [sha256.Size]byte {
		if d, ok := known[s]; ok {
			return d
		}
		b := fmt.Appendf(nil, "%T", s.form)
		switch f := s.form.(type) {
		case *choice:
			for _, step := range f.steps {
				text := step.String()
				b = binary.AppendUvarint(b, uint64(len(text)))
				b = append(b, text...)
			}
		case times:
			b = binary.AppendUvarint(b, uint64(f.n))
		case constant:
			b = binary.AppendUvarint(b, uint64(f.n))
		case *distinct:
			b = binary.AppendUvarint(b, uint64(f.n))
		}
		for _, part := range s.form.parts() {
			d := digest(part)
			b = append(b, d[:]...)
		}
		d := sha256.Sum256(b)
		known[s] = d
		return d
	}
	return digest(s)
}
