package dsl

import (
	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime/files"
)

// What a shell needs to know of an interpreter.

// Names lists the global variables that evaluated text sees, in order, without
// those of Starlark itself.
func (in *Interpreter) Names() []string { return in.scripts.Names() }

// Global returns the value of a global variable, nil if there is none.
func (in *Interpreter) Global(name string) starlark.Value { return in.scripts.Globals()[name] }

// Define adds a function without parameters to what evaluated text sees, and to
// what help knows. Its documentation is written as that of an [Entry].
func (in *Interpreter) Define(name, doc string, fn func() error) {
	e := Entry{Signature: name + "()", Doc: doc, call: func(c *call) (starlark.Value, error) {
		if err := c.Unpack(); err != nil {
			return nil, err
		}
		return starlark.None, fn()
	}}
	in.scripts.Globals()[name] = built(e)
	in.defined = append(in.defined, e)
}

// Families returns all that evaluated text sees beyond Starlark itself: [Families],
// and what the host defined.
func (in *Interpreter) Families() []Family {
	if len(in.defined) == 0 {
		return Families()
	}
	return append(Families(), Family{"shell", "for those who type", in.defined})
}

// Resize says how many columns Stdout has from now on; 0 means 80.
func (in *Interpreter) Resize(columns int) { in.config.Width = columns }

// Modules lists what evaluated text can load, in order: modules of @std, then
// the scripts in the folder of the interpreter.
func (in *Interpreter) Modules() []string { return in.scripts.Modules() }

// Signature returns how a function is called, as in exchange(client, reach),
// and the names of the parameters that can be given by name. The signature is
// empty if v is no function or does not say.
func Signature(v starlark.Value) (signature string, params []string) { return interp.Signature(v) }

// Script returns a script that leads from nothing to the current world: what
// was evaluated so far, as far as it is needed, the system, the steps, and the
// checks that were made on the way.
func (in *Interpreter) Script() (string, error) { return sessionScript(in) }

// Save writes [Interpreter.Script] into a file that is not there yet.
func (in *Interpreter) Save(path string) error {
	script, err := in.Script()
	if err != nil {
		return err
	}
	return files.WriteAt(path, []byte(script), nil)
}
