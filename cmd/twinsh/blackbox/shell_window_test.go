package blackbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// What is shown fits the window as it is now, not as it was.
func TestShellFollowsTheWindow(t *testing.T) {
	c := newConsole(t, t.TempDir())
	c.run(loadKV, "")
	c.run(stageKV, "clients")
	const whole = `1 c1 write "red": query → A B C   7 messages, 1 lost`
	for _, columns := range []int{30, 100, 20} {
		c.expect("> ")
		c.settle()
		if err := pty.Setsize(c.tty, &pty.Winsize{Rows: 20, Cols: uint16(columns)}); err != nil {
			t.Fatal(err)
		}
		c.send(`exchange("c1", ["A", "B", "C"])` + "\r")
		want := whole
		if columns < utf8.RuneCountInString(whole) {
			want = string([]rune(whole)[:columns-1]) + "…"
		}
		c.expect("\n\x1b[?2004l" + want + "\r\n")
		c.run("show()", "\r\n\r\n #")
		if got := c.expect("\r\n\x1b[?2004h"); strings.Contains(got, "A B C  ·") != (columns == 100) {
			t.Errorf("in %d columns show() draws\n%s", columns, got)
		}
		c.run("undo()", "at the start")
	}
	c.leave()
}

// Nothing that is shown of a store of four servers is broken by a window of 80
// columns.
func TestShellFits80Columns(t *testing.T) {
	c := newConsoleOf(t, 80, t.TempDir(), "NO_COLOR=")
	for _, line := range []string{
		loadKV,
		`store = kv(write_back = False)`,
		`writers = {"c1": [write("red")], "c2": [write("blue")]}`,
		`cluster(store, clients = writers | {"c3": [read(), read()]})`,
		`twin("C")`,
		`partition(["A", "B", "C", "c1", "c2", "c3"], ["C'", "D"])`,
		`next()`,
		`exchange("c1", ["A", "B", "C"])`,
		`exchange("c1", ["A"])`,
		`exchange("c3", ["A", "B", "C"])`,
		`heal()`,
		`exchange("c3", ["B", "C", "D"])`,
		`next()`,
		`show()`,
		`show("messages")`,
		`check(linearizable())`,
		`branches()`,
		`help()`,
		`help("show")`,
		`:help`,
	} {
		c.run(line, "")
	}
	c.expect("> ")
	c.settle()
	s := screenOf(c.written(), 80, 0)
	for y, line := range s.lines {
		if s.Cell(79, y).Mode&wrapMode != 0 {
			t.Errorf("the window breaks\n%s\n%s", line, s.lines[y+1])
		}
	}
}

// While arguments are typed, the signature stands below.
func TestShellShowsSignatures(t *testing.T) {
	const signature = "exchange(client, reach)"
	// A window of a few rows: what is below its last row moves all others up.
	const columns, rows = 60, 6
	c := newConsoleOf(t, columns, t.TempDir(), "NO_COLOR=")
	c.run(loadKV, "")
	c.run(stageKV, "clients")
	shown := func(what, want string) {
		t.Helper()
		n := strings.Count(want, "\n") + 1
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			s := screenOf(c.written(), columns, rows)
			got := strings.Join(s.lines[max(0, len(s.lines)-n):], "\n")
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the terminal shows\n%s\nwant\n%s", what, got, want)
			}
		}
	}
	c.settle()
	c.send("exchange")
	shown("a name", "kv 0> exchange")
	c.send("(")
	shown("a call", "kv 0> exchange(\n"+signature)
	if got := screenOf(c.written(), columns, rows).looks(signature); got != "c8" {
		t.Errorf("the signature looks %q", got)
	}
	c.send(`"c1", ["A", "B"`)
	shown("an argument", `kv 0> exchange("c1", ["A", "B"`+"\n"+signature)
	c.send("\x1b[D\x1b[D")
	shown("back", `kv 0> exchange("c1", ["A", "B"`)
	c.send("\x05\x7f\x7f\x7f")
	shown("the end", `kv 0> exchange("c1", ["A",`+"\n"+signature)
	line := "exchange(" + strings.Repeat("9", columns-len("kv 0> exchange(")-2)
	c.send("\x15" + line)
	for n := columns - 2; n < columns+2; n++ {
		want := "kv 0> " + line
		if n > columns {
			want = want[:columns] + "\n" + want[columns:]
		}
		if n < columns-1 || n > columns { // at the edge there is none
			want += "\n" + signature
		}
		shown(fmt.Sprintf("%d columns", n), want)
		c.send("9")
		line += "9"
	}
	c.send("\x15exchange(\"c1\", [\"\t")
	shown("a list", "A  B  C  D\nkv 0> exchange(\"c1\", [\"\n"+signature)
	c.send("A\", \"B\", \"C\"])\r")
	shown("it is done", "kv 0> exchange(\"c1\", [\"A\", \"B\", \"C\"])\n1 c1 write \"red\": query → A B C   7 messages, 1 lost\n  c1 idle → query done\nkv 1>")
	c.send("exchange(\x12red")
	shown("a search", "kv 1> "+stageKV[:columns-6]+"\n"+stageKV[columns-6:]+"\nbck-i-search: red")
	c.send("\x07\x15exchange(\r")
	shown("the next line", "kv 1> exchange(\n...\n"+signature)
	c.send("\x03")
	shown("given up", "kv 1> exchange(\n... ^C\nkv 1>")
	c.leave()
}
