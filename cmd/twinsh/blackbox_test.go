package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "kill searches at more moments")

// TestBlackbox runs the tests of the program as a user meets it, which are a module of
// their own because of what drives terminals and browsers.
func TestBlackbox(t *testing.T) {
	const module = "blackbox"
	// They are read so that go test runs this again when one of them is another.
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the program is not tested as users meet it:", err)
	}
	if out, err := exec.Command("go", "-C", module, "mod", "download").CombinedOutput(); err != nil {
		t.Skipf("the program is not tested as users meet it, because modules cannot be had: %v\n%s", err, out)
	}
	args := []string{"-C", module, "test", fmt.Sprintf("-short=%v", testing.Short()), fmt.Sprintf("-race=%v", raced())}
	if *long {
		args = append(args, "-long")
	}
	if end, ok := t.Deadline(); ok {
		args = append(args, "-timeout", (time.Until(end) * 9 / 10).String())
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// raced reports whether this runs with the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
