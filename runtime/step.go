package runtime

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// An Action is what a step does, as plain data: the instances, identities and
// types of messages that it is about, by name. It belongs to no cluster. The
// kinds are the types whose names end in Step; each is complete in one of the
// files steps_*.go.
//
// The String of an action is its notation: one line that [Cluster.ParseStep]
// reads back. Two actions are equal if and only if their notations are.
type Action interface {
	fmt.Stringer

	// Name is the word with which the notation begins: exchange.
	Name() string

	// Title says in a few words what happens: cut A → B.
	Title() string

	// edit returns the action with each of its arguments replaced by what e
	// makes of it, in the order in which they are written.
	edit(e editor) Action

	// bind checks the action against a cluster, and returns what it is there, with
	// numbers for names. Of the ways to write the same action it leaves one.
	bind(c *Cluster) (Action, engine.Move, error)
}

// A Step is an action in one cluster, made and checked by [Cluster.Step]. It is
// immutable, and can be taken in any world of that cluster. Steps of a
// cluster with one notation do the same, and steps are compared by it.
type Step struct{ *step }

type step struct {
	cluster *Cluster
	action  Action
	text    string       // its notation
	shown   string       // how people see it
	move    *engine.Step // what it does, with numbers for names
	inTurn  []Step       // of a view
}

// Step returns the step that takes an action in c. The lists in the action may be
// changed afterwards; the step has its own. The error says what is wrong with the
// action, and what would be right.
func (c *Cluster) Step(a Action) (Step, error) {
	if a == nil {
		return Step{}, fmt.Errorf("step: there is no action")
	}
	if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
		return Step{}, fmt.Errorf("step: the action is a nil %T", a)
	}
	action, move, err := a.edit(copied).bind(c)
	if err != nil {
		return Step{}, fmt.Errorf("%s: %w", a.Name(), err)
	}
	var inTurn []Step
	if view, ok := action.(ViewStep); ok {
		if inTurn, err = view.in(c); err != nil {
			return Step{}, err
		}
	}
	return c.made(action, move, inTurn), nil
}

// made returns the step of an action that was checked.
func (c *Cluster) made(a Action, move engine.Move, inTurn []Step) Step {
	s := &step{cluster: c, action: a, text: a.String(), move: engine.NewStep(c.system, a.Name(), move), inTurn: inTurn}
	s.shown = s.text
	if c.config.Write != nil {
		s.shown = c.config.Write(a)
	}
	return Step{s}
}

// copied is an [editor] that copies lists.
func copied(a Argument) any {
	switch v := a.Value.(type) {
	case []string:
		return slices.Clone(v)
	case Faces:
		return slices.Clone(v)
	case [][]string:
		groups := slices.Clone(v)
		for i, group := range groups {
			groups[i] = slices.Clone(group)
		}
		return groups
	case []Action:
		actions := slices.Clone(v)
		for i, in := range actions {
			if in != nil {
				actions[i] = in.edit(copied)
			}
		}
		return actions
	}
	return a.Value
}

// ParseStep returns the step of c with the given notation: the inverse of
// [Step.String]. Arguments of operations are strings, numbers of the types int and
// float64, and truth values, or several of these and nil with names, as in
// cas(new=2,old=1).
func (c *Cluster) ParseStep(text string) (Step, error) {
	a, err := parseAction(text)
	if err != nil {
		return Step{}, err
	}
	return c.Step(a)
}

// String returns the notation of the step, "" for the zero Step.
func (s Step) String() string {
	if s.step == nil {
		return ""
	}
	return s.text
}

// Text shows the step to people: in the notation of the host, if the cluster has
// one; see [Config].Write.
func (s Step) Text() string {
	if s.step == nil {
		return ""
	}
	return s.shown
}

// Action returns what the step does. What it refers to must not be changed.
func (s Step) Action() Action { return s.action }

// Cluster returns the cluster that the step was made for.
func (s Step) Cluster() *Cluster { return s.cluster }

// Instances returns the instances that the step is about: of an exchange the
// client and its reach, of a round those of the leader, of a crash the one that
// crashes. Steps that change links or deliver messages have none.
func (s Step) Instances() node.Set { return s.move.Named }

// Parts returns the partition under which messages flow in a round or a
// delivery, or that a partition step brings; nil if there is none.
func (s Step) Parts() []node.Set { return s.move.Parts }

// Engine returns what the step is to what plays it, for the packages of runtime that
// search.
func (s Step) Engine() *engine.Step { return s.move }

// Is reports whether the action of a step is of a kind: Is[RoundStep](s).
func Is[A Action](s Step) bool {
	_, ok := s.Action().(A)
	return ok
}
