package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/runtime/explore"
)

func mergeCommand() command {
	return command{
		name:    "merge",
		args:    "REPORTS...",
		summary: "add the reports of shards up to the whole",
		help: `
Reads files that "twinsh run -shard I/K -reports FILE" wrote, one for each shard,
and prints the report of each search as a run without shards would have.

Exit status: 0 nothing is violated, 1 something is, 2 the reports do not belong
together.`,
		run: merge,
	}
}

func merge(_ context.Context, p *program, files []string) int {
	if len(files) == 0 {
		return p.misuse("merge: no reports given; name the files that twinsh run -reports wrote")
	}
	var searches [][]*explore.Saved // of each search in a script, its shards
	for _, name := range files {
		reports, err := readReports(name)
		if err != nil {
			return p.misuse("merge: %s: %v", name, err)
		}
		if searches == nil {
			searches = make([][]*explore.Saved, len(reports))
		}
		if len(reports) != len(searches) {
			return p.misuse("merge: %s holds %d reports, and %s holds %d", name, len(reports), files[0], len(searches))
		}
		for i, r := range reports {
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
	return status
}

// readReports reads one report from each line.
func readReports(name string) ([]*explore.Saved, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var reports []*explore.Saved
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		r, err := explore.ReadSaved(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		reports = append(reports, r)
	}
	return reports, lines.Err()
}

// shardFlag parses I/K, the I-th of K shards, from 1.
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

// keepReport adds a report to the file of flag -reports.
func (p *program) keepReport(r *explore.Report) error {
	if p.reports == "" {
		return nil
	}
	line, err := json.Marshal(r.Save())
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.reports, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// progressFlag chooses how progress is told: "line", on a terminal only, or
// "json", a line of JSON each time, for machines.
func (p *program) progressFlag(text string) error {
	switch text {
	case "line":
	case "none":
		p.progress = nil
	case "json":
		out := json.NewEncoder(p.stderr)
		p.progress = func(now explore.Progress) {
			// Nothing can be done about a reader who went away.
			_ = out.Encode(map[string]any{
				"layer": now.Layer, "layers": now.Layers, "done": now.Done, "rows": now.Rows,
				"covered": now.Covered, "size": now.Size, "worlds": now.Worlds, "steps": now.Steps,
				"bytes": now.Bytes, "seconds": now.Elapsed.Seconds(), "left": now.Left.Seconds(),
			})
		}
	default:
		return fmt.Errorf("want line, json or none")
	}
	return nil
}
