package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

type indexRequest struct {
	// File is the index of a chart repository, in YAML or JSON.
	File string `json:"file"`
	// JSON is the file to write the sorted index to, as JSON; empty for none.
	JSON string `json:"json"`
	// Lookup is the file to write, in which `chart.version` finds the versions of a
	// chart.
	Lookup string `json:"lookup"`
}

type indexAnswer struct {
	Charts   int `json:"charts"`
	Versions int `json:"versions"`
}

const reasonIndex = "IndexationFailed"

// indexHead is an index without its charts, in the order in which Helm writes the fields.
type indexHead struct {
	ServerInfo  map[string]any    `json:"serverInfo,omitempty"`
	APIVersion  string            `json:"apiVersion"`
	Generated   time.Time         `json:"generated"`
	PublicKeys  []string          `json:"publicKeys,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// indexVersion is one version of a chart in an index. The last four fields are for old
// clients: nothing uses them, but a strict reader has to know them.
type indexVersion struct {
	*chart.Metadata
	URLs          []string  `json:"urls"`
	Created       time.Time `json:"created"`
	Removed       bool      `json:"removed,omitempty"`
	Digest        string    `json:"digest,omitempty"`
	Checksum      string    `json:"checksum,omitempty"`
	Engine        string    `json:"engine,omitempty"`
	TillerVersion string    `json:"tillerVersion,omitempty"`
	URL           string    `json:"url,omitempty"`
}

// index collects versions while they are read. Their JSON is kept in a file, so that an
// index of any size takes little memory.
type index struct {
	head   indexHead
	charts map[string]*indexChart
	// hasCharts is false for an index whose entries are null.
	hasCharts bool
	spill     *spill
}

type indexChart struct {
	versions []spilledVersion
	isNull   bool
}

// spilledVersion has what sorting and looking up need to know of a version.
type spilledVersion struct {
	listedVersion
	parsed *semver.Version
	at     int64
	size   int
}

// indexCharts reads an index by Helm's rules: in YAML, unknown fields and duplicate keys
// are refused; entries that are no charts are left out; versions are sorted in descending
// order.
func indexCharts(r *indexRequest) (*indexAnswer, error) {
	dir := r.Lookup + ".work"
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, withoutPath(err)
	}
	defer os.RemoveAll(dir)
	i, err := readIndex(r.File, dir)
	if err != nil {
		return nil, fail(reasonIndex, fmt.Errorf("failed to load index: %w", err))
	}
	defer i.spill.close()
	if i.head.APIVersion == "" {
		return nil, fail(reasonIndex, errors.New("failed to load index: no API version specified"))
	}
	answer := &indexAnswer{Charts: len(i.charts)}
	for _, c := range i.charts {
		c.sort()
		answer.Versions += len(c.versions)
	}
	if r.JSON != "" {
		if err := writeFile(r.JSON, i.writeJSON); err != nil {
			return nil, err
		}
	}
	if err := writeFile(r.Lookup, i.writeLookup); err != nil {
		return nil, err
	}
	return answer, nil
}

// readIndex reads an index in pieces if its layout is the usual one, and otherwise as a
// whole. The result is the same; only the memory that it takes differs.
func readIndex(file, dir string) (*index, error) {
	for _, read := range []func(io.Reader, *index) error{readJSONIndex, readBlockIndex} {
		i, err := readIndexWith(read, file, dir)
		if !errors.Is(err, errOtherLayout) {
			return i, err
		}
	}
	return readIndexWith(readWholeIndex, file, dir)
}

// errOtherLayout is returned by a reader that doesn't understand the layout of an index.
var errOtherLayout = errors.New("the index is laid out in another way")

func readIndexWith(read func(io.Reader, *index) error, file, dir string) (*index, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	s, err := newSpill(dir)
	if err != nil {
		return nil, err
	}
	i := &index{charts: map[string]*indexChart{}, spill: s}
	if err := read(f, i); err != nil {
		s.close()
		return nil, err
	}
	return i, nil
}

// begin starts the chart of that name and drops any earlier versions of it.
func (i *index) begin(name string, isNull bool) {
	i.hasCharts = true
	// Without the copy, the name would keep the large text that it is part of in memory.
	i.charts[strings.Clone(name)] = &indexChart{isNull: isNull}
}

// add takes in a version, unless Helm's rules say that it is invalid.
func (i *index) add(name string, v *indexVersion) error {
	if v == nil {
		return nil
	}
	if v.Metadata == nil {
		v.Metadata = &chart.Metadata{}
	}
	if v.APIVersion == "" {
		v.APIVersion = chart.APIVersionV1
	}
	if err := v.Validate(); err != nil && !isHarmless(err) {
		return nil
	}
	// The indentation is that of an entry in the whole index as JSON.
	data, err := json.MarshalIndent(v, "      ", "  ")
	if err != nil {
		return err
	}
	at, err := i.spill.write(data)
	if err != nil {
		return err
	}
	listed := listedVersion{Version: strings.Clone(v.Version), Created: v.Created}
	if len(v.URLs) > 0 {
		listed.URLs = []string{strings.Clone(v.URLs[0])}
	}
	parsed, err := semver.NewVersion(listed.Version)
	if err != nil {
		parsed = nil
	}
	c := i.charts[name]
	c.versions = append(c.versions, spilledVersion{listed, parsed, at, len(data)})
	return nil
}

// isHarmless reports whether an entry is accepted in spite of this error: some servers
// drop the aliases of dependencies (helm/helm 12748).
func isHarmless(err error) bool {
	var invalid chart.ValidationError
	return errors.As(err, &invalid) && strings.HasPrefix(err.Error(), "validation: more than one dependency with name or alias")
}

func (c *indexChart) sort() {
	slices.SortStableFunc(c.versions, func(a, b spilledVersion) int {
		switch {
		case a.parsed == nil || b.parsed == nil:
			return 0
		default:
			return b.parsed.Compare(a.parsed)
		}
	})
}

// writeJSON writes the index as encoding/json would indent it.
func (i *index) writeJSON(out *bufio.Writer) error {
	head, err := json.MarshalIndent(i.head, "", "  ")
	if err != nil {
		return err
	}
	// The charts come after the time at which the index was generated.
	generated, err := json.Marshal(i.head.Generated)
	if err != nil {
		return err
	}
	field := "\n  \"generated\": " + string(generated)
	before, after, _ := strings.Cut(string(head), field)
	fmt.Fprintf(out, "%s%s,\n  \"entries\": ", before, field)
	if err := i.writeCharts(out); err != nil {
		return err
	}
	_, err = out.WriteString(after)
	return err
}

func (i *index) writeCharts(out *bufio.Writer) error {
	names := slices.Sorted(maps.Keys(i.charts))
	if len(names) == 0 {
		text := "null"
		if i.hasCharts {
			text = "{}"
		}
		_, err := out.WriteString(text)
		return err
	}
	out.WriteString("{")
	for n, name := range names {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n    %s: ", comma(n), key)
		if err := i.writeVersions(out, i.charts[name]); err != nil {
			return err
		}
	}
	_, err := out.WriteString("\n  }")
	return err
}

func (i *index) writeVersions(out *bufio.Writer, c *indexChart) error {
	if len(c.versions) == 0 {
		text := "[]"
		if c.isNull {
			text = "null"
		}
		_, err := out.WriteString(text)
		return err
	}
	out.WriteString("[")
	for n, v := range c.versions {
		fmt.Fprintf(out, "%s\n      ", comma(n))
		if err := i.spill.copy(out, v.at, v.size); err != nil {
			return err
		}
	}
	_, err := out.WriteString("\n    ]")
	return err
}

func comma(n int) string {
	if n == 0 {
		return ""
	}
	return ","
}

// writeLookup writes a line for each chart (see lookUpChart).
func (i *index) writeLookup(out *bufio.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(i.charts)) {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		out.Write(key)
		for n, v := range i.charts[name].versions {
			data, err := json.Marshal(v.listedVersion)
			if err != nil {
				return err
			}
			out.WriteString([]string{"\t[", ","}[min(n, 1)])
			out.Write(data)
		}
		if len(i.charts[name].versions) == 0 {
			out.WriteString("\t[")
		}
		if _, err := out.WriteString("]\n"); err != nil {
			return err
		}
	}
	return nil
}
