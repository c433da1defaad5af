package explore

// A LimitError is why a search stopped that ran into a limit of its options.
type LimitError struct{ What string }

func (e LimitError) Error() string { return e.What }
