package main

import (
	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
)

// protocols are the protocols written in Go that modules of @std give to scripts.
func protocols() []dsl.Protocol {
	return []dsl.Protocol{kv()}
}

func kv() dsl.Protocol {
	return dsl.Protocol{
		Name: "kv",
		Doc: `The K-V store: one value, kept by n = 3f+1 servers of which f may be faulty.
A client writes or reads in two phases, each with a quorum of 2f+1 servers.
Every option weakens the protocol or changes a quorum; without options it is correct.`,
		Options: []dsl.Option{
			{Name: "quorum", Default: 0, Doc: "how many servers must answer in each phase; 0 means 2f+1"},
			{Name: "read_quorum", Default: 0, Doc: "the same for the first phase of reads; 0 means quorum"},
			{Name: "read_rule", Default: "max", Doc: `which answer a read takes: "max", the newest, or "first"`},
			{Name: "write_back", Default: true, Doc: "reads write what they found back before they return it"},
			{Name: "tie_break", Default: true, Doc: "of two values with one version, the writer's name decides"},
			{Name: "query_first", Default: true, Doc: "writes ask for the newest version before they write"},
			{Name: "version_check", Default: true, Doc: "servers refuse values older than their own"},
			{Name: "persistent_counter", Default: true, Doc: "clients remember through a restart how often they wrote"},
			{Name: "verify", Default: true, Doc: "signatures are verified"},
			{Name: "one_vote", Default: true, Doc: "the twins of a server have one vote together"},
		},
		New: func(args map[string]any) (runtime.Protocol, error) {
			without := func(rule string) bool { return !args[rule].(bool) }
			return kvproto.New(kvproto.Options{
				Quorum:          args["quorum"].(int),
				ReadQuorum:      args["read_quorum"].(int),
				ReadRule:        args["read_rule"].(string),
				NoWriteBack:     without("write_back"),
				NoTieBreak:      without("tie_break"),
				SkipQuery:       without("query_first"),
				NoVersionCheck:  without("version_check"),
				VolatileCounter: without("persistent_counter"),
				NoVerify:        without("verify"),
				CountReplies:    without("one_vote"),
			}), nil
		},
	}
}
