package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	fluxversion "github.com/fluxcd/pkg/version"
)

type latestTagRequest struct {
	Policy tagPolicy  `json:"policy"`
	Filter *tagFilter `json:"filter"`
	// Exclude has tags, or values of tags, that are never chosen.
	Exclude []string `json:"exclude"`
	// Tags has the tags sorted by their bytes, descending, separated by spaces.
	Tags string `json:"tags"`
	// Best is the best answer for the tags before these, if the list is sent in several
	// requests.
	Best *chosenTag `json:"best"`
}

// tagPolicy is spec.policy of an ImagePolicy. The first policy that is set counts.
type tagPolicy struct {
	Semver *struct {
		Range string `json:"range"`
	} `json:"semver"`
	Alphabetical *orderedPolicy `json:"alphabetical"`
	Numerical    *orderedPolicy `json:"numerical"`
	// List chooses nothing: the answer has the tags that count, in their order.
	List bool `json:"list"`
}

type orderedPolicy struct {
	Order string `json:"order"`
}

type chosenTag struct {
	Tag string `json:"tag"`
	// Value is the part of the tag that was compared.
	Value string `json:"value"`
}

type latestTagAnswer struct {
	// Best is absent while no tag was chosen.
	Best *chosenTag `json:"best,omitempty"`
	// HasCandidates says whether the filter left any tags to choose from.
	HasCandidates bool `json:"hasCandidates"`
	// Tags has the tags that count, separated by spaces, for a policy that lists.
	Tags string `json:"tags,omitempty"`
}

// chooser reports whether a value is better than the best one so far, which is nil for
// the first value.
type chooser func(value string, best *chosenTag) (bool, error)

// latestTag chooses as image-reflector-controller does. Where that controller leaves the
// choice to the order of a map (equal versions or numbers among extracted values), the
// result is the value that would win without a filter: the last by bytes of equal
// versions, and the first of equal numbers.
func (p *patterns) latestTag(r *latestTagRequest) (*latestTagAnswer, error) {
	choose, err := r.Policy.chooser()
	if err != nil {
		return nil, fail(reasonPolicy, fmt.Errorf("invalid policy: %w", err))
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	var compiled *pattern
	if r.Filter != nil {
		if compiled, err = p.compile(r.Filter.Pattern); err != nil {
			return nil, fail(reasonPolicy, fmt.Errorf("failed to filter tags: invalid regular expression pattern '%s': %w", quoted(r.Filter.Pattern), err))
		}
	}
	answer := &latestTagAnswer{Best: r.Best}
	end := time.Now().Add(matchTime)
	var listed []string
	for tag := range strings.FieldsSeq(r.Tags) {
		value, counts, err := r.Filter.valueOf(compiled, tag, end)
		if err != nil {
			return nil, timed(err)
		}
		if !counts || slices.Contains(r.Exclude, tag) || slices.Contains(r.Exclude, value) {
			continue
		}
		answer.HasCandidates = true
		if r.Policy.List {
			listed = append(listed, tag)
			continue
		}
		if answer.Best != nil && answer.Best.Value == value {
			answer.Best.Tag = tag
			continue
		}
		isBetter, err := choose(value, answer.Best)
		if err != nil {
			return nil, fail(reasonFailure, err)
		}
		if isBetter {
			answer.Best = &chosenTag{tag, value}
		}
	}
	answer.Tags = strings.Join(listed, " ")
	return answer, nil
}

func (r *latestTagRequest) check() error {
	if len(r.Tags) > maxTagsBytes {
		return fail(reasonInvalid, fmt.Errorf("%d bytes of tags are too many: %d at most", len(r.Tags), maxTagsBytes))
	}
	if len(r.Exclude) > maxExcludedTags {
		return fail(reasonPolicy, fmt.Errorf("%d excluded tags are too many: %d at most", len(r.Exclude), maxExcludedTags))
	}
	for _, tag := range r.Exclude {
		if len(tag) > maxExcludedBytes {
			return fail(reasonPolicy, fmt.Errorf("an excluded tag of %d bytes is too long: %d at most", len(tag), maxExcludedBytes))
		}
	}
	if r.Filter != nil && len(r.Filter.Extract) > maxExtractBytes {
		return fail(reasonPolicy, fmt.Errorf("failed to filter tags: an extract of %d bytes is too long: %d at most", len(r.Filter.Extract), maxExtractBytes))
	}
	return nil
}

// timed sets the reason of a match that took too long, unless the error already has a
// reason.
func timed(err error) error {
	var known *failure
	if errors.As(err, &known) {
		return err
	}
	return fail(reasonTimeout, err)
}

func (p *tagPolicy) chooser() (chooser, error) {
	switch {
	case p.List:
		return nil, nil
	case p.Semver != nil:
		return semverChooser(p.Semver.Range)
	case p.Alphabetical != nil:
		isDescending := strings.EqualFold(p.Alphabetical.Order, "desc")
		return func(value string, best *chosenTag) (bool, error) {
			return best == nil || (value < best.Value) == isDescending, nil
		}, nil
	case p.Numerical != nil:
		return numericalChooser(strings.EqualFold(p.Numerical.Order, "desc")), nil
	}
	return nil, errors.New("given ImagePolicyChoice object is invalid")
}

func semverChooser(of string) (chooser, error) {
	if len(of) > maxRangeBytes {
		return nil, fmt.Errorf("a range of %d bytes is too long: %d at most", len(of), maxRangeBytes)
	}
	constraint, err := semver.NewConstraint(of)
	if err != nil {
		return nil, err
	}
	var latest *semver.Version
	return func(value string, best *chosenTag) (bool, error) {
		version, err := fluxversion.ParseVersion(value)
		if err != nil || !constraint.Check(version) {
			return false, nil
		}
		if latest == nil && best != nil {
			// It comes from an earlier request, in which it was parsed.
			latest, _ = fluxversion.ParseVersion(best.Value)
		}
		order := 1
		if latest != nil {
			order = cmp.Or(version.Compare(latest), strings.Compare(value, best.Value))
		}
		if order > 0 {
			latest = version
		}
		return order > 0, nil
	}, nil
}

func numericalChooser(isDescending bool) chooser {
	var latest float64
	isKnown := false
	return func(value string, best *chosenTag) (bool, error) {
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return false, fmt.Errorf("failed to parse invalid numeric value '%s'", value)
		}
		if !isKnown && best != nil {
			latest, _ = strconv.ParseFloat(best.Value, 64)
		}
		isKnown = true
		isWorse := number < latest
		if isDescending {
			isWorse = number > latest
		}
		// Comparisons with what is no number (NaN) are false, so the later value counts.
		if best != nil && (isWorse || number == latest && value > best.Value) {
			return false, nil
		}
		latest = number
		return true, nil
	}
}
