package main

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/dsl"
)

// How much memory there is, and what the limits of twinsh are made of. The default, three
// quarters of it, is set in main: a search then stops cleanly and says what it covered,
// where the system would kill the process and say nothing. Tested by TestMachineMemory with
// a file system of its own.

// memoryFlag parses a number of bytes, as in 8GiB.
func memoryFlag(bytes *uint64) func(string) error {
	return func(text string) error {
		n, err := dsl.ParseMemory(text)
		*bytes = uint64(n)
		return err
	}
}

// limitMemory makes the runtime of Go collect garbage before so many bytes are
// reached, unless that is 0 or the environment says when to. It is a soft limit, which the
// collector works towards; a search and a script end of themselves when it does not hold.
func limitMemory(bytes uint64) {
	if bytes > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(min(bytes, math.MaxInt64)))
	}
}

// machineMemory returns how many bytes of memory there are for this process: of
// the machine, or of its control group if that has fewer. It is 0 where that
// is not known, which is everywhere but on Linux.
func machineMemory() uint64 { return memoryBelow("/") }

// memoryBelow is machineMemory with another root of the file system. A process is in a control
// group for each hierarchy, whose limits and those of all groups around it hold; in a container its
// own group is often mounted as the root, so that "/" is looked at, too. Version 2 of control groups
// has memory.max, version 1 memory.limit_in_bytes (cgroups(7)). A limit of version 1 that is not
// set is a huge number, which is more than the machine has.
func memoryBelow(root string) uint64 {
	least := uint64(0)
	note := func(n uint64, err error) {
		if err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	note(memTotal(filepath.Join(root, "proc/meminfo")))
	groups := []string{"/"}
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(text)) {
		// hierarchy:controllers:path
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 && (parts[1] == "" || parts[1] == "memory") {
			for path := parts[2]; len(path) > 1; path = filepath.Dir(path) {
				groups = append(groups, path)
			}
		}
	}
	for _, group := range groups {
		note(readNumber(filepath.Join(root, "sys/fs/cgroup", group, "memory.max")))
		note(readNumber(filepath.Join(root, "sys/fs/cgroup/memory", group, "memory.limit_in_bytes")))
	}
	return least
}

// readNumber reads a file that holds one number; "max" is an error like others.
func readNumber(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// memTotal reads the line "MemTotal: 12345 kB".
//
// See proc(5). kB are KiB there.
func memTotal(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, os.ErrNotExist
}
