package kvproto

// Options choose a variant of the protocol. The zero value is the correct
// protocol; each field takes one rule out of it or changes a quorum.
type Options struct {
	// Quorum is how many identities must answer before a phase is done;
	// 0 means 2f+1.
	Quorum int
	// ReadQuorum is the same for the first phase of reads; 0 means Quorum.
	ReadQuorum int
	// ReadRule says which of the reported values a read takes: "max" (or "")
	// the one with the largest tag, "first" the one that was heard first.
	ReadRule string

	// NoWriteBack makes reads return after their first phase.
	NoWriteBack bool
	// NoTieBreak orders values by version alone. Of two values with the same
	// version, servers keep the one that they have and clients take the one
	// that they heard first.
	NoTieBreak bool
	// SkipQuery makes writes start with their second phase, with the writer's
	// counter for a version.
	SkipQuery bool
	// NoVersionCheck makes servers take every value that they are sent.
	NoVersionCheck bool
	// VolatileCounter makes clients forget, when they restart, how many
	// writes they began.
	VolatileCounter bool
	// NoVerify makes servers and clients accept every signature.
	NoVerify bool
	// CountReplies makes clients count answers rather than identities, so
	// that each instance of a twinned server has a vote.
	CountReplies bool
}

// An Option is a field of [Options] that a person sets by name.
type Option struct {
	Name    string // in the words of the correct protocol: write_back
	Doc     string
	Default any // of the correct protocol: an int, a string or a bool

	set func(o *Options, value any)
}

// Set sets the option. The value must be of the type of the default.
func (o Option) Set(options *Options, value any) { o.set(options, value) }

// OptionList describes all options, in the order in which they are documented. Each
// rule is on in the correct protocol.
func OptionList() []Option {
	return []Option{
		{"quorum", "how many servers must answer in each phase; 0 means 2f+1", 0,
			func(o *Options, v any) { o.Quorum = v.(int) }},
		{"read_quorum", "the same for the first phase of reads; 0 means quorum", 0,
			func(o *Options, v any) { o.ReadQuorum = v.(int) }},
		{"read_rule", `which answer a read takes: "max", the newest, or "first"`, "max",
			func(o *Options, v any) { o.ReadRule = v.(string) }},
		{"write_back", "reads write what they found back before they return it", true,
			func(o *Options, v any) { o.NoWriteBack = !v.(bool) }},
		{"tie_break", "of two values with one version, the writer's name decides", true,
			func(o *Options, v any) { o.NoTieBreak = !v.(bool) }},
		{"query_first", "writes ask for the newest version before they write", true,
			func(o *Options, v any) { o.SkipQuery = !v.(bool) }},
		{"version_check", "servers refuse values older than their own", true,
			func(o *Options, v any) { o.NoVersionCheck = !v.(bool) }},
		{"persistent_counter", "clients remember through a restart how often they wrote", true,
			func(o *Options, v any) { o.VolatileCounter = !v.(bool) }},
		{"verify", "signatures are verified", true,
			func(o *Options, v any) { o.NoVerify = !v.(bool) }},
		{"one_vote", "the twins of a server have one vote together", true,
			func(o *Options, v any) { o.CountReplies = !v.(bool) }},
	}
}
