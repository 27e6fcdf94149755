package main

import (
	"fmt"
	"slices"

	"github.com/Masterminds/semver/v3"
	fluxversion "github.com/fluxcd/pkg/version"
)

type semverRequest struct {
	Range    string   `json:"range"`
	Versions []string `json:"versions"`
}

// Each version is tried on each part of the range.
const (
	maxRangeBytes = 1 << 10
	maxVersions   = 100_000
)

type semverAnswer struct {
	// Sorted has the versions in the range, highest first, as they were given.
	Sorted []string `json:"sorted"`
	// Highest has the first of them that compare as equal (build metadata and a leading
	// "v" don't count). Flux takes the one with the newest commit.
	Highest []string `json:"highest"`
}

// matchVersions chooses versions as source-controller does for spec.ref.semver. What
// isn't a version of three parts is left out.
func matchVersions(r *semverRequest) (*semverAnswer, error) {
	if len(r.Range) > maxRangeBytes {
		return nil, fail("InvalidSemVer", fmt.Errorf("semver parse error: a range of %d bytes is too long: %d at most", len(r.Range), maxRangeBytes))
	}
	if len(r.Versions) > maxVersions {
		return nil, fail(reasonInvalid, fmt.Errorf("%d versions are too many: %d at most", len(r.Versions), maxVersions))
	}
	constraint, err := semver.NewConstraint(r.Range)
	if err != nil {
		return nil, fail("InvalidSemVer", fmt.Errorf("semver parse error: %w", err))
	}
	var versions []*semver.Version
	for _, s := range r.Versions {
		if v, err := fluxversion.ParseVersion(s); err == nil && constraint.Check(v) {
			versions = append(versions, v)
		}
	}
	slices.SortStableFunc(versions, func(a, b *semver.Version) int { return b.Compare(a) })
	answer := &semverAnswer{Sorted: []string{}, Highest: []string{}}
	for _, v := range versions {
		answer.Sorted = append(answer.Sorted, v.Original())
		if v.Equal(versions[0]) {
			answer.Highest = append(answer.Highest, v.Original())
		}
	}
	return answer, nil
}
