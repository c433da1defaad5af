package node

// EventKind says what happened to a node.
type EventKind uint8

const (
	MessageEvent  EventKind = iota // a message arrived
	ExchangeEvent                  // a client is to begin or continue the current phase of its current operation
	InvokeEvent                    // a client is to begin an operation and carry it through by itself
	RoundEvent                     // a round began
	TimeoutEvent                   // the node waited in vain
	HopEvent                       // a hop begins: what is in flight arrives now; see Attentive
	QuietEvent                     // nothing is in flight any more among those with whom the node is connected; see Attentive
	CoinEvent                      // a coin is thrown for the node, which is not called; see Reaction.Coin
)

// An Event is what a node reacts to.
type Event struct {
	Kind      EventKind
	From      string    // MessageEvent: the identity that sent it
	Message   Message   // MessageEvent
	Operation Operation // InvokeEvent
	Round     Round     // RoundEvent
	Hop       int       // HopEvent: 1 for the first hop of a step
	Coin      Coin      // CoinEvent
}

// A Round is what every replica learns when a round begins.
type Round struct {
	Number int    // 1 for the first round of a scenario
	Leader string // the identity that leads; all its instances do
	// Input is what this instance may propose: the number of the round and a
	// letter for the instance, "1a" in round 1, "1b" for the twin of its leader,
	// "2a" in round 2. It is "" if the instance does not lead. Within a scenario
	// no two inputs are equal, so that what leaders propose on their own account
	// never agrees by accident.
	Input string
}

// An Operation is something that a client is asked to do, such as write "red".
type Operation struct {
	Name string
	Arg  any // a comparable value; nil if the operation takes none
}

// String is the operation as a call: write("red").
func (o Operation) String() string {
	if o.Arg == nil {
		return o.Name + "()"
	}
	return o.Name + "(" + Text(o.Arg) + ")"
}
