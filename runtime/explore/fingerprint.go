package explore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A Fingerprint says what a search is a search of, in parts with names: the
// program, the system and its network, the code, the properties, the space, the
// start, and the options on which findings depend. Two searches with equal
// fingerprints find the same. It stands in every checkpoint and every saved
// report, so that nothing is added up or gone on with that does not belong
// together.
type Fingerprint []Part

// A Part of a fingerprint is a short text for people, or a digest of what is
// too long for that. Parts have names so that a refusal can say what is different: that a
// checkpoint is of another network says more than that it is of another search.
type Part struct{ Name, Text string }

// Fingerprinted is what a protocol or a property implements if its behaviour
// depends on more than its type, its name and how it prints: on options, say, or
// on code that was loaded. Equal texts promise equal behaviour.
type Fingerprinted interface{ Fingerprint() string }

// DigestOf returns a part for something that has a long text.
func DigestOf(name, text string) Part {
	sum := sha256.Sum256([]byte(text))
	return Part{name, digestPrefix + hex.EncodeToString(sum[:16])}
}

const digestPrefix = "sha256:"

// CodeOf returns what tells the code of a protocol or of a property apart from
// that of others: its own word, or its type and how it prints. The code behind
// a type is that of the program, which is a part of each fingerprint.
func CodeOf(v any) string {
	if f, ok := v.(Fingerprinted); ok {
		return f.Fingerprint()
	}
	text := fmt.Sprintf("%T", v)
	if n, ok := v.(interface{ Name() string }); ok {
		text += fmt.Sprintf(" %q", n.Name())
	}
	if s, ok := v.(fmt.Stringer); ok {
		text += fmt.Sprintf(" %q", s)
	}
	return text
}

// differences names the parts in which another fingerprint differs, "" if there
// are none. Parts that both have are compared by name and not by place, so that what one of
// them lacks, a property say, is named as that.
func (f Fingerprint) differences(other Fingerprint) string {
	there := map[string]string{}
	for _, p := range other {
		there[p.Name] = p.Text
	}
	var names []string
	for _, p := range f {
		text, ok := there[p.Name]
		delete(there, p.Name)
		switch {
		case !ok:
			names = append(names, p.Name+" (not there)")
		case text != p.Text && p.short() && (Part{"", text}).short():
			names = append(names, fmt.Sprintf("%s (%s there, %s here)", p.Name, text, p.Text))
		case text != p.Text:
			names = append(names, p.Name)
		}
	}
	for _, p := range other {
		if _, left := there[p.Name]; left {
			names = append(names, p.Name+" (not here)")
		}
	}
	return strings.Join(names, ", ")
}

// short reports whether the text is one for people.
func (p Part) short() bool { return !strings.HasPrefix(p.Text, digestPrefix) && len(p.Text) <= 60 }

// symmetries are the names of the modes.
var symmetries = map[Symmetry]string{Auto: "from many worlds on", Always: "always", Sampled: "sampled", Never: "never"}

// fingerprint returns the fingerprint of a search of s. It looks at all steps. Numbers of
// workers, budgets and limits are not in it: findings do not depend on them, and a search is
// resumed with more of them.
func (o Options) fingerprint(s *space.Space) Fingerprint {
	c := o.Start.Cluster()
	config := c.Config()
	network := "lossy"
	if config.Held {
		network = "held"
	}
	f := Fingerprint{
		{"the program", buildText()},
		{"the system", c.String()},
		{"the network", network},
		DigestOf("the programs of clients", programs(config)),
		DigestOf("the code of the protocol", CodeOf(config.Protocol)),
	}
	names := o.names()
	for _, t := range config.Twins {
		if t.Code != nil {
			f = append(f, DigestOf("the code of "+t.ID, CodeOf(t.Code)))
		}
	}
	for i, p := range o.Properties {
		f = append(f, DigestOf("the property "+names[i], CodeOf(p)))
	}
	for i, p := range o.Invariants {
		f = append(f, DigestOf("the property "+names[len(o.Properties)+i], CodeOf(p)))
	}
	var steps, start strings.Builder
	for _, step := range s.Steps() {
		fmt.Fprintln(&steps, stepText(step))
	}
	for _, w := range o.Start.Path()[1:] {
		fmt.Fprintln(&start, stepText(w.Step()))
	}
	first := "no"
	if o.First {
		first = "yes"
	}
	if o.Code != nil {
		f = append(f, o.Code()...)
	}
	return append(f,
		Part{"the size of the space", s.Size().String()},
		DigestOf("the space", fmt.Sprintf("%s\n%x\n%s", s, s.Digest(), steps.String())),
		DigestOf("the start", start.String()),
		Part{"symmetry", symmetries[o.Symmetry]},
		Part{"stopping at the first violation", first},
	)
}

// stepText distinguishes a step from all others.
func stepText(s runtime.Step) string {
	key, _ := s.Engine().Key(nil) // steps that are not renamed have one, too
	return fmt.Sprintf("%q %q", s, key)
}

// programs lists who is there, and what the clients do. Values have their types,
// because some print the same.
func programs(c runtime.Config) string {
	var b strings.Builder
	program := func(name string, ops []node.Operation) {
		fmt.Fprintf(&b, "%q %v", name, ops != nil)
		for _, op := range ops {
			fmt.Fprintf(&b, " %q %T %#v", op.Name, op.Arg, op.Arg)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%d %d %q\n", c.N, c.F, c.Servers)
	for _, client := range c.Clients {
		program(client.Name, client.Program)
	}
	for _, twin := range c.Twins {
		program(fmt.Sprintf("%d %s", twin.Copies, twin.ID), twin.Program)
	}
	return b.String()
}

// buildText says which program this is: the versions of its modules and of its
// source. If they do not tell, because the source was edited since, it is a
// digest of the program itself.
//
// Code of nodes and properties that is written in Go is a part of the program, and there is no
// other way to tell it apart: two builds of one source are one program, and an edited source is
// another one, though the edit may not matter.
var buildText = sync.OnceValue(func() string {
	sum := sha256.New()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return programDigest(sum)
	}
	fmt.Fprintln(sum, info.Path, info.Main.Path, info.Main.Version, info.Main.Sum)
	for _, m := range info.Deps {
		for ; m != nil; m = m.Replace {
			fmt.Fprintln(sum, m.Path, m.Version, m.Sum)
		}
	}
	edited := info.Main.Version == "" || info.Main.Version == "(devel)" || strings.HasSuffix(info.Main.Version, "+dirty")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			fmt.Fprintln(sum, s.Value)
		}
		edited = edited || s.Key == "vcs.modified" && s.Value == "true"
	}
	for _, m := range info.Deps { // a replacement from a folder has no sum
		edited = edited || m.Replace != nil && m.Replace.Sum == ""
	}
	if edited {
		return programDigest(sum)
	}
	return digestPrefix + hex.EncodeToString(sum.Sum(nil)[:16])
})

// programDigest is a digest of the file that runs, and of what sum has. A program that cannot
// read itself has the same text as others that cannot.
func programDigest(sum hash.Hash) string {
	path, err := os.Executable()
	if err == nil {
		var f *os.File
		if f, err = os.Open(path); err == nil {
			_, err = io.Copy(sum, f)
			f.Close()
		}
	}
	if err != nil {
		return "unknown"
	}
	return digestPrefix + hex.EncodeToString(sum.Sum(nil)[:16])
}
