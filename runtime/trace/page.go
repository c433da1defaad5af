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
	format: FormatHTML, about: "a page to walk through the scenario in a browser", endings: []string{".html", ".htm"},
	render: func(t *Trace, o Options) (string, error) { return t.Page() },
	recognizes: func(text string) bool {
		return strings.HasPrefix(text, "<!DOCTYPE html>") && strings.Contains(text, " · twinsh</title>")
	},
}

// Page returns a web page to walk through the scenario with a slider or the
// arrow keys. It is one file that needs nothing else and asks no network. In it
// time goes down, and the instances share the width that the window has;
// page#step=4 shows step 4.
func (t *Trace) Page() (string, error) {
	var b strings.Builder
	err := pageTemplate.Execute(&b, struct {
		*Trace
		Drawing *drawing
		About   []string
		CSS     template.CSS
		JS      template.JS
	}{t, t.draw(), t.about(), template.CSS(pageCSS), template.JS(pageJS)})
	return b.String(), err
}

// about says who is faulty, and how.
func (t *Trace) about() []string {
	var texts []string
	for i, l := range t.Lanes {
		if !l.Faulty || i > 0 && t.Lanes[i-1].Identity == l.Identity {
			continue
		}
		texts = append(texts, t.faultText(i)+" (faulty)")
	}
	return texts
}
