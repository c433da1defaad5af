package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unicode/utf8"
)

// Plain words say who does what: "no replica", "the client that", "says", "the same". The
// words that blur this are written in two halves here, so that the test does not find itself.
func TestPlainWords(t *testing.T) {
	t.Parallel()
	const root = "../.."
	blurred := regexp.MustCompile(`(?i)\b(no` + `body|some` + `body|who` + `ever|to` + `ld|al` + `ike)\b`)
	read := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() { // the .git of a worktree is a file, which holds a path only
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !utf8.Valid(text) {
			return err // pictures
		}
		read++
		for _, at := range blurred.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
			t.Errorf("%s:%d: %q", filepath.Clean(name), line, text[at[0]:at[1]])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 300 {
		t.Errorf("only %d files were read", read)
	}
}
