package main

import (
	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/node"
)

// protocols are the protocols written in Go that modules of @std give to scripts.
//
// A protocol in Go that scripts are to have is added here, and to a module of stdlib, which
// makes it a name that they can load.
func protocols() []dsl.Protocol {
	return []dsl.Protocol{kv()}
}

// kv is the K-V store. What its options are called, mean and default to is read off their list, so
// that an option that is added there is known to scripts, help and completion.
func kv() dsl.Protocol {
	options := kvproto.OptionList()
	p := dsl.Protocol{
		Name: "kv",
		Doc: `The K-V store: one value, kept by n = 3f+1 servers of which f may be faulty.
A client writes or reads in two phases, each with a quorum of 2f+1 servers.
Every option weakens the protocol or changes a quorum; without options it is correct.`,
		New: func(args map[string]any) (node.Protocol, error) {
			var chosen kvproto.Options
			for _, o := range options {
				o.Set(&chosen, args[o.Name])
			}
			return kvproto.New(chosen), nil
		},
	}
	for _, o := range options {
		p.Options = append(p.Options, dsl.Option{Name: o.Name, Default: o.Default, Doc: o.Doc})
	}
	return p
}
