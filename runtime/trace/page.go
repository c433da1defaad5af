package trace

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// FormatHTML is a page to walk through the scenario in a browser.
const FormatHTML Format = "html"

var htmlRenderer = renderer{
	format: FormatHTML, about: "a page to walk through the scenario in a browser", endings: []string{".html", ".htm"}, finds: true,
	render: func(t *Trace, o Options) (string, error) { return Page(t) },
	recognizes: func(text string) bool {
		return strings.HasPrefix(text, "<!DOCTYPE html>") && strings.Contains(text, " · twinsh</title>")
	},
}

// Page returns a web page to walk through the scenario with a slider or the
// arrow keys. It is one file that needs nothing else and asks no network. In it
// time goes down, and the instances share the width that the window has;
// page#step=4 shows step 4.
//
// The page is laid out here, as SVG in which widths are shares and heights pixels, and its
// script only walks through it: it shows and hides, moves the focus, and shortens what has no
// room. Texts pass through html/template, which knows for each place what has to be escaped;
// the style and the script are the program's own and are taken as they are.
func Page(t *Trace) (string, error) {
	var b strings.Builder
	err := pageTemplate.Execute(&b, struct {
		*Trace
		Drawing *pageDrawing
		About   []string
		Excess  string
		CSS     template.CSS
		JS      template.JS
	}{t, draw(t), faultTexts(t), beyondText(t), template.CSS(pageCSS), template.JS(pageJS)})
	return b.String(), err
}

// faultTexts says who is faulty, and how.
func faultTexts(t *Trace) []string {
	var texts []string
	for _, i := range faultyLanes(t) {
		texts = append(texts, faultText(t, i)+" (faulty)")
	}
	return texts
}
