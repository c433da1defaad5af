package dsl_test

import (
	"flag"
	"os"
	"testing"

	"github.com/twinsh/twinsh/dsl"
)

var rewriteReference = flag.Bool("rewrite-reference", false, "write docs/reference.md anew")

// TestReferencePage compares docs/reference.md with the entries of the language.
func TestReferencePage(t *testing.T) {
	const page = "../docs/reference.md"
	want := dsl.Reference()
	if *rewriteReference {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date; run go test ./dsl -run TestReferencePage -rewrite-reference", page)
	}
}
