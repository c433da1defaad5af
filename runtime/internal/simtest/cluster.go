package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// ConfigOf reads the cluster that the arguments of a command describe:
//
//	cluster n=4 f=1 twin=(C) network=held write_back=false c1=(write red, read)
//	cluster twin=C'' c1=(write red) c1'=(write blue)
//
// An option of the K-V store goes by its name, another protocol by its own alone. What
// is none of these is a client, with its operations. Each prime of a twin is one more
// instance; c1' is what the twin of c1 runs. Without n and f there are 4 servers of which
// 1 may be faulty.
func ConfigOf(c *Command, others ...node.Protocol) (runtime.Config, error) {
	config := runtime.Config{N: 4, F: 1}
	var options kvproto.Options
	for _, arg := range c.Args {
		value, _ := c.Arg(arg.Key)
		option := slices.IndexFunc(kvproto.OptionList(), func(o kvproto.Option) bool { return o.Name == arg.Key })
		other := slices.IndexFunc(others, func(p node.Protocol) bool { return p.Name() == arg.Key })
		var err error
		switch {
		case arg.Key == "n":
			config.N, err = strconv.Atoi(value)
		case arg.Key == "f":
			config.F, err = strconv.Atoi(value)
		case arg.Key == "twin":
			for _, last := range arg.Values {
				id := strings.TrimRight(last, "'")
				config.Twins = append(config.Twins, runtime.Twin{ID: id, Copies: max(2, 1+len(last)-len(id))})
			}
		case arg.Key == "network" && value == "held":
			config.Held = true
		case option >= 0:
			err = set(&options, kvproto.OptionList()[option], value)
		case other >= 0:
			config.Protocol = others[other]
		default:
			program := []node.Operation{}
			for _, text := range arg.Values {
				if text != "" {
					program = append(program, Operation(text))
				}
			}
			if id, twin := strings.CutSuffix(arg.Key, "'"); twin {
				config.Twins = append(config.Twins, runtime.Twin{ID: id, Copies: 2, Program: program})
			} else {
				config.Clients = append(config.Clients, runtime.Client{Name: id, Program: program})
			}
		}
		if err != nil {
			return config, fmt.Errorf("%s=%s: %w", arg.Key, value, err)
		}
	}
	if config.Protocol == nil {
		config.Protocol = kvproto.New(options)
	}
	return config, nil
}

// ClusterOf makes the cluster that a command describes: see [ConfigOf].
func ClusterOf(c *Command, others ...node.Protocol) (*runtime.Cluster, error) {
	config, err := ConfigOf(c, others...)
	if err != nil {
		return nil, err
	}
	return runtime.NewCluster(config)
}

// ConfigLine is [ConfigOf] for a line of arguments.
func ConfigLine(t testing.TB, line string, others ...node.Protocol) runtime.Config {
	t.Helper()
	_, args, err := parse("cluster " + line)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ConfigOf(&Command{Args: args}, others...)
	if err != nil {
		t.Fatal(err)
	}
	return config
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

// Operation is what a text says: write red.
func Operation(text string) node.Operation {
	name, arg, given := strings.Cut(text, " ")
	if !given {
		return node.Operation{Name: name}
	}
	return node.Operation{Name: name, Arg: arg}
}

// Play takes the steps of a story, one from each line, from the start of a cluster.
func Play(c *runtime.Cluster, story string) (*runtime.World, error) {
	w := c.Start()
	for line := range strings.Lines(story) {
		s, err := c.ParseStep(strings.TrimSpace(line))
		if err == nil {
			w, err = w.Do(s)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	return w, nil
}
