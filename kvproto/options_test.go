package kvproto

import (
	"reflect"
	"testing"
)

// Each field of the options can be set by name; the defaults are the correct protocol.
func TestOptionList(t *testing.T) {
	var defaults Options
	set := map[string]bool{}
	for _, o := range OptionList() {
		o.Set(&defaults, o.Default)
		var other any = 3
		switch v := o.Default.(type) {
		case bool:
			other = !v
		case string:
			other = "first"
		}
		var changed Options
		o.Set(&changed, other)
		if changed == (Options{}) {
			t.Errorf("%s = %v sets nothing", o.Name, other)
		}
		for i := range reflect.TypeFor[Options]().NumField() {
			if field := reflect.TypeFor[Options]().Field(i).Name; !reflect.ValueOf(changed).Field(i).IsZero() {
				set[field] = true
			}
		}
	}
	if want := (Options{ReadRule: "max"}); defaults != want {
		t.Errorf("the defaults are %+v, want %+v", defaults, want)
	}
	if n := reflect.TypeFor[Options]().NumField(); len(set) != n {
		t.Errorf("of %d options these can be set by name: %v", n, set)
	}
}
