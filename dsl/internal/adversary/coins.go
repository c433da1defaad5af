package adversary

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// Coins: cases whose handlers read what the scenario has thrown, and how that is played. A coin
// is an entry of a dict beside the attributes, until it is read.

// coinNames are those that handlers ask for. A space may throw another one.
var coinNames = []string{"c0", "c0", "c0", "c0", "c1"}

// faceChoices are what a coin may show: two of them are easily taken for each other.
var faceChoices = [][]string{{`0`, `1`}, {`1`, `"1"`}, {`True`, `1`}, {`2`}}

// A tosses is the pen that draws them.
type tosses struct{ *pen }

// coins makes of a case that is complete one with coins: some handlers read one, and the space
// throws them before what it did.
//
// It is the last that is drawn, so that other cases do not depend on it.
func (p tosses) coins() {
	c := p.c
	if !p.chance(15) || strings.Contains(c.Space.String(), "(begin") { // stories were played without coins
		return
	}
	c.Coins = pick(p.pen, faceChoices...)
	roles := []*Role{&c.Replica}
	if c.Liar != nil {
		roles = append(roles, c.Liar)
	}
	for _, r := range roles {
		for range 1 + p.IntN(2) {
			h := &r.Handlers[p.IntN(len(r.Handlers))]
			for k := range r.Handlers { // rounds come in most cases
				if r.Handlers[k].Event == "round" && p.chance(60) {
					h = &r.Handlers[k]
				}
			}
			if (h.Event == "timeout" && len(h.Body) == 0) || h.Event == "hop" || h.Event == "quiet" {
				continue
			}
			do := pick(p.pen, "self.x = self.coin(%q)", "self.x = self.coin(%q)", "self.k = 2 if self.coin(%q) == 1 else 0", "self.decide(0, self.coin(%q))")
			s := Statement{pick(p.pen, "", "", "", "", "", p.condition(h.Event)), fmt.Sprintf(do, pick(p.pen, coinNames...))}
			h.Body = slices.Insert(h.Body, p.IntN(len(h.Body)+1), s)
		}
	}
	if !readsCoins(c) { // none was to be had
		c.Coins = nil
		return
	}
	if p.chance(60) && !p.symmetric {
		c.Start = append([]Step{p.throw("*")}, c.Start...)
	}
	s, err := NewSystem(c)
	if err != nil {
		panic(err)
	}
	if at := s.Play(s.Begin(), c.Start); at.Depth < len(c.Start) { // it was drawn without coins
		c.Start = nil
	}
	c.Space = p.thrown(c.Space)
}

// readsCoins reports whether some handler of a case does.
func readsCoins(c *Case) bool { return strings.Contains(c.Code(), "self.coin(") }

// thrown puts throws before a space, or before what it repeats.
func (p tosses) thrown(s Space) Space {
	if s.Op == "*" {
		if each := (Space{Op: "*", Of: []Space{{Op: "+", Of: []Space{p.falls(), s.Of[0]}}}, Times: s.Times}); each.size() <= p.most && each.longest() <= 8 {
			return each
		}
	}
	for range 3 {
		if all := (Space{Op: "+", Of: []Space{p.falls(), s}}); all.size() <= 2*p.most {
			return p.views(all)
		}
	}
	return s
}

// throw draws a step that shows one value to all servers, or several to some of them.
func (p tosses) throw(name string) Step {
	servers, _ := p.c.Instances()
	var shows []string
	var groups [][]string
	for _, face := range p.c.Coins {
		if some := p.some(servers, 0); len(some) > 0 {
			shows, groups = append(shows, face), append(groups, some)
		}
		servers = slices.DeleteFunc(slices.Clone(servers), func(id string) bool {
			return len(groups) > 0 && slices.Contains(groups[len(groups)-1], id)
		})
		if len(servers) == 0 {
			break
		}
	}
	if len(shows) == 0 || p.chance(50) {
		return Step{Kind: "coin", Who: name, Types: []string{pick(p.pen, p.c.Coins...)}}
	}
	return canonical(p.c, Step{Kind: "coin", Who: name, Types: shows, Groups: groups})
}

// canonical leaves out groups that are all servers.
func canonical(c *Case, s Step) Step {
	servers, _ := c.Instances()
	if len(s.Groups) == 1 && len(s.Groups[0]) == len(servers) {
		s.Groups = nil
	}
	return s
}

// falls draws what a coin may show: to all the same, or to each something of its own.
func (p tosses) falls() (s Space) {
	servers, _ := p.c.Instances()
	name := pick(p.pen, coinNames...)
	if p.chance(5) {
		name = "unread"
	}
	faces, args := p.c.Coins, ""
	if p.chance(30) {
		faces = []string{pick(p.pen, p.c.Coins...)}
		args = ", [" + faces[0] + "]"
	}
	if p.chance(50) || len(servers) > 3 && !p.symmetric {
		for _, face := range faces {
			s.Lists = append(s.Lists, Scenario{{Kind: "coin", Who: name, Types: []string{face}}})
		}
		s.Text = fmt.Sprintf("coins(%q%s)", name, args)
		return s
	}
	own, local := servers, "True"
	if !p.symmetric && p.chance(50) {
		own = p.some(servers, 1)
		local = list(own)
	}
	var choose func(chosen []string)
	choose = func(chosen []string) {
		if len(chosen) < len(own) {
			for _, face := range faces {
				choose(append(slices.Clip(chosen), face))
			}
			return
		}
		step := Step{Kind: "coin", Who: name}
		for _, face := range p.c.Coins { // the order in which a step shows them
			var group []string
			for i, id := range own {
				if chosen[i] == face {
					group = append(group, id)
				}
			}
			if group != nil {
				step.Types, step.Groups = append(step.Types, face), append(step.Groups, group)
			}
		}
		s.Lists = append(s.Lists, Scenario{canonical(p.c, step)})
	}
	choose(nil)
	s.Text = fmt.Sprintf("coins(%q%s, local = %s)", name, args, local)
	return s
}

// shows is what a coin shows, as a step is written.
func (s Step) shows() string {
	texts := make([]string, len(s.Types))
	for i, face := range s.Types {
		texts[i] = copied(value(face)).String()
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// readShows is what a script reads of that: a text without quotes.
func (s Step) readShows() string {
	if text, ok := starlark.AsString(value(s.Types[0])); ok && len(s.Types) == 1 {
		return text
	}
	return s.shows()
}

// toss puts what a coin shows beside the states of those who see it. It takes the place of what
// was not read.
func (p *play) toss(step Step) {
	servers, _ := p.s.c.Instances()
	groups := step.Groups
	if groups == nil {
		groups = [][]string{servers}
	}
	for k, group := range groups {
		for _, i := range p.numbers(group) {
			n := &p.nodes[i]
			n.coins = maps.Clone(n.coins)
			if n.coins == nil {
				n.coins = map[string]starlark.Value{}
			}
			n.coins[step.Who] = copied(value(step.Types[k]))
		}
	}
}

// coin reads a coin, once. Where it shows nothing the step under way cannot happen.
func (r *reaction) coin(name string) (starlark.Value, error) {
	v, ok := r.coins[name]
	if ok {
		delete(r.coins, name)
	} else if v, ok = r.coins["*"]; !ok {
		r.lacks = true
		return nil, fmt.Errorf("no throw of %s", name)
	}
	return v, nil
}
