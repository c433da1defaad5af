package files

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// folder returns a folder that holds the given files, and its path.
func folder(t *testing.T, files map[string]string) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, dir
}

// pictures recognizes what these tests write.
func pictures(head []byte) bool { return bytes.HasPrefix(head, []byte("picture")) }

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestWrite(t *testing.T) {
	t.Parallel()
	root, dir := folder(t, map[string]string{"script.star": "x = 1\n", "old": "picture 1", "empty": ""})
	for _, name := range []string{"new", "old", "empty"} {
		if err := Write(root, name, []byte("picture 2"), pictures); err != nil {
			t.Error(err)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != "picture 2" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	err := Write(root, "script.star", []byte("picture 2"), pictures)
	if err == nil || !strings.Contains(err.Error(), "there is a file script.star already") {
		t.Errorf("over a script: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "script.star")); string(got) != "x = 1\n" {
		t.Errorf("the script is now %q", got)
	}
	if err := Write(root, "old", []byte("picture 3"), nil); err == nil {
		t.Error("nothing is recognized, and yet it was replaced")
	}
	if got := names(t, dir); got != "empty new old script.star" {
		t.Errorf("there are %s", got)
	}
}

// Nothing outside of the folder is reached, and nothing but files is replaced.
func TestConfined(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	_, outside := folder(t, map[string]string{"victim": "picture of old"})
	root, dir := folder(t, map[string]string{"inside": "picture of old"})
	for link, to := range map[string]string{
		"out": filepath.Join(outside, "victim"), "in": "inside", "dangling": filepath.Join(outside, "fresh"),
		"folder": outside, "within": "sub", ".a.twinsh-new": "inside", ".b.twinsh-lock": "inside",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out", "in", "dangling", "folder/x", "../x", "sub", "within/x", "a", filepath.Join(outside, "y"), "missing/x"} {
		if err := Write(root, name, []byte("picture of new"), pictures); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if _, err := Lock(root, "within/x"); err == nil {
		t.Error("a symbolic link led to a lock")
	}
	if err := Write(root, "sub/x", []byte("picture of new"), pictures); err != nil {
		t.Error(err)
	}
	if _, err := Read(root, "within/x"); err == nil {
		t.Error("a symbolic link led to what was read")
	}
	if _, err := Lock(root, "b"); err == nil {
		t.Error("a symbolic link served as a lock")
	}
	if _, err := Read(root, "in"); err == nil {
		t.Error("a symbolic link was read")
	}
	for _, path := range []string{filepath.Join(outside, "victim"), filepath.Join(dir, "inside")} {
		if got, _ := os.ReadFile(path); string(got) != "picture of old" {
			t.Errorf("%s holds %q", path, got)
		}
	}
	if got := names(t, outside); got != "victim" {
		t.Errorf("outside there are %s", got)
	}
}

// What a killed program left behind goes with the next one that writes or locks.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	left := map[string]string{".a.twinsh-new": "half", ".b.twinsh-new": "half", ".b.twinsh-lock": "99999999\n"}
	root, dir := folder(t, left)
	if err := Write(root, "a", []byte("picture"), nil); err != nil {
		t.Error(err)
	}
	release, err := Lock(root, "b")
	if err != nil {
		t.Fatal(err)
	}
	release()
	if got := names(t, dir); got != "a" {
		t.Errorf("there are %s", got)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	root, dir := folder(t, nil)
	release, err := Lock(root, "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(root, "a")
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Process != os.Getpid() {
		t.Errorf("locked twice: %v", err)
	}
	other, err := Lock(root, "b")
	if err != nil {
		t.Errorf("another file: %v", err)
	} else {
		other()
	}
	release()
	if release, err = Lock(root, "a"); err != nil {
		t.Errorf("it was released: %v", err)
	} else {
		release()
	}
	if got := names(t, dir); got != "" {
		t.Errorf("there are %s", got)
	}
}

// Many write one file, and lock another, at the same time.
func TestTogether(t *testing.T) {
	t.Parallel()
	root, dir := folder(t, nil)
	var group sync.WaitGroup
	var mu sync.Mutex
	inside := 0
	for i := range 8 {
		group.Go(func() {
			for n := range 20 {
				text := []byte(strings.Repeat(fmt.Sprintf("picture %d %d\n", i, n), 500))
				if err := Write(root, "picture", text, pictures); err != nil {
					t.Error(err)
				}
				release, err := Lock(root, "lock")
				var busy *BusyError
				if errors.As(err, &busy) {
					continue
				}
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				if inside++; inside != 1 {
					t.Error("two have the lock")
				}
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				release()
			}
		})
	}
	group.Wait()
	got, err := Read(root, "picture")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(got), "\n")
	if string(got) != strings.Repeat(first+"\n", 500) {
		t.Error("two texts are mixed")
	}
	if got := names(t, dir); got != "picture" {
		t.Errorf("there are %s", got)
	}
}
