package blackbox

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The shell leaves with the status of the signal that it gets, at the prompt and
// while a search runs, which then says how far it has come.
func TestSignalsEndTheShell(t *testing.T) {
	for _, tc := range []struct {
		signal syscall.Signal
		status int
		busy   bool
	}{
		{syscall.SIGTERM, terminated, false},
		{syscall.SIGHUP, hungUp, false},
		{syscall.SIGTERM, terminated, true},
	} {
		var c *console
		heeded(func() { c = newConsole(t, t.TempDir()) }, tc.signal)
		c.expect("> ")
		if tc.busy {
			for _, line := range []string{
				`load("@std//kv.star", "kv", "read", "write")`,
				`cluster(kv(), clients = {"c%d" % i: [write("%d" % i), read(), write("x")] for i in range(4)})`,
			} {
				c.send(line + "\r")
				c.expect("> ")
			}
			c.send(`explore(exchanges() * 40, check = invariant("loud", lambda w: print("begun") == None), workers = 1)` + "\r")
			c.expect("begun\r\n")
		}
		if err := c.cmd.Process.Signal(tc.signal); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-c.done:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != tc.status {
				t.Errorf("%v, busy %v: it ends with %v, want status %d", tc.signal, tc.busy, err, tc.status)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%v, busy %v: it goes on", tc.signal, tc.busy)
		}
		if tc.busy && !strings.Contains(string(c.written()), "interrupted; judged: all scenarios of up to") {
			t.Errorf("it does not say how far it came")
		}
	}
}
