package simtest

import (
	"strings"
	"testing"
)

// A transcript with the right answers is written as it is, whatever stands between
// them; other answers are wrong, and written instead.
func TestTranscript(t *testing.T) {
	const right = `# a remark

say a=1 b b=(x y, z)
one

two
----
say a=[1] b=[] b=[x y z]: one

say
----
say: -

say
more

lines
----
----
say: more

lines
----
----

say
----
say: -
`
	answer := func(c *Command) string {
		text := c.Name
		for _, a := range c.Args {
			text += " " + a.Key + "=[" + strings.Join(a.Values, " ") + "]"
		}
		switch c.Input {
		case "":
			return text + ": -"
		case "one\n\ntwo":
			return text + ": one\n"
		}
		return text + ": " + c.Input + "\n"
	}
	after, wrong, err := transcript("t", right, answer)
	if err != nil || len(wrong) > 0 || after != right {
		t.Errorf("got %q, %v\n%s", wrong, err, after)
	}
	after, wrong, err = transcript("t", strings.ReplaceAll(right, ": -", ": +\n+"), answer)
	if err != nil || len(wrong) != 2 || !strings.HasPrefix(wrong[0], "t:10: say\n") || after != right {
		t.Errorf("got %q, %v\n%s", wrong, err, after)
	}
	for _, text := range []string{"say a=(1\n----\n", "say\nno dashes\n", "say =1\n----\n"} {
		if _, _, err := transcript("t", text, answer); err == nil || !strings.HasPrefix(err.Error(), "t:1: ") {
			t.Errorf("%q: got the error %v", text, err)
		}
	}
}
