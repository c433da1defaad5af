package explore

import (
	"reflect"
	"testing"
)

// A property that was tested in no shard stays one, though shards say different things of why.
func TestUntestedInAllShards(t *testing.T) {
	ended := []Untested{{"p at the end", "a decision"}, {"q", "a read"}}
	none := []Untested{{"p at the end", needsEnd}}
	for _, shards := range [][2][]Untested{{ended, none}, {none, ended}} {
		b := Basis{Untested: shards[0]}
		b.add(Basis{Untested: shards[1]})
		if want := ended[:1]; !reflect.DeepEqual(b.Untested, want) {
			t.Errorf("%v and %v make %v, want %v", shards[0], shards[1], b.Untested, want)
		}
	}
}
