package kvproto

import (
	"reflect"
	"strings"
	"unicode"
)

// Options choose a variant of the protocol. The zero value is the correct
// protocol; each field takes one rule out of it or changes a quorum.
//
// A field is all that there is of an option: people set it by the field's name in small
// letters (write_back), and its tag is the line of help about it. [OptionList] reads both.
type Options struct {
	// Quorum is how many identities must answer before a phase is done;
	// 0 means 2f+1.
	Quorum int `doc:"how many servers must answer in each phase; 0 means 2f+1"`
	// ReadQuorum is the same for the first phase of reads; 0 means Quorum.
	ReadQuorum int `doc:"the same for the first phase of reads; 0 means quorum"`
	// ReadRule says which of the reported values a read takes: "max" (or "")
	// the one with the largest tag, "first" the one that was heard first.
	ReadRule string `doc:"which answer a read takes: \"max\", the newest, or \"first\"" default:"max"`

	// WriteBack is that reads write what they found to the servers before they
	// return it. Without it they return after their first phase, and a later read
	// may find an older value.
	WriteBack Rule `doc:"reads write what they found back before they return it"`
	// TieBreak is that of two values with the same version the writer's name
	// decides, then its counter. Without it servers keep the one that they have and
	// clients take the one that they heard first.
	TieBreak Rule `doc:"of two values with one version, the writer's name decides"`
	// QueryFirst is that writes ask for the newest version. Without it they start
	// with their second phase, with the writer's counter for a version.
	QueryFirst Rule `doc:"writes ask for the newest version before they write"`
	// VersionCheck is that servers refuse what is older than what they have. Without
	// it they take every value that they are sent.
	VersionCheck Rule `doc:"servers refuse values older than their own"`
	// PersistentCounter is that clients know after a restart how many writes they
	// began. Without it they count from 0 again.
	PersistentCounter Rule `doc:"clients remember through a restart how often they wrote"`
	// Verify is that servers and clients ignore what has a wrong signature. Without
	// it they accept every signature.
	Verify Rule `doc:"signatures are verified"`
	// OneVote is that clients count identities. Without it they count answers, so
	// that each instance of a twinned server has a vote.
	OneVote Rule `doc:"the twins of a server have one vote together"`
}

// A Rule of the protocol is On unless a variant does without it.
type Rule uint8

// Whether a rule is heeded.
const (
	On Rule = iota
	Off
)

// String returns "on" or "off". It is a part of [Protocol.Fingerprint].
func (r Rule) String() string {
	if r == On {
		return "on"
	}
	return "off"
}

// An Option is a field of [Options] that a person sets by name.
type Option struct {
	Name    string // write_back
	Doc     string
	Default any // of the correct protocol: an int, a string, or true for a rule

	field int // its index
}

// Set sets the option. The value must be of the type of the default; a rule that is set to
// false is off.
func (o Option) Set(options *Options, value any) {
	field := reflect.ValueOf(options).Elem().Field(o.field)
	if on, ok := value.(bool); ok {
		value = On
		if !on {
			value = Off
		}
	}
	field.Set(reflect.ValueOf(value))
}

// OptionList describes all options, in the order in which they are documented.
func OptionList() []Option {
	var list []Option
	for i := range reflect.TypeFor[Options]().NumField() {
		field := reflect.TypeFor[Options]().Field(i)
		o := Option{Name: snake(field.Name), Doc: field.Tag.Get("doc"), field: i}
		switch reflect.Zero(field.Type).Interface().(type) {
		case Rule:
			o.Default = true
		case int:
			o.Default = 0
		case string:
			o.Default = field.Tag.Get("default")
		}
		list = append(list, o)
	}
	return list
}

// snake turns WriteBack into write_back.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
