package runtime

// CutContent makes the contents of states 8 bits wide, so that different ones
// share one all the time.
func (c *Cluster) CutContent() { c.code.cutContent = true }

// LimitRoom lets tables have so many chunks, and numbered things so many blocks.
func (c *Cluster) LimitRoom(chunks, blocks int) {
	c.code.limits.chunks, c.code.limits.blocks = chunks, blocks
}
