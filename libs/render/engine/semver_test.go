package main

import (
	"slices"
	"testing"
)

func TestMatchVersions(t *testing.T) {
	tags := []string{"v1.0.0", "1.10.0", "v1.9.0", "2.0.0-rc.1", "1.10.0+build.2", "v2", "2.0", "latest", "v01.02.03", "0.9.0"}
	for _, c := range []struct {
		rule    string
		highest []string
		sorted  []string
	}{
		{">=1.0.0 <2.0.0", []string{"1.10.0", "1.10.0+build.2"}, []string{"1.10.0", "1.10.0+build.2", "v1.9.0", "v01.02.03", "v1.0.0"}},
		{"1.9.x", []string{"v1.9.0"}, []string{"v1.9.0"}},
		{">=1.10.0-0", []string{"2.0.0-rc.1"}, []string{"2.0.0-rc.1", "1.10.0", "1.10.0+build.2"}},
		{">5", []string{}, []string{}},
	} {
		answer, err := matchVersions(&semverRequest{Range: c.rule, Versions: tags})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(answer.Highest, c.highest) || !slices.Equal(answer.Sorted, c.sorted) {
			t.Errorf("%s: got %q of %q", c.rule, answer.Highest, answer.Sorted)
		}
	}
	_, err := matchVersions(&semverRequest{Range: "not a range"})
	if err == nil || toWire(err).Reason != "InvalidSemVer" || toWire(err).Message != `semver parse error: improper constraint: "not a range"` {
		t.Errorf("got %v", err)
	}
}
