package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/files"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// twinsh merge, and what twinsh run writes for it. A space is split among processes, on one
// machine or many, by -shard: each process explores its part and writes a file of reports;
// here the files are added up. The shards need no network and know nothing of each other.
// What adding reports means is defined in runtime/explore (Merge), which also finds out
// that they are of one search.
//
// Tested as a program in cmd/twinsh/blackbox/testdata/script and, claim by claim, by
// TestShardClaims of dsl.

func mergeCommand() command {
	return command{
		name:    "merge",
		args:    "REPORTS...",
		summary: "add the reports of shards up to the whole",
		help: `
Reads files that "twinsh run -shard I/K -reports FILE" wrote, one for each shard,
and prints the report of each search. The verdicts, the numbers of scenarios and the
counterexample are those of a run without shards. Worlds and steps are sums, in
which what several shards came to counts several times. Handler runs are those of
the shard with the most. Symmetry is never used with shards.

A file is refused if it was cut or changed, if its script ended with an error, if
its figures cannot be, or if it is of another search: of other code, say. Of a script
that ended early, because a check failed in it, there may be searches to which it
never came: the others are printed, and stderr says so.

Exit status: 0 nothing is violated and the scripts ended with 0, 1 something is
violated or a script ended with 1, 2 the reports do not belong together.`,
		run: merge,
	}
}

// merge adds reports up, search by search: the first report of each file is of the first search
// of the scripts, and so on, since the same scripts ran for each shard. What does not belong
// together is found by the fingerprints of the reports, not by the names of files.
func merge(_ context.Context, p *program, names []string) int {
	if len(names) == 0 {
		return p.misuse("merge: no reports given; name the files that twinsh run -reports wrote")
	}
	var searches [][]*explore.Saved // of each search in a script, its shards
	var ended []string              // what is to be said of scripts that did not hold
	for _, name := range names {
		reports, end, err := readReports(name)
		if err != nil {
			return p.misuse("merge: %s: %v", name, err)
		}
		switch {
		case end.Early:
			ended = append(ended, name+": a script ended early, because a check failed in it; there is no report of what it had not come to")
		case end.Status != allHeld:
			ended = append(ended, fmt.Sprintf("%s: a script ended with status %d", name, end.Status))
		}
		if searches == nil {
			searches = make([][]*explore.Saved, len(reports))
		}
		if len(reports) != len(searches) {
			return p.misuse("merge: %s holds %d reports, and %s holds %d", name, len(reports), names[0], len(searches))
		}
		for i, r := range reports {
			r.File = name
			searches[i] = append(searches[i], r)
		}
	}
	status := allHeld
	for _, shards := range searches {
		whole, err := explore.Merge(shards)
		if err != nil {
			return p.misuse("%v", err)
		}
		fmt.Fprintln(p.stdout, whole.Text())
		for _, step := range whole.Counterexample {
			fmt.Fprintln(p.stdout, "  "+step)
		}
		if len(whole.Violations) > 0 {
			status = checkFailed
		}
	}
	for _, text := range ended {
		fmt.Fprintln(p.stderr, "twinsh: merge: "+terminal.Visible(text))
		status = checkFailed
	}
	return status
}

// readReports reads the reports of a file, and how the scripts ended that wrote it.
//
// A file that was cut, changed or is of another format is an error of
// [explore.DecodeReports], which looks at a checksum. A file that cannot be read is an error
// of the system.
func readReports(name string) ([]*explore.Saved, explore.Ending, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, explore.Ending{}, err
	}
	return explore.DecodeReports(data)
}

// shardFlag parses I/K, the I-th of K shards, from 1: people count so, the search does from 0.
func shardFlag(s *explore.Shard) func(string) error {
	return func(text string) error {
		index, count, ok := strings.Cut(text, "/")
		i, err := strconv.Atoi(index)
		k, errCount := strconv.Atoi(count)
		if !ok || err != nil || errCount != nil || i < 1 || i > k {
			return fmt.Errorf("want I/K, the I-th of K shards, as in 1/4")
		}
		*s = explore.Shard{Index: i - 1, Count: k}
		return nil
	}
}

// A reportFile is the file of flag -reports, in which the report of each search is
// kept for twinsh merge. It is written anew with each report, so that it holds all there are if
// the machine dies; its last line, which says how the scripts ended, is written in the end, and a
// file without it is refused.
type reportFile struct {
	name string // "" if none is asked for
	kept []*explore.Saved
}

// keep adds a report. The file has no end until the scripts have.
//
// It is the Report of each interpreter (see dsl.Config), so that a script need not do
// anything. An error is reported by the script that explored.
func (f *reportFile) keep(r *explore.Report) error {
	if f.name == "" {
		return nil
	}
	f.kept = append(f.kept, r.Save())
	return f.write(nil)
}

// write writes the file anew, if there is one; end is nil while scripts go on.
//
// It replaces a file only if that holds reports: a misspelt name does not cost a person
// another file.
func (f *reportFile) write(end *explore.Ending) error {
	if f.name == "" {
		return nil
	}
	data, err := explore.EncodeReports(f.kept, end)
	if err != nil {
		return err
	}
	return files.WriteAt(f.name, data, explore.IsReports)
}
