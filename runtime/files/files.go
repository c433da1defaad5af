// Package files writes files that are either as they were or whole, inside a
// folder that no name and no symbolic link leads out of.
//
//	Write    replaces or makes a file, all of it or nothing
//	Lock     keeps other programs from working with a file
//	WriteAt  does that to a path that the user of the program named
//
// A file is replaced only if the caller recognizes what is in it, so that
// nothing is written over a script or anything else that a person wrote.
//
// Beside a file NAME there may be .NAME.twinsh-new while it is written, and
// .NAME.twinsh-lock while it is locked. Both are locked by the system as long
// as the program that made them lives; what a killed program left behind goes
// when the file is written or locked the next time.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// patience is how long [Write] waits for another program that writes the same file.
const patience = 5 * time.Second

// headSize is how much of a file is read to recognize it.
const headSize = 4 << 10

// Write puts data into a file of a folder: when it returns without an error,
// the file is whole and on the disk; when it returns an error, or is killed, the
// file is as it was. A file that is there and not empty is replaced only if
// mine, which is given how it begins, recognizes it; with a nil mine no
// file is replaced. What is no regular file is never replaced.
func Write(folder *os.Root, name string, data []byte, mine func(head []byte) bool) error {
	return write(folder, name, name, data, mine)
}

// WriteAt is [Write] for a path that a person named, which may be anywhere.
func WriteAt(path string, data []byte, mine func(head []byte) bool) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return write(folder, filepath.Base(path), path, data, mine)
}

// write writes the file called name; shown is what people call it.
func write(folder *os.Root, name, shown string, data []byte, mine func(head []byte) bool) (err error) {
	mode, err := replaceable(folder, name, shown, mine)
	if err != nil {
		return err
	}
	temporary := beside(name, "new")
	f, err := claim(folder, temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			err = errors.Join(bare(shown, err), ignoreMissing(folder.Remove(temporary)))
		}
	}()
	if mode != 0 {
		if err = f.Chmod(mode); err != nil {
			return err
		}
	}
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	// Where a name can be changed under an open file, the lock is kept until
	// that is done.
	if runtime.GOOS != "windows" {
		defer f.Close()
	} else if err = f.Close(); err != nil {
		return err
	}
	if mine == nil { // not even over a file that came to be just now
		err = folder.Link(temporary, name)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("there is a file %s already", shown)
		}
		if err == nil {
			syncFolder(folder, filepath.Dir(name))
			return folder.Remove(temporary)
		}
	} // else, and where a file cannot have two names:
	if err = folder.Rename(temporary, name); err != nil {
		return err
	}
	syncFolder(folder, filepath.Dir(name))
	return nil
}

// Replaceable returns the error with which [Write] would refuse to replace what
// is there.
func Replaceable(folder *os.Root, name string, mine func(head []byte) bool) error {
	_, err := replaceable(folder, name, name, mine)
	return err
}

// replaceable reports why a file must not be written, and the mode of the one
// that is there, 0 if there is none.
func replaceable(folder *os.Root, name, shown string, mine func([]byte) bool) (fs.FileMode, error) {
	if err := unlinked(folder, name); err != nil {
		return 0, err
	}
	info, err := folder.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, bare(shown, err)
	}
	if err := regular(shown, info); err != nil {
		return 0, err
	}
	if mine == nil {
		return 0, fmt.Errorf("there is a file %s already", shown)
	}
	if info.Size() == 0 {
		return info.Mode().Perm(), nil
	}
	f, err := folder.Open(name)
	if err != nil {
		return 0, bare(shown, err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headSize))
	if err != nil {
		return 0, bare(shown, err)
	}
	if !mine(head) {
		return 0, fmt.Errorf("there is a file %s already, and it is not one that twinsh wrote for this; remove it or name another", shown)
	}
	return info.Mode().Perm(), nil
}

// unlinked returns an error if a folder on the way to a file is a symbolic link. The
// folder that all is in would keep even that from leading out of it.
func unlinked(folder *os.Root, name string) error {
	for dir := filepath.Dir(name); dir != "." && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if info, err := folder.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link, which is not followed", dir)
		}
	}
	return nil
}

func regular(name string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return fmt.Errorf("%s is a folder", name)
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, which is not followed", name)
	}
	return fmt.Errorf("%s is a device or a pipe, not a file", name)
}

// Read returns what is in a regular file of a folder.
func Read(folder *os.Root, name string) ([]byte, error) {
	if err := unlinked(folder, name); err != nil {
		return nil, err
	}
	info, err := folder.Lstat(name)
	if err != nil {
		return nil, bare(name, err)
	}
	if err := regular(name, info); err != nil {
		return nil, err
	}
	data, err := folder.ReadFile(name)
	return data, bare(name, err)
}

// beside returns the name of a file that belongs to another.
func beside(name, what string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".twinsh-"+what)
}

// claim makes a file that this program alone writes. One that a killed program
// left behind is removed.
func claim(folder *os.Root, name string) (*os.File, error) {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		f, err := folder.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case err == nil:
			if ours, err := lockFile(f); err != nil || ours && isAt(folder, name, f) {
				return f, err
			}
			f.Close() // another program took it for one that was left behind
		case !errors.Is(err, fs.ErrExist):
			return nil, bare(name, err)
		default:
			if err := removeAbandoned(folder, name); err != nil {
				return nil, err
			}
		}
		if time.Since(began) > patience {
			return nil, fmt.Errorf("%s is being written by another process", name)
		}
	}
}

// removeAbandoned removes a file that belongs to a program that lives no more.
func removeAbandoned(folder *os.Root, name string) error {
	info, err := folder.Lstat(name)
	if err != nil {
		return ignoreMissing(bare(name, err))
	}
	if err := regular(name, info); err != nil {
		return err
	}
	f, err := folder.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return ignoreMissing(bare(name, err))
	}
	defer f.Close()
	if free, err := lockFile(f); err != nil || !free || !isAt(folder, name, f) {
		return err
	}
	if runtime.GOOS == "windows" {
		f.Close() // an open file cannot be removed there
	}
	return ignoreMissing(folder.Remove(name))
}

// isAt reports whether f is the file of that name, and no link leads to it.
func isAt(folder *os.Root, name string, f *os.File) bool {
	there, err := folder.Lstat(name)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(there, here)
}

// A BusyError says that another process works with a file.
type BusyError struct {
	Name    string
	Process int // its id, 0 if it is not known
}

func (e *BusyError) Error() string {
	if e.Process == 0 {
		return fmt.Sprintf("another process is using %s", e.Name)
	}
	return fmt.Sprintf("process %d is using %s", e.Process, e.Name)
}

// Lock keeps other programs, and other goroutines, that ask for the lock of the
// same file from getting it until release is called or the program ends. The
// file need not be there. The error is a [*BusyError] if it is locked already.
func Lock(folder *os.Root, name string) (release func(), err error) {
	if err := unlinked(folder, name); err != nil {
		return nil, err
	}
	path := beside(name, "lock")
	for {
		if info, err := folder.Lstat(path); err == nil {
			if err := regular(path, info); err != nil {
				return nil, err
			}
		}
		f, err := folder.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, bare(path, err)
		}
		ours, err := lockFile(f)
		if err != nil || !ours {
			text, _ := io.ReadAll(io.LimitReader(f, 32)) // a lock without a number says less
			process, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			f.Close()
			if err != nil {
				return nil, bare(path, err)
			}
			return nil, &BusyError{name, process}
		}
		if !isAt(folder, path, f) { // it was released in between
			f.Close()
			continue
		}
		release = func() {
			if runtime.GOOS == "windows" {
				f.Close()
			}
			folder.Remove(path) // if it stays, the next program takes it over
			f.Close()
		}
		err = f.Truncate(0)
		if err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		if err == nil {
			err = removeAbandoned(folder, beside(name, "new"))
		}
		if err != nil {
			release()
			return nil, bare(path, err)
		}
		return release, nil
	}
}

// syncFolder makes sure that a name stays what it is if the power fails. Not
// every system can.
func syncFolder(folder *os.Root, dir string) {
	if d, err := folder.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

// bare returns an error that names the file as the caller does.
func bare(name string, err error) error {
	var in *fs.PathError
	if errors.As(err, &in) {
		return fmt.Errorf("%s %s: %w", strings.TrimSuffix(in.Op, "at"), name, in.Err)
	}
	var between *os.LinkError
	if errors.As(err, &between) {
		return fmt.Errorf("%s %s: %w", strings.TrimSuffix(between.Op, "at"), name, between.Err)
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
