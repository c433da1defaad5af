package space_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime/space"
)

// Spaces with one digest list the same.
func TestDigestsTellSpacesApart(t *testing.T) {
	t.Parallel()
	steps := someSteps(t, 3)
	seen := map[[32]byte]string{}
	rapid.Check(t, func(t *rapid.T) {
		l := expression(t, steps, 3)
		d := l.space.Digest()
		all := fmt.Sprintf("%q", l.all)
		if other, ok := seen[d]; ok && all != other {
			t.Fatalf("%s has the digest of a space that lists %s", l.space, other)
		}
		seen[d] = all
	})
}

// Spaces whose texts are equal have digests of their own, and one that is made
// again has the digest that it had.
func TestDigestCoversWhatTextsLeaveOut(t *testing.T) {
	make := func() (of func(from, to int) *space.Space) {
		steps := someSteps(t, 4)
		return func(from, to int) *space.Space { return space.Of(steps[from:to]...).Named("few") }
	}
	of := make()
	a, b := space.Then(of(0, 2), of(2, 4)), space.Then(of(2, 4), of(0, 2))
	if a.String() != b.String() {
		t.Fatalf("the texts %s and %s differ, which tests nothing", a, b)
	}
	if a.Digest() == b.Digest() {
		t.Errorf("two spaces %s have one digest", a)
	}
	again := make()
	if c := space.Then(again(0, 2), again(2, 4)); c.Digest() != a.Digest() {
		t.Error("the same space, made again, has another digest")
	}
	large := a
	for range 60 {
		large = space.Or(large, large) // a text of more bytes than there are
	}
	if large.Digest() == space.Or(large, large).Digest() {
		t.Error("large spaces have one digest")
	}
}
