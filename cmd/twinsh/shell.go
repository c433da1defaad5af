package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"go.starlark.net/starlark"
)

// shell reads statements, executes them and shows the values of expressions.
// If nobody watches, the exit status is that of the worst statement.
func (p *program) shell(ctx context.Context) int {
	in, err := p.interpreter(".", nil)
	if err != nil {
		return p.report(err)
	}
	lines := bufio.NewReader(p.stdin)
	worst := allHeld
	for n := 1; ; n++ {
		prompt := p.prompt
		value, err := in.Eval(ctx, fmt.Sprintf("[%d]", n), func() ([]byte, error) {
			fmt.Fprint(p.stdout, prompt)
			if prompt != "" {
				prompt = "... "
			}
			return lines.ReadBytes('\n')
		})
		switch {
		case errors.Is(err, io.EOF):
			if p.prompt != "" {
				fmt.Fprintln(p.stdout)
				return allHeld
			}
			return worst
		case err != nil:
			worst = max(worst, p.report(err))
		case value != nil && value != starlark.None:
			fmt.Fprintln(p.stdout, value)
		}
	}
}
