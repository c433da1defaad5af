package main

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/twinsh/twinsh/runtime/explore"
)

func TestProgressLine(t *testing.T) {
	var terminal bytes.Buffer
	line := &progressLine{terminal: &terminal, width: func() int { return 61 }}
	out := line.over(&terminal)
	at := func(elapsed time.Duration) explore.Progress {
		return explore.Progress{
			Layer: 3, Layers: 6, Done: 61, Nodes: 100, Size: big.NewInt(170_859_375),
			Worlds: 412_876, Steps: 2_000_000, Bytes: 120 << 20, Elapsed: elapsed,
		}
	}
	fmt.Fprint(out, "a\n")
	line.show(at(2 * time.Second))
	line.show(at(2*time.Second + progressEvery/2)) // too soon
	fmt.Fprint(out, "b\n")
	fmt.Fprint(out, "c\n")
	line.show(at(time.Second)) // the next search
	line.clear()
	want := "a\n" +
		"\rstep 3 of 6: 61%   170,859,375 scenarios   412,876 worlds   \x1b[K" +
		"\r\x1b[Kb\nc\n" +
		"\rstep 3 of 6: 61%   170,859,375 scenarios   412,876 worlds   \x1b[K" +
		"\r\x1b[K"
	if got := terminal.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	want = "step 3 of 6: 61%   170,859,375 scenarios   412,876 worlds   1,000,000 steps/s   120 MB   2s"
	if got := progressText(at(2 * time.Second)); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	late := at(100 * time.Second)
	late.Covered, late.Left = big.NewInt(5_000), 83*time.Second
	want = "step 3 of 6: 61%, 1m23s left   5,000 of 170,859,375 scenarios   412,876 worlds   20,000 steps/s   120 MB   1m40s"
	if got := progressText(late); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	back := explore.Progress{Back: true, Layer: 3, Layers: 6, Done: 20, Nodes: 60, Elapsed: 2 * time.Second}
	if got, want := progressText(back), "back to step 3 of 6: 33%   2s"; got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
