package adversary

import (
	"fmt"
	"slices"
	"strings"
)

// A Case is a script in parts, each of which can be taken away by itself. It is plain data;
// a test may write one by hand.
type Case struct {
	Replica    Role
	Client     *Role // nil if there are no clients
	Liar       *Role // of twins that lie, nil if none does
	Symmetric  bool  // whether the protocol says that it treats names the same
	Honest     bool  // and was written so
	Crashes    bool  // whether it says that it tolerates crashes only
	N, F       int
	Twins      []Twin
	Clients    []Client
	Held       bool
	Coins      []string // what a coin may show, as texts of values; none if no handler reads one
	Start      []Step   // the way from the beginning to where scenarios start
	Space      Space
	Properties []Property
	Extras     []Property // judged one by one, so that more of what happens is seen
}

// A Role is the code of replicas or clients.
//
// There is a handler for each event that can come, but for timeouts, so that what nodes
// lack is found by tests of its own and does not end most cases here.
type Role struct {
	Persistent []string
	Handlers   []Handler
}

// A Handler is a function that is called at an event: "round", "timeout",
// "exchange", "invoke", "hop", "quiet" or the type of a message.
type Handler struct {
	Event string
	Body  []Statement
}

// A Statement does something, in one or more lines, if a condition holds; "" is
// for always.
//
// They are texts and no trees: what they may say is in draw_code.go, and the interpreter of
// Starlark runs them on both sides.
type Statement struct{ If, Do string }

// A Twin is an identity that runs as several instances.
type Twin struct {
	ID     string
	Copies int
	Lies   bool // it runs the code of the liar
}

// A Client has a name and a program, texts of operations.
type Client struct {
	Name    string
	Program []Operation
}

// An Operation is read(), write(a value), or another.
type Operation struct {
	Name string
	Arg  string // the text of a value, or of several by name, in the order of the names
}

// A script calls operation(…), since no module with shorter names is loaded.
func (o Operation) text() string { return fmt.Sprintf("operation(%q, %s)", o.Name, o.Arg) }

// step is the operation as text shows it: with the value as it is kept, 1 for
// 1.0.
func (o Operation) step() string {
	if o.Arg == "None" {
		return o.Name + "()"
	}
	if strings.Contains(o.Arg, " = ") {
		return made(o).String()
	}
	return o.Name + "(" + copied(value(o.Arg)).String() + ")"
}

// called is the operation as a call that makes it: of a name that a builtin has, by operation().
func (o Operation) called() string {
	arg, clash := strings.CutPrefix(o.step(), "release(")
	switch {
	case !clash:
		return o.step()
	case arg != ")":
		arg = ", " + arg
	}
	return "operation(\"release\"" + arg
}

// A Property is a call that makes a property, and the kind of it.
//
// Kind and the fields below are what this package judges by, Text is what the other side
// gets; that they mean the same is seen to where one is drawn.
type Property struct {
	Kind  string   // agreement, validity, invariant, grows, falls, linearizable or another condition on operations
	Text  string   // the call
	Name  string   // what reports call it
	Value string   // validity: the value that is not allowed, or the only one; of objects: which one
	Only  bool     // validity: whether it is the only one
	Claim Claim    // invariant, grows, falls, eventually
	Of    []string // the same: the instances that it looks at

	Within int       // live, terminates, eventually: good rounds
	Inner  *Property // at end: what holds there; up to: what is judged
	Faults int       // up to: servers that may be faulty
}

// A Claim is what an invariant says of worlds, or what is to come about: an invariant bounds
// a count from above, eventually from below; grows and falls bound by how much a step changes it.
//
// Claims are counts that are bounded, since a count is easily made wrong by merging too
// much. done and k look at attributes of nodes in Of.
type Claim struct {
	Kind string // crashed, rounds, faulty, k, done
	Most int
}

// A Step is one step, in names.
//
// Which fields a kind has, String says. A kind of the language that is new gets its case
// there, in attribute, in the player and in draw.go.
type Step struct {
	Kind     string
	Who      string     // the client, the leader, the one who hears or is deaf
	Names    []string   // a reach; those whom it happens to; the deaf; the first
	Groups   [][]string // a partition
	Types    []string
	Src, Dst string
	Count    int // hops, messages released, or how many of several must be able to
	Op       Operation
	Inner    []Step // of a view, whose name is Who
}

// String is the step as a script writes it.
//
// It must be byte for byte what the language prints, since steps of reports are found again
// by it.
func (s Step) String() string {
	switch s.Kind {
	case "exchange":
		return fmt.Sprintf("exchange(%q, %s)", s.Who, list(s.Names))
	case "invoke":
		return fmt.Sprintf("invoke(%q, %s)", s.Who, s.Op.called())
	case "round", "deliver":
		var args []string
		if s.Kind == "round" {
			args = append(args, fmt.Sprintf("%q", s.Who))
		}
		if s.Groups != nil {
			args = append(args, "groups = "+lists(s.Groups))
		}
		if s.Count > 0 {
			args = append(args, fmt.Sprintf("hops = %d", s.Count))
		}
		if len(s.Names) > 0 {
			args = append(args, "deaf = "+list(s.Names), "types = "+list(s.Types))
		}
		return s.Kind + "(" + strings.Join(args, ", ") + ")"
	case "partition":
		text := lists(s.Groups)
		return "partition(" + text[1:len(text)-1] + ")"
	case "heal":
		return "heal()"
	case "cut", "hold":
		return fmt.Sprintf("%s(%q, %q)", s.Kind, s.Src, s.Dst)
	case "release":
		if s.Count == 0 {
			return fmt.Sprintf("release(%q, %q)", s.Src, s.Dst)
		}
		return fmt.Sprintf("release(%q, %q, %d)", s.Src, s.Dst, s.Count)
	case "duplicate", "replay":
		return fmt.Sprintf("%s(%q, %q, %q)", s.Kind, s.Types[0], s.Src, s.Dst)
	case "drop":
		text := fmt.Sprintf("drop(%q", s.Types[0])
		if s.Src != "" {
			text += fmt.Sprintf(", src = %q", s.Src)
		}
		if s.Dst != "" {
			text += fmt.Sprintf(", dst = %q", s.Dst)
		}
		return text + ")"
	case "deaf":
		return fmt.Sprintf("deaf(%q, %s)", s.Who, list(s.Types))
	case "order":
		return fmt.Sprintf("order(%q, first = %s)", s.Who, list(s.Names))
	case "coin":
		if s.Groups != nil {
			return fmt.Sprintf("coin(%q, %s, groups = %s)", s.Who, s.shows(), lists(s.Groups))
		}
		return fmt.Sprintf("coin(%q, %s)", s.Who, s.shows())
	case "view":
		return fmt.Sprintf("view %q: %s", s.Who, Scenario(s.Inner))
	}
	text := list(s.Names)
	text = text[1 : len(text)-1]
	if s.Kind == "timeout" && s.Count > 0 {
		text += fmt.Sprintf(", least = %d", s.Count)
	}
	return s.Kind + "(" + text + ")"
}

// attributes are all that steps of some kind have.
//
// A kind that has none of that name says "-", which is what the scripts' getattr is given
// as a default, too.
var attributes = []string{"kind", "client", "reach", "leader", "groups", "hops", "deaf", "types", "op", "id", "ids", "src", "dst", "type", "first", "count", "least", "name", "steps", "shows"}

// attribute is the text of what a script reads of the step under a name, "-" if it has
// nothing of that name.
func (s Step) attribute(name string) string {
	if name == "kind" {
		return s.Kind
	}
	or := func(text, none string) string {
		if text == "" {
			return none
		}
		return text
	}
	has := map[string]string{}
	switch s.Kind {
	case "exchange":
		has = map[string]string{"client": s.Who, "reach": list(s.Names)}
	case "invoke":
		has = map[string]string{"client": s.Who, "op": s.Op.step()}
	case "round", "deliver":
		has = map[string]string{"groups": "None", "hops": fmt.Sprint(s.Count), "deaf": list(s.Names), "types": list(s.Types)}
		if s.Groups != nil {
			has["groups"] = lists(s.Groups)
		}
		if s.Kind == "round" {
			has["leader"] = s.Who
		}
	case "partition":
		has = map[string]string{"groups": lists(s.Groups)}
	case "cut", "hold", "release":
		has = map[string]string{"src": s.Src, "dst": s.Dst}
		if s.Kind == "release" {
			has["count"] = fmt.Sprint(s.Count)
		}
	case "duplicate", "replay":
		has = map[string]string{"type": s.Types[0], "src": s.Src, "dst": s.Dst}
	case "drop":
		has = map[string]string{"type": s.Types[0], "src": or(s.Src, "None"), "dst": or(s.Dst, "None")}
	case "deaf":
		has = map[string]string{"id": s.Who, "types": list(s.Types)}
	case "order":
		has = map[string]string{"id": s.Who, "first": list(s.Names)}
	case "crash", "restart", "amnesia":
		has = map[string]string{"id": s.Names[0]}
	case "view":
		has = map[string]string{"name": s.Who, "steps": "[" + strings.ReplaceAll(Scenario(s.Inner).String(), "; ", ", ") + "]"}
	case "coin":
		has = map[string]string{"name": s.Who, "shows": s.readShows(), "groups": "None"}
		if s.Groups != nil {
			has["groups"] = lists(s.Groups)
		}
	case "timeout":
		has = map[string]string{"ids": list(s.Names), "least": fmt.Sprint(s.Count)}
	}
	return or(has[name], "-")
}

// Read lists what a script reads of the step, a line for each attribute.
func (s Step) Read() (lines []string) {
	for _, name := range attributes {
		if is := s.attribute(name); is != "-" {
			lines = append(lines, fmt.Sprintf("%s: %s = %s", s, name, is))
		}
	}
	return lines
}

// act is the step as a call that takes it. It differs from String in operations only.
func (s Step) act() string {
	if s.Kind == "invoke" {
		return fmt.Sprintf("invoke(%q, %s)", s.Who, s.Op.text())
	}
	return s.String()
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func lists(groups [][]string) string {
	texts := make([]string, len(groups))
	for i, g := range groups {
		texts[i] = list(g)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// A Scenario is a sequence of steps.
type Scenario []Step

func (s Scenario) String() string {
	texts := make([]string, len(s))
	for i, step := range s {
		texts[i] = step.String()
	}
	return strings.Join(texts, "; ")
}

// Instances lists all instances: servers, then clients, twins side by side.
//
// That is the order in which messages of one hop arrive, by sender.
func (c *Case) Instances() (servers, clients []string) {
	for i := range c.N {
		servers = append(servers, c.copies(string(rune('A'+i)))...)
	}
	for _, client := range c.Clients {
		clients = append(clients, c.copies(client.Name)...)
	}
	return servers, clients
}

func (c *Case) lies(id string) bool {
	return slices.ContainsFunc(c.Twins, func(t Twin) bool { return t.ID == id && t.Lies })
}

func (c *Case) copies(id string) []string {
	all := []string{id}
	for _, t := range c.Twins {
		for k := 1; t.ID == id && k < t.Copies; k++ {
			all = append(all, id+strings.Repeat("'", k))
		}
	}
	return all
}

// Code is the part of the script that defines the functions of the roles.
func (c *Case) Code() string {
	var b strings.Builder
	c.Replica.write(&b, "replica")
	if c.Client != nil {
		c.Client.write(&b, "client")
	}
	if c.Liar != nil {
		c.Liar.write(&b, "liar")
	}
	return b.String()
}

// All roles have the same attributes, with the same first values, so that any statement can
// be in any handler. log_ is called so because self.log is a method.
func (r *Role) write(b *strings.Builder, name string) {
	fmt.Fprintf(b, "def %s_init(self):\n", name)
	fmt.Fprint(b, "    self.x, self.k, self.got, self.log_, self.peer, self.done, self.cert = None, 0, set(), [], None, False, None\n")
	fmt.Fprint(b, "    self.at, self.open, self.reads, self.said = 0, False, False, 0\n")
	for _, h := range r.Handlers {
		args := "self, m"
		switch h.Event {
		case "round", "invoke":
			args = "self, " + map[string]string{"round": "round", "invoke": "op"}[h.Event]
		case "timeout", "exchange", "quiet":
			args = "self"
		case "hop":
			args = "self, k"
		}
		fmt.Fprintf(b, "def %s_%s(%s):\n", name, h.Event, args)
		for _, s := range h.Body {
			indent := "    "
			if s.If != "" {
				fmt.Fprintf(b, "    if %s:\n", s.If)
				indent += indent
			}
			for line := range strings.SplitSeq(s.Do, "\n") {
				fmt.Fprintf(b, "%s%s\n", indent, line)
			}
		}
		if len(h.Body) == 0 {
			fmt.Fprint(b, "    pass\n")
		}
	}
}

// call is the role as a script makes it.
func (r *Role) call(name string) string {
	args := []string{"init = " + name + "_init"}
	for _, h := range r.Handlers {
		args = append(args, fmt.Sprintf("on_%s = %s_%s", h.Event, name, h.Event))
	}
	if len(r.Persistent) > 0 {
		args = append(args, "persistent = "+list(r.Persistent))
	}
	return "role(" + strings.Join(args, ", ") + ")"
}

// way makes a space of how a world came about. Code may have failed on the way; a script
// that takes such a step and does not look fails, so it looks.
const way = `def way(w):
    looked = w.history()
    return steps(w.steps)
`

// Stage is the part of the script that ends with a space and properties.
//
// It defines begin, start, space, properties and extras, which the scripts of the test go
// on with.
func (c *Case) Stage() string {
	var b strings.Builder
	b.WriteString(c.Code())
	fmt.Fprintf(&b, "p = protocol(\"p\", replica = %s", c.Replica.call("replica"))
	if c.Client != nil {
		fmt.Fprintf(&b, ", client = %s", c.Client.call("client"))
	}
	if c.Symmetric {
		b.WriteString(", symmetric = True")
	}
	if c.Coins != nil {
		fmt.Fprintf(&b, ", coins = [%s]", strings.Join(c.Coins, ", "))
	}
	tolerates, servers := "", 3*c.F+1 // if nothing else is said
	if c.Crashes {
		tolerates, servers = `, tolerates = "crash"`, 2*c.F+1
	}
	fmt.Fprintf(&b, "%s)\ncluster(p, f = %d", tolerates, c.F)
	if c.N != servers {
		fmt.Fprintf(&b, ", n = %d", c.N)
	}
	if len(c.Clients) > 0 {
		var clients []string
		for _, client := range c.Clients {
			var program []string
			for _, op := range client.Program {
				program = append(program, op.text())
			}
			clients = append(clients, fmt.Sprintf("%q: [%s]", client.Name, strings.Join(program, ", ")))
		}
		fmt.Fprintf(&b, ", clients = {%s}", strings.Join(clients, ", "))
	}
	if c.Held {
		b.WriteString(`, network = "held"`)
	}
	b.WriteString(")\n")
	for _, t := range c.Twins {
		replica := ""
		if t.Lies {
			replica = ", replica = " + c.Liar.call("liar")
		}
		fmt.Fprintf(&b, "twin(%q, k = %d%s)\n", t.ID, t.Copies, replica)
	}
	b.WriteString("begin = world()\n" + way)
	for _, s := range c.Start {
		fmt.Fprintln(&b, s.act())
	}
	fmt.Fprintf(&b, "start = world()\nspace = %s\n", c.Space)
	c.list(&b, "property", "properties", c.Properties)
	c.list(&b, "extra", "extras", c.Extras)
	return b.String()
}

// list gives each property a variable, and all of them one.
func (c *Case) list(b *strings.Builder, one, all string, properties []Property) {
	var names []string
	for i, p := range properties {
		name := fmt.Sprint(one, i)
		fmt.Fprintf(b, "%s = %s\n", name, p.Text)
		names = append(names, name)
	}
	fmt.Fprintf(b, "%s = [%s]\n", all, strings.Join(names, ", "))
}
