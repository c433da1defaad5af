package explore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Seal ends a file of reports as it should end, whatever it holds.
func Seal(data []byte, status int) []byte {
	sealed := fmt.Appendf(slices.Clone(data), reportsEnd, status, false)
	sum := sha256.Sum256(sealed)
	return fmt.Appendf(sealed, ", sha256 %s\n", hex.EncodeToString(sum[:]))
}

// SealCheckpoint begins a checkpoint as it should begin, whatever its body is.
func SealCheckpoint(body []byte) []byte {
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(checkpointMagic), sum[:], body)
}

// CheckpointBody returns the body of a checkpoint.
func CheckpointBody(data []byte) []byte { return data[len(checkpointMagic)+sha256.Size:] }

// DecodeCheckpoint reports how many numbers a checkpoint holds.
func DecodeCheckpoint(data []byte) (int, error) {
	c, err := decodeCheckpoint(data)
	if err != nil {
		return 0, err
	}
	n := len(c.weights)
	for _, layer := range c.parents {
		n += len(layer)
	}
	return n, nil
}

// ForgetFingerprint leaves nothing in a report that Go cannot compare.
func ForgetFingerprint(r *Report) { r.fingerprint = nil }
