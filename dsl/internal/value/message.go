package value

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// What nodes in scripts send. A Message is what travels: plain comparable data, which the
// engine gives a number and compares by ==. A Received is what the handler gets: decoded
// for it alone and frozen, with the sender as the network knows it, so that no node can
// claim to be another.

// A Message is a message between nodes written in Starlark: a type and
// encoded fields, so that it cannot be changed and equal ones are one. It is a key of the
// simulation's tables; the sender is no part of it.
type Message struct {
	Kind string
	body string // encoded dict of fields
}

// MessageType is the word after on_ in the name of the handler. Filters (drop, deaf) go by
// it.
func (m Message) MessageType() string { return m.Kind }

// String shows the message as type(field=value), long values in short. Two messages may
// read the same; a trace that has both writes them in full (see [Message.Full]).
func (m Message) String() string { return m.text(brief) }

// Full shows the message as type(field=value), nothing left out.
func (m Message) Full() string { return m.text(starlark.Value.String) }

// Text never fails: a body that cannot be read, which Append did not write, shows as the
// type alone.
func (m Message) text(show func(starlark.Value) string) string {
	v, _, err := Decode([]byte(m.body))
	d, ok := v.(*starlark.Dict)
	if err != nil || !ok {
		return m.Kind
	}
	var fields []string
	for _, item := range d.Items() {
		fields = append(fields, fmt.Sprintf("%s=%s", string(item[0].(starlark.String)), show(item[1])))
	}
	return m.Kind + "(" + strings.Join(fields, ", ") + ")"
}

// brief shows a value in a few letters: of a signed value what was signed, then
// by whom, and of a long one its beginning and its end. Chains of blocks begin the same and end
// differently, and votes for them are what pictures are full of.
func brief(v starlark.Value) string {
	const most = 24
	s, ok := v.(*Signed)
	if !ok {
		return english.Squeeze(contents(v), most)
	}
	by := fmt.Sprintf(" by %s", s.Signer)
	if name, ok := s.Signer.(starlark.String); ok {
		by = " by " + string(name)
	}
	return english.Squeeze(contents(s.Value), most-4) + by
}

// contents shows a value as String does, but signed values inside of it by what was signed
// first. It recurses over values that were decoded, which nest no deeper than [MaxDepth].
func contents(v starlark.Value) string {
	var open, close string
	var parts []string
	switch v := v.(type) {
	case *Signed:
		return brief(v)
	case starlark.Tuple:
		open, close = "(", ")"
		if len(v) == 1 {
			close = ",)"
		}
	case *starlark.List:
		open, close = "[", "]"
	case *starlark.Dict:
		for _, item := range v.Items() {
			parts = append(parts, contents(item[0])+": "+contents(item[1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return v.String()
	}
	for e := range starlark.Elements(v.(starlark.Iterable)) {
		parts = append(parts, contents(e))
	}
	return open + strings.Join(parts, ", ") + close
}

// NewMessage encodes the fields of a message. Its type must be no event, since the handlers of both
// are named on_ and the type, and a field must not hide what every message has.
func NewMessage(kind string, fields []starlark.Tuple) (Message, error) {
	if slices.Contains(Events, kind) {
		return Message{}, fmt.Errorf("message %s: on_%[1]s is the handler of an event; call the message something else", kind)
	}
	for _, f := range fields {
		if name := string(f[0].(starlark.String)); reserved(name) {
			return Message{}, fmt.Errorf("message %s: every message has a %s already; use another field name", kind, name)
		}
	}
	body, err := appendGiven(nil, fields)
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", kind, err)
	}
	return Message{kind, string(body)}, nil
}

// A Received is a message as its receiver sees it: immutable, with the sender's
// identity and the fields as attributes. It is made for one call of a handler, and cannot be kept
// as it is: a state holds values, and what it should remember of a message are its fields.
type Received struct {
	Kind   string
	Sender string
	fields *starlark.Dict // frozen
}

// Receive returns a message as its receiver sees it, from "" if there is none yet. One that no script sent is an error.
func Receive(from string, m node.Message) (*Received, error) {
	sent, ok := m.(Message)
	if !ok {
		return nil, fmt.Errorf("a %s is no message of a script", node.MessageType(m))
	}
	v, _, err := Decode([]byte(sent.body))
	if err != nil {
		return nil, err
	}
	d := v.(*starlark.Dict)
	d.Freeze()
	return &Received{sent.Kind, from, d}, nil
}

func (m *Received) String() string        { return fmt.Sprintf("%s from %s", m.Kind, m.Sender) }
func (m *Received) Type() string          { return "message" }
func (m *Received) Freeze()               {}
func (m *Received) Truth() starlark.Bool  { return true }
func (m *Received) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: message") }

// AttrNames lists what every message has, then the fields in the order of the encoding.
func (m *Received) AttrNames() []string {
	names := []string{"sender", "type"}
	for _, k := range m.fields.Keys() {
		names = append(names, string(k.(starlark.String)))
	}
	return names
}

// Attr returns the sender, the type or a field.
func (m *Received) Attr(name string) (starlark.Value, error) {
	switch name {
	case "sender":
		if m.Sender == "" {
			return nil, fmt.Errorf("the message of a label has no sender: one text is for all who send it, and pictures name the sender beside it")
		}
		return starlark.String(m.Sender), nil
	case "type":
		return starlark.String(m.Kind), nil
	}
	v, found, err := m.fields.Get(starlark.String(name))
	if !found && err == nil {
		err = m.missing(name)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// SetField refuses: what was sent cannot be changed.
func (m *Received) SetField(name string, _ starlark.Value) error {
	return fmt.Errorf("cannot set .%s: a message cannot be changed after it was sent", name)
}

// missing is the error of a field that a message has not. It names the fields and not their
// values, so that it is one failure for all messages of the type.
func (m *Received) missing(name string) error {
	names := m.AttrNames()
	if m.Sender == "" { // a label is asked, which may not name the sender
		names = names[1:]
	}
	return fmt.Errorf("message %s has no .%s%s; it has %s", m.Kind, name, spell.Hint(name, names), strings.Join(names, ", "))
}

// Events that are no messages, and what calls their handlers. They cannot be types of
// messages.
var Events = []string{"round", "timeout", "exchange", "invoke", "hop", "quiet"}
