package main

import (
	"fmt"
	"strings"
	"time"
)

// excludeTagsRequest has the tags of an image as one text, separated by spaces: no tag
// contains a space, and a text is read faster than a list.
type excludeTagsRequest struct {
	Patterns []string `json:"patterns"`
	Tags     string   `json:"tags"`
}

type excludeTagsAnswer struct {
	Tags string `json:"tags"`
}

// Bounds of a request for tags, in addition to those of patterns. A longer list is sent
// in several requests.
const (
	maxTagsBytes     = 4 << 20
	maxExtractBytes  = 1 << 10
	maxExcludedTags  = 100
	maxExcludedBytes = 1 << 10
)

const (
	reasonPolicy  = "InvalidPolicy"
	reasonFailure = "Failure"
	reasonPattern = "InvalidPattern"
)

// excludeTags leaves out the tags that contain a match of one of the patterns, as
// spec.exclusionList of an ImageRepository does.
func (p *patterns) excludeTags(r *excludeTagsRequest) (*excludeTagsAnswer, error) {
	if len(r.Tags) > maxTagsBytes || len(r.Patterns) > maxPatterns {
		return nil, fail(reasonInvalid, fmt.Errorf("%d bytes of tags or %d patterns are too many", len(r.Tags), len(r.Patterns)))
	}
	compiled := make([]*pattern, 0, len(r.Patterns))
	for _, source := range r.Patterns {
		one, err := p.compile(source)
		if err != nil {
			return nil, fail(reasonPattern, fmt.Errorf("failed to compile regex %s: %w", quoted(source), err))
		}
		compiled = append(compiled, one)
	}
	end := time.Now().Add(matchTime)
	var kept strings.Builder
	for tag := range strings.FieldsSeq(r.Tags) {
		isExcluded, err := matchesAny(compiled, tag, end)
		if err != nil {
			return nil, fail(reasonTimeout, err)
		}
		if isExcluded {
			continue
		}
		if kept.Len() > 0 {
			kept.WriteByte(' ')
		}
		kept.WriteString(tag)
	}
	return &excludeTagsAnswer{kept.String()}, nil
}

func matchesAny(compiled []*pattern, tag string, end time.Time) (bool, error) {
	for _, one := range compiled {
		if matches, err := one.matches(tag, end); err != nil || matches {
			return matches, err
		}
	}
	return false, nil
}

// quoted shortens a pattern that a message quotes, if it is too long.
func quoted(text string) string {
	if len(text) <= maxPatternBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxPatternBytes], "") + "..."
}

// tagFilter is spec.filterTags of an ImagePolicy: it says which tags count, and which
// part of each is compared.
type tagFilter struct {
	Pattern string `json:"pattern"`
	Extract string `json:"extract"`
}

// valueOf returns the part of a tag that is compared; false for a tag that doesn't count.
func (f *tagFilter) valueOf(compiled *pattern, tag string, end time.Time) (string, bool, error) {
	if f == nil {
		return tag, true, nil
	}
	if f.Extract == "" {
		matches, err := compiled.matches(tag, end)
		return tag, matches, err
	}
	if time.Now().After(end) {
		return "", false, fail(reasonTimeout, errMatchTime)
	}
	submatches := compiled.FindStringSubmatchIndex(tag)
	if submatches == nil {
		return "", false, nil
	}
	value := compiled.ExpandString(nil, f.Extract, tag, submatches)
	if len(value) > maxExtractBytes {
		return "", false, fail(reasonPolicy, fmt.Errorf("failed to filter tags: '%s' extracts %d bytes from the tag '%s': %d at most", f.Extract, len(value), tag, maxExtractBytes))
	}
	return string(value), true, nil
}
