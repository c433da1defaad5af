package node

import (
	"testing"
)

// Values that are not equal have different texts: steps are known by theirs.
func TestTextsOfValues(t *testing.T) {
	for want, v := range map[string]any{
		"1": 1, `"1"`: "1", "1.0": 1.0, "0.5": 0.5, "1e+100": 1e100, "-3.0": -3.0, "nil": nil, `"nil"`: "nil", "true": true,
	} {
		if got := Text(v); got != want {
			t.Errorf("the text of %#v is %s, want %s", v, got, want)
		}
	}
	if got := (Operation{"write", 1.0}).String(); got != "write(1.0)" {
		t.Errorf("got %s", got)
	}
}
