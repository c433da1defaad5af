package explore

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
)

// Shares of a search that stopped are never all or nothing if they are not, say of what
// they are, and one step is one.
func TestStoppedText(t *testing.T) {
	for _, test := range []struct {
		depth   int
		partial float64
		want    string
	}{
		{6, 0, "judged: all scenarios of up to 6 steps\n"},
		{1, 0, "judged: all scenarios of up to 1 step\n"},
		{6, 0.5, "judged: all scenarios of up to 6 steps, and 50.0% of those of 7\n"},
		{6, 0.99999, "judged: all scenarios of up to 6 steps, and >99.99% of those of 7\n"},
		{6, math.Nextafter(1, 0), "judged: all scenarios of up to 6 steps, and >99.99% of those of 7\n"},
		{6, 1e-9, "judged: all scenarios of up to 6 steps, and <0.01% of those of 7\n"},
		{6, 1, "judged: all scenarios of up to 7 steps\n"},
		{0, 1, "judged: all scenarios of up to 1 step\n"},
	} {
		r := Report{
			Question: Question{Kind: "explore", Size: big.NewInt(1000), Checked: []string{"agreement"}},
			Extent: Extent{
				Covered: big.NewInt(34), EndedEarly: big.NewInt(34), Progressed: new(big.Int), Depth: test.depth, Partial: test.partial,
			},
			Course: Course{Stopped: errors.New("enough")},
		}
		text := r.Text()
		bounds := strings.Replace(strings.TrimSpace(strings.TrimPrefix(test.want, "judged: all scenarios of ")), "and ", "and at ", 1)
		if !strings.Contains(text, test.want) || !strings.HasSuffix(r.Bounds(), bounds) {
			t.Errorf("%d and %g:\n%s\nwant %q and %q", test.depth, test.partial, text, test.want, bounds)
		}
		if !strings.Contains(text, "34 covered (3.4%)   100% of those ended early\n") {
			t.Errorf("got\n%s", text)
		}
	}
}
