package guard

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"
)

// Matching finds what the library finds, in short texts and in long ones.
func TestMatches(t *testing.T) {
	for _, pattern := range []string{
		``, `a`, `^a`, `a$`, `^$`, `(a|b)*c`, `((a)(b)?){2,3}`, `(?i)AB`, `(?i:A)b`, `(?P<x>ab)+$`, `(?s)a.b`, `a.b`, `(?m)^b$`,
		`\bab\b`, `\Bb`, `[^a]b`, `[[:alpha:]]+\d`, `\pL{3}`, `é|ü`, `(a*)*$`, `a??b`, `(?U)a+b`, `\x{61}`, `\Qa.b\E`, `a{2,}`, `(|a)b`, `(a{0,3}){3}b$`, `\z`, `\Aa`,
	} {
		for _, start := range []string{"", "a", "ab", "aab", "b", "a\nb", "a.b", "x ab y", "ABC", "éü1", "\xff", "aaac", "abab7"} {
			for _, text := range []string{start, start + strings.Repeat("z", 2*interval), strings.Repeat("z", 2*interval) + start} {
				got, err := Matches(&starlark.Thread{}, text, pattern)
				if want := regexp.MustCompile(pattern).MatchString(text); got != want || err != nil {
					t.Errorf("matches(%.20q…, %q) = %t, %v, want %t", text, pattern, got, err, want)
				}
			}
		}
	}
}

// No pattern takes long to be compiled, nor much memory. What takes long to find
// counts steps.
func TestLongPatterns(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, MaxPattern/len(s)) }
	text := strings.Repeat("a", MaxText)
	for _, c := range []struct{ pattern, want string }{
		{`(a{0,30}){30}b$`, "too many steps"},
		{`(((a{0,10}){0,10}){0,10}){0,1}b`, "too many steps"},
		{`(\pL{100}){10}b`, "too many steps"},
		{fill(`(a*)*`), ""},
		{fill(`a?`), ""},
		{fill(`a|`), ""},
		{fill(`(?i)\pL`), ""},
		{`(?i)` + fill(`[^\pL]`)[:900], "too many steps"},
		{fill(`[\x{0}-\x{10FFFF}]`), ""},
		{`(?i)[a-z0-9_-]{3}[A-F]-[A-F]x`, "too many steps"},
		{`(?i)` + fill(`[\x{1}-\x{10FFF0}]`)[:900], "(?i) and 50 ranges, want at most 4"},
		{`(?im-s:` + fill(`[!-𞥂]`)[:900] + `)`, "(?i) and 114 ranges, want at most 4"},
		{fill(`a{1000}`), "has 142001 parts"},
		{fill(`a`) + "a", "is 1001 bytes long, want at most 1000"},
		{strings.Repeat("()", 450) + "(?:b{500}){2}", "too many steps"},
		{strings.Repeat("()", 450) + strings.Repeat("b{999}", 10), "parts with its repetitions written out and 450 groups, want"},
		{strings.Repeat("(", 400) + "a{20}" + strings.Repeat(")", 400), ""},
		{`(`, "missing closing )"},
	} {
		thread := &starlark.Thread{OnMaxSteps: func(thread *starlark.Thread) { thread.Cancel("too many steps") }}
		thread.SetMaxExecutionSteps(100_000)
		began := time.Now()
		_, err := Matches(thread, text, c.pattern)
		if t.Logf("%.20s %s %v", c.pattern, time.Since(began), err); err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%.100s: got the error %v, want %q", c.pattern, err, c.want)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%.100s took %s", c.pattern, took)
		}
	}
}
