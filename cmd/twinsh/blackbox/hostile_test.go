package blackbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// The scripts of testdata/hostile ask for too much, name what is not there,
// write over what is not theirs or are damaged. Each is run by the program, in
// a process of its own and a folder of its own.
//
// A case is a txtar archive. Its comment says what the case is about, and what
// is to come out of it in lines of the form "# key: value":
//
//	run      the arguments of the program (default: run main.star)
//	status   the exit status (default: 2)
//	stdout   a regular expression that stdout matches; may be given several times
//	stderr   the same of stderr; without any, stderr is empty
//	never    a regular expression that neither of them matches
//	memory   the most memory that the process may occupy (default: 512MiB)
//	writes   a file that may be there afterwards, changed or new
//	symlink  NAME TARGET: a symbolic link that is there before
//	output   a file that stdout goes to, such as /dev/full
//	terminal "raw" if what is printed may hold control characters
//
// Files of the archive are templates, in which {{repeat N TEXT}} is for what is
// too long to be written down, and {{"\x00"}} for what editors do not show. All
// files but those in writes are the same afterwards, and no others are there.

const (
	hostileMemory  = 512 << 20
	hostileTimeout = 2 * time.Minute // for a machine that does much else
)

// A hostileCase is what a file of testdata/hostile says.
type hostileCase struct {
	args           []string
	status         int
	stdout, stderr []*regexp.Regexp
	never          []*regexp.Regexp
	memory         int64
	writes         []string
	symlinks       [][2]string
	output         string
	raw            bool
	files          map[string]string
}

func TestHostile(t *testing.T) {
	paths, err := filepath.Glob("testdata/hostile/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c, err := readHostile(path)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t)
		})
	}
}

func readHostile(path string) (*hostileCase, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	c := &hostileCase{args: []string{"run", "main.star"}, status: misused, memory: hostileMemory, files: map[string]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
		key, value, keyed := strings.Cut(line, ": ")
		if !ok || !keyed || strings.Contains(key, " ") {
			continue
		}
		if err := c.set(key, strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, key, err)
		}
	}
	for _, f := range archive.Files {
		text, err := template.New(f.Name).Funcs(template.FuncMap{
			"repeat": func(n int, s string) string { return strings.Repeat(s, n) },
		}).Parse(string(f.Data))
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if err := text.Execute(&b, nil); err != nil {
			return nil, err
		}
		c.files[f.Name] = b.String()
	}
	return c, nil
}

func (c *hostileCase) set(key, value string) error {
	pattern := func(list *[]*regexp.Regexp) error {
		re, err := regexp.Compile(value)
		*list = append(*list, re)
		return err
	}
	switch key {
	case "run":
		c.args = strings.Fields(value)
	case "status":
		var err error
		c.status, err = strconv.Atoi(value)
		return err
	case "stdout":
		return pattern(&c.stdout)
	case "stderr":
		return pattern(&c.stderr)
	case "never":
		return pattern(&c.never)
	case "memory":
		n, err := strconv.ParseInt(strings.TrimSuffix(value, "MiB"), 10, 64)
		c.memory = n << 20
		return err
	case "writes":
		c.writes = append(c.writes, value)
	case "symlink":
		name, target, ok := strings.Cut(value, " ")
		if !ok {
			return errors.New("want a name and a target")
		}
		c.symlinks = append(c.symlinks, [2]string{name, target})
	case "output":
		c.output = value
	case "terminal":
		c.raw = value == "raw"
	default:
		return errors.New("there is no such key")
	}
	return nil
}

// check runs the case and compares what came of it.
func (c *hostileCase) check(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "folder")
	for name, text := range c.files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range c.symlinks {
		if err := os.Symlink(link[1], filepath.Join(dir, link[0])); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	before := filesBelow(t, outside)

	ctx, cancel := context.WithTimeout(t.Context(), hostileTimeout)
	defer cancel()
	cmd := c.command(ctx)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if c.output != "" {
		to, err := os.OpenFile(c.output, os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer to.Close()
		cmd.Stdout = to
	}
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		t.Errorf("it did not end within %s", hostileTimeout)
	case cmd.ProcessState == nil:
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != c.status {
		t.Errorf("the exit status is %d, want %d", got, c.status)
	}
	c.checkText(t, stdout.String(), stderr.String())
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && !raced() && used.Maxrss<<10 > c.memory {
		t.Errorf("it occupied %d MiB, want at most %d MiB", used.Maxrss>>10, c.memory>>20)
	}
	c.checkFiles(t, before, filesBelow(t, outside))
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", clip(stdout.String()), clip(stderr.String()))
	}
}

// command is the program, which the system keeps from taking all of the
// machine's memory. The race detector takes more than any limit.
func (c *hostileCase) command(ctx context.Context) *exec.Cmd {
	if raced() {
		return exec.CommandContext(ctx, "twinsh", c.args...)
	}
	address := c.memory + 8<<30 // not all addresses that Go reserves are memory
	return exec.CommandContext(ctx, "sh", append([]string{"-c", `ulimit -v "$0" && exec twinsh "$@"`, strconv.FormatInt(address>>10, 10)}, c.args...)...)
}

func (c *hostileCase) checkText(t *testing.T, stdout, stderr string) {
	for _, out := range []struct {
		name, text string
		want       []*regexp.Regexp
	}{{"stdout", stdout, c.stdout}, {"stderr", stderr, c.stderr}} {
		for _, want := range out.want {
			if !want.MatchString(out.text) {
				t.Errorf("%s does not match %q", out.name, want)
			}
		}
		for _, never := range append(c.never, crashed) {
			if never.MatchString(out.text) {
				t.Errorf("%s matches %q", out.name, never)
			}
		}
		if i := strings.IndexFunc(out.text, control); i >= 0 && !c.raw {
			t.Errorf("%s holds the control character %q", out.name, out.text[i])
		}
	}
	if len(c.stderr) == 0 && stderr != "" {
		t.Error("stderr is not empty")
	}
}

// crashed is what Go prints when a program dies of a bug.
var crashed = regexp.MustCompile(`(?m)^(panic: |fatal error: |goroutine \d+ \[|runtime: )|(?i)\bbug in twinsh\b`)

// control reports whether a terminal may take r for a command.
func control(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 }

func (c *hostileCase) checkFiles(t *testing.T, before, after map[string]string) {
	for name, text := range after {
		if was, ok := before[name]; (!ok || was != text) && !slices.Contains(c.writes, strings.TrimPrefix(name, "folder/")) {
			t.Errorf("the file %s was written", name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("the file %s is gone", name)
		}
	}
}

// filesBelow returns the contents of all files, and the targets of links.
func filesBelow(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			files[name] = "link to " + target
			return err
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// raced reports whether the race detector watches, which multiplies memory.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func clip(s string) string {
	if len(s) > 4000 {
		return s[:2000] + "\n…\n" + s[len(s)-2000:]
	}
	return s
}
