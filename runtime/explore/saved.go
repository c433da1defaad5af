package explore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The format of a file of reports: a line, each report as a line of JSON, and a
// last line that says how the scripts ended, and the SHA-256 of all before it.

// reportsLine begins each file of reports; reportsMagic is that of this format.
const (
	reportsLine  = "twinsh reports "
	reportsMagic = reportsLine + "2"
	reportsEnd   = "scripts ended with status %d"
)

// IsReports reports whether data begins as a file of reports, of this or of
// another version.
func IsReports(data []byte) bool { return bytes.HasPrefix(data, []byte(reportsLine)) }

// EncodeReports returns reports as they stand in a file. The file has no end yet
// if the scripts that make them go on; else it says with which exit status they
// ended.
func EncodeReports(reports []*Saved, ended bool, status int) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, reportsMagic)
	for _, r := range reports {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		b.Write(append(line, '\n'))
	}
	if ended {
		fmt.Fprintf(&b, reportsEnd, status)
		sum := sha256.Sum256(b.Bytes())
		fmt.Fprintf(&b, ", sha256 %s\n", hex.EncodeToString(sum[:]))
	}
	return b.Bytes(), nil
}

// DecodeReports reads a file of reports. It refuses what was cut or changed,
// what scripts wrote that could not go on to their end, and figures that no
// search can have.
func DecodeReports(data []byte) ([]*Saved, error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	switch {
	case len(data) == 0:
		return nil, errors.New("it is empty")
	case !IsReports(data):
		return nil, errors.New("it holds no reports; twinsh run -reports writes them")
	case string(head) != reportsMagic:
		return nil, fmt.Errorf("it begins with %q, and this version of twinsh reads %q", cut(head), reportsMagic)
	}
	var lines [][]byte
	for len(rest) > 0 {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return nil, errors.New("it was cut off within a line")
		}
		lines, rest = append(lines, line), after
	}
	if len(lines) == 0 {
		return nil, errors.New("it was cut off, or the script that writes it is still running")
	}
	last := lines[len(lines)-1]
	lines = lines[:len(lines)-1]
	end, claimed, _ := bytes.Cut(last, []byte(", sha256 "))
	var status int
	if _, err := fmt.Sscanf(string(end), reportsEnd, &status); err != nil || string(end) != fmt.Sprintf(reportsEnd, status) {
		return nil, errors.New("it has no last line: it was cut off, or the script that writes it is still running")
	}
	sum := sha256.Sum256(data[:len(data)-len(last)-1+len(end)])
	if string(claimed) != hex.EncodeToString(sum[:]) {
		return nil, errors.New("it is damaged: its checksum is wrong")
	}
	if status != 0 && status != 1 {
		return nil, fmt.Errorf("the script ended with status %d, before it was done", status)
	}
	var reports []*Saved
	for i, line := range lines {
		s := new(Saved)
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(s)
		if err == nil {
			if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("something follows the report")
			}
		}
		if err == nil {
			err = s.check()
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		reports = append(reports, s)
	}
	if len(reports) == 0 {
		return nil, errors.New("it holds no report: the script explored nothing")
	}
	return reports, nil
}

// cut returns the beginning of what may be long.
func cut(line []byte) []byte { return line[:min(len(line), 40)] }
