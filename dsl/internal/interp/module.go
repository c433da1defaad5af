package interp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/spell"
)

// StdPrefix is how the names of modules that a host provides begin.
const StdPrefix = "@std//"

// A tree is a place that files come from. Nothing outside of it can be read
// through it, by no name and no symbolic link: that of a folder is an [os.Root], which
// the system holds to that.
type tree struct {
	prefix string // of the names of files in messages
	dir    string // for messages
	files  fs.FS  // nil if there are none
}

// A file is a path in a tree.
type file struct {
	tree *tree
	path string
}

func (f file) name() string { return f.tree.prefix + f.path }
func (f file) std() bool    { return f.tree.prefix == StdPrefix }

// A loader finds modules and keeps them. That of text that is evaluated lives as long as its
// interpreter, that of a file for one execution.
type loader struct {
	std   *tree
	local *tree // the folder of the main script
	text  *tree // the same for a main script that is no file
	root  *os.Root
	done  map[file]*module
}

// A module is what a file defined when it was executed.
type module struct {
	globals starlark.StringDict
	source  string
	uses    []file // that it loads
}

// newLoader makes a loader for a main script in dir; dir may be empty.
func newLoader(modules fs.FS, dir string) (*loader, error) {
	l := &loader{
		std:   &tree{prefix: StdPrefix, dir: "@std", files: modules},
		local: &tree{dir: dir},
		done:  map[file]*module{},
	}
	l.text = &tree{}
	if dir == "" {
		return l, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	l.root = root
	if l.local.files = root.FS(); dir != "." {
		l.local.prefix = filepath.ToSlash(filepath.Clean(dir)) + "/"
	}
	return l, nil
}

func (l *loader) close() {
	if l.root != nil {
		l.root.Close()
	}
}

// standard returns the module of @std that has the same file name, "" if there is none.
func (l *loader) standard(name string) string {
	f := file{l.std, path.Base(name)}
	if l.std.files == nil {
		return ""
	}
	if _, err := fs.Stat(l.std.files, f.path); err != nil {
		return ""
	}
	return f.name()
}

// find returns the file that a load statement in from names. Paths are relative to the file that
// loads, as in most languages, and end at the folder of the main script. They are written with
// slashes on all systems, so that a script does not depend on where it was written.
func (l *loader) find(from file, name string) (file, error) {
	if rest, ok := strings.CutPrefix(name, StdPrefix); ok {
		if !fs.ValidPath(rest) {
			return file{}, fmt.Errorf(`a module of @std is written as in "@std//kv.star"`)
		}
		return file{l.std, rest}, nil
	}
	if strings.HasPrefix(name, "@") {
		if standard := l.standard(name); standard != "" {
			return file{}, fmt.Errorf("there is no %s (did you mean %s?)", name, standard)
		}
		return file{}, fmt.Errorf(`there is no %s; modules that come with twinsh are written as in "@std//kv.star", others by their path`, name)
	}
	f := file{from.tree, path.Join(path.Dir(from.path), name)}
	if f.tree == l.text {
		f = file{l.local, path.Clean(name)}
	}
	if f.tree.files == nil {
		return file{}, fmt.Errorf(`this text has no folder to load from; only modules of "@std//" can be loaded`)
	}
	if strings.Contains(name, `\`) {
		return file{}, errors.New("paths are written with /")
	}
	if path.IsAbs(name) || filepath.VolumeName(name) != "" || !fs.ValidPath(f.path) {
		return file{}, fmt.Errorf("it is outside of %s, the folder of the main script; a script reads only below its folder", f.tree.where())
	}
	return f, nil
}

// where names the folder of a tree.
func (t *tree) where() string {
	if t.dir == "." {
		return "the current folder"
	}
	return t.dir
}

// A noFileError says that there is no such file, and which one may be meant.
type noFileError struct{ message string }

func (e *noFileError) Error() string { return e.message }

// Is says that it is an error of a file that does not exist.
func (e *noFileError) Is(target error) bool { return target == fs.ErrNotExist }

func (f file) read() (string, error) {
	if f.tree.files == nil {
		return "", fmt.Errorf("there are no modules in %s", f.tree.dir)
	}
	source, err := fs.ReadFile(f.tree.files, f.path)
	if err == nil {
		return string(source), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", &noFileError{fmt.Sprintf("there is no file %s%s", f.name(), spell.Hint(f.name(), f.neighbours()))}
	}
	var bare *fs.PathError
	if errors.As(err, &bare) {
		err = bare.Err
	}
	return "", fmt.Errorf("%s cannot be read: %w", f.name(), err)
}

// neighbours lists the scripts beside f.
func (f file) neighbours() []string {
	paths, err := fs.Glob(f.tree.files, path.Join(path.Dir(f.path), "*.star"))
	if err != nil { // the folder has a name that is a malformed pattern
		return nil
	}
	for i, p := range paths {
		paths[i] = file{f.tree, p}.name()
	}
	return paths
}

// A Module is what a module of @std says of itself.
type Module struct {
	Name    string   // as in a load statement
	Doc     string   // the string that its text begins with
	Defines []string // what it gives to others
}

// Module describes the module of @std of a name without prefix and ending. It reads the text and
// executes nothing.
func (in *Interpreter) Module(name string) (m Module, ok bool) {
	f := file{in.loader.std, name + ".star"}
	if f.tree.files == nil || !fs.ValidPath(f.path) {
		return m, false
	}
	source, err := f.read()
	if err != nil {
		return m, false
	}
	parsed, err := Dialect.Parse(f.name(), source, 0)
	if err != nil {
		return m, false
	}
	m.Name = f.name()
	for i, s := range parsed.Stmts {
		if e, ok := s.(*syntax.ExprStmt); ok && i == 0 {
			if text, ok := e.X.(*syntax.Literal); ok && text.Token == syntax.STRING {
				m.Doc = text.Value.(string)
			}
		}
		if _, ok := s.(*syntax.LoadStmt); ok { // what a module loads it does not give on
			continue
		}
		for _, defined := range NewStatement(source, s).Binds {
			if !strings.HasPrefix(defined, "_") {
				m.Defines = append(m.Defines, defined)
			}
		}
	}
	return m, true
}
