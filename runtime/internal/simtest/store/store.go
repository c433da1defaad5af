// Package store has the K-V store for a protocol in the test kit: clusters on a line whose
// protocol is the store unless they name another one, with its options by their names.
//
//	write_back=false twin=C c1=(write red) c2=(read, read)
package store

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// ConfigOf is [simtest.ConfigOf] with the store for a default.
func ConfigOf(c *simtest.Command, others ...node.Protocol) (runtime.Config, error) {
	var options kvproto.Options
	rest := *c
	rest.Args = nil
	for _, arg := range c.Args {
		i := slices.IndexFunc(kvproto.OptionList(), func(o kvproto.Option) bool { return o.Name == arg.Key })
		if i < 0 {
			rest.Args = append(rest.Args, arg)
			continue
		}
		value, _ := c.Arg(arg.Key)
		if err := set(&options, kvproto.OptionList()[i], value); err != nil {
			return runtime.Config{}, fmt.Errorf("%s=%s: %w", arg.Key, value, err)
		}
	}
	config, err := simtest.ConfigOf(&rest, others...)
	if config.Protocol == nil {
		config.Protocol = kvproto.New(options)
	}
	return config, err
}

// set sets an option to what a text says.
func set(options *kvproto.Options, o kvproto.Option, text string) error {
	var value any = text
	var err error
	switch o.Default.(type) {
	case bool:
		value, err = strconv.ParseBool(text)
	case int:
		value, err = strconv.Atoi(text)
	}
	if err == nil {
		o.Set(options, value)
	}
	return err
}

// ClusterOf makes the cluster that a command describes: see [ConfigOf].
func ClusterOf(c *simtest.Command, others ...node.Protocol) (*runtime.Cluster, error) {
	config, err := ConfigOf(c, others...)
	if err != nil {
		return nil, err
	}
	return runtime.NewCluster(config)
}

// On returns a stage with the cluster of a line.
func On(t testing.TB, line string) simtest.Stage {
	t.Helper()
	c, err := simtest.Line("cluster " + line)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ConfigOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return simtest.On(t, config)
}
