package dsl

// A session is what one script leaves to the next.
type session struct{}
