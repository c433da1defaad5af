package space_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/twinsh/twinsh/runtime/space"
)

func TestSampleWithoutReplacement(t *testing.T) {
	x := space.Of(someSteps(t, 15)...)
	for _, tc := range []struct {
		space       *space.Space
		count, want int
	}{
		{x, 0, 0},
		{x, -1, 0},
		{x, 14, 14},
		{x, 15, 15},
		{x, 1 << 40, 15},
		{x.Times(2), 200, 200},
		{x.Times(100), 1000, 1000},
		{space.Of(), 3, 0},
	} {
		sample := tc.space.Sample(tc.count, 7)
		seen := map[string]bool{}
		for _, i := range sample {
			seen[i.String()] = true
			if _, err := tc.space.At(i); err != nil {
				t.Error(err)
			}
		}
		if len(sample) != tc.want || len(seen) != tc.want {
			t.Errorf("%s: %d indices, %d different, want %d", tc.space, len(sample), len(seen), tc.want)
		}
	}
}

func TestSampleIsDeterministic(t *testing.T) {
	x := space.Of(someSteps(t, 15)...)
	for _, tc := range []struct {
		space *space.Space
		want  string
	}{
		{x, "[9 2 13]"},
		{x.Times(20), "[184990149768875238265044 301676053531463096306072 113043057827448158393680]"},
	} {
		if got := fmt.Sprint(tc.space.Sample(3, 1)); got != tc.want {
			t.Errorf("%s: drew %s, want %s", tc.space, got, tc.want)
		}
		if a, b := tc.space.Sample(3, 1), tc.space.Sample(3, 2); fmt.Sprint(a) == fmt.Sprint(b) {
			t.Errorf("%s: seeds 1 and 2 both draw %v", tc.space, a)
		}
		small, large := tc.space.Sample(5, 1), tc.space.Sample(12, 1)
		if !slices.EqualFunc(small, large[:5], func(a, b *big.Int) bool { return a.Cmp(b) == 0 }) {
			t.Errorf("%s: 5 are %v, but of 12 the first are %v", tc.space, small, large[:5])
		}
	}
}

// Every ordered sample of 3 of 6 is as likely as every other: chi-square with
// 119 degrees of freedom, whose 0.999 quantile is 173.6.
func TestSampleIsUniform(t *testing.T) {
	s := space.Of(someSteps(t, 6)...)
	const draws = 60000
	counts := map[string]int{}
	for seed := range uint64(draws) {
		counts[fmt.Sprint(s.Sample(3, seed))]++
	}
	if len(counts) != 120 {
		t.Fatalf("%d different samples, want 120", len(counts))
	}
	const expected = draws / 120.0
	chi := 0.0
	for _, n := range counts {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	if chi > 173.6 {
		t.Errorf("chi-square is %.1f, want at most 173.6", chi)
	}
}

// Indices of many words are spread evenly over tenths: 9 degrees of freedom,
// whose 0.999 quantile is 27.9.
func TestBigSampleIsUniform(t *testing.T) {
	s := space.Of(someSteps(t, 15)...).Times(50)
	var counts [10]float64
	for _, i := range s.Sample(20000, 3) {
		tenth := new(big.Int).Mul(i, big.NewInt(10))
		counts[tenth.Div(tenth, s.Size()).Int64()]++
	}
	chi := 0.0
	for _, n := range counts {
		chi += (n - 2000) * (n - 2000) / 2000
	}
	if chi > 27.9 {
		t.Errorf("chi-square is %.1f, want at most 27.9: %v", chi, counts)
	}
}
