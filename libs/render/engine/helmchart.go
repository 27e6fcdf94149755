package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// The reasons of failures of operations for a HelmRelease.
const (
	reasonValues      = "ValuesError"
	reasonChartLoad   = "ChartLoadError"
	reasonHelmRender  = "RenderFailed"
	reasonBadRelease  = "ReleaseCorrupt"
	reasonMergeFailed = "MergeFailed"
)

// chartFileRequest names a packed chart on this host.
type chartFileRequest struct {
	// Digest is the expected SHA-256 of the file: sha256:<hex>.
	Digest string `json:"digest"`
	File   string `json:"file"`
	// SourceRevision is the revision of an OCIRepository or ExternalArtifact; empty for
	// other sources.
	SourceRevision string `json:"sourceRevision"`
	// KeepVersion leaves the version as it is, whatever the revision is.
	KeepVersion bool `json:"keepVersion"`
}

type helmMetadata struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	AppVersion  string `json:"appVersion"`
	KubeVersion string `json:"kubeVersion"`
	Type        string `json:"type"`
	Deprecated  bool   `json:"deprecated"`
}

type helmChartAnswer struct {
	helmMetadata
	HasCRDs   bool   `json:"hasCrds"`
	OCIDigest string `json:"ociDigest,omitempty"`
}

func metadataOf(m *chart.Metadata) helmMetadata {
	if m == nil {
		m = &chart.Metadata{}
	}
	return helmMetadata{m.Name, m.Version, m.AppVersion, m.KubeVersion, m.Type, m.Deprecated}
}

// charts keeps loaded charts by their digest.
type charts struct{ loaded memo[*loadedChart] }

type loadedChart struct {
	chart *chart.Chart
	// bytes is the size of its files, unpacked.
	bytes int
}

// newCharts keeps charts up to limit bytes, the same limit as that of artifacts.
func newCharts(limit int64) *charts {
	return &charts{memo[*loadedChart]{limit: int(limit), weigh: func(_ string, c *loadedChart) int { return c.bytes }}}
}

// load returns a chart that the caller may change, and the digest in the revision of its
// source.
func (c *charts) load(r *chartFileRequest) (*chart.Chart, string, error) {
	kept, err := c.loaded.get(r.Digest, func() (*loadedChart, error) {
		packed, err := readChartFile(r.File)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(packed)
		if got := "sha256:" + hex.EncodeToString(sum[:]); got != r.Digest {
			return nil, fmt.Errorf("digest mismatch: expected %s, got %s", r.Digest, got)
		}
		loaded, err := loadPacked(packed)
		if err != nil {
			return nil, err
		}
		return &loadedChart{loaded, sizeOf(loaded)}, nil
	})
	if err != nil {
		return nil, "", fail(reasonChartLoad, err)
	}
	own := cloneChart(kept.chart)
	digest, err := trackRevision(own.Metadata, r)
	return own, digest, fail(reasonChartLoad, err)
}

func sizeOf(c *chart.Chart) int {
	size := len(c.Schema)
	// Raw has all files, templates and others included, and shares their bytes.
	for _, f := range c.Raw {
		size += len(f.Data)
	}
	for _, below := range c.Dependencies() {
		size += sizeOf(below)
	}
	return size
}

// cloneChart copies what rendering changes: the metadata, the values and the
// dependencies. Files are shared.
func cloneChart(c *chart.Chart) *chart.Chart {
	own := *c
	own.Metadata = clonedJSON(c.Metadata)
	own.Values, _ = cloneValue(c.Values).(map[string]any)
	below := make([]*chart.Chart, len(c.Dependencies()))
	for i, dependency := range c.Dependencies() {
		below[i] = cloneChart(dependency)
	}
	own.SetDependencies(below...)
	own.Templates = slices.Clone(c.Templates)
	return &own
}

// clonedJSON copies plain data. Metadata was read from YAML, so nothing is lost on the
// way through JSON.
func clonedJSON[T any](value *T) *T {
	data, err := json.Marshal(value)
	copied := new(T)
	if err == nil {
		err = json.Unmarshal(data, copied)
	}
	if err != nil {
		panic(err)
	}
	return copied
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		own := make(map[string]any, len(v))
		for key, item := range v {
			own[key] = cloneValue(item)
		}
		return own
	case []any:
		own := make([]any, len(v))
		for i, item := range v {
			own[i] = cloneValue(item)
		}
		return own
	}
	return value
}

// trackRevision sets a part of the revision's digest as the build metadata of the chart's
// version, so that a tag that has moved is another version.
func trackRevision(m *chart.Metadata, r *chartFileRequest) (string, error) {
	if r.SourceRevision == "" {
		return "", nil
	}
	version, err := semver.NewVersion(m.Version)
	if err != nil {
		return "", fmt.Errorf("invalid chart version %s", m.Version)
	}
	// If the tag is a version, the revision is <tag>@<algorithm>:<hash>; otherwise the
	// whole revision counts as the digest. A tag can't contain the plus sign of a
	// version.
	tag, digest, _ := strings.Cut(r.SourceRevision, "@")
	if wanted, err := semver.NewVersion(strings.ReplaceAll(tag, "_", "+")); err != nil {
		digest = r.SourceRevision
	} else if digest == "" || strings.Contains(digest, "@") || !wanted.Equal(version) {
		return "", fmt.Errorf("artifact revision %s does not match chart version %s", tag, m.Version)
	}
	_, hash, _ := strings.Cut(digest, ":")
	if len(hash) < 12 || strings.Contains(hash, ":") {
		return "", fmt.Errorf("invalid artifact revision %s", r.SourceRevision)
	}
	tracked, err := version.SetMetadata(hash[:12])
	if err != nil {
		return "", err
	}
	if !r.KeepVersion {
		m.Version = tracked.String()
	}
	return digest, nil
}

// helmChart returns the metadata of a packed chart.
func (e *engine) helmChart(r *chartFileRequest) (*helmChartAnswer, error) {
	c, digest, err := e.charts.load(r)
	if err != nil {
		return nil, err
	}
	return &helmChartAnswer{metadataOf(c.Metadata), len(c.CRDObjects()) > 0, digest}, nil
}

type crdsRequest struct {
	Chart  chartFileRequest `json:"chart"`
	Values string           `json:"values"`
}

type crdFile struct {
	File    string            `json:"file"`
	Objects []json.RawMessage `json:"objects"`
}

type crdsAnswer struct {
	Files []crdFile `json:"files"`
}

// helmCRDs returns the files in the folders crds/ of a chart and of those of its
// dependencies that the values enable.
func (e *engine) helmCRDs(r *crdsRequest) (*crdsAnswer, error) {
	c, _, err := e.charts.load(&r.Chart)
	if err != nil {
		return nil, err
	}
	answer := &crdsAnswer{Files: []crdFile{}}
	if len(c.CRDObjects()) == 0 {
		return answer, nil
	}
	values, err := parseExact(r.Values)
	if err != nil {
		return nil, fail(reasonInvalid, err)
	}
	if err := processDependencies(c, values); err != nil {
		return nil, fail(reasonHelmRender, fmt.Errorf("failed to process chart dependencies: %w", err))
	}
	for _, crd := range c.CRDObjects() {
		list, err := manifestObjects(crd.File.Data)
		if err != nil {
			return nil, fail(reasonHelmRender, fmt.Errorf("failed to parse CustomResourceDefinitions from %s: %w", crd.Name, err))
		}
		answer.Files = append(answer.Files, crdFile{crd.Filename, list})
	}
	return answer, nil
}

// processDependencies removes the dependencies that the values disable, and imports the
// values of the others.
func processDependencies(c *chart.Chart, values common.Values) error {
	return recovered("helm panic", func() error { return chartutil.ProcessDependencies(c, values) })
}
