package kvproto_test

import (
	"fmt"

	"github.com/twinsh/twinsh/kvproto"
)

// Options are set by name, in the words of the correct protocol.
func ExampleOptionList() {
	var options kvproto.Options
	for _, o := range kvproto.OptionList() {
		if o.Name == "write_back" {
			o.Set(&options, false)
		}
	}
	fmt.Println(options.WriteBack, kvproto.New(options).Name())
	// Output: off kv
}
