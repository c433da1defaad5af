package dsl

import (
	"strings"
	"testing"
)

func TestHelpFinds(t *testing.T) {
	for _, c := range []struct{ topic, has, lacks string }{
		{"time", "  undo ", "  exchange "},           // a family
		{"exchange", "\nsee also exchanges", "redo"}, // a builtin
		{"undo", "see also enter", "see also undo"},  // which mentions it as a call
		{"uncertainly", "", ""},                      // nobody mentions it
		{"Uniformly", "  sample ", "  explore "},     // a word
		{"quorums", "quorums(", "is mentioned by"},   // a name is no word
	} {
		var out strings.Builder
		err := testInterpreter(t, &out).Exec(t.Context(), "help.star", "help(\""+c.topic+"\")")
		if c.has == "" {
			if err == nil || !strings.Contains(err.Error(), "help() lists all") {
				t.Errorf("%s: got %v", c.topic, err)
			}
			continue
		}
		if err != nil || !strings.Contains(out.String(), c.has) || strings.Contains(out.String(), c.lacks) {
			t.Errorf("%s: got %v and\n%s", c.topic, err, &out)
		}
	}
}
