package runtime

import "github.com/twinsh/twinsh/runtime/internal/engine"

var faultKinds = []Action{CrashStep{}, RestartStep{}, AmnesiaStep{}}

// A CrashStep stops an instance. Messages to it are lost.
type CrashStep struct {
	ID string // an instance
}

func (a CrashStep) Name() string   { return "crash" }
func (a CrashStep) String() string { return notation(a) }
func (a CrashStep) Title() string  { return a.ID + " crashes" }

func (a CrashStep) edit(e editor) Action {
	a.ID = required(e, "id", ofInstances, a.ID)
	return a
}

func (a CrashStep) bind(c *Cluster) (Action, engine.Move, error) {
	i, err := c.Instance(a.ID)
	return a, engine.Crash(i), err
}

// A RestartStep starts an instance again, crashed or not, with what its code keeps
// across a restart.
type RestartStep struct {
	ID string // an instance
}

func (a RestartStep) Name() string   { return "restart" }
func (a RestartStep) String() string { return notation(a) }
func (a RestartStep) Title() string  { return a.ID + " restarts" }

func (a RestartStep) edit(e editor) Action {
	a.ID = required(e, "id", ofInstances, a.ID)
	return a
}

func (a RestartStep) bind(c *Cluster) (Action, engine.Move, error) {
	i, err := c.Instance(a.ID)
	return a, engine.Restart(i), err
}

// An AmnesiaStep lets an instance lose its whole state and go on as if it were new.
// Its identity counts as faulty from then on.
type AmnesiaStep struct {
	ID string // an instance
}

func (a AmnesiaStep) Name() string   { return "amnesia" }
func (a AmnesiaStep) String() string { return notation(a) }
func (a AmnesiaStep) Title() string  { return a.ID + " forgets everything" }

func (a AmnesiaStep) edit(e editor) Action {
	a.ID = required(e, "id", ofInstances, a.ID)
	return a
}

func (a AmnesiaStep) bind(c *Cluster) (Action, engine.Move, error) {
	i, err := c.Instance(a.ID)
	return a, engine.Amnesia(i), err
}
