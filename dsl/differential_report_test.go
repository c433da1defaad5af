package dsl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/explore"
)

// A scriptReport report is what a script says of one.
type scriptReport struct {
	Label          string
	Refused        string // why there is no report
	Size, Covered  int
	Ended          int
	Progress       float64
	Renamings      int
	Asymmetry      string
	Violations     []scriptViolation
	Failures       []scriptViolation
	Counterexample []string
	Passing        [][]string
	Beyond         bool
}

type scriptViolation struct {
	Name                        string
	Length, Shortest, Scenarios int
	Counterexample              []string
	Loop                        bool // it says that it goes on for ever
}

// tally functions, which scripts print JSON with.
const say = `
def steps_of(w):
    return [str(s) for s in w.steps]

def flaw(v):
    line = "line " + v.place.split(":")[1]
    if " in the steps that " in v.why:
        line = v.why.split(" in the steps that ")[1].split(" takes to judge")[0] + ": " + line
    return line

def say(label, r):
    print(json.encode({
        "Label": label, "Size": r.size, "Covered": r.covered, "Ended": r.ended_early, "Progress": r.progress,
        "Renamings": r.renamings, "Asymmetry": r.asymmetry,
        "Violations": [{"Name": v.property, "Length": v.length, "Shortest": v.shortest, "Scenarios": v.scenarios,
            "Counterexample": steps_of(v.counterexample), "Loop": "a proven loop" in v.why} for v in r.violations],
        "Failures": [{"Name": flaw(v), "Length": v.length, "Shortest": v.shortest, "Scenarios": v.scenarios,
            "Counterexample": steps_of(v.counterexample)} for v in r.failures],
        "Counterexample": steps_of(r.counterexample) if r.counterexample else [],
        "Passing": [steps_of(w) for w in r.passing], "Beyond": r.beyond,
    }))

def attempt(label, fn):
    result = try_(fn)
    if result.ok:
        say(label, result.value)
    else:
        print(json.encode({"Label": label, "Refused": result.error}))

def full(**options):
    r = explore(space, check = properties, **options)
    looked = r.failures  # else the script would fail
    return r
`

// look prints what can be seen of a world, as the player does.
const look = `
def look(label, w):
    text = ""
    for id in instances:
        s = w.state(id)
        text += "%s %s %s %s %s %s %s %s %s %s\n" % (id, repr(s.x), s.k, sorted(list(s.got)), s.log_, repr(s.peer), s.done, s.cert, id in w.crashed, id in w.faulty)
        for e in w.history():
            if e.instance == id:
                text += "  %d %s" % (e.step, e.kind)
                if e.kind == "invoked":
                    text += " " + str(e.operation)
                elif e.kind == "returned":
                    text += " " + repr(e.value)
                elif e.kind == "decided":
                    text += " %d %r" % (e.slot, e.value)
                text += "\n"
    print(json.encode({"Label": label, "Refused": text}))
`

// An execution runs scripts in a folder.
type execution struct {
	t     *testing.T
	dir   string
	files int // how many were named
	shard explore.Shard
	saved []*explore.Saved // of shards
}

// run runs a script and returns what it prints, line by line.
func (x *execution) run(script string) ([]scriptReport, error) {
	var out bytes.Buffer
	config := Config{Stdout: &out, WriteDir: x.dir, Shard: x.shard}
	if x.shard.Count > 0 {
		config.Report = func(r *explore.Report) error {
			x.saved = append(x.saved, r.Save())
			return nil
		}
	}
	in, err := New(config)
	if err != nil {
		return nil, err
	}
	if err := in.Exec(x.t.Context(), "script.star", script); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out.String())
	}
	var all []scriptReport
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "{") {
			continue // a note
		}
		var one scriptReport
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		all = append(all, one)
	}
	return all, nil
}

// file names a file that is not there.
func (x *execution) file() string {
	x.files++
	return fmt.Sprint("search", x.files)
}
