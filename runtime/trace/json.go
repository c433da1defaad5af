package trace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// The first members of each document. A reader that knows the version knows
// all members; the version changes with any of them.
const (
	schema        = "twinsh trace"
	schemaVersion = 3
)

// FormatJSON is the trace for other programs.
const FormatJSON Format = "json"

var jsonRenderer = renderer{
	format: FormatJSON, about: "the trace for other programs", endings: []string{".json"}, finds: true,
	render:     func(t *Trace, o Options) (string, error) { text, err := Encode(t); return string(text), err },
	recognizes: func(text string) bool { return strings.HasPrefix(text, "{\n  \"format\": \""+schema+"\"") },
}

type document struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	*Trace
	Sum string `json:"sha256,omitempty"`
}

// sum returns the checksum of all else, whatever its layout: it is taken of what was decoded and
// is written again without blanks, so that a file that an editor laid out anew is still
// whole. It protects from accidents, such as a file that was copied by half or edited by
// mistake. It is no signature.
func (d document) sum() (string, error) {
	d.Sum = ""
	text, err := json.Marshal(d)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// Encode writes the trace down as a JSON object, indented, for [Decode] and
// for other programs. Its members:
//
//	format    "twinsh trace"
//	version   3
//	protocol, legend, n, f, crashes, beyond
//	lanes     the instances: name, identity, client, twinned, other_code, faulty
//	start     the states of the instances before the first step
//	steps     number, kind, call, title, client, parts, in_flight,
//	          good, view: name, number, at
//	          deliveries: hop, from, to, message, type, text, full, again, moment, fate,
//	                      origin: step, at; summary, changed,
//	                      seen: kind, text, slot; notes
//	          states, one for each lane: summary, asked, changed, down
//	findings  property, why, step, story
//	sha256    a checksum of what stands before it; traces of other programs,
//	          and those that a person edits, are read without one
//
// What they mean is said at the fields of [Trace]; instances are given by
// their index in lanes. The least that can be drawn, one message from A to B, is
//
//	{"format": "twinsh trace", "version": 3, "protocol": "mine", "n": 2, "f": 0, "beyond": false,
//	 "lanes": [{"name": "A", "identity": "A", "client": false, "twinned": false, "faulty": false},
//	           {"name": "B", "identity": "B", "client": false, "twinned": false, "faulty": false}],
//	 "start": [{"summary": "", "asked": false, "changed": false, "down": false},
//	           {"summary": "", "asked": false, "changed": false, "down": false}],
//	 "steps": [{"number": 1, "kind": "deliver", "call": "deliver()", "title": "deliver", "client": -1, "in_flight": 0,
//	            "deliveries": [{"hop": 1, "from": 0, "to": 1, "text": "hello", "fate": "delivered",
//	                            "summary": "", "changed": false}],
//	            "states": [{"summary": "", "asked": false, "changed": false, "down": false},
//	                       {"summary": "", "asked": true, "changed": false, "down": false}]}],
//	 "findings": []}
//
// Members may stand in any order; one that is not in the list above is an error, so that a
// misspelt one is not lost in silence. Only format and version stand first in what Encode
// writes, because they say whether to read on.
func Encode(t *Trace) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	d := document{Format: schema, Version: schemaVersion, Trace: t}
	var err error
	if d.Sum, err = d.sum(); err == nil {
		err = e.Encode(d)
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Decode reads what [Encode] wrote. The error says what is wrong with
// anything else, so that a trace without an error can be drawn in every way.
func Decode(data []byte) (*Trace, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("trace: no JSON object: %w", err)
	}
	if head.Format != schema {
		return nil, fmt.Errorf("trace: format is %q, want %q", head.Format, schema)
	}
	if head.Version != schemaVersion {
		return nil, fmt.Errorf("trace: version is %d, and this program reads version %d", head.Version, schemaVersion)
	}
	d := document{Trace: &Trace{}}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	// The head was read by itself before: a document of another version has members that are unknown
	// here, and that it is of another version says more.
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("trace: something follows the object")
	}
	if d.Trace == nil {
		return nil, fmt.Errorf("trace: no lanes, want at least one")
	}
	if err := check(d.Trace); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if sum, err := d.sum(); err != nil || d.Sum != "" && d.Sum != sum {
		return nil, fmt.Errorf("trace: it was changed since it was written: its checksum is wrong; without the member sha256 it is taken as it is")
	}
	return d.Trace, nil
}

// check reports whatever would make the trace impossible to draw. What is drawn is indexed by
// lanes, steps and places without further looks, so all of these are checked here, and
// nothing else is: a trace that says what no protocol could do is a picture of just that.
func check(t *Trace) error {
	if len(t.Lanes) == 0 || len(t.Lanes) > node.MaxInstances {
		return fmt.Errorf("%d lanes, want 1 to %d", len(t.Lanes), node.MaxInstances)
	}
	names := map[string]bool{}
	for i, l := range t.Lanes {
		if l.Name == "" || l.Identity == "" || names[l.Name] {
			return fmt.Errorf("lane %d is named %q and is an instance of %q, want names, each once", i, l.Name, l.Identity)
		}
		if names[l.Name] = true; !l.Client && i > 0 && t.Lanes[i-1].Client {
			return fmt.Errorf("lane %d is a server after a client, want clients last", i)
		}
	}
	if len(t.Start) != len(t.Lanes) {
		return fmt.Errorf("%d states at the start for %d lanes, want one for each", len(t.Start), len(t.Lanes))
	}
	for k := range t.Steps {
		if t.Steps[k].Number != k+1 {
			return fmt.Errorf("step %d has the number %d, want them in order from 1", k+1, t.Steps[k].Number)
		}
		if err := checkStep(t, &t.Steps[k]); err != nil {
			return fmt.Errorf("step %d: %w", k+1, err)
		}
	}
	for _, f := range t.Findings {
		if f.Step < 0 || f.Step > len(t.Steps) {
			return fmt.Errorf("a finding is about step %d, want at most %d", f.Step, len(t.Steps))
		}
	}
	return nil
}

func checkStep(t *Trace, s *Step) error {
	if len(s.States) != len(t.Lanes) {
		return fmt.Errorf("%d states for %d lanes, want one for each", len(s.States), len(t.Lanes))
	}
	if err := checkLane(t, "client", s.Client, -1); err != nil {
		return err
	}
	for _, part := range s.Parts {
		for _, i := range part {
			if err := checkLane(t, "a member of a part", i, 0); err != nil {
				return err
			}
		}
	}
	if v := s.View; v != nil && (v.Number < 1 || v.At < 1 || v.At > s.Number) {
		return fmt.Errorf("it is step %d of view %d, want numbers from 1", v.At, v.Number)
	}
	for i := range s.Deliveries {
		if err := checkDelivery(t, s, i); err != nil {
			return fmt.Errorf("delivery %d: %w", i, err)
		}
	}
	return nil
}

// checkLane checks the number of a lane.
func checkLane(t *Trace, what string, i, least int) error {
	if i < least || i >= len(t.Lanes) {
		return fmt.Errorf("%s is lane %d, want %d to %d", what, i, least, len(t.Lanes)-1)
	}
	return nil
}

// checkDelivery checks the i-th delivery of a step. Origins lead back only, so that who
// follows them comes to an end.
func checkDelivery(t *Trace, s *Step, i int) error {
	d := &s.Deliveries[i]
	if err := errors.Join(checkLane(t, "from", d.From, -1), checkLane(t, "to", d.To, 0)); err != nil {
		return err
	}
	if d.Hop < 0 || i > 0 && d.Hop < s.Deliveries[i-1].Hop {
		return fmt.Errorf("hop is %d, want them in order", d.Hop)
	}
	if o := d.Origin; o != nil && (o.Step < 1 || o.Step > s.Number || o.At < 0 || o.At >= len(t.Steps[o.Step-1].Deliveries) ||
		o.Step == s.Number && o.At >= i || t.at(*o).To != d.From) {
		return fmt.Errorf("origin is step %d, %d, want something before that reached the sender", o.Step, o.At)
	}
	if d.Fate == 0 { // every other text is an error of decoding
		return errors.New("it has no fate; want delivered, lost, cut, filtered, waiting or down")
	}
	for _, o := range d.Seen {
		switch o.Kind {
		case Invoked, Returned, Decided, Failed, Aborted:
		default:
			return fmt.Errorf("there is no observation %q", o.Kind)
		}
	}
	return nil
}
