package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"time"
	"unicode/utf8"
)

type matchRequest struct {
	// Patterns are Go's regular expressions (RE2), not anchored.
	Patterns []string `json:"patterns"`
	Texts    []string `json:"texts"`
}

type matchAnswer struct {
	// Matches has the indexes of the patterns that match each text, in ascending order.
	Matches [][]int `json:"matches"`
	// Invalid lists the patterns that can't be used and so match nothing, in ascending
	// order.
	Invalid []invalidPattern `json:"invalid"`
}

type invalidPattern struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// Bounds of a request. The time for a match is the length of the text times the number of
// instructions that the pattern compiles to; `x{1000}` compiles to a thousand of them
// from seven bytes. So both are bounded, and so is the time of all matches together.
const (
	maxPatterns            = 100
	maxPatternBytes        = 1 << 10
	maxPatternInstructions = 4 << 10
	maxTexts               = 100
	maxTextBytes           = 64 << 10
	matchTime              = 2 * time.Second
)

// stepsBetweenChecks is how much of a match is done, in bytes times instructions, before
// the clock is read again: about a fifth of a second's work.
const stepsBetweenChecks = 10_000_000

const reasonTimeout = "Timeout"

// patterns keeps compiled patterns, because the same few are used for each event.
type patterns struct {
	compiled memo[*pattern]
}

// patternCacheBytes bounds the memory of compiled patterns.
const patternCacheBytes = 4 << 20

func newPatterns() *patterns {
	weigh := func(source string, p *pattern) int { return len(source) + p.bytes() }
	return &patterns{memo[*pattern]{limit: patternCacheBytes, weigh: weigh}}
}

// pattern is a compiled pattern, or the reason why it can't be used: finding that out
// takes time too.
type pattern struct {
	*regexp.Regexp
	refusal      error
	instructions int
	ranges       int
}

// bytes returns roughly how much memory the pattern takes.
func (p *pattern) bytes() int {
	if p.refusal != nil {
		return 4096
	}
	return 1024 + 80*p.instructions + 4*p.ranges
}

// match returns which patterns match which texts. A request that exceeds a bound fails as
// a whole. A pattern that can't be used is named and matches nothing.
func (p *patterns) match(r *matchRequest) (*matchAnswer, error) {
	if err := r.check(); err != nil {
		return nil, fail(reasonInvalid, err)
	}
	answer := &matchAnswer{Matches: make([][]int, len(r.Texts)), Invalid: []invalidPattern{}}
	for i := range answer.Matches {
		answer.Matches[i] = []int{}
	}
	end := time.Now().Add(matchTime)
	for index, source := range r.Patterns {
		if time.Now().After(end) {
			return nil, fail(reasonTimeout, errMatchTime)
		}
		compiled, err := p.compile(source)
		if err != nil {
			answer.Invalid = append(answer.Invalid, invalidPattern{index, err.Error()})
			continue
		}
		for i, text := range r.Texts {
			matches, err := compiled.matches(text, end)
			if err != nil {
				return nil, fail(reasonTimeout, err)
			}
			if matches {
				answer.Matches[i] = append(answer.Matches[i], index)
			}
		}
	}
	return answer, nil
}

func (r *matchRequest) check() error {
	if len(r.Patterns) > maxPatterns {
		return fmt.Errorf("%d patterns are too many: %d at most", len(r.Patterns), maxPatterns)
	}
	if len(r.Texts) > maxTexts {
		return fmt.Errorf("%d texts are too many: %d at most", len(r.Texts), maxTexts)
	}
	for i, text := range r.Texts {
		if len(text) > maxTextBytes {
			return fmt.Errorf("text %d of %d bytes is too long: %d at most", i, len(text), maxTextBytes)
		}
	}
	return nil
}

func (p *patterns) compile(source string) (*pattern, error) {
	if len(source) > maxPatternBytes {
		return nil, fmt.Errorf("a pattern of %d bytes is too long: %d at most", len(source), maxPatternBytes)
	}
	compiled, err := p.compiled.get(source, func() (*pattern, error) {
		compiled := &pattern{}
		compiled.refusal = compiled.measure(source)
		if compiled.refusal == nil {
			compiled.Regexp, compiled.refusal = regexp.Compile(source)
		}
		return compiled, nil
	})
	if err != nil {
		return nil, err
	}
	return compiled, compiled.refusal
}

// measure counts the instructions that the pattern compiles to, and fails if there are
// too many. The program inside package regexp is the same, but not accessible.
func (p *pattern) measure(source string) error {
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return err
	}
	p.instructions = len(program.Inst)
	for _, instruction := range program.Inst {
		p.ranges += len(instruction.Rune)
	}
	if p.instructions > maxPatternInstructions {
		return errors.New("the pattern repeats too much: it compiles to more than 4096 instructions")
	}
	return nil
}

// matches returns an error when the time is over.
func (p *pattern) matches(text string, end time.Time) (bool, error) {
	if time.Now().After(end) {
		return false, errMatchTime
	}
	if len(text)*p.instructions <= stepsBetweenChecks {
		return p.MatchString(text), nil
	}
	reader := &timedReader{text: text, end: end, every: 1 + stepsBetweenChecks/10/p.instructions}
	matches := p.MatchReader(reader)
	if reader.late {
		return false, errMatchTime
	}
	return matches, nil
}

var errMatchTime = fmt.Errorf("matching took longer than %s: use fewer or simpler patterns", matchTime)

// timedReader ends the text when the time is over, because nothing else stops a match.
type timedReader struct {
	text  string
	end   time.Time
	every int
	read  int
	late  bool
}

func (r *timedReader) ReadRune() (rune, int, error) {
	r.read++
	if r.read%r.every == 0 && time.Now().After(r.end) {
		r.late = true
	}
	if r.late || r.text == "" {
		return 0, 0, io.EOF
	}
	char, size := utf8.DecodeRuneInString(r.text)
	r.text = r.text[size:]
	return char, size, nil
}
