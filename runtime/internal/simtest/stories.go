package simtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the answers that come into the transcripts; read the diffs carefully!")

// A Command is one command of a transcript.
type Command struct {
	Name  string
	Args  []Arg
	Input string // the lines below it, without blanks around them
	Where string // FILE:LINE
}

// An Arg is an argument: key, key=value or key=(value, value).
type Arg struct {
	Key    string
	Values []string
}

// Arg returns the first value of an argument, "" if it has none, and whether it is
// there.
func (c *Command) Arg(key string) (value string, given bool) {
	i := slices.IndexFunc(c.Args, func(a Arg) bool { return a.Key == key })
	if i < 0 {
		return "", false
	}
	return strings.Join(c.Args[i].Values[:min(1, len(c.Args[i].Values))], ""), true
}

// Stories runs each transcript FOLDER/*.txt in a test of its own. For each it calls
// begin, and what that returns answers its commands, in order. A transcript has the
// format of github.com/cockroachdb/datadriven:
//
//	# a remark
//	command key key=value key=(value, value)
//	input, which ends with a line of four dashes
//	----
//	the answer, which ends with a blank line
//
// An answer with blank lines stands between two pairs of such lines.
func Stories(t *testing.T, folder string, begin func() func(*testing.T, *Command) string) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts in %s: %v", folder, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			answer := begin()
			after, wrong, err := transcript(path, string(text), func(c *Command) string { return answer(t, c) })
			switch {
			case err != nil:
				t.Fatal(err)
			case !*rewrite:
				for _, what := range wrong {
					t.Error(what)
				}
			case after != string(text):
				if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Commands returns the commands of a transcript.
func Commands(t testing.TB, path string) (list []*Command) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		_, _, err = transcript(path, string(text), func(c *Command) string { list = append(list, c); return "" })
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const dashes = "----\n"

// transcript runs the commands of a text. It returns the text with the answers that
// came, and what is wrong with those that are others than the text says.
func transcript(path, text string, answer func(*Command) string) (rewritten string, wrong []string, err error) {
	var after strings.Builder
	lines := slices.Collect(strings.Lines(text))
	take := func() string {
		line := lines[0]
		lines = lines[1:]
		return line
	}
	for all := len(lines); len(lines) > 0; {
		line := take()
		after.WriteString(line)
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		c := &Command{Where: fmt.Sprintf("%s:%d", path, all-len(lines))}
		if c.Name, c.Args, err = parse(strings.TrimSpace(line)); err != nil {
			return "", nil, fmt.Errorf("%s: %w", c.Where, err)
		}
		for len(lines) > 0 && lines[0] != dashes {
			line := take()
			c.Input += line
			after.WriteString(line)
		}
		c.Input = strings.TrimSpace(c.Input)
		if len(lines) == 0 {
			return "", nil, fmt.Errorf("%s: no line of dashes follows", c.Where)
		}
		take()
		want := expected(take, &lines)
		got := answer(c)
		if got != "" && !strings.HasSuffix(got, "\n") {
			got += "\n"
		}
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %s\nanswers\n%s\nwant\n%s", c.Where, strings.TrimSpace(line), got, want))
		}
		if after.WriteString(dashes); strings.Contains("\n"+got, "\n\n") {
			got = dashes + got + dashes + dashes
		}
		after.WriteString(got)
		if len(lines) > 0 {
			after.WriteString("\n")
		}
	}
	return after.String(), wrong, nil
}

// expected takes an answer, and the blank line that follows it.
func expected(take func() string, lines *[]string) string {
	var want strings.Builder
	if len(*lines) > 0 && (*lines)[0] == dashes {
		take()
		for len(*lines) > 1 && !((*lines)[0] == dashes && (*lines)[1] == dashes) {
			want.WriteString(take())
		}
		*lines = (*lines)[min(2, len(*lines)):]
		if len(*lines) > 0 && (*lines)[0] == "\n" {
			take()
		}
		return want.String()
	}
	for len(*lines) > 0 {
		line := take()
		if line == "\n" {
			break
		}
		want.WriteString(line)
	}
	return want.String()
}

// argument is what may follow the name of a command.
var argument = regexp.MustCompile(`^([^\s=]+)(?:=(\(([^()]*)\)|[^\s(]\S*|))?(?:\s+|$)`)

// Line returns the command of a line, without input.
func Line(text string) (*Command, error) {
	name, args, err := parse(text)
	return &Command{Name: name, Args: args}, err
}

// parse takes the line of a command apart.
func parse(line string) (name string, args []Arg, err error) {
	name, rest, _ := strings.Cut(line, " ")
	for rest = strings.TrimSpace(rest); rest != ""; {
		m := argument.FindStringSubmatch(rest)
		if m == nil {
			return "", nil, fmt.Errorf("no argument is %q; want key, key=value or key=(value, value)", rest)
		}
		rest = rest[len(m[0]):]
		arg := Arg{Key: m[1]}
		switch {
		case strings.HasPrefix(m[2], "("):
			for value := range strings.SplitSeq(m[3], ",") {
				arg.Values = append(arg.Values, strings.TrimSpace(value))
			}
		case m[2] != "":
			arg.Values = []string{m[2]}
		}
		args = append(args, arg)
	}
	return name, args, nil
}
