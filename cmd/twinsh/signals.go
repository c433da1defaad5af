package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// What Ctrl-C, kill and a terminal that is closed do. A search that has run for a day must
// not be lost by them: it ends at the next place where that is possible, says what it
// covered, and its checkpoint is good. But a person who means it must not have to wait
// either, so the first signal asks and the second is not caught.

// What a user or a system sends to a program that shall end. The exit status is
// 128 and the number of the signal.
var (
	endings  = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	statuses = map[os.Signal]int{os.Interrupt: interrupted, syscall.SIGTERM: terminated, syscall.SIGHUP: hungUp}
)

// stoppable returns a context that ends with the first of some signals: what is
// running then says how far it has come. The next one ends the program at once, by what the
// system does with it: nothing of the program has to work for that.
func (p *program) stoppable(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	came := make(chan os.Signal, 1)
	for _, s := range signals {
		// A program that was started to ignore a signal goes on ignoring it.
		if !signal.Ignored(s) { // as after nohup
			signal.Notify(came, s)
		}
	}
	done := make(chan struct{})
	go func() {
		select {
		case s := <-came:
			// Before the context ends: what ends by it asks which signal it was.
			p.signal.Store(int32(statuses[s]))
			again := "Ctrl-C again stops at once"
			if s != os.Interrupt {
				again = "once more, and it stops at once"
			}
			signal.Stop(came) // so that the system acts on the next
			fmt.Fprintf(p.stderr, "twinsh: stopping; %s\n", again)
			cancel()
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(came)
		close(done)
		cancel()
	}
}

// stopped returns the exit status of the signal that ended the program, 0 if
// none has.
func (p *program) stopped() int { return int(p.signal.Load()) }
