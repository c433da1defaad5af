package dsl

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/twinsh/twinsh/runtime/files"
)

// writable opens the folder below which scripts write. what names the parameter
// that names a file there.
func (in *Interpreter) writable(what, file string) (*os.Root, error) {
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

// write writes a file below the folder of the host, whole or not at all. A file
// that is there is replaced only if mine recognizes it.
func (in *Interpreter) write(what, file, text string, mine func([]byte) bool) error {
	folder, err := in.writable(what, file)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := files.Write(folder, file, []byte(text), mine); err != nil {
		return fmt.Errorf("%s is %q, which cannot be written: %w", what, file, err)
	}
	return nil
}

// Save writes [Interpreter.Script] into a file that is not there yet.
func (in *Interpreter) Save(path string) error {
	script, err := in.Script()
	if err != nil {
		return err
	}
	return files.WriteAt(path, []byte(script), nil)
}
