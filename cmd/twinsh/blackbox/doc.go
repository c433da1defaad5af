// Package blackbox tests twinsh as a user meets it: the program as a process, with
// its exit status, files, signals and memory; the shell on a terminal; and the page of
// a trace in a browser. It is a module of its own, so that those who import twinsh need
// none of what drives terminals and browsers.
package blackbox
