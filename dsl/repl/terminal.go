package repl

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/chzyer/readline"

	"github.com/twinsh/twinsh/runtime/terminal"
)

// newline stands for a newline in a line of the terminal and in the history
// file: what takes several lines is edited, and remembered, as one.
const newline = "␤"

// Terminal returns an Editor on the terminal of the process, which may show
// colours. The history is kept in a file; if its name is empty, it is forgotten.
//
// A library moves the cursor and searches the history. What it does not do is done here: several
// lines in one, texts that are pasted, a list of completions that fits a narrow window, and
// the signature of the function whose arguments are written, in the row below.
func Terminal(history string, colored bool) (Editor, error) {
	keys := &keyboard{in: os.Stdin, wanted: sync.NewCond(new(sync.Mutex))}
	t := &editor{keys: keys, colored: colored}
	line, err := readline.NewEx(&readline.Config{
		Stdin:                  keys,
		HistoryFile:            history,
		HistoryLimit:           2000,
		HistorySearchFold:      true,
		DisableAutoSaveHistory: true,
		AutoComplete:           t,
		Painter:                t,
		InterruptPrompt:        "^C",
	})
	if err != nil {
		return nil, err
	}
	t.line = line
	return t, nil
}

type editor struct {
	line    *readline.Instance
	keys    *keyboard
	guide   Guide
	colored bool
	prompt  int // columns of the prompt
}

// These make a terminal mark what is pasted, and stop that (xterm's "bracketed paste mode"). A
// terminal that does not know it ignores them, and then lines come one by one.
const (
	markPastes  = "\x1b[?2004h"
	leavePastes = "\x1b[?2004l"
)

func (t *editor) ReadLine(prompt string) (string, error) {
	t.keys.listen(true)
	defer t.keys.listen(false)
	os.Stdout.WriteString(markPastes)
	defer os.Stdout.WriteString(leavePastes)
	t.line.SetPrompt(prompt)
	t.prompt = utf8.RuneCountInString(escapes.ReplaceAllString(prompt, ""))
	line, err := t.line.Readline()
	if errors.Is(err, readline.ErrInterrupt) {
		err = ErrInterrupted
	}
	return strings.ReplaceAll(line, newline, "\n"), err
}

func (t *editor) Remember(text string) {
	// A history that cannot be written is no reason to stop a person's work.
	_ = t.line.SaveHistory(strings.ReplaceAll(text, "\n", newline))
}

func (t *editor) Follow(g Guide)    { t.guide = g }
func (t *editor) Interactive() bool { return true }

// Close does not wait for more than a moment: the library waits for a key.
func (t *editor) Close() error {
	closed := make(chan error, 1)
	go func() { closed <- t.line.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(100 * time.Millisecond):
		return t.line.Terminal.ExitRawMode()
	}
}

// Do implements [readline.AutoCompleter]: it returns what is to be added to
// the line at pos. It lists several possibilities itself, because the library's
// menu divides by zero where the terminal is narrower than a word.
func (t *editor) Do(line []rune, pos int) ([][]rune, int) {
	before := strings.ReplaceAll(string(line[:pos]), newline, "\n")
	c := t.guide.Complete(before, len(before))
	// The words complete what was typed since Start; the library wants only what is missing.
	typed := before[c.Start:]
	asks := typed == "" && c.Signature != "" // how to go on in a call
	if more, _ := strings.CutPrefix(common(c.Words), typed); more != "" && !asks {
		return [][]rune{[]rune(more)}, 0
	}
	var list strings.Builder
	if c.Signature != "" {
		list.WriteString(c.Signature + "\n")
	}
	list.WriteString(columns(c.Words, readline.GetScreenWidth()))
	if list.Len() > 0 {
		io.WriteString(t.line.Stdout(), list.String())
	}
	return nil, 0
}

// escapes are sequences that colour text.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// These go to the row below, of which there is one then, and back. The library
// clears everything below the cursor before it writes the line again.
const (
	toNextRow = "\x1bD\x1b[A\x1b7\x1b[B\r"
	backAgain = "\x1b8"
)

// Paint implements [readline.Painter]. While arguments are written at the end of
// the line, it shows below how the function is called.
func (t *editor) Paint(line []rune, pos int) []rune {
	line = slices.Clone(line)
	for i, r := range line { // one for one, so that the cursor is where it seems
		if text := string(r); r != '\n' && terminal.Visible(text) != text {
			line[i] = '�'
		}
	}
	width := readline.GetScreenWidth()
	entered := pos > 0 && line[pos-1] == '\n'
	if pos < len(line) || entered || width < 2 || runtime.GOOS == "windows" { // where the library knows few sequences
		return line
	}
	// At the edge of the window terminals disagree about where the cursor is.
	if column := (t.prompt + pos) % width; column == 0 || column == width-1 {
		return line
	}
	text := strings.ReplaceAll(string(line), newline, "\n")
	hint := []rune(t.guide.Signature(text, len(text)))
	if len(hint) == 0 {
		return line
	}
	if len(hint) >= width {
		hint = append(hint[:width-2], '…')
	}
	below := toNextRow + paint(t.colored, terminal.Faint, string(hint)) + backAgain
	return append(slices.Clone(line), []rune(below)...)
}

// common returns what all words begin with.
func common(words []string) string {
	if len(words) == 0 {
		return ""
	}
	prefix := words[0]
	for _, w := range words {
		for !strings.HasPrefix(w, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// columns lists words side by side in lines of the given width, all columns as wide as the widest.
func columns(words []string, width int) string {
	widest := 0
	for _, w := range words {
		widest = max(widest, len([]rune(w))+2)
	}
	var b strings.Builder
	at := 0
	for i, w := range words {
		if at > 0 && at+widest > width {
			b.WriteString("\n")
			at = 0
		}
		b.WriteString(w)
		if i < len(words)-1 && at+2*widest <= width {
			b.WriteString(strings.Repeat(" ", widest-len([]rune(w))))
		}
		at += widest
	}
	if at > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// A keyboard hands the keys of a terminal to the line editor, but only while a
// line is being edited: at other times they are for other programs, such as the editor that
// :edit starts. Pasted text comes as one line: a newline in it is the sign for one, and other
// control characters are left out, since a text that was copied from somewhere must not press
// keys.
//
// The library reads in a goroutine of its own, ahead of what is asked for. After a key that may have
// ended the line the keyboard waits a moment, to see whether another line is wanted.
type keyboard struct {
	in     io.Reader
	wanted *sync.Cond
	wants  bool // a line is being edited; guarded by wanted.L

	ready    []byte // to be handed out
	held     []byte // the beginning of a mark, maybe
	pasting  bool
	breaks   int  // newlines at the end of what was pasted so far
	returned bool // the last of them was a carriage return
	ended    bool // the last keys may have ended the line
}

var (
	pasteBegins = []byte("\x1b[200~")
	pasteEnds   = []byte("\x1b[201~")
)

// listen says whether a line is being edited.
func (k *keyboard) listen(on bool) {
	k.wanted.L.Lock()
	k.wants = on
	k.wanted.L.Unlock()
	k.wanted.Broadcast()
}

// settle is how long it takes to see whether a key ended a line.
const settle = 20 * time.Millisecond

// Read implements [io.Reader].
func (k *keyboard) Read(p []byte) (int, error) {
	for len(k.ready) == 0 {
		if k.ended {
			time.Sleep(settle)
		}
		k.wanted.L.Lock()
		for !k.wants {
			k.wanted.Wait()
		}
		k.wanted.L.Unlock()
		var keys [1024]byte
		n, err := k.in.Read(keys[:])
		k.ended = bytes.ContainsAny(keys[:n], "\r\n\x03\x04")
		k.take(keys[:n])
		if err != nil && len(k.ready) == 0 {
			return 0, err
		}
	}
	n := copy(p, k.ready)
	k.ready = k.ready[n:]
	return n, nil
}

// Close implements [io.Closer]. The terminal itself stays open.
func (k *keyboard) Close() error { return nil }

// take finds out which of the keys were pasted.
func (k *keyboard) take(keys []byte) {
	k.held = append(k.held, keys...)
	for len(k.held) > 0 {
		mark := pasteBegins
		if k.pasting {
			mark = pasteEnds
		}
		if bytes.HasPrefix(k.held, mark) {
			k.held = k.held[len(mark):]
			k.pasting = !k.pasting
			k.breaks = 0
			continue
		}
		// An escape alone is a key, unless text is pasted.
		if (len(k.held) > 1 || k.pasting) && bytes.HasPrefix(mark, k.held) {
			return
		}
		k.key(k.held[0])
		k.held = k.held[1:]
	}
}

// key hands out one byte.
func (k *keyboard) key(c byte) {
	if !k.pasting {
		k.ready = append(k.ready, c)
		return
	}
	if c == '\r' || c == '\n' {
		if c == '\r' || !k.returned { // one of \r\n is enough
			k.breaks++ // those at the end are left out: the user will press Enter
		}
		k.returned = c == '\r'
		return
	}
	k.returned = false
	text := string([]byte{c})
	if c == '\t' {
		text = "    "
	} else if c < ' ' || c == 0x7f {
		return
	}
	k.ready = append(k.ready, strings.Repeat(newline, k.breaks)+text...)
	k.breaks = 0
}
