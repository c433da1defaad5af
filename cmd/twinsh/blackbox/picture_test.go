package blackbox

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "a folder to write screenshots of the shell and of the page to")

// TestPictures plays a session on a terminal of 80 columns, looks at what the
// terminal shows, and writes screenshots of it if asked to.
func TestPictures(t *testing.T) {
	const columns = 80
	c := newConsoleOf(t, columns, t.TempDir(), "NO_COLOR=", "TERM=xterm-256color")
	for _, line := range []string{
		loadKV,
		`store = kv(write_back = False)`,
		`cluster(store, clients = {"c1": [write("red")], "c2": [read(), read()]})`,
		`exchange("c1", ["A", "B", "C"])`,
		`next()`,
		`exchange("c1", ["A"])`,
		`exchange("c2", ["A", "B", "C"])`,
		`exchange("c2", ["B", "C", "D"])`,
		`check(linearizable())`,
		`undo()`,
	} {
		c.run(line, "")
	}
	c.expect(" 3> ")
	c.settle()
	c.send("exchange(\"c2\", [\"\t")
	c.expect("exchange(client, reach)")
	c.settle()
	s := screenOf(c.written(), columns, 0)
	text := "\n" + strings.Join(s.lines, "\n") + "\n"
	for _, want := range []string{
		"\nkv 0> exchange(\"c1\", [\"A\", \"B\", \"C\"])\n1 c1 write \"red\": query → A B C   7 messages, 1 lost\n  c1 idle → query done\nkv 1> next()\n",
		"\n    check(linearizable())\n         ^\nc2 read() returned None in step 4 after",
		"\n    c2 returns None\n\nc1 write \"red\" (steps 1 to 2): hears",
		"\nkv 4> undo()\nat step 3: c2 read: query → A B C\n  c2 idle\nA  B  C  D\nkv 3> exchange(\"c2\", [\"\nexchange(client, reach)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nowhere is shown\n%s", want)
		}
	}
	for text, want := range map[string]string{
		"twinsh> ":                "",
		"kv 1> ":                  "bold",
		"7 messages":              "c8",
		"c2 returns":              "bold",
		"linearizable: ":          "bold",
		"^":                       "c1",
		"kv(write_back=False)   ": "bold",
		"#  step":                 "c8",
		"exchange(client":         "c8",
	} {
		if got := s.looks(text); got != want {
			t.Errorf("%q looks %q, want %q", text, got, want)
		}
	}
	for y, line := range s.lines {
		if s.Cell(columns-1, y).Mode&wrapMode != 0 {
			t.Errorf("%q goes on in the next row", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if *pictures != "" {
		photograph(t, s.page(), filepath.Join(*pictures, "shell"))
	}
}

// photograph writes pictures of the text of a page, light and dark.
func photograph(t *testing.T, page, name string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String())); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		if err != nil {
			t.Fatal(err)
		}
		picture, err := chromedp.Run(ctx, chromedp.ScreenshotScale(chromedp.CSS("pre"), 1.5))
		if err != nil {
			t.Fatal(err)
		}
		if picture, err = smaller(picture); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+"-"+scheme+".png", picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// smaller makes a picture small: of colours that are nearly the same it keeps
// the most frequent one.
func smaller(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	count := map[color.NRGBA]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[color.NRGBAModel.Convert(full.At(x, y)).(color.NRGBA)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.NRGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	seen := map[[3]uint8]bool{}
	for _, c := range frequent {
		if near := [3]uint8{c.R / 16, c.G / 16, c.B / 16}; !seen[near] && len(palette) < 256 {
			seen[near] = true
			palette = append(palette, c)
		}
	}
	small := image.NewPaletted(bounds, palette)
	draw.Draw(small, bounds, full, bounds.Min, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small)
	return b.Bytes(), err
}
