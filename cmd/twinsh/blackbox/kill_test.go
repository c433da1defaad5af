package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Searches are killed here, as the system does when memory runs out, and go on
// from their checkpoint. Nothing depends on how fast the machine is: when to
// kill is drawn, but how often, and that there is something to go on from, is not.

var (
	killSeed = flag.Uint64("kill-seed", 1, "draw other moments to kill searches at")
	long     = flag.Bool("long", false, "kill each search at five times as many moments")
)

// Scripts but for their stage, which sets space, prop and symmetry.
const (
	// whole explores the space at once.
	whole = `
report = explore(space, check = prop, symmetry = symmetry)
`
	// resumable notes its progress once a second.
	resumable = `
report = explore(space, check = prop, symmetry = symmetry, checkpoint = "search", resume = True)
`
	// layerByLayer notes its progress after every layer, and says so in a line
	// longer than a pipe is: until that is read, the program waits.
	layerByLayer = `
for _ in range(100):
    r = explore(space, check = prop, symmetry = symmetry, checkpoint = "search", resume = True, max_worlds = 1)
    if r.complete:
        break
    print("saved", r.depth, "." * (1 << 18))
` + resumable
	// printed is all that was found.
	printed = `
print(report)
print(report.covered, report.ended_early, report.progress, report.worlds, report.steps, report.depth, report.renamings)
print(report.violations)
for w in [report.counterexample] + report.passing:
    print(w and w.steps)
`
)

// handlerRuns are of one process; a search that went on did not run all of it.
// It says from where it went on, too.
var handlerRuns = regexp.MustCompile(`[0-9,]+ handler runs(\ncontinued .*)?`)

// A killing is a folder with a script that is run and killed there.
type killing struct {
	*testing.T
	dir string
	rng *rand.Rand
}

func newKilling(t *testing.T, script string) *killing { return newKillingOf(t, *killSeed, script) }

// newKillingOf draws its moments by another seed.
func newKillingOf(t *testing.T, seed uint64, script string) *killing {
	t.Helper()
	k := &killing{t, t.TempDir(), rand.New(rand.NewPCG(seed, 0))}
	k.write("script.star", script)
	return k
}

func (k *killing) write(name, text string) {
	k.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o644); err != nil {
		k.Fatal(err)
	}
}

func (k *killing) read(name string) string {
	k.Helper()
	data, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		k.Fatal(err)
	}
	return string(data)
}

// command is a program in the folder, which a minute ends.
func (k *killing) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	k.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = k.dir
	return cmd
}

// run runs the script and returns what it printed, errors included, and its
// exit status.
func (k *killing) run() (string, int) {
	k.Helper()
	cmd := k.command("twinsh", "run", "script.star")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		k.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// uninterrupted returns what a script prints that no one kills, and how long
// that takes.
func uninterrupted(t *testing.T, stage string) (string, time.Duration) {
	t.Helper()
	began := time.Now()
	out, status := newKilling(t, stage+whole+printed).run()
	if status != allHeld {
		t.Fatalf("exit status %d:\n%s", status, out)
	}
	return out, time.Since(began)
}

// sameFindings compares what two searches printed.
func (k *killing) sameFindings(got, want string) {
	k.Helper()
	if handlerRuns.ReplaceAllString(got, "…") != handlerRuns.ReplaceAllString(want, "…") {
		k.Errorf("killed and resumed, it printed\n%s\nuninterrupted\n%s", got, want)
	}
}

// look returns what can be seen of the files in the folder from outside.
func (k *killing) look() string {
	k.Helper()
	var b strings.Builder
	files, err := os.ReadDir(k.dir)
	if err != nil {
		k.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil { // else it is gone by now
			fmt.Fprintln(&b, f.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// leftovers lists the files that should not stay: one that is being written, and
// the lock.
func (k *killing) leftovers() []string {
	k.Helper()
	var names []string
	err := filepath.WalkDir(k.dir, func(path string, f fs.DirEntry, err error) error {
		if err == nil && !f.IsDir() && f.Name() != "script.star" && f.Name() != "search" {
			names = append(names, f.Name())
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	return names
}

// attempt runs the script, waits until it has printed so many saved layers and
// then for the moment to kill it. It returns the depths that were reported, and what
// else it printed if it ended before it was killed.
func (k *killing) attempt(layers int, moment func()) (depths []int, output string, ended bool) {
	k.Helper()
	cmd := k.command("twinsh", "run", "script.star")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		k.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.Fatal(err)
	}
	stdout := bufio.NewReader(pipe)
	saved := func() bool {
		line, err := stdout.ReadString('\n')
		depth := 0
		if _, no := fmt.Sscanf(line, "saved %d", &depth); no != nil || err != nil {
			output += line
			return false
		}
		depths = append(depths, depth)
		return true
	}
	for len(depths) < layers && saved() {
	}
	if len(depths) == layers {
		moment()
		cmd.Process.Kill()
	} // else it is ending
	rest, _ := io.ReadAll(stdout)
	cmd.Wait()
	switch cmd.ProcessState.ExitCode() {
	case allHeld:
		// It had ended, but may have printed layers after the last one read.
		for line := range strings.Lines(string(rest)) {
			if !strings.HasPrefix(line, "saved ") {
				output += line
			}
		}
		return depths, output, true
	case misused:
		k.Fatalf("after %d layers it failed:\n%s", len(depths), stderr.String())
	}
	return depths, "", false
}

// A search that saves each layer and is killed again and again ends as one that
// was left alone, and nothing that was saved is done again.
func TestKilledInAnyLayer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs searches several times; not with -short")
	}
	const store = `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"w": [write("red")], "r": [read(), read()]})
twin("C")
space, prop = exchanges(reach = [["A"], ["B"], ["C"], ["C'"], ["D"]]) * 18, linearizable()
`
	// The last layers are large enough for symmetry to pay.
	const large = `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"w": [write("1"), write("2")], "r1": [read()], "r2": [read()]})
twin("C")
space, prop = exchanges(reach = [["A"], ["B"], ["C"], ["C'"], ["D"]]) * 12, linearizable()
`
	const hotstuff = `
load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff(quorum = 2))
twin("A")
space, prop = rounds("faulty", partitions(exactly = 2)) * 5, agreement()
`
	for _, tc := range []struct{ name, stage string }{
		{"store", store + "symmetry = False"},
		{"store, symmetry", store + "symmetry = True"},
		{"store, symmetry on the way", large + "symmetry = None"},
		{"hotstuff", hotstuff + "symmetry = False"},
		{"hotstuff, symmetry", hotstuff + "symmetry = True"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want, took := uninterrupted(t, tc.stage)
			if !strings.Contains(want, "VIOLATED") || strings.Contains(want, "renamings") == strings.HasSuffix(tc.stage, "False") {
				t.Fatalf("this tests something else:\n%s", want)
			}
			seeds := uint64(1)
			if *long {
				seeds = 5
			}
			for i := range seeds {
				killedInAnyLayer(t, *killSeed+i, tc.stage, want, took)
			}
		})
	}
}

// killedInAnyLayer kills a search that wants so much to be printed, and takes so long,
// at moments that the seed draws.
func killedInAnyLayer(t *testing.T, seed uint64, stage, want string, took time.Duration) {
	t.Helper()
	k := newKillingOf(t, seed, stage+layerByLayer+printed)
	atRandom := func() { time.Sleep(time.Duration(k.rng.Int64N(int64(took / 5)))) }
	asItWrites := func() {
		deadline := time.Now().Add(took) // it may have written, and wait
		for before := k.look(); k.look() == before && time.Now().Before(deadline); {
		}
	}
	kills, resumed, within, last := 0, 0, 0, 0
	for n := 0; ; n++ {
		// It is killed twice before it can have saved more than a layer,
		// then within the layer that follows one. So there are at least
		// three kills of a search of five layers.
		layers, moment := 0, atRandom
		if n%4 >= 2 {
			layers = 1
		}
		if n%4 == 3 {
			moment = asItWrites
		}
		depths, output, ended := k.attempt(layers, moment)
		if len(depths) > 0 {
			if depths[0] <= last {
				t.Fatalf("run %d saved layer %d, and layer %d had been saved: it does not go on", n+1, depths[0], last)
			}
			if depths[0] > 1 {
				resumed++
			}
			last = depths[len(depths)-1]
		}
		if ended {
			k.sameFindings(output, want)
			break
		}
		kills++
		if n%4 == 3 && slices.Contains(k.leftovers(), ".search.twinsh-new") {
			within++
		}
	}
	t.Logf("seed %d: killed %d times, %d times in the middle of a write; %d runs went on", seed, kills, within, resumed)
	if kills < 3 || resumed < 1 {
		t.Errorf("killed %d times, %d runs went on: that tests nothing", kills, resumed)
	}
	if left := k.leftovers(); left != nil {
		t.Errorf("files are left: %v", left)
	}
}

// A search that saves once a second, and begins to use symmetry on its way, is
// killed before its first checkpoint and some time after it.
func TestKilledBetweenCheckpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds; not with -short")
	}
	// Each step more than 20 takes as long as the one before.
	for length := 25; ; length *= 2 {
		stage := fmt.Sprintf(`
load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"w": [write("1"), write("2")], "r1": [read()], "r2": [read()]})
twin("C")
space, prop = exchanges(reach = [["A"], ["B"], ["C"], ["C'"], ["D"]]) * %d, linearizable()
symmetry = None`, length)
		k := newKilling(t, stage+resumable+printed)
		if !k.killedBetweenCheckpoints() {
			t.Logf("%d steps take less than a second", length)
			continue
		}
		cmd := k.command("twinsh", "run", "-progress", "json", "script.star")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		got, err := cmd.Output()
		if err != nil {
			t.Fatal(err, stderr.String())
		}
		var progress struct{ Layer int }
		if err := json.NewDecoder(&stderr).Decode(&progress); err != nil || progress.Layer < 2 {
			t.Errorf("it went on with layer %d (%v), not from the checkpoint", progress.Layer, err)
		}
		t.Logf("seed %d: killed twice; it went on with layer %d of %d", *killSeed, progress.Layer, length)
		want, _ := uninterrupted(t, stage)
		if !strings.Contains(want, "renamings") {
			t.Errorf("this tests something else:\n%s", want)
		}
		k.sameFindings(string(got), want)
		return
	}
}

// killedBetweenCheckpoints reports whether the search lived to its first
// checkpoint and was killed soon after it.
func (k *killing) killedBetweenCheckpoints() bool {
	for _, early := range []bool{true, false} {
		cmd := k.command("twinsh", "run", "script.star")
		if err := cmd.Start(); err != nil {
			k.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			cmd.Wait()
			close(ended)
		}()
		for !early {
			if _, err := os.Stat(filepath.Join(k.dir, "search")); err == nil {
				break
			}
			select {
			case <-ended:
				return false
			case <-time.After(time.Millisecond):
			}
		}
		time.Sleep(time.Duration(k.rng.Int64N(int64(200 * time.Millisecond))))
		cmd.Process.Kill()
		<-ended
		if cmd.ProcessState.ExitCode() == allHeld {
			return false
		}
	}
	return true
}

// savedOnce returns a killing whose search was killed after a layer or two.
func savedOnce(t *testing.T) *killing {
	t.Helper()
	k := newKilling(t, `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
twin("C")
space, prop, symmetry = exchanges() * 5, linearizable(), None`+layerByLayer+printed)
	if depths, _, ended := k.attempt(1, func() {}); len(depths) != 1 || ended {
		t.Fatal("it was not killed after its first layer")
	}
	return k
}

// A checkpoint that is not as it was written is refused, wherever it is damaged.
func TestDamagedCheckpoint(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program many times; not with -short")
	}
	k := savedOnce(t)
	good := k.read("search")
	refused := func(what, file string) {
		t.Helper()
		k.write("search", file)
		out, status := k.run()
		if status != misused || !strings.Contains(out, "script.star:") || !strings.Contains(out, "resume: search is ") {
			t.Errorf("%s: exit status %d:\n%s", what, status, out)
		}
		if k.read("search") != file {
			t.Errorf("%s: it was changed", what)
		}
	}
	// A line, a checksum of 32 bytes, and the rest.
	body := strings.Index(good, "\n") + 1 + 32
	for _, n := range []int{0, 1, body - 33, body - 32, body - 1, body, body + 1, (body + len(good)) / 2, len(good) - 1} {
		refused(fmt.Sprintf("cut after %d bytes", n), good[:n])
	}
	for _, n := range []int{0, body - 33, body - 32, body - 1, body, (body + len(good)) / 2, len(good) - 1} {
		flipped := []byte(good)
		flipped[n] ^= 1 << k.rng.IntN(8)
		refused(fmt.Sprintf("byte %d flipped", n), string(flipped))
	}
	refused("longer", good+"\x00")
	k.write("search", good)
	if out, status := k.run(); status != allHeld {
		t.Errorf("what was written is refused as well:\n%s", out)
	}
}

// A write that fails in the middle leaves the checkpoint before it, and what
// an older write left behind is overwritten.
func TestCheckpointOnFullDisk(t *testing.T) {
	k := savedOnce(t)
	good := k.read("search")
	k.write(".search.twinsh-new", strings.Repeat("left behind", 10000))

	// No file may be larger than half a kilobyte, or one.
	cmd := k.command("sh", "-c", "ulimit -f 1 && exec twinsh run script.star")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Skip("no shell here:", err)
	}
	if cmd.ProcessState.ExitCode() != misused || !strings.Contains(string(out), "checkpoint: write ") {
		t.Errorf("%v:\n%s", err, out)
	}
	if k.read("search") != good {
		t.Error("the checkpoint is no longer what it was")
	}
	if out, status := k.run(); status != allHeld || !strings.Contains(out, "all covered") {
		t.Errorf("it does not go on: exit status %d:\n%s", status, out)
	}
	if left := k.leftovers(); left != nil {
		t.Errorf("files are left: %v", left)
	}
}

// Of many programs that work with one checkpoint at the same time, one does and
// the others say which; what is found is right, and nothing stays behind.
func TestManyOnOneCheckpoint(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program many times; not with -short")
	}
	const stage = `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"w": [write("red")], "r": [read(), read()]})
twin("C")
space, prop, symmetry = exchanges(reach = [["A"], ["B"], ["C"], ["C'"], ["D"]]) * 18, linearizable(), False
`
	want, _ := uninterrupted(t, stage)
	k := newKilling(t, stage+`
for _ in range(100):
    if explore(space, check = prop, symmetry = symmetry, checkpoint = "search", resume = True, max_worlds = 1).complete:
        break
`+resumable+printed)
	busy := regexp.MustCompile(`explore: checkpoint: (process [0-9]+|another process) is using search`)
	type ending struct {
		output string
		status int
	}
	endings := make(chan ending)
	for range 20 {
		go func() {
			cmd := k.command("twinsh", "run", "script.star")
			out, _ := cmd.CombinedOutput()
			endings <- ending{string(out), cmd.ProcessState.ExitCode()}
		}()
	}
	done, refused := 0, 0
	for range 20 {
		switch e := <-endings; {
		case e.status == allHeld:
			done++
			k.sameFindings(e.output, want)
		case e.status == misused && busy.MatchString(e.output):
			refused++
		default:
			t.Errorf("exit status %d:\n%s", e.status, e.output)
		}
	}
	t.Logf("%d ended, %d were refused", done, refused)
	if out, status := k.run(); status != allHeld {
		t.Errorf("afterwards: exit status %d:\n%s", status, out)
	}
	if left := k.leftovers(); left != nil {
		t.Errorf("files are left: %v", left)
	}
}
