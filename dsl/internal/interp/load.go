package interp

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// load executes a module, unless that was done and its text has not changed
// since, and returns its globals. It implements [starlark.Thread.Load]. A module
// runs in the thread that loads it, so that it shares its limits and an error shows
// the whole way to it. Its globals are frozen: those who load it share them.
func (r *Run) load(thread *starlark.Thread, name string) (starlark.StringDict, error) {
	f, err := r.loader.find(r.loading[len(r.loading)-1], name)
	if err != nil {
		return nil, err
	}
	// Who loads what is noted even if the module is there already: it is unchanged only as long as all
	// that it loads is.
	above := r.loading[len(r.loading)-1]
	r.uses[above] = append(r.uses[above], f)
	if r.unchanged(f) {
		return r.loader.done[f].globals, nil
	}
	var chain []string
	for _, above := range r.loading {
		if above == f || chain != nil {
			chain = append(chain, above.name())
		}
	}
	if chain != nil {
		return nil, fmt.Errorf("modules load each other: %s → %s", strings.Join(chain, " → "), f.name())
	}
	source, err := f.read()
	if standard := r.loader.standard(name); errors.Is(err, fs.ErrNotExist) && standard != "" && !f.std() {
		return nil, fmt.Errorf("%w; twinsh comes with %q", err, standard)
	}
	if err != nil {
		return nil, err
	}
	program, err := r.in.compile(f, source)
	if err != nil {
		return nil, err
	}
	r.loading = append(r.loading, f)
	globals, err := program.Init(thread, r.in.visible(f))
	r.loading = r.loading[:len(r.loading)-1]
	if err != nil {
		return nil, err
	}
	for _, name := range globals.Keys() {
		if err := guard.Freezable(globals[name]); err != nil {
			return nil, fmt.Errorf("the variable %s of %s cannot be used by others: %w", name, f.name(), err)
		}
	}
	globals.Freeze()
	r.loader.done[f] = &module{globals, source, r.uses[f]}
	r.settled[f] = true
	return globals, nil
}

// unchanged reports whether a module was executed and neither its text nor that
// of a module that it loads has changed since. Each file is looked at once in an
// execution, so that all of an execution sees one version of it. Texts are compared, not times
// of change, which editors and checkouts set as they like.
func (r *Run) unchanged(f file) bool {
	m := r.loader.done[f]
	if m == nil || r.settled[f] {
		return m != nil
	}
	source, err := f.read()
	if err != nil || source != m.source {
		return false
	}
	for _, used := range m.uses {
		if !r.unchanged(used) {
			return false
		}
	}
	r.settled[f] = true
	return true
}
