package engine

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func keyText(key []uint32) string {
	b := make([]byte, 0, 4*len(key))
	for _, w := range key {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return string(b)
}

// A table is a map from words to words in which the first value stays. One who reads
// it by way of what was read last finds the same.
func TestTableIsAMap(t *testing.T) {
	t.Parallel()
	words := func(most int) *rapid.Generator[[]uint32] {
		return rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32()), 0, most)
	}
	rapid.Check(t, func(t *rapid.T) {
		var table table
		reader := reader{table: &table}
		model := map[string][]uint32{}
		kept := map[string][]uint32{} // what put returned, which stays as it is
		for range rapid.IntRange(1, 300).Draw(t, "acts") {
			key := words(4).Draw(t, "key")
			want, known := model[keyText(key)]
			if rapid.Bool().Draw(t, "put") {
				value := words(5).Draw(t, "value")
				got := table.put(key, value)
				if !known {
					want = slices.Clone(value)
					model[keyText(key)], kept[keyText(key)] = want, got
				}
				if !slices.Equal(got, want) {
					t.Fatalf("put %v: %v, want %v", key, got, want)
				}
				for _, words := range [][]uint32{key, value} { // the table must not hold on to them
					for i := range words {
						words[i] = ^words[i]
					}
				}
			} else if got, ok := table.get(key); ok != known || !slices.Equal(got, want) {
				t.Fatalf("get %v: %v %v, want %v %v", key, got, ok, want, known)
			}
			if len(key) == 0 {
				continue
			}
			want, known = model[keyText(key)]
			if got, ok := reader.get(key); ok != known || !slices.Equal(got, want) {
				t.Fatalf("read %v: %v %v, want %v %v", key, got, ok, want, known)
			}
		}
		if table.size() != len(model) {
			t.Fatalf("size %d, want %d", table.size(), len(model))
		}
		for key, want := range model {
			if !slices.Equal(kept[key], want) {
				t.Fatalf("what put returned became %v, want %v", kept[key], want)
			}
		}
	})
}

// numberKey and numberValue make entries of many lengths, now and then one that
// takes several chunks.
func numberKey(i int) []uint32 { return append(make([]uint32, i%7), uint32(i)) }

func numberValue(i int) []uint32 {
	n := i % 5
	if i%1000 == 500 {
		n = i * 40
	}
	v := make([]uint32, n)
	for k := range v {
		v[k] = uint32(i + k)
	}
	return v
}

// Entries survive the growth of the table, those longer than a chunk too.
func TestTableGrows(t *testing.T) {
	var table table
	const entries = 20_000
	if table.bytes() != 0 {
		t.Errorf("an empty table takes %d bytes", table.bytes())
	}
	words := 0
	for i := range entries {
		table.put(numberKey(i), numberValue(i))
		words += 2 + len(numberKey(i)) + len(numberValue(i))
		for _, j := range []int{0, i / 2, i - i%1000, i} {
			if got, ok := table.get(numberKey(j)); !ok || !slices.Equal(got, numberValue(j)) {
				t.Fatalf("after %d entries, entry %d is lost: %v", i+1, j, ok)
			}
		}
	}
	for i := range entries {
		if got, ok := table.get(numberKey(i)); !ok || !slices.Equal(got, numberValue(i)) {
			t.Fatalf("entry %d is lost: %v", i, ok)
		}
	}
	if _, ok := table.get(numberKey(entries)); ok {
		t.Error("an entry is there that was never put")
	}
	if table.size() != entries {
		t.Errorf("size %d, want %d", table.size(), entries)
	}
	if got := table.bytes(); got < 4*words || got > 8*words {
		t.Errorf("%d words of entries take %d bytes", words, got)
	}
}

// Entries meet the end of a chunk.
func TestTableFillsChunks(t *testing.T) {
	for long := chunkSize - 12; long < chunkSize+5; long++ {
		var table table
		lengths := []int{long - 3, 1, 2, long - 3, long - 3, 0, 1}
		for i, n := range lengths {
			table.put([]uint32{uint32(i)}, slices.Repeat([]uint32{uint32(i)}, n))
		}
		for i, n := range lengths {
			if got, _ := table.get([]uint32{uint32(i)}); !slices.Equal(got, slices.Repeat([]uint32{uint32(i)}, n)) {
				t.Errorf("an entry of %d words beside one of %d is %v", n+3, long, got)
			}
		}
	}
}

// Writers that bring the same keys agree on the values, and readers see whole
// entries or none. The race detector watches.
func TestTableIsShared(t *testing.T) {
	const entries, writers = 5000, 3
	var (
		table  table
		values vec[string]
		group  sync.WaitGroup
		won    [writers][entries]string
	)
	for w := range writers {
		group.Go(func() {
			for k := range entries {
				i := (k*[...]int{1, 3, 7}[w] + w) % entries // each in an order of its own
				name := fmt.Sprint(i, " by ", w)
				v := table.putFunc(numberKey(i), func() []uint32 { return []uint32{values.append(name), uint32(i)} })
				won[w][i] = *values.at(v[0])
			}
		})
	}
	for r := range 2 {
		group.Go(func() {
			for k := range 3 * entries {
				i := (7*k + r) % entries
				v, ok := table.get(numberKey(i))
				if !ok {
					continue
				}
				var number, by int
				if _, err := fmt.Sscanf(*values.at(v[0]), "%d by %d", &number, &by); err != nil || number != i || len(v) != 2 || v[1] != uint32(i) {
					t.Errorf("a reader finds %v: %q for key %d", v, *values.at(v[0]), i)
					return
				}
			}
		})
	}
	group.Wait()
	for w := range writers {
		if won[w] != won[0] {
			t.Fatal("two writers got different values of one key")
		}
	}
	if table.size() != entries || values.n != entries {
		t.Errorf("%d entries and %d values, want %d", table.size(), values.n, entries)
	}
}

// What is in a vec stays where it is.
func TestVec(t *testing.T) {
	var v vec[int]
	var first *int
	for i := range 5*vecChunk + 1 {
		if at := v.append(-i); int(at) != i {
			t.Fatalf("the %d-th is put at %d", i, at)
		}
		if first == nil {
			first = v.at(0)
		}
	}
	for i := range 5*vecChunk + 1 {
		if *v.at(uint32(i)) != -i {
			t.Fatalf("at %d is %d", i, *v.at(uint32(i)))
		}
	}
	if first != v.at(0) {
		t.Error("the first one moved")
	}
}

func BenchmarkTableGet(b *testing.B) {
	var table table
	const entries = 1 << 16
	keys := make([][]uint32, entries)
	for i := range keys {
		keys[i] = []uint32{uint32(i % 300), uint32(i), 7}
		table.put(keys[i], []uint32{uint32(i)})
	}
	i := 0
	for b.Loop() {
		if v, ok := table.get(keys[i%entries]); !ok || v[0] != uint32(i%entries) {
			b.Fatal("lost")
		}
		i += 7919
	}
}
