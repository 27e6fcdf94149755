package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"
)

// The reasons in the condition of a HelmChart that can't be made.
const (
	reasonChartReference = "InvalidChartReference"
	reasonChartPull      = "ChartPullError"
	reasonChartVersion   = "MetadataPatchError"
	reasonChartValues    = "ValuesFilesError"
	reasonChartDeps      = "DependencyBuildError"
	reasonChartPackage   = "ChartPackageError"
)

const (
	chartfileName        = "Chart.yaml"
	requirementsName     = "requirements.yaml"
	valuesfileName       = "values.yaml"
	maxChartBytes        = 10 << 20 // of a packed chart, as in Flux
	maxMetadataFileBytes = 5 << 20
)

type inspectRequest struct {
	// File is a packed chart.
	File string `json:"file"`
}

type chartMetadata struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// inspectChart returns the metadata of a packed chart. It fails for a file that is no
// chart.
func inspectChart(r *inspectRequest) (*chartMetadata, error) {
	packed, err := readChartFile(r.File)
	if err != nil {
		return nil, fail(reasonChartPull, err)
	}
	m, err := metadataOfArchive(packed)
	if err != nil {
		return nil, fail(reasonChartPull, fmt.Errorf("failed to load chart metadata from written chart: %w", err))
	}
	if err := m.Validate(); err != nil {
		return nil, fail(reasonChartPull, fmt.Errorf("failed to validate metadata of written chart: %w", err))
	}
	return &chartMetadata{Name: m.Name, Version: m.Version}, nil
}

func readChartFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxChartBytes+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(data) > maxChartBytes {
		return nil, fmt.Errorf("size of chart exceeds '%d' bytes limit", maxChartBytes)
	}
	return data, nil
}

// withoutPath removes this host's path from an error, because it is of no use to a user.
func withoutPath(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// metadataOfArchive reads Chart.yaml and requirements.yaml of a packed chart, with Helm's
// checks of the names in the archive. Nothing else is kept.
func metadataOfArchive(packed []byte) (*chart.Metadata, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(&boundedReader{unzipped, archive.MaxDecompressedChartSize})
	var m *chart.Metadata
	for {
		header, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if header.FileInfo().IsDir() || header.Typeflag == tar.TypeXGlobalHeader || header.Typeflag == tar.TypeXHeader {
			continue
		}
		name, depth, err := nameInChart(header.Name)
		if err != nil {
			return nil, err
		}
		if depth != 1 || (name != chartfileName && name != requirementsName) {
			continue
		}
		if header.Size > maxMetadataFileBytes {
			return nil, fmt.Errorf("size of '%s' exceeds '%d' bytes limit", header.Name, maxMetadataFileBytes)
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		if m == nil {
			m = &chart.Metadata{}
		}
		if err := readMetadata(m, name, data); err != nil {
			return nil, err
		}
	}
	if m == nil {
		return nil, fmt.Errorf("no '%s' found", chartfileName)
	}
	return m, nil
}

// readMetadata adds what Chart.yaml or requirements.yaml says. A chart without an
// apiVersion is one of Helm 2.
func readMetadata(m *chart.Metadata, name string, data []byte) error {
	if err := yaml.Unmarshal(data, m); err != nil {
		return fmt.Errorf("cannot load '%s': %w", name, err)
	}
	if m.APIVersion == "" {
		m.APIVersion = chart.APIVersionV1
	}
	return nil
}

// nameInChart returns a file's path below the chart's folder, and how many folders deep
// it is. An archive made on Windows may have backslashes.
func nameInChart(name string) (string, int, error) {
	parts := strings.Split(strings.ReplaceAll(name, `\`, "/"), "/")
	inside := strings.Join(parts[1:], "/")
	if path.IsAbs(inside) {
		return "", 0, errors.New("chart illegally contains absolute paths")
	}
	clean := path.Clean(inside)
	switch {
	case clean == ".":
		return "", 0, fmt.Errorf("chart illegally contains content outside the base directory: %s", name)
	case strings.HasPrefix(clean, ".."):
		return "", 0, errors.New("chart illegally references parent directory")
	case len(clean) > 2 && clean[1] == ':' && clean[2] == '/':
		return "", 0, errors.New("chart contains illegally named files")
	}
	return clean, len(parts) - 1, nil
}

// boundedReader fails after a number of bytes, so that a small file can't unpack to any
// amount of data.
type boundedReader struct {
	in   io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("decompressed chart is larger than the maximum size %d", archive.MaxDecompressedChartSize)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.in.Read(p)
	b.left -= int64(n)
	return n, err
}
