package files_test

import (
	"bytes"
	"fmt"
	"os"

	"github.com/twinsh/twinsh/runtime/files"
)

// A file is replaced as a whole, and only if it is one of ours.
func Example() {
	path, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(path)
	folder, err := os.OpenRoot(path)
	if err != nil {
		panic(err)
	}
	defer folder.Close()

	report := func(head []byte) bool { return bytes.HasPrefix(head, []byte("report ")) }
	fmt.Println(files.Write(folder, "a", []byte("report 1"), report))
	fmt.Println(files.Write(folder, "a", []byte("report 2"), report))
	if err := folder.WriteFile("b", []byte("my notes"), 0o600); err != nil {
		panic(err)
	}
	fmt.Println(files.Write(folder, "b", []byte("report 3"), report))
	data, err := folder.ReadFile("a")
	fmt.Printf("%s %v\n", data, err)
	// Output:
	// <nil>
	// <nil>
	// there is a file b already, and it is not one that twinsh wrote for this; remove it or name another
	// report 2 <nil>
}
