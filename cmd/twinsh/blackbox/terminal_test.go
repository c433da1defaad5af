package blackbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// orders are what terminals obey: colours, a hidden text, the cursor, the title,
// C1 controls, the direction of writing, and the beginning of the line.
const orders = "\x1b[31m\x1b[8m\x1b[2J\x1b]0;title\a\u009b2J\u202e\r"

// obeyed finds what a terminal would obey, apart from twinsh's colours and from
// what ends a line of a terminal.
var (
	obeyed  = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]")
	colored = regexp.MustCompile("\x1b\\[(0|1|2|22|31|33|34|35|36)(;(0|1|2|22|31|33|34|35|36))*m")
)

// hostile are scripts that give orders in all that they can say. ORDERS stands
// for them as a script writes them in a string.
var hostile = map[string]string{
	"print":      `print("ORDERS")`,
	"fail":       `fail("ORDERS")`,
	"an error":   `int("ORDERS")`,
	"a source":   "x = 1 // 0 # RAW",
	"a call":     "def f():\n    return 1 // 0 # RAW\nf()",
	"a syntax":   "x = = 1 # RAW",
	"a name":     `load("ORDERS.star", "x")`,
	"a format":   `show("ORDERS")`,
	"a file":     "cluster(p, n = 2, f = 0)\n" + `show(file = "../ORDERS")`,
	"a protocol": "cluster(p, n = 2, f = 0)\n" + `round("A")` + "\nshow()\nshow(\"messages\")\nprint(explore(rounds(\"any\")))",
	"a picture":  "cluster(p, n = 2, f = 0)\n" + `round("A")` + "\nfor f in [\"html\", \"mermaid\", \"shiviz\", \"json\"]:\n    show(f)",
	"a property": "cluster(p, n = 2, f = 0)\n" + `print(explore(rounds("any"), check = invariant("ORDERS", lambda w: "why ORDERS")))`,
	"a check":    "cluster(p, n = 2, f = 0)\n" + `check(invariant("ORDERS", lambda w: "why ORDERS"))`,
	"a story":    "cluster(p, n = 2, f = 0)\nround(\"A\")\n" + `check(invariant("i", lambda w: w.round_number == 0))`,
	"it holds":   "cluster(p, n = 2, f = 0)\n" + `check(invariant("ORDERS", lambda w: True))`,
	"why":        "cluster(p, n = 2, f = 0)\nround(\"A\")\n" + `print(why(agreement()))`,
	"a failure":  "cluster(bad, n = 2, f = 0)\n" + `r = explore(rounds("any"))` + "\nprint(r)\nshow(r)\nprint(why(r))\nround(\"A\")\nshow()",
	"help":       "def f():\n    \"\"\"does ORDERS\"\"\"\n\nhelp(f)",
	"a shrunk":   "cluster(p, n = 2, f = 0)\nr = explore(rounds(\"any\") * 2, check = agreement())\nprint(shrink(r.counterexample, agreement()))",
}

const hostileStage = `
def on_round(self, round):
    self.x = "state ORDERS"
    self.log("log ORDERS")
    self.broadcast("hi", text = "message ORDERS")
    self.decide(0, self.id + "value ORDERS")
def on_hi(self, m):
    pass
def show_(self):
    return "show ORDERS"
p = protocol("p ORDERS", replica = role(on_round = on_round, on_hi = on_hi, show = show_))
def fails(self, round):
    fail("ORDERS")
bad = protocol("bad", replica = role(on_round = fails))
`

func withOrders(script string) string {
	quoted := fmt.Sprintf("%q", orders)
	return strings.ReplaceAll(strings.ReplaceAll(script, "ORDERS", quoted[1:len(quoted)-1]), "RAW", strings.ReplaceAll(orders, "\r", ""))
}

// No script gives orders to the terminal, with colours and without, when it is
// run and at the prompt.
func TestTerminalObeysNoScript(t *testing.T) {
	for name, script := range hostile {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "it is \x1b[31m\x1b[2J.star")
			if err := os.WriteFile(file, []byte(withOrders(hostileStage+script)+"\n"), 0o644); err != nil {
				t.Skip("files cannot have such names:", err)
			}
			judge := func(how, out string, colors bool) {
				t.Helper()
				rest := out
				if colors {
					rest = colored.ReplaceAllString(out, "")
				}
				if bad := obeyed.FindString(rest); bad != "" {
					t.Errorf("%s: %q came through:\n%q", how, bad, out)
				}
				if !strings.Contains(out, `\x1b`) && !strings.Contains(out, "\\u001b") && !strings.Contains(out, "�") && !strings.Contains(out, "#27;") {
					t.Errorf("%s: nothing of it is to be seen:\n%q", how, out)
				}
				if strings.Contains(out, "\x1b[31m\x1b[8m") || strings.Contains(out, "\x1b[31m\\") {
					t.Errorf("%s: a script's colour came through:\n%q", how, out)
				}
			}
			out, _ := exec.Command(program, "run", file).CombinedOutput()
			judge("without a terminal", string(out), false)
			for _, args := range [][]string{{"run", file}, nil} {
				cmd := exec.Command(program, args...)
				cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
				if args == nil { // the shell, with output on a terminal
					cmd.Args = []string{"sh", "-c", `exec "$0" < "$1"`, program, file}
					sh, err := exec.LookPath("sh")
					if err != nil {
						t.Skip("no shell here")
					}
					cmd.Path = sh
				}
				tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 300})
				if err != nil {
					t.Skip("no terminal here:", err)
				}
				var out bytes.Buffer
				out.ReadFrom(tty) // which ends with an error, because the other side is closed
				cmd.Wait()
				tty.Close()
				text := strings.ReplaceAll(out.String(), "\r\n", "\n")
				text = strings.ReplaceAll(text, "\r\x1b[K", "") // the line of progress
				text = regexp.MustCompile("\r[^\r\n]*\x1b\\[K").ReplaceAllString(text, "")
				judge(fmt.Sprintf("twinsh %v on a terminal", args), text, true)
			}
		})
	}
}

// Nor do files that other programs wrote.
func TestTerminalObeysNoFile(t *testing.T) {
	dir := t.TempDir()
	k := &killing{T: t, dir: dir}
	k.write("script.star", withOrders(hostileStage+`
cluster(p, n = 2, f = 0)
round("A")
show(file = "trace.json")
explore(rounds("any"), check = invariant("ORDERS", lambda w: "why ORDERS"))
`))
	if out, err := k.command("twinsh", "run", "-reports", "reports", "script.star").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	trace := map[string]any{}
	if err := json.Unmarshal([]byte(k.read("trace.json")), &trace); err != nil {
		t.Fatal(err)
	}
	delete(trace, "sha256") // as a program does that writes traces of its own
	trace["protocol"] = orders
	text, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	k.write("trace.json", string(text))
	for _, args := range [][]string{
		{"merge", "reports"}, {"view", "trace.json"}, {"view", "-format", "messages", "trace.json"}, {"view", "-format", "html", "trace.json"},
		{"view", "-format", "mermaid", "trace.json"}, {"view", "-format", "shiviz", "trace.json"}, {"view", "-format", "json", "trace.json"},
		{"view", "\x1b[2J"}, {"merge", "\x1b[2J"}, {"\x1b[2J"}, {"run", "\x1b[2J.star"}, {"run", "-\x1b[2J"}, {"help", "\x1b[2J"},
	} {
		out, _ := k.command("twinsh", args...).CombinedOutput()
		if bad := obeyed.FindString(string(out)); bad != "" || len(out) == 0 {
			t.Errorf("twinsh %q: %q came through:\n%q", args, bad, out)
		}
	}
}
