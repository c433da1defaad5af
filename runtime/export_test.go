package runtime

// CutContent makes the contents of states 8 bits wide, so that different ones
// share one all the time.
func (c *Cluster) CutContent() { c.code.cutContent = true }
