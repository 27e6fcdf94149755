package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// packRequest has the options of packing a chart anew, whatever the chart's source.
type packRequest struct {
	// Version is the version in Chart.yaml of the result.
	Version             string   `json:"version"`
	ValuesFiles         []string `json:"valuesFiles"`
	IgnoreMissingValues bool     `json:"ignoreMissingValuesFiles"`
	// Out is the file to write. Until it is done, a folder of the same name with ".work"
	// at its end is used.
	Out string `json:"out"`
}

type packAnswer struct {
	// ValuesFiles are those that were merged; empty if that changed nothing.
	ValuesFiles []string `json:"valuesFiles"`
	// Resolved is how many dependencies were added.
	Resolved int `json:"resolved"`
	// Missing lists the dependencies that have to be fetched first. If there are any,
	// nothing was packed.
	Missing []missingDependency `json:"missing"`
}

type repackRequest struct {
	packRequest
	// File is a packed chart.
	File string `json:"file"`
}

// repackChart packs a chart of a repository anew with merged values.
func repackChart(r *repackRequest) (*packAnswer, error) {
	packed, err := readChartFile(r.File)
	if err != nil {
		return nil, fail(reasonChartPull, err)
	}
	c, err := loadPacked(packed)
	if err != nil {
		return nil, fail(reasonChartPackage, fmt.Errorf("failed to load downloaded chart: %w", err))
	}
	c.Metadata.Version = r.Version
	merged, used, err := mergeValues(r.ValuesFiles, r.IgnoreMissingValues, valuesOfChart(c))
	if err != nil {
		return nil, fail(reasonChartValues, fmt.Errorf("failed to merge chart values: %w", err))
	}
	answer := &packAnswer{}
	changed, err := setValues(c, merged)
	if err != nil {
		return nil, fail(reasonChartValues, err)
	}
	if changed {
		answer.ValuesFiles = used
	}
	return answer, fail(reasonChartPackage, saveChart(c, r.Out))
}

type sourceRequest struct {
	// Digest and File are those of the artifact.
	Digest string `json:"digest"`
	File   string `json:"file"`
	// Path is the path of the chart in the artifact.
	Path string `json:"path"`
	// Metadata is set as the build metadata of the version.
	Metadata string `json:"metadata"`
}

type sourceAnswer struct {
	chartMetadata
	// IsFolder is false for a packed chart.
	IsFolder bool `json:"isFolder"`
}

// inspectSource returns the metadata of the chart at a path of an artifact, with the
// version that its package will have.
func (e *engine) inspectSource(r *sourceRequest) (*sourceAnswer, error) {
	t, err := e.artifacts.load(r.Digest, r.File)
	if err != nil {
		return nil, err
	}
	if path.IsAbs(r.Path) {
		return nil, fail(reasonChartReference, errors.New("local chart reference path is expected to be relative"))
	}
	name := pathIn(r.Path)
	m, err := metadataAt(t, name)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return nil, fail(reasonChartReference, err)
	}
	version, err := withMetadata(m.Version, r.Metadata)
	if err != nil {
		return nil, fail(reasonChartVersion, err)
	}
	return &sourceAnswer{chartMetadata{m.Name, version}, t.kind(name) == kindDir}, nil
}

type packSourceRequest struct {
	packRequest
	sourceRequest
	// Dependencies are those that were fetched for this chart.
	Dependencies []fetchedDependency `json:"dependencies"`
}

// packSource packs a chart of an artifact. A chart that is already packed and keeps its
// version is copied if there are no values files.
func (e *engine) packSource(r *packSourceRequest) (*packAnswer, error) {
	t, err := e.artifacts.load(r.Digest, r.File)
	if err != nil {
		return nil, err
	}
	name := pathIn(r.Path)
	packed, isPacked := t.files[name]
	if isPacked && r.Metadata == "" && len(r.ValuesFiles) == 0 {
		return &packAnswer{}, os.WriteFile(r.Out, packed.data, 0o600)
	}
	merged, used, err := mergeValues(r.ValuesFiles, r.IgnoreMissingValues, valuesOfTree(t))
	if err != nil {
		return nil, fail(reasonChartValues, err)
	}
	c, err := loadAt(t, name)
	if err != nil {
		return nil, fail(reasonChartPackage, err)
	}
	c.Metadata.Version = r.Version
	answer := &packAnswer{}
	if len(r.ValuesFiles) > 0 {
		changed, err := setValues(c, merged)
		if err != nil {
			return nil, fail(reasonChartValues, err)
		}
		if changed {
			answer.ValuesFiles = used
		}
	}
	if !isPacked {
		answer.Resolved, answer.Missing, err = addDependencies(t, name, c, r.Dependencies)
		if err != nil {
			return nil, fail(reasonChartDeps, err)
		}
		if len(answer.Missing) > 0 {
			return answer, nil
		}
	}
	return answer, fail(reasonChartPackage, saveChart(c, r.Out))
}

// saveChart packs a chart with Helm's own code.
func saveChart(c *chart.Chart, out string) error {
	dir := out + ".work"
	if err := os.Mkdir(dir, 0o700); err != nil {
		return withoutPath(err)
	}
	defer os.RemoveAll(dir)
	file, err := chartutil.Save(c, dir)
	if err != nil {
		// Helm's message may have the path of the folder in it.
		return fmt.Errorf("failed to package chart: %s", strings.ReplaceAll(err.Error(), filepath.Clean(dir)+"/", ""))
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		return withoutPath(err)
	}
	if c.Lock != nil && c.Lock.Generated.IsZero() {
		// Helm sets the time of a lock file that has none to the time of packing.
		if packed, err = withEpoch(packed, path.Join(c.Name(), "Chart.lock")); err != nil {
			return err
		}
	}
	if len(packed) > maxPackedBytes {
		return fmt.Errorf("failed to package chart: it has more than %d bytes", maxPackedBytes)
	}
	return os.WriteFile(out, bytes.Clone(packed), 0o600)
}
