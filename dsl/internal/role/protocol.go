package role

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/node"
)

// A protocol of a script as the runtime takes it: it makes nodes, and says what searches
// may take for granted (symmetry, types of messages).
//
// Freezing happens here, when the first node is made and not when the protocol is defined.
// A script may define helpers further down, or fill a table that handlers read, as long as
// it has not set up a system; from then on all that handlers see stays as it is.

// Promises are what a script says of a protocol beside its roles.
type Promises struct {
	Symmetric bool  // it treats identities the same
	Crashes   bool  // it tolerates crashes and no other fault
	Coins     []any // what a coin may show to its code
}

// A Protocol is a protocol whose nodes are written in Starlark. It implements
// node.Protocol. Handlers may run at the same time, each on a thread of its own: all that
// they share is frozen (see interp.Captured), and no variable of a script is assigned while
// a builtin of it runs.
//
// What changes in it is what has been learnt: it is guarded by mu or a sync.Map. All of its
// methods may be called concurrently.
type Protocol struct {
	name     string
	replica  *Role
	client   *Role // nil if there are no clients
	promises Promises
	in       *interp.Interpreter // that of the script
	replaces *Protocol           // in whose place it runs at one identity, nil if in none

	mu       sync.Mutex
	captured *interp.Captured // what the handlers see of the script, once there are nodes
	wrong    error            // what the roles cannot mean, found with it
	types    []string         // of messages, once a filter named one
	fresh    sync.Map         // nodeKey -> encoded starting state
}

// Functions lists the functions of the roles.
func (p *Protocol) Functions() []starlark.Callable {
	return append(p.replica.Functions(), p.client.Functions()...)
}

// Legend is the first line of the docstring of the replicas' show function, as the end of a
// sentence. Pictures show it, because what a few letters in a box mean only the author
// knows.
func (p *Protocol) Legend() string {
	show, ok := p.replica.handlers["show"].(*starlark.Function)
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(show.Doc()), "\n")
	line = strings.TrimSuffix(line, ".")
	if line != "" {
		line = strings.ToLower(line[:1]) + line[1:]
	}
	return line
}

// Name returns the name that the script gave.
func (p *Protocol) Name() string { return p.name }

// NewServer makes a replica. Its errors are those of init, of what cannot be frozen, and of
// persistent names that mean nothing.
func (p *Protocol) NewServer(self node.Self) (node.Node, error) {
	return p.newNode(p.replica, self, nil)
}

// NewClient makes a client, with the same errors, or says that there is no role for
// clients.
func (p *Protocol) NewClient(self node.Self, program []node.Operation) (node.Node, error) {
	if p.client == nil {
		return nil, fmt.Errorf("protocol %s has no clients; give it client = role(…)", p.name)
	}
	return p.newNode(p.client, self, program)
}

// MessageTypes lists the types that the roles handle, and those that they send, as far as
// their text names them. A filter of any other type is refused, since it could only be a
// misspelt one. It is found once: the functions do not change. The list must not be
// changed.
func (p *Protocol) MessageTypes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messageTypes()
}

// OnlyServes reports whether no code of the replicas names self.invoked. One that finds
// it in another way is met by the properties that rest on this, which say so.
func (p *Protocol) OnlyServes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, err := interp.Capture(p.in, p.replica.Functions()...)
	return err == nil && !seen.Reads("invoked")
}

// roles lists the roles that there are.
func (p *Protocol) roles() []*Role {
	if p.client == nil {
		return []*Role{p.replica}
	}
	return []*Role{p.replica, p.client}
}

// messageTypes is MessageTypes with mu held.
func (p *Protocol) messageTypes() []string {
	if p.types != nil {
		return p.types
	}
	for _, r := range p.roles() {
		for name := range r.handlers {
			if kind, handles := strings.CutPrefix(name, "on_"); handles && !slices.Contains(value.Events, kind) {
				p.types = append(p.types, kind)
			}
		}
	}
	if p.captured != nil {
		p.types = append(p.types, sentTypes(p.captured)...)
	}
	return p.types
}

// newNode makes a node, by running init if no node has started in the same way before: a
// search makes one for each reaction that it does not remember, and init would then take as
// long as the handlers. init runs for one node at a time; that its state is remembered
// takes for granted that it depends on self alone, as it does for handlers.
func (p *Protocol) newNode(r *Role, self node.Self, program []node.Operation) (node.Node, error) {
	n := &scriptNode{protocol: p, role: r, self: self, program: program}
	if b, ok := p.fresh.Load(n.key()); ok {
		n.encoded = b.([]byte)
		return n, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.captured == nil {
		s, err := interp.Capture(p.in, append(p.replica.Functions(), p.client.Functions()...)...)
		if err != nil {
			return nil, fmt.Errorf("protocol %s: %w", p.name, err)
		}
		p.captured = s
		if p.replaces == nil {
			p.wrong = cmp.Or(p.ambiguous(), p.misspelt(), p.tosses())
		}
	}
	if p.wrong != nil {
		return nil, p.wrong
	}
	if err := n.init(); err != nil {
		return nil, err
	}
	if err := persists(n); err != nil {
		return nil, err
	}
	p.fresh.Store(n.key(), n.encoded)
	return n, nil
}

// Label says how a message reads, "" if no role does. That the function of the role fails
// is a mistake of the script.
//
// It is asked by pictures and never by a search, on a thread of its own, and is bounded as
// a handler is. The message has no sender, as it is that of all who send it.
func (p *Protocol) Label(m node.Message) string {
	for _, r := range p.roles() {
		fn := r.labels[node.MessageType(m)]
		if fn == nil {
			continue
		}
		received, err := value.Receive("", m)
		if err != nil {
			return ""
		}
		thread := &starlark.Thread{Name: "label", Print: func(*starlark.Thread, string) {}}
		watch(thread, p.in.Context(), handlerSteps)
		v, err := starlark.Call(thread, fn, starlark.Tuple{received}, nil)
		if err != nil {
			p.in.Mistaken(interp.NewCodeError(fmt.Sprintf("protocol %s: the label of %s", p.name, received.Kind), fn, err))
			return ""
		}
		if s, ok := starlark.AsString(v); ok {
			return s
		}
		p.in.Mistaken(interp.NewCodeError(fmt.Sprintf("protocol %s: the label of %s", p.name, received.Kind), fn,
			fmt.Errorf("it returned %s, want a text, as str(…) and \"%%s\" %% … return", value.Returned(v))))
		return ""
	}
	return ""
}

// Roundless reports whether the replicas have no handler of rounds. To begin one would make
// them fail.
func (p *Protocol) Roundless() bool { return p.replica.handlers["on_round"] == nil }

// Replaced returns the protocol whose nodes run a role in place of p's, as one identity of
// a system of p may: it is the replica, or the client. It promises what p does.
func (p *Protocol) Replaced(r *Role) *Protocol {
	other := NewProtocol(p.in, p.name, r, nil, p.promises)
	if p.client != nil {
		other.client = r
	}
	other.replaces = p
	return other
}

// Replica returns the role of replicas.
func (p *Protocol) Replica() *Role { return p.replica }

// Coins lists what a coin may show to the code.
func (p *Protocol) Coins() []any { return p.promises.Coins }

// Symmetric says what the protocol declares. A search believes it only as far as it has
// checked.
func (p *Protocol) Symmetric() bool { return p.promises.Symmetric }

// CrashTolerant reports whether crashes are all that the protocol declares to tolerate.
func (p *Protocol) CrashTolerant() bool { return p.promises.Crashes }

// Note adds to a digest what the protocol is: what its functions are, and what they see.
// The name is part of that, as reports show it.
func (p *Protocol) Note(d *interp.Digest) {
	if d.Met(p) {
		return
	}
	d.Note(p.name, p.promises.Symmetric, p.promises.Crashes)
	if coins := p.promises.Coins; len(coins) > 0 {
		d.Note(fmt.Sprintf("coins %#v", coins))
	}
	p.replica.Note(d)
	p.client.Note(d)
}

// Note adds to a digest what the functions of a role are; r may be nil.
func (r *Role) Note(d *interp.Digest) {
	if r == nil {
		d.Note("no role")
		return
	}
	d.Note("role", len(r.handlers), fmt.Sprintf("%q", r.persistent))
	for _, name := range r.names() {
		d.Note(name)
		d.Value(r.handlers[name])
	}
}

// NewProtocol makes a protocol of roles of a script of in; client may be nil.
func NewProtocol(in *interp.Interpreter, name string, replica, client *Role, promises Promises) *Protocol {
	return &Protocol{in: in, name: name, replica: replica, client: client, promises: promises}
}

// Interpreter returns that of the script.
func (p *Protocol) Interpreter() *interp.Interpreter { return p.in }

// HasClients reports whether the protocol has a role for clients.
func (p *Protocol) HasClients() bool { return p.client != nil }
