package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	fluxversion "github.com/fluxcd/pkg/version"
)

type chartVersionRequest struct {
	// Lookup is a file that `chart.index` wrote. Without it, Range is the version itself,
	// such as the version of a tag.
	Lookup string `json:"lookup"`
	Name   string `json:"name"`
	// Range is a version or a range of versions; empty for the latest version.
	Range string `json:"range"`
	// Metadata is set as the build metadata of the version that the packed chart will
	// have.
	Metadata string `json:"metadata"`
}

type chartVersionAnswer struct {
	Version string `json:"version"`
	// Target is Version with the metadata.
	Target string   `json:"target"`
	URLs   []string `json:"urls"`
}

// listedVersion is a version of a chart as it is written in a lookup file.
type listedVersion struct {
	Version string    `json:"v"`
	Created time.Time `json:"c"`
	URLs    []string  `json:"u"`
}

// chartVersion chooses a version of a chart as source-controller does: the version that
// is written the same, or else the highest in the range. Of versions that differ only in
// build metadata, it is the one created last.
func chartVersion(r *chartVersionRequest) (*chartVersionAnswer, error) {
	found := &listedVersion{Version: r.Range}
	if r.Lookup != "" {
		versions, err := lookUpChart(r.Lookup, r.Name)
		if err != nil {
			return nil, fail(reasonChartReference, err)
		}
		if found, err = chooseVersion(versions, r.Name, r.Range); err != nil {
			return nil, fail(reasonChartReference, err)
		}
	}
	target, err := withMetadata(found.Version, r.Metadata)
	if err != nil {
		return nil, fail(reasonChartVersion, err)
	}
	return &chartVersionAnswer{Version: found.Version, Target: target, URLs: found.URLs}, nil
}

// withMetadata sets the build metadata of a version, unless metadata is empty.
func withMetadata(version, metadata string) (string, error) {
	if metadata == "" {
		return version, nil
	}
	v, err := semver.NewVersion(version)
	if err != nil {
		return "", fmt.Errorf("failed to parse version from chart metadata as SemVer: %w", err)
	}
	changed, err := v.SetMetadata(metadata)
	if err != nil {
		return "", fmt.Errorf("failed to set SemVer metadata on chart version: %w", err)
	}
	return changed.String(), nil
}

// namedVersions is how many versions a message names.
const namedVersions = 5

func chooseVersion(versions []listedVersion, name, wanted string) (*listedVersion, error) {
	if len(versions) == 0 {
		return nil, errors.New("no chart version found")
	}
	for i := range versions {
		if wanted != "" && versions[i].Version == wanted {
			return &versions[i], nil
		}
	}
	if len(wanted) > maxRangeBytes {
		return nil, fmt.Errorf("a range of %d bytes is too long: %d at most", len(wanted), maxRangeBytes)
	}
	expression := wanted
	if expression == "" {
		expression = "*"
	}
	constraint, err := semver.NewConstraint(expression)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		*listedVersion
		parsed *semver.Version
	}
	var inRange, all []candidate
	for i := range versions {
		v, err := fluxversion.ParseVersion(versions[i].Version)
		if err != nil {
			continue
		}
		all = append(all, candidate{&versions[i], v})
		if constraint.Check(v) {
			inRange = append(inRange, candidate{&versions[i], v})
		}
	}
	later := func(a, b candidate) int {
		if c := b.parsed.Compare(a.parsed); c != 0 {
			return c
		}
		return b.Created.Compare(a.Created)
	}
	if len(inRange) == 0 {
		slices.SortStableFunc(all, later)
		names := make([]string, 0, namedVersions)
		for _, v := range all[:min(len(all), namedVersions)] {
			names = append(names, v.Version)
		}
		return nil, fmt.Errorf("no '%s' chart with version matching '%s' found%s", name, wanted, thereAre(names))
	}
	slices.SortStableFunc(inRange, later)
	return inRange[0].listedVersion, nil
}

func thereAre(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return " (the highest versions are " + strings.Join(versions, ", ") + ")"
}

// lookUpChart reads the versions of one chart from a lookup file, which has a line for
// each chart: its name as JSON, a tab, and its versions as JSON. The other lines are
// skipped without being parsed.
func lookUpChart(file, name string) ([]listedVersion, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	key, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	key = append(key, '\t')
	lines := bufio.NewReaderSize(f, 1<<16)
	for {
		line, err := wholeLine(lines, key)
		if err == io.EOF {
			return nil, errors.New("no chart name found")
		}
		if err != nil {
			return nil, withoutPath(err)
		}
		if line == nil {
			continue
		}
		var versions []listedVersion
		if err := json.Unmarshal(line, &versions); err != nil {
			return nil, fmt.Errorf("the index's lookup file is damaged: %w", err)
		}
		return versions, nil
	}
}

// wholeLine reads a line. It returns what follows the key, or nil when the line doesn't
// begin with the key.
func wholeLine(in *bufio.Reader, key []byte) ([]byte, error) {
	var line []byte
	isWanted, isFirst := false, true
	for {
		part, err := in.ReadSlice('\n')
		if isFirst {
			isWanted = bytes.HasPrefix(part, key)
			isFirst = false
		}
		if isWanted {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !isWanted {
			return nil, nil
		}
		return line[len(key):], nil
	}
}
