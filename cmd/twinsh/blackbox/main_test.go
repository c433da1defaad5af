package blackbox

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// The exit status says how it went.
const (
	allHeld     = 0
	checkFailed = 1
	misused     = 2
	hungUp      = 129
	interrupted = 130
	terminated  = 143
)

// program is the path of twinsh, which TestMain builds and puts first into PATH.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(withProgram(m.Run))
}

func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "twinsh")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "twinsh")
	build := exec.Command("go", "build", "-C", "../../..", fmt.Sprintf("-race=%v", raced()), "-o", program, "./cmd/twinsh")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "twinsh cannot be built: %v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return run()
}

// TestScript tests the program as a user calls it. Each file of
// testdata/script tests one thing that it does.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    status,
			"interrupt": interrupt,
		},
	})
}

// status N PROGRAM ARG... executes a program and requires that exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	requireStatus(ts, err, args[0])
}

func requireStatus(ts *testscript.TestScript, err error, want string) {
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("cannot execute: %v", err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("the exit status is %d, want %s", got, want)
	}
}

// interrupt N WORD PROGRAM ARG... executes a program, interrupts it as soon as
// it has printed the word, and requires that exit status. What the program prints
// must hold the word once. It sends the signal of that number.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt N word program [args...]")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.Getenv("WORK")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	seen := &watcher{word: args[1], found: make(chan struct{})}
	cmd.Stdout = seen
	heeded(func() { err = cmd.Start() }, syscall.Signal(status-128))
	ts.Check(err)
	select {
	case <-seen.found:
		ts.Check(cmd.Process.Signal(syscall.Signal(status - 128)))
	case <-time.After(time.Minute):
		cmd.Process.Kill()
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	err = cmd.Wait()
	late.Stop()
	ts.Stdout().Write(seen.text.Bytes())
	ts.Stderr().Write(stderr.Bytes())
	requireStatus(ts, err, args[0])
}

// heeded starts a program that gets a signal even if this one was made to ignore
// it, as after nohup: what is ignored stays so in a program that is started.
func heeded(start func(), s os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	defer signal.Stop(c)
	start()
}

// A watcher keeps what is written to it, and closes found at a word.
type watcher struct {
	text  bytes.Buffer
	word  string
	found chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	before := strings.Contains(w.text.String(), w.word)
	n, err := w.text.Write(p)
	if !before && strings.Contains(w.text.String(), w.word) {
		close(w.found)
	}
	return n, err
}

// TestColor runs twinsh on a terminal.
func TestColor(t *testing.T) {
	script := filepath.Join(t.TempDir(), "error.star")
	if err := os.WriteFile(script, []byte("1 // 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env   string
		color bool
	}{
		{"TERM=xterm", true},
		{"NO_COLOR=1", false},
		{"NO_COLOR=", true},
		{"TERM=dumb", false},
	} {
		cmd := exec.Command(program, "run", script)
		cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=", c.env)
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Skip("no terminal here:", err)
		}
		var out bytes.Buffer
		out.ReadFrom(tty) // which ends with an error, because the other side is closed
		cmd.Wait()
		tty.Close()
		if !strings.Contains(out.String(), "floored division by zero") {
			t.Errorf("%s: got %q", c.env, out.String())
		}
		if got := strings.Contains(out.String(), "\x1b["); got != c.color {
			t.Errorf("%s: colours %v, want %v: %q", c.env, got, c.color, out.String())
		}
	}
}
