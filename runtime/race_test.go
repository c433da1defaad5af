//go:build race

package runtime_test

// The race detector lets sync.Pool forget at random, so allocations vary.
func init() { raceDetector = true }
