package trace_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// inversion is the story of a store without write-back, with its finding.
func inversion(t testing.TB) *trace.Trace {
	read := node.Operation{Name: "read"}
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{WriteBack: kvproto.Off}), N: 4, F: 1,
		Clients: []runtime.Client{
			{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}},
			{Name: "c2", Program: []node.Operation{read, read}},
		},
		Twins: []runtime.Twin{{ID: "C", Copies: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := play(t, c, "partition A,B,C,c1,c2|C',D\nexchange c1 A,B,C\nexchange c1 A\nexchange c2 A,B,C\nheal\nexchange c2 B,C,D\n")
	tr := trace.Of(w)
	err = tr.Find(t.Context(), "linearizable", `c2 read() returned None in step 6 after c2 read() had returned "red" in step 4`, w, trace.Returned)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestEncodeAndDecode(t *testing.T) {
	for name, tr := range map[string]*trace.Trace{"inversion": inversion(t), "handmade": handmade()} {
		if name == "handmade" {
			tr.Steps[0].Number = 1
		}
		text, err := trace.Encode(tr)
		if err != nil {
			t.Fatal(err)
		}
		back, err := trace.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tr, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, read back:\n%s", name, diff)
		}
		again, err := trace.Encode(back)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, again) {
			t.Errorf("%s, read back, is written in another way:\n%s", name, cmp.Diff(string(text), string(again)))
		}
	}
}

// A program writes only over what it recognizes.
func TestFormatsRecognizeThemselves(t *testing.T) {
	pictures := map[trace.Format]string{}
	tr := inversion(t)
	for _, name := range trace.Formats() {
		text, err := tr.Render(trace.Format(name), trace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		pictures[trace.Format(name)] = text[:min(len(text), 4<<10)]
	}
	for f := range pictures {
		for of, text := range pictures {
			if want := f == of || f.Drawn() && of.Drawn(); f.Recognizes([]byte(text)) != want {
				t.Errorf("%s takes %s for its own: %v", f, of, !want)
			}
		}
		for _, script := range []string{
			"", "load(\"@std//kv.star\", \"kv\")\n", "# a cluster of   n=4 f=1\n", "cluster(kv(), n=4, f=1)\n", "<!DOCTYPE html>\n<p>",
			"cluster(kv(),\n  n=4, f=1)\n", "{}", "\"\"\"\nn=4 f=1\n\"\"\"\n",
		} {
			if f.Recognizes([]byte(script)) {
				t.Errorf("%s takes %q for its own", f, script)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	text, err := trace.Encode(inversion(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, new, want string }{
		{string(text), "", "no JSON object: unexpected end"},
		{string(text), "[]", "no JSON object"},
		{string(text), "{}", `format is "", want "twinsh trace"`},
		{`"version": 3`, `"version": 1`, "version is 1, and this program reads version 3"},
		{`"protocol"`, `"protocols"`, `unknown field "protocols"`},
		{`"n": 4`, `"n": "4"`, "cannot unmarshal string"},
		{`"name": "B"`, `"name": "A"`, `lane 1 is named "A"`},
		{`"name": "A"`, `"name": ""`, `lane 0 is named ""`},
		{"\"client\": false,\n      \"twinned\": true", "\"client\": true,\n      \"twinned\": true", "lane 3 is a server after a client"},
		{"\"start\": [", "\"start\": [{},", "8 states at the start for 7 lanes"},
		{`"number": 3`, `"number": 4`, "step 3 has the number 4"},
		{`"from": 5`, `"from": 7`, "step 2: delivery 1: from is lane 7, want -1 to 6"},
		{`"to": 0`, `"to": -1`, "to is lane -1, want 0 to 6"},
		{`"client": -1`, `"client": -2`, "client is lane -2"},
		{`"hop": 2`, `"hop": 0`, "hop is 0, want them in order"},
		{`"fate": "lost"`, `"fate": "eaten"`, `there is no fate "eaten"`},
		{`"kind": "returned"`, `"kind": "sent"`, `there is no observation "sent"`},
		{"\"step\": 6,\n      \"story\"", "\"step\": 7,\n      \"story\"", "a finding is about step 7"},
		{"\"origin\": {\n            \"step\": 2", "\"origin\": {\n            \"step\": 1", "step 2: delivery 1: origin is step 1, 0, want something before that reached the sender"},
		{"\"origin\": {\n            \"step\": 2", "\"origin\": {\n            \"step\": 7", "origin is step 7, 0"},
	} {
		if test.old != string(text) && !strings.Contains(string(text), test.old) {
			t.Errorf("there is no %s to replace", test.old)
			continue
		}
		_, err := trace.Decode([]byte(strings.Replace(string(text), test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "trace: ") {
			t.Errorf("with %s for %.40s: error is %v, want %q", test.new, test.old, err, test.want)
		}
	}
	if _, err := trace.Decode(append(text, "{}"...)); err == nil {
		t.Error("a second object is not refused")
	}
}

// What Decode accepts can be drawn in every way, and written again.
func FuzzDecode(f *testing.F) {
	for _, tr := range []*trace.Trace{inversion(f), {Lanes: []trace.Lane{{Name: "A", Identity: "A"}}, Start: make([]trace.State, 1)}} {
		text, err := trace.Encode(tr)
		if err != nil {
			f.Fatal(err)
		}
		at := bytes.Index(text, []byte(",\n  \"sha256\""))
		f.Add(append(text[:at:at], '}'))
	}
	f.Add([]byte(`{"format": "twinsh trace", "version": 1, "lanes": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := trace.Decode(data)
		if err != nil {
			return
		}
		for _, name := range trace.Formats() {
			if _, err := tr.Render(trace.Format(name), trace.Options{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// drawAll draws a trace in every way; none may panic.
func drawAll(t *testing.T, tr *trace.Trace) {
	t.Helper()
	for _, name := range trace.Formats() {
		if _, err := tr.Render(trace.Format(name), trace.Options{Width: 60}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A trace that was damaged is refused, or can be drawn in every way.
// The comment of Encode lists each member, by its name.
func TestMembersAreListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "json.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "Encode" {
			list, _, _ := strings.Cut(f.Doc.Text(), "What they mean")
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(list, -1) {
				listed[word] = true
			}
		}
	}
	if !listed["deliveries"] {
		t.Fatal("the comment of Encode is not found")
	}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer:
			look(typ.Elem())
		case reflect.Struct:
			for f := range typ.NumField() {
				name, _, _ := strings.Cut(typ.Field(f).Tag.Get("json"), ",")
				if !listed[name] {
					t.Errorf("member %q of %s is not in the list", name, typ)
				}
				look(typ.Field(f).Type)
			}
		}
	}
	look(reflect.TypeOf(trace.Trace{}))
}

func TestDamagedTraces(t *testing.T) {
	good, err := trace.Encode(inversion(t))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(good), "\"sha256\"")
	unsealed := bytes.Replace(good, []byte(",\n  \"sha256\""+strings.TrimSuffix(rest, "}\n")), []byte("\n"), 1)
	want, err := trace.Decode(unsealed)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	numbers := regexp.MustCompile(`-?[0-9]+|true|false|"[a-z]+"`).FindAllIndex(good, -1)
	refused := 0
	for n := range 300 {
		damaged := bytes.Clone(good)
		at := rng.IntN(len(damaged))
		pick := func() []int { return numbers[rng.IntN(len(numbers))] }
		switch n % 4 {
		case 0:
			damaged = damaged[:at]
		case 1:
			damaged[at] ^= 1 << rng.IntN(8)
		case 2: // another number
			where := pick()
			with := []string{"-1", "0", "1", "7", "63", "64", "4294967296", "9223372036854775807", "-9223372036854775808", "1e3", "null"}
			damaged = slices.Concat(good[:where[0]], []byte(with[rng.IntN(len(with))]), good[where[1]:])
		case 3: // what stands elsewhere
			where, what := pick(), pick()
			damaged = slices.Concat(good[:where[0]], good[what[0]:what[1]], good[where[1]:])
		}
		if tr, err := trace.Decode(damaged); err != nil {
			refused++
		} else if diff := cmp.Diff(want, tr, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("damage %d is not noticed:\n%s", n, diff)
		}
		// Without a checksum it is taken if it can be drawn.
		where := bytes.Index(damaged, []byte(",\n  \"sha256\""))
		if where < 0 {
			continue
		}
		if tr, err := trace.Decode(append(damaged[:where:where], '}')); err == nil {
			drawAll(t, tr)
		}
	}
	if refused < 200 {
		t.Errorf("only %d of 300 were refused", refused)
	}
}
