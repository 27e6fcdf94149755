package main

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExcludeTags(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		tags     string
		want     string
	}{
		{[]string{`^.*\.sig$`}, "a sha256-1.sig b.sigs", "a b.sigs"},
		{[]string{"rc", "^dev", "night"}, "sha256-abc.sig nightly dev-1 2.0.0 1.0.0-rc1 1.0.0", "sha256-abc.sig 2.0.0 1.0.0"},
		{[]string{"."}, "a b", ""},
		{nil, "a b", "a b"},
		{[]string{"x"}, "", ""},
	} {
		answer, err := newPatterns().excludeTags(&excludeTagsRequest{c.patterns, c.tags})
		if err != nil || answer.Tags != c.want {
			t.Errorf("%v of %q: got %+v, %v", c.patterns, c.tags, answer, err)
		}
	}
	for pattern, want := range map[string]string{
		"(?!x)y":                  "failed to compile regex (?!x)y: error parsing regexp: invalid or unsupported Perl syntax: `(?!`",
		strings.Repeat("x", 2000): "failed to compile regex " + strings.Repeat("x", 1024) + "...: a pattern of 2000 bytes is too long: 1024 at most",
	} {
		_, err := newPatterns().excludeTags(&excludeTagsRequest{[]string{"^ok$", pattern}, "a"})
		if err == nil || toWire(err).Reason != reasonPattern || toWire(err).Message != want {
			t.Errorf("%.20s: got %v", pattern, err)
		}
	}
}

func TestLatestTag(t *testing.T) {
	sorted := func(tags string) string {
		list := strings.Fields(tags)
		slices.Sort(list)
		slices.Reverse(list)
		return strings.Join(list, " ")
	}
	versions := "0.9.0 1.0.0 1.2.0 1.2.3 1.2.4-rc.1 1.3.0 1.5.0 2.0.0-beta.1 2.0.0 3.0.0-rc.1 latest v2.0.1 1.9 10.0.0"
	for _, c := range []struct{ request, tags, want string }{
		{`{policy: {semver: {range: "*"}}}`, versions, "10.0.0"},
		{`{policy: {semver: {range: "1.x"}}}`, versions, "1.5.0"},
		{`{policy: {semver: {range: ">=2 <10"}}}`, versions, "v2.0.1"},
		{`{policy: {semver: {range: "=>1.0"}}}`, versions, "10.0.0"},
		{`{policy: {semver: {range: ">=0-0"}}}`, "1 v1.0.0 1.2 01.5.0 1.05.0 1.0.0.0", "1.05.0"},
		{`{policy: {semver: {range: "*"}}}`, "1.0.0 v1.0.0 1.0.0-x", "v1.0.0"},
		{`{policy: {semver: {range: ">20"}}}`, versions, ""},
		{`{policy: {semver: {range: "*"}}, exclude: ["10.0.0", "v2.0.1"]}`, versions, "2.0.0"},
		{`{policy: {semver: {range: "*"}, alphabetical: {}}}`, versions, "10.0.0"},
		{`{policy: {alphabetical: {}}}`, "9 10 a B c A1 Zz _u", "c"},
		{`{policy: {alphabetical: {order: "desc"}}}`, "9 10 a B c A1 Zz _u", "10"},
		{`{policy: {numerical: {}}}`, "9 10 1e3 0x1p4 1_000", "1_000"},
		{`{policy: {numerical: {}}}`, "9 10 1e3 1000 1000.0", "1000"},
		{`{policy: {numerical: {order: "desc"}}}`, "9 10 007 7", "007"},
		{`{policy: {numerical: {}}}`, "9 Inf 10", "Inf"},
		{`{policy: {numerical: {}}, filter: {pattern: "^main-[a-f0-9]+-(?P<ts>[0-9]+)$", extract: "$ts"}}`, "main-aa-17 main-bb-19 main-zz-20 latest", "main-bb-19"},
		{`{policy: {semver: {range: "*"}}, filter: {pattern: "^(.*)-[a-z]$", extract: "$1"}}`, "1.0.0-a 1.0.0-b 1.0.0-c 0.9.0-z", "1.0.0-a"},
		{`{policy: {alphabetical: {}}, filter: {pattern: "^([0-9.]+)-alpine$", extract: "$1x"}}`, "1.2.3-alpine 1.3.0-alpine x-alpine", "1.2.3-alpine"},
		{`{policy: {alphabetical: {}}, filter: {pattern: "^[0-9.]+", extract: "$0"}}`, "1.2.3-alpine 1.9.0-debian", "1.9.0-debian"},
		{`{policy: {semver: {range: ">=0-0"}}, filter: {pattern: "alpine"}}`, "1.2.3-alpine 1.9.0-debian", "1.2.3-alpine"},
		{`{policy: {semver: {range: "*"}}, filter: {pattern: "^v(.*)-a$", extract: "$1"}, exclude: ["1.1.0"]}`, "v1.1.0-a v1.0.0-a", "v1.0.0-a"},
	} {
		r := decode[latestTagRequest](t, c.request)
		r.Tags = sorted(c.tags)
		answer, err := newPatterns().latestTag(r)
		if err != nil {
			t.Errorf("%s: %v", c.request, err)
			continue
		}
		got := ""
		if answer.Best != nil {
			got = answer.Best.Tag
		}
		if got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.request, c.tags, got, c.want)
		}
	}
}

func TestLatestTagRefuses(t *testing.T) {
	for _, c := range []struct{ request, reason, message string }{
		{`{policy: {}}`, reasonPolicy, "invalid policy: given ImagePolicyChoice object is invalid"},
		{`{policy: {semver: {range: ">>1"}}}`, reasonPolicy, `invalid policy: improper constraint: ">>1"`},
		{`{policy: {semver: {range: ""}}}`, reasonPolicy, `invalid policy: improper constraint: ""`},
		{`{policy: {semver: {range: "*"}}, filter: {pattern: "["}}`, reasonPolicy, "failed to filter tags: invalid regular expression pattern '[': error parsing regexp: missing closing ]: `[`"},
		{`{policy: {numerical: {}}, tags: "latest 9 10"}`, reasonFailure, "failed to parse invalid numeric value 'latest'"},
		{`{policy: {alphabetical: {}}, filter: {pattern: ".*", extract: "` + strings.Repeat("$0", 20) + `"}, tags: "` + strings.Repeat("x", 100) + `"}`, reasonPolicy, "failed to filter tags: '" + strings.Repeat("$0", 20) + "' extracts 2000 bytes from the tag '" + strings.Repeat("x", 100) + "': 1024 at most"},
	} {
		_, err := newPatterns().latestTag(decode[latestTagRequest](t, c.request))
		if err == nil || toWire(err).Reason != c.reason || toWire(err).Message != c.message {
			t.Errorf("%s: got %v", c.request, err)
		}
	}
	long := &latestTagRequest{Policy: tagPolicy{List: true}, Tags: strings.Repeat("x ", maxTagsBytes)}
	if _, err := newPatterns().latestTag(long); err == nil || toWire(err).Reason != reasonInvalid {
		t.Errorf("a long list: got %v", err)
	}
}

// A list that is sent in parts gets the same answer as the whole list.
func TestLatestTagInParts(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	texts := []string{"1.0.0", "v1.0.0", "1.0", "2.1.3-rc.1", "1e3", "1000", "1000.0", "7", "07", "NaN", "Inf", "a-1", "b-1", "a-2"}
	requests := []string{
		`{policy: {semver: {range: ">=0-0"}}}`,
		`{policy: {alphabetical: {}}}`,
		`{policy: {alphabetical: {order: "desc"}}}`,
		`{policy: {numerical: {}}, filter: {pattern: "^[0-9NI]"}}`,
		`{policy: {numerical: {order: "desc"}}, filter: {pattern: "^[ab]-(.*)$", extract: "$1"}}`,
		`{policy: {semver: {range: "*"}}, filter: {pattern: "^v?(.*)$", extract: "$1"}, exclude: ["1.0.0"]}`,
	}
	for range 2_000 {
		var tags []string
		for _, text := range texts {
			if random.Intn(2) == 0 {
				tags = append(tags, text)
			}
		}
		slices.Sort(tags)
		slices.Reverse(tags)
		request := requests[random.Intn(len(requests))]
		whole := decode[latestTagRequest](t, request)
		whole.Tags = strings.Join(tags, " ")
		want, wantErr := newPatterns().latestTag(whole)
		cut := random.Intn(len(tags) + 1)
		var got *latestTagAnswer
		var gotErr error
		var best *chosenTag
		for _, part := range [][]string{tags[:cut], tags[cut:]} {
			r := decode[latestTagRequest](t, request)
			r.Tags, r.Best = strings.Join(part, " "), best
			if got, gotErr = newPatterns().latestTag(r); gotErr != nil {
				break
			}
			best = got.Best
		}
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) || wantErr == nil && fmt.Sprint(want.Best) != fmt.Sprint(got.Best) {
			t.Fatalf("%s of %v cut at %d: got %v %v, want %v %v", request, tags, cut, got, gotErr, want, wantErr)
		}
	}
}

// A pattern that takes long for each tag is ended by the time limit.
func TestTagsAreBoundedInTime(t *testing.T) {
	slow := `(x*a?){500}b`
	tags := strings.Repeat(strings.Repeat("a", 127)+" ", maxTagsBytes/128)
	begun := time.Now()
	for _, run := range []func() error{
		func() error {
			_, err := newPatterns().excludeTags(&excludeTagsRequest{[]string{slow}, tags})
			return err
		},
		func() error {
			_, err := newPatterns().latestTag(&latestTagRequest{Policy: tagPolicy{Alphabetical: &orderedPolicy{}}, Filter: &tagFilter{Pattern: slow}, Tags: tags})
			return err
		},
		func() error {
			_, err := newPatterns().latestTag(&latestTagRequest{Policy: tagPolicy{Alphabetical: &orderedPolicy{}}, Filter: &tagFilter{slow, "$1"}, Tags: tags})
			return err
		},
	} {
		if err := run(); err == nil || toWire(err).Reason != reasonTimeout {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(begun); took > 4*matchTime {
		t.Errorf("took %s", took)
	}
}
