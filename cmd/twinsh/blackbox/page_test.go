package blackbox

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// browser opens a page in a browser without a window. Where there is none the
// test is skipped. That the page needs another file is an error of the test.
func browser(t *testing.T, page string) context.Context {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no chromium found: the page is not tested in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1500, 1100))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	ctx, stop = context.WithTimeout(ctx, time.Minute) // the browser has started
	t.Cleanup(stop)
	if n := value[int](t, ctx, `performance.getEntriesByType("resource").length`); n > 0 {
		t.Errorf("the page asks for %d other files", n)
	}
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// value returns what an expression is in the page.
func value[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// emulate makes the browser show the page in print, or light or dark.
func emulate(t *testing.T, ctx context.Context, media, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// where says which step the page shows, by all that shows it.
const where = `[location.hash, document.getElementById("slider").value, document.getElementById("where").textContent,
	[...document.querySelectorAll(".current")].map(e => e.id).join(), document.querySelectorAll(".later").length,
	document.getElementById("which").textContent].join(" | ")`

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	tr := inversion(t)
	page, err := trace.Page(tr)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t, page)
	at := func(what, want string) {
		t.Helper()
		if got := value[string](t, ctx, where); got != want {
			t.Errorf("%s: the page is at %s, want %s", what, got, want)
		}
	}
	const (
		start = "#step=0 | 0 | the start |  | 6 | The start"
		one   = "#step=1 | 1 | step 1 of 6 | step-1 | 5 | Step 1: partition A B C c1 c2 | C' D"
		three = `#step=3 | 3 | step 3 of 6 | step-3 | 3 | Step 3: c1 write "red": update → A`
		six   = "#step=6 | 6 | step 6 of 6 | step-6 | 0 | Step 6: c2 read: query → B C D"
	)
	at("opened", six)
	do(t, ctx, chromedp.KeyEvent(kb.ArrowRight))
	at("right of the end", six)
	do(t, ctx, chromedp.KeyEvent(kb.Home))
	at("Home", start)
	do(t, ctx, chromedp.KeyEvent(kb.ArrowLeft))
	at("left of the start", start)
	do(t, ctx, chromedp.KeyEvent(kb.ArrowRight))
	at("right", one)
	do(t, ctx, chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	at("right twice", three)
	if got, want := value[string](t, ctx, `[...document.querySelectorAll("#states tr.changed")].map(e => e.textContent).join(", ")`), "A– → v1 red, c1query done → update 1/3"; got != want {
		t.Errorf("step 3 changed %s, want %s", got, want)
	}
	if got := value[int](t, ctx, `document.querySelectorAll("#step-3 .message.lost, #step-3 .message.cut").length`); got != 4 {
		t.Errorf("step 3 shows %d lost messages, want 4", got)
	}
	do(t, ctx, chromedp.KeyEvent(kb.End))
	at("End", six)

	// The slider, by the mouse's events and by the keys when it has the focus.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`{ const s = document.getElementById("slider"); s.value = 3; s.dispatchEvent(new Event("input")); }`))
	at("slider", three)
	do(t, ctx, chromedp.Focus(chromedp.CSS("#slider")), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
	at("left on the slider", one)
	do(t, ctx, chromedp.Click(chromedp.CSS("#on")), chromedp.Click(chromedp.CSS("#on")))
	at("button", three)
	do(t, ctx, chromedp.Click(chromedp.CSS("#step-1 .title")))
	at("click", one)
	// The page hears of a new address a little later.
	arrived := func(step string) chromedp.Action[chromedp.Void] {
		return chromedp.Poll[chromedp.Void](`document.getElementById("which").textContent.startsWith("Step ` + step + `")`)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(".finding a")), arrived("6"))
	at("link of the finding", six)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`location.hash = "#step=3"`), arrived("3"))
	at("address", three)
	do(t, ctx, chromedp.Reload())
	at("opened again at an address", three)

	// Hover.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#step-3 .message.delivered").dispatchEvent(new MouseEvent("mouseover", {bubbles: true}))`))
	if got, want := value[string](t, ctx, `document.getElementById("tooltip").hidden + document.getElementById("tooltip").textContent`), "falsec1 → A: update v1 red\nA is now at v1 red"; got != want {
		t.Errorf("the tooltip says %q, want %q", got, want)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.body.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}))`))
	if !value[bool](t, ctx, `document.getElementById("tooltip").hidden`) {
		t.Error("the tooltip does not go away")
	}

	// One band for the twins, and parts while there is a partition.
	if got := value[string](t, ctx, `[...document.querySelectorAll(".heads text.band")].map(e => e.textContent).join()`); got != "C: one identity" {
		t.Errorf("the bands of twins are %q", got)
	}
	if got := value[string](t, ctx, `["#step-2", "#step-6"].map(s => document.querySelectorAll(s + " rect.part").length).join()`); got != "3,0" {
		t.Errorf("steps 2 and 6 show %s stretches of parts, want 3,0", got)
	}
	if got := value[string](t, ctx, `document.querySelector(".finding").textContent`); !strings.Contains(got, "linearizable is violated") || !strings.Contains(got, "had not got update v1 red") {
		t.Errorf("the finding says %q", got)
	}

	// Dark and light differ; all that is written can be read.
	paper := func(scheme string) string {
		emulate(t, ctx, "", scheme)
		return value[string](t, ctx, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color`)
	}
	if light, dark := paper("light"), paper("dark"); light == dark {
		t.Errorf("light and dark are both %s", light)
	}
	emulate(t, ctx, "print", "light")
	if got := value[string](t, ctx, `["nav", ".now", ".diagram", ".finding"].map(s => getComputedStyle(document.querySelector(s)).display === "none").join() + getComputedStyle(document.querySelector(".later svg")).opacity`); got != "true,true,false,false1" {
		t.Errorf("in print nav, .now, .diagram and .finding are hidden %s", got)
	}
}

// In a narrow window the page opens where the step is that it shows, and goes with
// the client that acts.
func TestPageFollowsSteps(t *testing.T) {
	t.Parallel()
	var clients []runtime.Client
	for _, name := range []string{"c1", "c2", "c3", "c4"} {
		clients = append(clients, runtime.Client{Name: name, Program: []node.Operation{{Name: "read"}}})
	}
	c, err := runtime.NewCluster(runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 5, F: 1, Clients: clients})
	if err != nil {
		t.Fatal(err)
	}
	w := play(t, c, "exchange c1 A,B,C,D\nexchange c1 A,B,C,D\nexchange c2 B,C,D,E\nexchange c2 B,C,D,E\nexchange c4 B,C,D,E\nexchange c3 A,B,C,D\nexchange c4 C,D,E\n")
	page, err := trace.Page(trace.Of(w))
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t, page)
	do(t, ctx, chromedp.EmulateViewport(1280, 700), chromedp.Reload())
	inView := func(step int, client string) {
		t.Helper()
		do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = "#step=%d"`, step)),
			chromedp.Poll[chromedp.Void](fmt.Sprintf(`document.querySelector(".current").id === "step-%d"`, step)))
		seen := value[bool](t, ctx, fmt.Sprintf(`(() => {
			const box = document.querySelector(".diagram").getBoundingClientRect();
			const lane = [...document.querySelectorAll(".heads text.name")].find(e => e.textContent === %q).getBoundingClientRect();
			const step = document.querySelector("#step-%d").getBoundingClientRect();
			return box.left + 170 <= lane.left && lane.right <= box.right && step.bottom <= box.bottom + 1 && box.top <= step.top;
		})()`, client, step))
		if !seen {
			t.Errorf("in step %d, %s or the step is out of sight", step, client)
		}
	}
	if got := value[bool](t, ctx, `document.querySelector(".diagram").scrollTop > 0`); !got {
		t.Error("the page opens on the last step and shows the first")
	}
	inView(7, "c4")
	inView(1, "c1")
	inView(3, "c2")
	inView(6, "c3")

	page, err = trace.Page(mailed(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx = browser(t, page)
	if got := value[bool](t, ctx, `(() => {
		const part = document.querySelector("#step-2 rect.part").getBoundingClientRect();
		return [...document.querySelectorAll("#step-2 .mail .line")].every(e => e.getBoundingClientRect().bottom <= part.top);
	})()`); !got {
		t.Error("mail to the next leader seems to cross the partition of step 2")
	}
}

// What nodes say is text, never markup or code.
func TestPageDoesNotObeyNodes(t *testing.T) {
	t.Parallel()
	tr := inversion(t)
	const evil = `</script><img src=x onerror=alert(1)><script>document.title="obeyed"</script>`
	last := &tr.Steps[len(tr.Steps)-1]
	tr.Protocol, last.Title, last.Call = evil, evil, evil
	last.States[0].Summary = evil
	for i := range last.Deliveries {
		last.Deliveries[i].Text, last.Deliveries[i].Summary = evil, evil
	}
	tr.Findings = []trace.Finding{{Property: evil, Why: evil, Step: last.Number}}
	page, err := trace.Page(tr)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t, page)
	if got := value[string](t, ctx, `document.title + document.images.length`); got != evil+" · twinsh0" {
		t.Errorf("the page is titled %q", got)
	}
	if got := value[string](t, ctx, `document.querySelector("#states td:last-child").textContent`); !strings.HasSuffix(got, evil) {
		t.Errorf("the state is shown as %q", got)
	}
}

// TestPagePictures writes screenshots, if asked to.
func TestPagePictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no folder given: go test -run TestPagePictures -pictures FOLDER")
	}
	page, err := trace.Page(inversion(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t, page)
	do(t, ctx, chromedp.EmulateViewport(1390, 760))
	for _, scheme := range []string{"light", "dark"} {
		emulate(t, ctx, "", scheme)
		do(t, ctx, chromedp.Sleep(300*time.Millisecond)) // until colours have faded over
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*pictures, "page-"+scheme+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
