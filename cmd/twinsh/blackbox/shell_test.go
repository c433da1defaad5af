package blackbox

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A console is the program on a terminal.
type console struct {
	*testing.T
	tty  *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer // what it wrote and was not expected yet
	all  bytes.Buffer // all that it wrote
	done chan error
	// edits says that the program edits lines by itself.
	edits bool
}

// newConsole starts the shell in a folder; env is added to its environment.
func newConsole(t *testing.T, dir string, env ...string) *console {
	t.Helper()
	return newConsoleOf(t, 100, dir, env...)
}

// newConsoleOf does so in a window of some columns.
func newConsoleOf(t *testing.T, columns uint16, dir string, env ...string) *console {
	t.Helper()
	c := &console{T: t, cmd: shellCommand(dir, env...), done: make(chan error, 1), edits: !slices.Contains(env, "TERM=dumb")}
	var err error
	if c.tty, err = pty.StartWithSize(c.cmd, &pty.Winsize{Rows: 40, Cols: columns}); err != nil {
		t.Skip("no terminal here:", err)
	}
	go func() {
		var buf [4096]byte
		for {
			n, err := c.tty.Read(buf[:])
			c.mu.Lock()
			c.text.Write(buf[:n])
			c.all.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				c.done <- c.cmd.Wait()
				return
			}
		}
	}()
	t.Cleanup(func() { c.cmd.Process.Kill(); c.tty.Close() })
	c.expect("leaves.")
	return c
}

// shellCommand is a call of the program without arguments.
func shellCommand(dir string, env ...string) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm", "NO_COLOR=1", "XDG_STATE_HOME=" + dir}, env...)...)
	return cmd
}

// expect waits until the program has written text, and forgets all up to there.
func (c *console) expect(text string) string {
	c.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		got := c.text.String()
		if before, _, ok := strings.Cut(got, text); ok {
			c.text.Next(len(before) + len(text))
			c.mu.Unlock()
			return before
		}
		c.mu.Unlock()
		if time.Now().After(deadline) {
			c.Fatalf("%q was not written; got\n%s\n%q", text, got, got)
		}
	}
}

// written returns all that the program wrote.
func (c *console) written() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.all.Bytes())
}

func (c *console) send(keys string) {
	c.Helper()
	if _, err := c.tty.WriteString(keys); err != nil {
		c.Fatal(err)
	}
}

// run types lines, and waits for what each is answered.
func (c *console) run(line, answer string) {
	c.Helper()
	c.expect("> ")
	c.send(line + "\r")
	c.expect("\r\n")
	c.expect(answer)
}

// settle waits until the program reads keys by itself and has written nothing for
// a while. Between two lines the terminal would take control characters.
func (c *console) settle() {
	c.Helper()
	size := -1
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		c.mu.Lock()
		n := c.text.Len()
		c.mu.Unlock()
		if n == size && (!c.edits || c.takesKeys()) {
			return
		}
		if size = n; time.Now().After(deadline) {
			c.Fatal("the program never waits for keys")
		}
	}
}

// takesKeys reports whether the terminal leaves keys to the program: whether it
// is in another mode than a new one.
func (c *console) takesKeys() bool {
	fresh, other, err := pty.Open()
	if err != nil {
		c.Fatal(err)
	}
	defer fresh.Close()
	defer other.Close()
	was, err := term.GetState(int(fresh.Fd()))
	if err != nil {
		c.Fatal(err)
	}
	now, err := term.GetState(int(c.tty.Fd()))
	if err != nil {
		c.Fatal(err)
	}
	return !reflect.DeepEqual(was, now)
}

// leave presses Ctrl-D and requires that the program ends at once and well.
func (c *console) leave() {
	c.Helper()
	c.expect("> ")
	c.settle()
	c.send("\x04")
	select {
	case err := <-c.done:
		if err != nil {
			c.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		c.Fatal("Ctrl-D does not end it")
	}
}

const (
	loadKV  = `load("@std//kv.star", "kv", "read", "write")`
	stageKV = `cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})`
)

func TestShellRemembersWhereItIs(t *testing.T) {
	c := newConsole(t, t.TempDir())
	c.run(loadKV, "")
	c.run(stageKV, "kv() n=4 f=1   clients c1 c2")
	c.run(`exchange("c1", ["A", "B", "C"])`, "query done")
	c.run(`exchange("c1", ["A", "B", "C"])`, "c1 returns")
	c.run("undo()", "at step 1")
	c.run(`exchange("c1", ["A", "B", "D"])`, "c1 returns")
	c.run("branches()", "leaves this way after step 1")
	c.run("goto(branches()[0])", "at step 2: c1 write \"red\": update → A B C")
	c.run("1 // 0", "[9]:1:3: floored division by zero")
	c.expect("kv 2> ")
	c.send("1\r")
	c.leave()
}

func TestShellCompletes(t *testing.T) {
	c := newConsole(t, t.TempDir())
	c.run(loadKV, "")
	c.run(stageKV, "clients")
	c.expect("kv 0> ")
	c.settle()
	c.send("world().dep") // no call is made, so nothing is known of it
	c.send("\t\x15")
	c.send("exchan\t")
	c.expect("exchange")
	c.send("\x15w = wor\t")
	c.expect("world(")
	c.send(")\r")
	c.expect("kv 0> ")
	c.settle()
	c.send("w.dep\t\r")
	c.expect("0\r\n")
	c.expect("kv 0> ")
	c.settle()
	c.send("load(\"@std//kv.star\", \"\t")
	c.expect("kv     read   write\r\n")
	c.send("r\t")
	c.expect("read")
	c.send("\x15exchange(\t")
	c.expect("exchange(client, reach)\r\n")
	c.expect("client =   reach =")
	c.send("\x15exchange(\"c1\", reac\t")
	c.expect("reach = ")
	c.send("[\"A\", \"B\", \"C\"])\r")
	c.expect("query done")
	c.leave()
}

// What is pasted comes as one, blank lines and all; where the terminal does not
// say what is pasted, :paste does.
func TestShellTakesPastes(t *testing.T) {
	c := newConsole(t, t.TempDir())
	c.expect("twinsh> ")
	c.send("\x1b[200~def f(x):\n\n\ty = x + 1\n\n\treturn y\n\x1b[201~")
	c.send("\r")
	c.run("f(41)", "42")
	c.run(":paste", "Ctrl-D")
	c.send("def g(x):\r\r    return f(x) * 2\r\rg(1)\r\x04")
	// The terminal or the editor sees the Ctrl-D, which of them reads at that moment;
	// only the editor shows it.
	c.expect("4\r\n")
	c.run("f = lambda x: 100", "")
	c.run("g(1)", "200") // functions see globals as they are now
	c.expect("twinsh> ")
	c.settle()
	c.send("\x1b[A\x1b[A\x1b[A") // f(41) … from the history
	c.send("\x15\r")
	c.leave()
}

func TestShellStopsAtCtrlC(t *testing.T) {
	c := newConsole(t, t.TempDir())
	c.run(loadKV, "")
	c.run(`cluster(kv(), clients = {"c%d" % i: [write("v%d" % i), read()] for i in range(4)})`, "clients")
	c.run("twin(\"C\")", "twinned")
	c.run("x = 7", "")
	for _, endless := range []string{
		"def loop():\r    print('begun')\r    for i in range(1 << 40): pass\r\rloop()\r",
		"print('begun'); explore(exchanges(reach = subsets()) * 40, check = linearizable(), symmetry = False)\r",
	} {
		c.expect("kv 0 C⚡> ")
		c.send(endless)
		c.expect("begun\r\n")
		c.send("\x03")
		c.expect("interrupted")
		c.run("x", "7\r\n")
	}
	c.expect("> ")
	c.settle()
	c.send("half a line\x03")
	c.expect("^C")
	c.run("x + 1", "8\r\n")
	c.leave()
}

// The history outlives the program, and holds functions whole.
func TestShellKeepsItsHistory(t *testing.T) {
	dir := t.TempDir()
	c := newConsole(t, dir)
	c.expect("> ")
	c.send("def f():\r    return 21\r\r")
	c.run("f() * 2", "42")
	c.leave()
	if info, err := os.Stat(filepath.Join(dir, "twinsh", "history")); err != nil || info.Mode().Perm()&0o077 != 0 && info.Size() == 0 {
		t.Errorf("got %v, %v", info, err)
	}
	c = newConsole(t, dir)
	c.expect("> ")
	c.send("\x1b[A\x1b[A\r") // two up: the function
	c.settle()
	c.send("\x12f() *\r") // search
	c.expect("42")
	c.leave()
}

// A terminal that can do nothing.
func TestShellOnADumbTerminal(t *testing.T) {
	c := newConsole(t, t.TempDir(), "TERM=dumb")
	c.run(loadKV, "")
	c.run(stageKV, "clients")
	c.expect("kv 0> ")
	if c.takesKeys() {
		t.Error("it edits lines")
	}
	c.send("1 // 0\r")
	if got := c.expect("kv 0> "); strings.Contains(got, "\x1b") {
		t.Errorf("a dumb terminal is sent %q", got)
	}
	c.send("x = 3\r")
	c.leave()
}

// What comes from a pipe is executed without prompts, though what comes of it is
// seen on a terminal, and an error shows in the exit status.
func TestShellReadsPipes(t *testing.T) {
	screen, tty, err := pty.Open()
	if err != nil {
		t.Skip("no terminal here:", err)
	}
	defer screen.Close()
	cmd := shellCommand(t.TempDir(), "NO_COLOR=")
	cmd.Stdin = strings.NewReader("def f(x):\n    return x * 2\n\nf(21)\n1 // 0\nf(4)\n")
	cmd.Stdout, cmd.Stderr = tty, tty
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != misused {
		t.Errorf("it ended with %v", err)
	}
	tty.Close()
	got, _ := io.ReadAll(screen) // the end of a terminal is an error
	const want = "42\r\n[3]:1:3: \x1b[1mfloored division by zero\x1b[0m\r\n    1 // 0\r\n      \x1b[31m^\x1b[0m\r\n8\r\n"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Colours are shown unless they are unwanted.
func TestShellColours(t *testing.T) {
	for _, env := range []string{"NO_COLOR=", "NO_COLOR=1"} {
		c := newConsole(t, t.TempDir(), env)
		c.run(loadKV, "")
		c.run(stageKV, "clients")
		c.run(`twin("A")`, "twinned")
		c.expect("> ")
		c.send("1 // 0\r")
		got := c.expect("> ")
		if colored := strings.Contains(got, "\x1b[31m"); colored != (env == "NO_COLOR=") {
			t.Errorf("%s: got %q", env, got)
		}
		c.send("2\r")
		c.leave()
	}
}
