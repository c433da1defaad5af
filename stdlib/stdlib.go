// Package stdlib holds the modules that come with twinsh. Scripts load them as
// "@std//name.star".
package stdlib

import "embed"

// Modules are the files of this folder.
//
//go:embed *.star
var Modules embed.FS
