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

// A sharedWriter is written to by one goroutine at a time. Invariants may print.
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
func plainOut(in *Interpreter) io.Writer {
	if in.config.Color {
		return &terminal.Writer{To: in.config.Stdout}
	}
	return in.config.Stdout
}

func traceOptions(in *Interpreter) trace.Options {
	return trace.Options{Width: in.config.Width, Color: in.config.Color}
}

// writable opens the folder below which scripts write. what names the parameter
// that names a file there.
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

// writeFile writes a file below the folder of the host, whole or not at all. A file
// that is there is replaced only if mine recognizes it.
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
