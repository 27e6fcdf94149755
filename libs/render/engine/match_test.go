package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct{ patterns, texts, want string }{
		{`["^a", "b$", "x"]`, `["ab", "b", "", "ba"]`, `{"matches":[[0,1],[1],[],[]],"invalid":[]}`},
		{`["(?i)ERROR.*\\bpull\\b"]`, `["error: image pull failed", "error: pulled"]`, `{"matches":[[0],[]],"invalid":[]}`},
		{`["a", "(", "a"]`, `["a"]`, `{"matches":[[0,2]],"invalid":[{"index":1,"reason":"error parsing regexp: missing closing ): ` + "`(`" + `"}]}`},
		{`["(?=a)", "(a)\\1"]`, `[]`, `{"matches":[],"invalid":[{"index":0,"reason":"error parsing regexp: invalid or unsupported Perl syntax: ` + "`(?=`" + `"},{"index":1,"reason":"error parsing regexp: invalid escape sequence: ` + "`\\\\1`" + `"}]}`},
		{`[]`, `["a"]`, `{"matches":[[]],"invalid":[]}`},
		{`null`, `null`, `{"matches":[],"invalid":[]}`},
	} {
		answer, err := newPatterns().match(decode[matchRequest](t, `{patterns: `+c.patterns+`, texts: `+c.texts+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(answer); string(got) != c.want {
			t.Errorf("%s on %s\n got %s\nwant %s", c.patterns, c.texts, got, c.want)
		}
	}
}

func TestMatchIsBounded(t *testing.T) {
	for name, r := range map[string]*matchRequest{
		"patterns":    {Patterns: make([]string, maxPatterns+1)},
		"texts":       {Texts: make([]string, maxTexts+1)},
		"a long text": {Texts: []string{strings.Repeat("x", maxTextBytes+1)}},
	} {
		if _, err := newPatterns().match(r); err == nil || toWire(err).Reason != reasonInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for pattern, reason := range map[string]string{
		strings.Repeat("x", maxPatternBytes+1): "a pattern of 1025 bytes is too long: 1024 at most",
		strings.Repeat("x{1000}", 100):         "the pattern repeats too much: it compiles to more than 4096 instructions",
	} {
		answer, err := newPatterns().match(&matchRequest{Patterns: []string{pattern, "a"}, Texts: []string{"a"}})
		if err != nil || len(answer.Invalid) != 1 || answer.Invalid[0].Reason != reason || !reflect.DeepEqual(answer.Matches, [][]int{{1}}) {
			t.Errorf("%.20s: got %+v, %v", pattern, answer, err)
		}
	}
}

// A match for which a backtracking engine needs 2^n steps takes linear time here.
func TestMatchIsLinear(t *testing.T) {
	r := &matchRequest{
		Patterns: []string{`^(a+)+$`, `^(a|aa)+$`, `(x+x+)+y`, `^(.*?,){11}P`},
		Texts:    []string{strings.Repeat("a", 4000) + "!", strings.Repeat("x", 4000), strings.Repeat("1,", 2000)},
	}
	begun := time.Now()
	answer, err := newPatterns().match(r)
	if err != nil || !reflect.DeepEqual(answer.Matches, [][]int{{}, {}, {}}) {
		t.Errorf("got %+v, %v", answer, err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

// The slowest match within the bounds is ended by the time limit.
func TestMatchTakesItsTime(t *testing.T) {
	r := &matchRequest{Texts: []string{strings.Repeat("x", maxTextBytes)}}
	for n := range maxPatterns {
		r.Patterns = append(r.Patterns, fmt.Sprintf("(x{0,1000}x{0,950}){%d}y$", 1+n%2))
	}
	begun := time.Now()
	_, err := newPatterns().match(r)
	if err == nil || toWire(err).Reason != reasonTimeout || err.Error() != "matching took longer than 2s: use fewer or simpler patterns" {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > matchTime+time.Second {
		t.Errorf("it took %s", took)
	}
}

// A text that is read with a time limit matches as it does without one.
func TestMatchReadsAsRegexpDoes(t *testing.T) {
	texts := []string{"", "a", "ab\n", "äöü", "a\xffb", "line\nline end", strings.Repeat("ab ", 100) + "end"}
	for _, source := range []string{`^$`, `\bend\b`, `(?m)^line$`, `ö.`, `\x{fffd}b`, `(ab )+end$`, `\Aa`, `[^a-z]`, `b\n\z`} {
		compiled, err := newPatterns().compile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			reader := &timedReader{text: text, end: time.Now().Add(time.Minute), every: 1}
			if got, want := compiled.MatchReader(reader), regexp.MustCompile(source).MatchString(text); got != want {
				t.Errorf("%s on %q: got %v", source, text, got)
			}
		}
	}
}

func TestPatternsAreCompiledOnce(t *testing.T) {
	p := newPatterns()
	for _, source := range []string{"a+", "(", "x{1000}x{1000}x{1000}x{1000}x{1000}"} {
		first, _ := p.compile(source)
		if again, _ := p.compile(source); again != first {
			t.Errorf("%s is compiled again", source)
		}
	}
	for n := range 1000 {
		if _, err := p.compile(fmt.Sprintf("x{1000}y{900}%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if p.compiled.total > patternCacheBytes {
		t.Errorf("%d bytes are kept", p.compiled.total)
	}
}
