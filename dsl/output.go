package dsl

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/twinsh/twinsh/runtime/files"
	"github.com/twinsh/twinsh/runtime/terminal"
	"github.com/twinsh/twinsh/runtime/trace"
)

// Where what a script says goes: to Stdout, or into files below the folder that the host
// allows. Both are hostile ground. Texts of a script may hold orders for a terminal, and
// names of files may point anywhere; neither gets past the functions here.

// A sharedWriter is written to by one goroutine at a time. Invariants may print, and are
// judged by several workers; their lines come in any order, but whole.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *sharedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// plainOut returns where text goes that is not coloured. A terminal does not obey it.
// Pictures and help, which are coloured, have made the texts in them visible themselves and
// go to config.Stdout; everything else goes through here.
func plainOut(in *Interpreter) io.Writer {
	if in.config.Color {
		return &terminal.Writer{To: in.config.Stdout}
	}
	return in.config.Stdout
}

// They are for Stdout. A picture that goes to a file has the zero options: no colours, and
// a width that does not depend on the window.
func traceOptions(in *Interpreter) trace.Options {
	return trace.Options{Width: in.config.Width, Color: in.config.Color}
}

// writable opens the folder below which scripts write. what names the parameter that names
// a file there. An [os.Root] is opened rather than paths joined: it does not leave the
// folder by "..", nor by symbolic links that are exchanged while the program looks. The
// test of the name comes first for its message. The caller closes the folder.
func writable(in *Interpreter, what, file string) (*os.Root, error) {
	if in.config.WriteDir == "" {
		return nil, fmt.Errorf("%s is %q, but this program lets scripts write no files", what, file)
	}
	if !filepath.IsLocal(file) {
		where := "the current folder"
		if in.config.WriteDir != "." {
			where = in.config.WriteDir
		}
		return nil, fmt.Errorf("%s is %q, want a path below %s", what, file, where)
	}
	folder, err := os.OpenRoot(in.config.WriteDir)
	if err != nil {
		return nil, fmt.Errorf("%s is %q: %w", what, file, err)
	}
	return folder, nil
}

// writeFile writes a file below the folder of the host, whole or not at all. A file that is
// there is replaced only if mine recognizes it, so that show(file = "notes.txt") cannot
// cost a person their notes. See [files.Write].
func writeFile(in *Interpreter, what, file, text string, mine func([]byte) bool) error {
	folder, err := writable(in, what, file)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := files.Write(folder, file, []byte(text), mine); err != nil {
		return fmt.Errorf("%s is %q, which cannot be written: %w", what, file, err)
	}
	return nil
}
