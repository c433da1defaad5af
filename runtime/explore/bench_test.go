package explore_test

import (
	"fmt"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
)

// BenchmarkExploreKV covers all scenarios of six exchanges of two writers and
// a reader with one to three servers, one of them twinned: 84^6 scenarios.
func BenchmarkExploreKV(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				s := newStage(b, twinned(four(kvproto.Options{}, runs("c1", red), runs("c2", blue), runs("c3", read())), "C"))
				of := s.Exchanges("c1 c2 c3", s.Subsets(1, 3)).Times(6)
				var bytes int
				r := s.exploresWith(of, explore.Options{
					Properties: []check.Property{check.Linearizable()},
					Workers:    workers,
					Progress:   func(p explore.Progress) { bytes = max(bytes, p.Bytes) },
				})
				if !r.OK() {
					b.Fatal(r.Text())
				}
				b.ReportMetric(float64(r.Steps)/r.Elapsed.Seconds(), "steps/s")
				b.ReportMetric(float64(r.Worlds), "worlds")
				b.ReportMetric(float64(bytes)/float64(r.Worlds), "bytes/world")
			}
		})
	}
}
