package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMachineMemory(t *testing.T) {
	const total = "MemFree: 1 kB\nMemTotal:       2048 kB\n"
	for _, c := range []struct {
		files map[string]string
		want  uint64
	}{
		{nil, 0},
		{map[string]string{"proc/meminfo": total}, 2 << 20},
		{map[string]string{"proc/meminfo": "nothing\n"}, 0},
		{map[string]string{"proc/meminfo": total, "sys/fs/cgroup/memory.max": "max\n"}, 2 << 20},
		{map[string]string{"proc/meminfo": total, "sys/fs/cgroup/memory.max": "1048576\n"}, 1 << 20},
		{map[string]string{
			"proc/meminfo": total, "proc/self/cgroup": "0::/outer/inner\n", "sys/fs/cgroup/outer/memory.max": "4096\n",
		}, 4096},
		{map[string]string{
			"proc/meminfo": total, "proc/self/cgroup": "7:cpu:/c\n4:memory:/m\n", "sys/fs/cgroup/memory/m/memory.limit_in_bytes": "8192\n",
		}, 8192},
		{map[string]string{
			"proc/meminfo": total, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 2 << 20},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := memoryBelow(root); got != c.want {
			t.Errorf("%v: got %d, want %d", c.files, got, c.want)
		}
	}
}
