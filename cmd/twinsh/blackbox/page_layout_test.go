package blackbox

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// crowd is a trace of seven servers, two of them twinned, and four clients, which
// act in turn, first under a partition.
func crowd(t *testing.T) *trace.Trace {
	t.Helper()
	var clients []runtime.Client
	for i, op := range []node.Operation{{Name: "write", Arg: "vermilion"}, {Name: "read"}, {Name: "write", Arg: "ultramarine"}, {Name: "read"}} {
		clients = append(clients, runtime.Client{Name: fmt.Sprintf("c%d", i+1), Program: []node.Operation{op}})
	}
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{}), N: 7, F: 2, Clients: clients,
		Twins: []runtime.Twin{{ID: "B", Copies: 2}, {ID: "F", Copies: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return trace.Of(play(t, c, `partition A,B,C,D,E,F,c1,c2,c3,c4|B',F',G
exchange c1 A,B,C,D,E
exchange c1 A,B,C,D,E
exchange c4 A,B,C,D,F
heal
exchange c3 B,C,D,E,G
exchange c2 A,C,D,E,F
exchange c3 B,C,D,E,G
exchange c4 C,D,E,F',G
`))
}

// opened is a browser with the page of a trace.
func opened(t *testing.T, tr *trace.Trace) context.Context {
	t.Helper()
	page, err := trace.Page(tr)
	if err != nil {
		t.Fatal(err)
	}
	return browser(t, page)
}

// resize makes the window so large, and opens the page again in it.
func resize(t *testing.T, ctx context.Context, width, height int64) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(width, height), chromedp.Reload())
}

// holds wants an expression about the page to be true. In it, box(e) is the
// bounding box of an element, and names are those of the instances.
func holds(t *testing.T, ctx context.Context, expression, otherwise string, args ...any) {
	t.Helper()
	if !value[bool](t, ctx, `(() => {
		const box = (e) => (typeof e === "string" ? document.querySelector(e) : e).getBoundingClientRect();
		const names = [...document.querySelectorAll(".heads text.name")];
		const seen = (e) => box(e).right > Math.max(0, box(".diagram").left) && box(e).left < Math.min(innerWidth, box(".diagram").right);
		return `+expression+`;
	})()`) {
		t.Errorf(otherwise, args...)
	}
}

const steps = 9 // of crowd

// goTo shows a step by its address.
func goTo(t *testing.T, ctx context.Context, step int) {
	t.Helper()
	do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = "#step=%d"`, step)),
		chromedp.Poll[chromedp.Void](fmt.Sprintf(`document.getElementById("slider").value === "%d"`, step)))
}

func TestPageOnPhone(t *testing.T) {
	t.Parallel()
	ctx := opened(t, crowd(t))
	resize(t, ctx, 390, 844)
	for step := range steps + 1 {
		goTo(t, ctx, step)
		holds(t, ctx, `document.documentElement.scrollWidth <= innerWidth && scrollX === 0`, "step %d: the document is wider than the window", step)
		holds(t, ctx, `names.filter(seen).length >= 4`, "step %d: fewer than four lifelines are in sight", step)
		holds(t, ctx, `names.every((e) => box(e).top >= box(".diagram").top && box(e).bottom <= innerHeight)`, "step %d: the names of the instances are out of sight", step)
	}
	// The first and the last lifeline can be reached.
	holds(t, ctx, `(document.querySelector(".diagram").scrollLeft = 0, seen(names[0]))`, "the first lifeline cannot be reached")
	holds(t, ctx, `(document.querySelector(".diagram").scrollLeft = 1e6, seen(names.at(-1)))`, "the last lifeline cannot be reached")
	holds(t, ctx, `box("aside").top >= box(".diagram").bottom && box("aside").width > .9 * innerWidth`, "the panel is not below the diagram")
	holds(t, ctx, `[...document.querySelectorAll("button, input, summary, a")].every((e) => box(e).height >= 40)`, "something to touch is lower than 40 pixels")
	// Stepping moves the diagram and nothing else.
	holds(t, ctx, `(document.body.scrollHeight > innerHeight + 50 && (scrollTo(0, 50), document.getElementById("back").click(), scrollY === 50))`, "a step scrolls the page")
}

func TestPageSharesWidth(t *testing.T) {
	t.Parallel()
	for name, tr := range map[string]*trace.Trace{"crowd": crowd(t), "inversion": inversion(t), "mailed": mailed(t)} {
		ctx := opened(t, tr)
		for _, width := range []int64{768, 1280, 1920, 2560} {
			resize(t, ctx, width, 1080)
			holds(t, ctx, `document.documentElement.scrollWidth <= innerWidth`, "%s, %d: the document is wider than the window", name, width)
			holds(t, ctx, `Math.max(box("aside").right, box(".diagram").right) >= innerWidth - 32`, "%s, %d: the right of the window is empty", name, width)
			// Lanes fill what the titles beside them leave.
			holds(t, ctx, `(() => {
				const title = box(".step .title");
				const beside = title.right < box(names[0]).left && title.bottom > box(".step svg").top + 2;
				const room = box(".diagram").width - (beside ? title.width : 0);
				const lane = (box(names.at(-1)).left - box(names[0]).left) / (names.length - 1);
				return lane * names.length >= .9 * room;
			})()`, "%s, %d: the lifelines leave room unused", name, width)
		}
	}
	// They follow a window that changes, and the step that is shown stays in sight.
	ctx := opened(t, inversion(t))
	do(t, ctx, chromedp.EmulateViewport(1390, 700), chromedp.Poll[chromedp.Void](`document.querySelector(".diagram").getBoundingClientRect().bottom >= document.querySelector(".current").getBoundingClientRect().bottom - 1`))
	do(t, ctx, chromedp.EmulateViewport(1100, 800), chromedp.EmulateViewport(1920, 1080), chromedp.Poll[chromedp.Void](`[...document.querySelectorAll(".label")].some((e) => e.textContent === "update v1 red")`))
}

func TestPageShowsWhoActs(t *testing.T) {
	t.Parallel()
	tr := crowd(t)
	ctx := opened(t, tr)
	for _, width := range []int64{390, 1280} {
		resize(t, ctx, width, 800)
		for _, key := range []string{kb.ArrowLeft, kb.ArrowRight} { // up from the last step, and down again
			for range steps - 1 {
				step := value[int](t, ctx, `Number(document.getElementById("slider").value)`)
				if client := tr.Steps[step-1].Client; client >= 0 {
					holds(t, ctx, fmt.Sprintf(`box(names[%d]).left >= box(".diagram").left && box(names[%[1]d]).right <= box(".diagram").right`, client), "%d: in step %d %s is out of sight", width, step, tr.Lanes[client].Name)
				}
				holds(t, ctx, `box(".current").top >= box(".heads").bottom - 1 || box(".current").bottom <= box(".diagram").bottom + 1`, "%d: step %d is out of sight", width, step)
				do(t, ctx, chromedp.KeyEvent(key))
			}
		}
	}
}

// overlaps lists the texts of the diagram that lie on others.
func overlaps(t *testing.T, ctx context.Context) string {
	t.Helper()
	return value[string](t, ctx, `[...document.querySelectorAll(".step, .heads")].flatMap((step) => {
		const all = [...step.querySelectorAll(".label, .chip, text.part, text.name, text.band")].map((e) => [e.textContent, e.getBoundingClientRect()]);
		return all.filter(([, a], i) => all.some(([, b], j) => j < i && a.left < b.right && b.left < a.right && a.top + .5 < b.bottom && b.top + .5 < a.bottom)).map(([text]) => step.id + " " + text);
	}).join("; ")`)
}

func TestPageTextsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for name, tr := range map[string]*trace.Trace{"crowd": crowd(t), "inversion": inversion(t), "mailed": mailed(t)} {
		ctx := opened(t, tr)
		for _, width := range []int64{390, 768, 1280, 1920} {
			resize(t, ctx, width, 900)
			if got := overlaps(t, ctx); got != "" {
				t.Errorf("%s, %d: these lie on others: %s", name, width, got)
			}
		}
	}
}

// Long words change nothing of that.
func TestPageLongWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("m", 300)
	tr := inversion(t)
	tr.Protocol, tr.Legend = long, long
	for i := range tr.Lanes {
		tr.Lanes[i].Name += long
		tr.Lanes[i].Identity += long
	}
	for k := range tr.Steps {
		s := &tr.Steps[k]
		s.Title, s.Call = long, long
		for i := range s.States {
			s.States[i].Summary += long
		}
		for i := range s.Deliveries {
			m := &s.Deliveries[i]
			m.Text, m.Notes = m.Text+long, []string{long}
			for j := range m.Seen {
				m.Seen[j].Text += long
			}
		}
	}
	tr.Findings = []trace.Finding{{Property: long, Why: long, Step: 6, Story: []string{long}}}
	ctx := opened(t, tr)
	for _, width := range []int64{390, 768, 1280} {
		resize(t, ctx, width, 900)
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.getElementById("contents").open = true`))
		holds(t, ctx, `document.documentElement.scrollWidth <= innerWidth`, "%d: the document is wider than the window", width)
		holds(t, ctx, `[...document.querySelectorAll("aside, aside section, .legend")].every((e) => e.scrollWidth <= e.clientWidth)`, "%d: the panel is wider than its place", width)
		if got := overlaps(t, ctx); got != "" {
			t.Errorf("%d: these lie on others: %s", width, got)
		}
	}
}

// The legend names every mark of the diagram, and no other.
func TestPageLegend(t *testing.T) {
	t.Parallel()
	const marks = `.message, .dot, .chip, .life, .name.faulty, .label[data-more], rect.part, rect.band, .step .mark`
	for name, c := range map[string]struct {
		tr       *trace.Trace
		with     []string
		without  []string
		explains string
	}{
		"inversion": {inversion(t), []string{"arrives", "does not arrive", "client", "twins", "parts", "violated"}, []string{"in flight", "next leader", "failed"}, "newest version"},
		"mailed":    {mailed(t), []string{"next leader", "parts"}, []string{"client", "twins", "faulty", "violated", "in flight"}, ""},
	} {
		c.tr.Legend = c.explains
		ctx := opened(t, c.tr)
		legend := value[string](t, ctx, `document.querySelector(".legend").textContent`)
		for _, text := range append(c.with, c.explains) {
			if !strings.Contains(legend, text) {
				t.Errorf("%s: the legend lacks %q: %s", name, text, legend)
			}
		}
		for _, text := range c.without {
			if strings.Contains(legend, text) {
				t.Errorf("%s: the legend names %q, which is not drawn", name, text)
			}
		}
		if got := value[string](t, ctx, `(() => {
			const named = [...document.querySelectorAll(".legend [data-mark]")].map((e) => e.dataset.mark).join() || "none";
			return [...document.querySelectorAll(".diagram :is(`+marks+`)")].filter((e) => !e.matches(named)).map((e) => e.getAttribute("class")).join();
		})()`); got != "" {
			t.Errorf("%s: the legend does not name %s", name, got)
		}
	}
}

// All that a message says can be reached by a click, and by keys alone.
func TestPageFullContents(t *testing.T) {
	t.Parallel()
	tr := inversion(t)
	full := "update(version = 1, value = " + strings.Repeat("very ", 200) + "red)"
	for k := range tr.Steps[2].Deliveries {
		if m := &tr.Steps[2].Deliveries[k]; m.From >= 0 {
			m.Full = full
		}
	}
	ctx := opened(t, tr)
	for _, width := range []int64{390, 1280} {
		resize(t, ctx, width, 800)
		goTo(t, ctx, 3)
		do(t, ctx, chromedp.Click(chromedp.CSS("#step-3 .label")))
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.body.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}))`))
		holds(t, ctx, fmt.Sprintf(`!document.getElementById("tooltip").hidden && document.getElementById("tooltip").textContent.includes(%q)`, full), "%d: a click does not show all that a message says", width)
		holds(t, ctx, `box("#tooltip").left >= 0 && box("#tooltip").right <= innerWidth && box("#tooltip").top >= 0 && box("#tooltip").bottom <= innerHeight`, "%d: what a click shows is partly outside of the window", width)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		holds(t, ctx, `document.getElementById("tooltip").hidden`, "%d: Escape does not close what a click shows", width)
		do(t, ctx, chromedp.Focus(chromedp.CSS("#contents summary")), chromedp.KeyEvent(kb.Enter))
		holds(t, ctx, fmt.Sprintf(`document.getElementById("messages").innerText.includes(%q)`, full), "%d: Enter on the list of messages does not show all that they say", width)
		holds(t, ctx, `document.documentElement.scrollWidth <= innerWidth`, "%d: long contents make the document wider than the window", width)
	}
}

func TestPageMovesOnlyIfWanted(t *testing.T) {
	t.Parallel()
	ctx := opened(t, inversion(t))
	for _, want := range []string{"no-preference", "reduce"} {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: want}},
		})
		if err != nil {
			t.Fatal(err)
		}
		moves := value[bool](t, ctx, `[...document.querySelectorAll("*")].some((e) => getComputedStyle(e).transitionDuration !== "0s")`)
		if moves != (want == "no-preference") {
			t.Errorf("with %s the page moves: %t", want, moves)
		}
	}
}
