package explore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// endsAt is a context that ends when it is asked for the n-th time.
type endsAt struct {
	context.Context
	asked, last int
}

func (e *endsAt) Err() error {
	if e.asked++; e.asked >= e.last {
		return context.Canceled
	}
	return nil
}

// What a search does between steps ends with its context, too, wherever it may be
// long: where a place has many ways on, a layer many search nodes or a space many steps.
func TestWorkBetweenStepsEnds(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1, Clients: []runtime.Client{
		{Name: "c1", Program: []runtime.Operation{{Name: "read"}}}, {Name: "c2", Program: []runtime.Operation{{Name: "read"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var steps []runtime.Step
	for client := range c.Clients().All {
		for _, reach := range space.Quorums(c, 3) {
			step, err := c.Step(runtime.ExchangeStep{Client: c.Instances()[client].Name, Reach: c.Names(reach)})
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}
	different, err := space.Of(steps...).Distinct(t.Context(), 2) // each step leads to a place of its own
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Start: c.Start()}
	search := func(s *space.Space) *search {
		x := newSearch(s, o)
		if err := x.seekSymmetry(t.Context()); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for name, work := range map[string]func(context.Context) error{
		"the ways on from a place": func(ctx context.Context) error {
			x := search(different)
			return x.expand(ctx, x.place(different.Start()))
		},
		"what had no effect, renamed": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			return x.spread(ctx, x.effects)
		},
		"a step that is checked under each renaming": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			at := x.place(x.space.Start())
			if err := x.expand(t.Context(), at); err != nil {
				return err
			}
			r := x.newRenamer(t.Context())
			src, dst := c.Start().Vector(), make(runtime.Vector, c.Width())
			x.expect(r.sim, at.groups[0].to)
			ok := r.sim.Take(dst, src, steps[0])
			return r.check(ctx, 1, x.symmetry.Order(), at, 0, src, dst, r.sim.Seen(), ok)
		},
		"a search that is resumed": func(ctx context.Context) error {
			s := space.Of(steps...).Times(3)
			o := o
			o.Checkpoint, o.MaxWorlds = filepath.Join(t.TempDir(), "search"), 1
			if _, err := Explore(t.Context(), s, o); err != nil {
				return err
			}
			file, release, err := o.openCheckpoint()
			if err != nil {
				return err
			}
			defer release()
			saved, err := file.read()
			if err != nil {
				return err
			}
			x := search(s)
			x.file, x.options.Workers = file, 1
			if err := x.expand(t.Context(), x.place(s.Start())); err != nil {
				return err
			}
			_, err = x.resume(ctx, saved)
			return err
		},
		"a layer that is merged": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			layer, err := x.first(t.Context())
			if err != nil {
				return err
			}
			next, err := x.layer(t.Context(), layer)
			if err != nil {
				return err
			}
			_, _, err = x.useSymmetry(ctx, next, next.seal())
			return err
		},
	} {
		for _, last := range []int{1, 2} {
			ctx := &endsAt{t.Context(), 0, last}
			if err := work(ctx); !errors.Is(err, context.Canceled) || ctx.asked != last {
				t.Errorf("%s: %v after %d questions, want %d", name, err, ctx.asked, last)
			}
		}
	}
}
