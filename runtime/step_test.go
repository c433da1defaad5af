package runtime_test

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// Each kind of step is made again of its notation, in another cluster.
func TestNotation(t *testing.T) {
	config := runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1,
		Clients: []runtime.Client{{Name: "c1", Program: []node.Operation{{Name: "read"}}}},
		Twins:   []runtime.Twin{{ID: "C", Copies: 2}},
	}
	config.Protocol = tossing{config.Protocol.(*kvproto.Protocol)}
	clusters := [2]*runtime.Cluster{simtest.Cluster(t, config), simtest.Cluster(t, config)}
	groups := [][]string{{"A", "C'"}, {"B", "C", "D"}}
	phase := runtime.Phase{Groups: groups, Deaf: []string{"B", "D"}, Types: []string{"ack", "report"}, Hops: 2}
	invoke := func(name string, arg any) runtime.Action {
		return runtime.InvokeStep{Client: "c1", Op: node.Operation{Name: name, Arg: arg}}
	}
	kinds := map[string]bool{}
	for want, a := range map[string]runtime.Action{
		"exchange c1 A,C'":                  runtime.ExchangeStep{Client: "c1", Reach: []string{"A", "C'"}},
		`invoke c1 write("red")`:            invoke("write", "red"),
		`invoke c1 write(" a=\"b\", (c)|")`: invoke("write", ` a="b", (c)|`),
		"invoke c1 read()":                  invoke("read", nil),
		"invoke c1 add(-3)":                 invoke("add", -3),
		"invoke c1 add(3.0)":                invoke("add", 3.0),
		"invoke c1 add(1e+300)":             invoke("add", 1e300),
		"invoke c1 add(+Inf)":               invoke("add", math.Inf(1)),
		"invoke c1 set(true)":               invoke("set", true),
		`invoke c1 "a b"(false)`:            invoke("a b", false),
		"timeout A,c1":                      runtime.TimeoutStep{IDs: []string{"A", "c1"}},
		"timeout A,B,c1 least=2":            runtime.TimeoutStep{IDs: []string{"A", "B", "c1"}, Least: 2},
		"crash C'":                          runtime.CrashStep{ID: "C'"},
		"coin r1 0":                         runtime.CoinStep{Coin: "r1", Shows: runtime.Faces{0}},
		`coin "*" "x, y"`:                   runtime.CoinStep{Coin: "*", Shows: runtime.Faces{"x, y"}},
		"coin r1 true groups=A":             runtime.CoinStep{Coin: "r1", Shows: runtime.Faces{true}, Groups: [][]string{{"A"}}},
		`coin c 0,"x, y" groups=B,C'|A,c1`:  runtime.CoinStep{Coin: "c", Shows: runtime.Faces{0, "x, y"}, Groups: [][]string{{"B", "C'"}, {"A", "c1"}}},
		"restart c1":                        runtime.RestartStep{ID: "c1"},
		"amnesia A":                         runtime.AmnesiaStep{ID: "A"},
		"round C groups=A,C'|B,C,D hops=2 deaf=B,D types=ack,report": runtime.RoundStep{Leader: "C", Phase: phase},
		"round C": runtime.RoundStep{Leader: "C"},
		"deliver groups=A,C'|B,C,D hops=2 deaf=B,D types=ack,report": runtime.DeliverStep{Phase: phase},
		"deliver":              runtime.DeliverStep{},
		"partition A,C'|B,C,D": runtime.PartitionStep{Groups: groups},
		"heal":                 runtime.HealStep{},
		"cut A c1":             runtime.CutStep{Src: "A", Dst: "c1"},
		"drop ack src=A":       runtime.DropStep{Type: "ack", Src: "A"},
		"drop ack dst=c1":      runtime.DropStep{Type: "ack", Dst: "c1"},
		"deaf A ack,query":     runtime.DeafStep{ID: "A", Types: []string{"ack", "query"}},
		"hold A B":             runtime.HoldStep{Src: "A", Dst: "B"},
		"release A B count=3":  runtime.ReleaseStep{Src: "A", Dst: "B", Count: 3},
		"release A B":          runtime.ReleaseStep{Src: "A", Dst: "B"},
		"order A first=C',B":   runtime.OrderStep{ID: "A", First: []string{"C'", "B"}},
		"duplicate ack A c1":   runtime.DuplicateStep{Type: "ack", Src: "A", Dst: "c1"},
		"replay ack A c1":      runtime.ReplayStep{Type: "ack", Src: "A", Dst: "c1"},
		"view v heal":          runtime.ViewStep{Called: "v", Steps: []runtime.Action{runtime.HealStep{}}},
		`view "a b" "timeout A,c1","invoke c1 write(\"a,\\\"b\")",heal`: runtime.ViewStep{Called: "a b", Steps: []runtime.Action{
			runtime.TimeoutStep{IDs: []string{"A", "c1"}}, invoke("write", `a,"b`), runtime.HealStep{},
		}},
		"order A": runtime.OrderStep{ID: "A"},
	} {
		kinds[a.Name()] = true
		s, err := clusters[0].Step(a)
		if err != nil || s.String() != want {
			t.Errorf("%+v is %q, %v, want %q", a, s, err, want)
			continue
		}
		again, err := clusters[1].ParseStep(s.String())
		if err != nil || again.String() != want || again.Cluster() != clusters[1] || !reflect.DeepEqual(again.Action(), s.Action()) {
			t.Errorf("%s is read as %+v, %v, want %+v", s, again, err, s.Action())
		}
	}
	for _, a := range runtime.Kinds {
		if !kinds[a.Name()] {
			t.Errorf("no %s was tried", a.Name())
		}
	}
}

// tossing is a protocol that lists what coins show.
type tossing struct{ *kvproto.Protocol }

func (tossing) Coins() []any { return []any{0, "x, y", true} }

// Of the ways to write the same step one is left.
func TestOneNotationOfAStep(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: simtest.Mute{}, N: 3, Clients: simtest.Clients(simtest.Program{simtest.Read()})}) // A B C c1
	for text, want := range map[string]string{
		"exchange c1 C,A": "exchange c1 A,C",
		"timeout c1,B,A":  "timeout A,B,c1",
		"partition C|B,A": "partition A,B|C",
		"round A groups=C|B,A deaf=C,B types=b,a,b": "round A groups=A,B|C deaf=B,C types=a,b",
		"deliver types=b,a deaf=C":                  "deliver deaf=C types=a,b",
		"deaf A b,a,b":                              "deaf A a,b",
	} {
		if s, err := c.ParseStep(text); err != nil || s.String() != want {
			t.Errorf("%s is %s, %v, want %s", text, s, err, want)
		}
	}
}

// What is no notation of a step is refused with what is wrong.
func TestBadNotation(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "no step is called ; there are exchange, invoke",
		"jump A":                              "no step is called jump; there are exchange, invoke",
		"crash":                               "id is missing",
		"crash A B":                           "B is one word too many",
		"crash id=A":                          "id is missing",
		"crash A when=now":                    "crash takes no when",
		"round A hops=1 hops=2":               "hops is given twice",
		"drop ack src= src=A":                 "src is given twice",
		"invoke c1 add(99999999999999999999)": "99999999999999999999 is too large a number",
		"round A hops=x":                      "hops: x is no number",
		"partition A,,B":                      "groups: \"\" is no word; quote it",
		`cut A "B`:                            `dst: "\"B" is no word; quote it`,
		"invoke c1 read":                      `op: read is no operation, as read() or write("red")`,
		"invoke c1 write(red)":                "op: red is no string, number or truth value",
		"invoke c1 cas(new=2,old=)":           "op:  is no string, number or truth value",
		"invoke c1 cas(new=2,new=1)":          "op: new is given twice",
	} {
		if a, err := runtime.ParseAction(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %+v, %v, want %q", text, a, err, want)
		}
	}
}

// Random words and lists keep what they are.
func TestNotationOfAnyWord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.String(), 1, 4)
		for _, a := range []runtime.Action{
			runtime.DropStep{Type: rapid.StringN(1, -1, -1).Draw(t, "type"), Src: rapid.String().Draw(t, "src")},
			runtime.DeafStep{ID: rapid.String().Draw(t, "id"), Types: words.Draw(t, "types")},
			runtime.PartitionStep{Groups: rapid.SliceOfN(words, 1, 4).Draw(t, "groups")},
			runtime.InvokeStep{Client: "c", Op: node.Operation{Name: rapid.String().Draw(t, "name"), Arg: rapid.String().Draw(t, "arg")}},
			runtime.InvokeStep{Client: "c", Op: node.Operation{Name: "add", Arg: rapid.Float64().Draw(t, "x")}},
			runtime.InvokeStep{Client: "c", Op: node.Operation{Name: "add", Arg: rapid.Int().Draw(t, "n")}},
			runtime.InvokeStep{Client: "c", Op: node.Operation{Name: "cas", Arg: node.ArgumentsOf(map[string]any{
				"key": rapid.String().Draw(t, "key"), "new": rapid.Int().Draw(t, "new"), "old": nil, "sure": true,
				rapid.StringN(1, -1, -1).Draw(t, "more"): 1.5,
			})}},
		} {
			again, err := runtime.ParseAction(a.String())
			if err != nil || !reflect.DeepEqual(again, a) {
				t.Fatalf("%s is read as %#v, %v, want %#v", a, again, err, a)
			}
		}
	})
}

// Steps are checked when they are made: a partition has each server once, and
// what is named is there.
func TestStepsAreChecked(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: simtest.Mute{}, N: 3, Clients: simtest.Clients(simtest.Program{simtest.Read()})}) // A B C c1
	for groups, want := range map[string]string{
		"A|B,C":    "", // it is a partition
		"A,c1|B,C": "",
		"A|B":      "C is in no group; each of A, B, C must be in one",
		"A,B|B,C":  "B is in two groups",
		"A,B,C|D":  `no instance "D"; there are A, B, C, c1`,
		"A,A,B|C":  "A is named twice",
	} {
		for act, text := range map[string]string{"round": "round A groups=", "deliver": "deliver groups=", "partition": "partition "} {
			_, err := c.ParseStep(text + groups)
			if want == "" && err != nil || want != "" && (err == nil || err.Error() != act+": "+want) {
				t.Errorf("%s of %s: %v, want %q", act, groups, err, want)
			}
		}
	}
	for want, a := range map[string]runtime.Action{
		"partition: A is in no group; each of A, B, C must be in one":                                                    runtime.PartitionStep{Groups: [][]string{}},
		"partition: a group is empty":                                                                                    runtime.PartitionStep{Groups: [][]string{{"A", "B", "C"}, {}}},
		`round: deaf: no instance "E"; there are A, B, C, c1`:                                                            runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Deaf: []string{"E"}, Types: []string{"vote"}}},
		"round: types names vote, and deaf no instance that does not hear that; add deaf, with instances of A, B, C, c1": runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Types: []string{"vote"}}},
		"round: deaf names A, and types no message that is not heard; add types":                                         runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Deaf: []string{"A"}}},
		"round: hops is -1, want 1 or more, or none for all":                                                             runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Hops: -1}},
		"round: leader: c1 is a client; servers lead":                                                                    runtime.RoundStep{Leader: "c1"},
		"deliver: types: a message type is empty":                                                                        runtime.DeliverStep{Phase: runtime.Phase{Deaf: []string{"A"}, Types: []string{""}}},
		"exchange: the reach of c1 is empty; name the servers that take part":                                            runtime.ExchangeStep{Client: "c1"},
		"exchange: A is a server; the clients are c1":                                                                    runtime.ExchangeStep{Client: "A", Reach: []string{"A"}},
		"exchange: reach: c1 is a client; a client exchanges with servers (A, B, C)":                                     runtime.ExchangeStep{Client: "c1", Reach: []string{"A", "c1"}},
		"timeout: ids: no instance is named; name one of A, B, C, c1":                                                    runtime.TimeoutStep{},
		"timeout: least is 3, want 1 to 2, or none for all":                                                              runtime.TimeoutStep{IDs: []string{"A", "B"}, Least: 3},
		"cut: A always reaches itself; name two instances":                                                               runtime.CutStep{Src: "A", Dst: "A"},
		"release: count is -1, want 1 or more, or none for all":                                                          runtime.ReleaseStep{Src: "A", Dst: "B", Count: -1},
		"drop: the message type is empty; name one, or use cut":                                                          runtime.DropStep{},
		"deaf: no message types are named":                                                                               runtime.DeafStep{ID: "A"},
		"duplicate: the message type is empty; name one":                                                                 runtime.DuplicateStep{Src: "A", Dst: "B"},
		"replay: the message type is empty; name one":                                                                    runtime.ReplayStep{Src: "A", Dst: "B"},
		"replay: A always reaches itself; name two instances":                                                            runtime.ReplayStep{Type: "vote", Src: "A", Dst: "A"},
		"duplicate: A always reaches itself; name two instances":                                                         runtime.DuplicateStep{Type: "vote", Src: "A", Dst: "A"},
		"view: a view has a name, by which it is shown":                                                                  runtime.ViewStep{Steps: []runtime.Action{runtime.HealStep{}}},
		"view: no step is in it; a view is at least one":                                                                 runtime.ViewStep{Called: "v"},
		"view: step: there is no action":                                                                                 runtime.ViewStep{Called: "v", Steps: []runtime.Action{nil}},
		`view: crash: no instance "E"; there are A, B, C, c1`:                                                            runtime.ViewStep{Called: "v", Steps: []runtime.Action{runtime.HealStep{}, runtime.CrashStep{ID: "E"}}},
		"view: view v heal is in it, and a view has no views in it; give the steps of it": runtime.ViewStep{Called: "w", Steps: []runtime.Action{
			runtime.ViewStep{Called: "v", Steps: []runtime.Action{runtime.HealStep{}}},
		}},
		"step: there is no action": nil,
	} {
		if _, err := c.Step(a); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A step that was made for another cluster cannot be taken: the error names both.
func TestStepOfAnotherCluster(t *testing.T) {
	var clusters [2]*runtime.Cluster
	for i := range clusters {
		var err error
		if clusters[i], err = runtime.NewCluster(runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4 + 3*i, F: 1 + i}); err != nil {
			t.Fatal(err)
		}
	}
	var heal [2]runtime.Step
	for i, c := range clusters {
		var err error
		if heal[i], err = c.Step(runtime.HealStep{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := clusters[0].Start().Do(heal[1])
	const want = "heal: the step was made for another cluster, kv n=7 f=2, than that of the world, kv n=4 f=1"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := clusters[0].Start().Do(heal[0]); err != nil {
		t.Error(err)
	}
}

// A step stays what it was made of, whatever becomes of the lists in the action.
func TestStepsKeepTheirData(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1, Clients: simtest.Clients(simtest.Program{simtest.Read()})})
	var changed []func()
	list := func(words ...string) []string {
		changed = append(changed, func() { words[0] = "changed" })
		return words
	}
	phase := func() runtime.Phase {
		groups := [][]string{list("A", "B"), list("C", "D")}
		changed = append(changed, func() { groups[0] = []string{"changed"} })
		return runtime.Phase{Groups: groups, Deaf: list("A"), Types: list("ack", "report")}
	}
	var steps []runtime.Step
	for _, a := range []runtime.Action{
		runtime.ExchangeStep{Client: "c1", Reach: list("A", "B")},
		runtime.TimeoutStep{IDs: list("A")},
		runtime.RoundStep{Leader: "A", Phase: phase()},
		runtime.DeliverStep{Phase: phase()},
		runtime.PartitionStep{Groups: phase().Groups},
		runtime.DeafStep{ID: "A", Types: list("ack")},
		runtime.OrderStep{ID: "A", First: list("B", "C")},
	} {
		s, err := c.Step(a)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	var keys []string
	for _, s := range steps {
		key, _ := s.Engine().Key(nil)
		keys = append(keys, key)
	}
	for _, change := range changed {
		change()
	}
	for i, s := range steps {
		if got := s.Action().String(); got != s.String() {
			t.Errorf("%s is now %s", s, got)
		}
		if key, _ := s.Engine().Key(nil); key != keys[i] {
			t.Errorf("the key of %s is now %q, was %q", s, key, keys[i])
		}
	}
	if s, err := c.Step((*runtime.HealStep)(nil)); err == nil {
		t.Errorf("a nil action is the step %s", s)
	}
}

type hue struct{ red, green uint8 }

func (hue) String() string { return "a hue\n" }

type level int64

// Operations whose arguments differ have different notations, even if the arguments
// print the same; each notation is one line.
func TestNotationTellsArgumentsApart(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 4, F: 1, Clients: simtest.Clients(simtest.Program{simtest.Read()})})
	was := map[string]any{}
	for _, arg := range []any{nil, 5, 5.0, "5", int64(5), uint8(5), level(5), true, "true", hue{1, 2}, hue{2, 1}, [1]int{5}, struct{}{}, "None"} {
		s, err := c.Step(runtime.InvokeStep{Client: "c1", Op: node.Operation{Name: "write", Arg: arg}})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := was[s.String()]; ok {
			t.Errorf("%T(%v) and %T(%v) are both %s", other, other, arg, arg, s)
		}
		if strings.Contains(s.String(), "\n") {
			t.Errorf("%q is not one line", s)
		}
		was[s.String()] = arg
	}
	for _, arg := range []any{[]int{1}, map[string]int{}, new(int), math.NaN(), func() {}} {
		a := runtime.InvokeStep{Client: "c1", Op: node.Operation{Name: "write", Arg: arg}}
		if s, err := c.Step(a); err == nil {
			t.Errorf("%s is a step", s)
		}
		_ = a.String()
	}
}

// The comment of the package lists each kind of action, with a notation of it.
func TestCommentListsAllKinds(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^//\t  (\w+Step) +(.*?)   .*$`).FindAllStringSubmatch(string(comment), -1) {
		a, err := runtime.ParseAction(line[2])
		if err != nil || fmt.Sprintf("%T", a) != "runtime."+line[1] || a.String() != line[2] {
			t.Errorf("%s: %q is read as %#v, %v", line[1], line[2], a, err)
			continue
		}
		listed[a.Name()] = true
	}
	for _, a := range runtime.Kinds {
		if !listed[a.Name()] {
			t.Errorf("no line for %s", a.Name())
		}
	}
}
