package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// ConfigOf reads the cluster that the arguments of a command describe:
//
//	cluster ballots n=4 f=1 twin=(C) network=held c1=(write red, read)
//	cluster ballots twin=C'' c1=(write red) c1'=(write blue)
//
// One of the protocols goes by its name. What is none of these is a client, with its
// operations. Each prime of a twin is one more instance; c1' is what the twin of c1 runs.
// Without n and f there are 4 servers of which 1 may be faulty. Without a name there is no
// protocol: package store has the K-V store, and its options, for a default.
func ConfigOf(c *Command, protocols ...node.Protocol) (runtime.Config, error) {
	config := runtime.Config{N: 4, F: 1}
	for _, arg := range c.Args {
		value, _ := c.Arg(arg.Key)
		protocol := slices.IndexFunc(protocols, func(p node.Protocol) bool { return p.Name() == arg.Key })
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
		case protocol >= 0:
			config.Protocol = protocols[protocol]
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
	return config, nil
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
