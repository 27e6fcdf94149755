package main

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	helmignore "helm.sh/helm/v4/pkg/ignore"
)

// epoch is the time of files without a time, so that the same content packs to the same
// bytes.
var epoch = time.Unix(0, 0).UTC()

var utf8bom = []byte{0xEF, 0xBB, 0xBF}

// pathIn returns a path of a spec below the artifact's root, which ".." can't leave.
func pathIn(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// metadataAt reads the metadata of the chart at a path of an artifact: a folder or a
// packed chart.
func metadataAt(t *tree, name string) (*chart.Metadata, error) {
	switch t.kind(name) {
	case kindNone:
		return nil, fmt.Errorf("stat %s: no such file or directory", name)
	case kindFile:
		if size := len(t.files[name].data); size > maxChartBytes {
			return nil, fmt.Errorf("size of chart '%s' exceeds '%d' bytes limit", path.Base(name), maxChartBytes)
		}
		return metadataOfArchive(t.files[name].data)
	}
	chartfile, ok := t.files[path.Join(name, chartfileName)]
	if !ok {
		return nil, fmt.Errorf("open %s: no such file or directory", path.Join(name, chartfileName))
	}
	m := &chart.Metadata{}
	if err := readMetadata(m, chartfileName, chartfile.data); err != nil {
		return nil, err
	}
	requirements, ok := t.files[path.Join(name, requirementsName)]
	if !ok || len(requirements.data) == 0 {
		return m, nil
	}
	if len(requirements.data) > maxMetadataFileBytes {
		return nil, fmt.Errorf("size of '%s' exceeds '%d' bytes limit", requirementsName, maxMetadataFileBytes)
	}
	return m, readMetadata(m, requirementsName, requirements.data)
}

// loadAt loads the chart at a path of an artifact, without the files that its .helmignore
// names.
func loadAt(t *tree, name string) (*chart.Chart, error) {
	if f, ok := t.files[name]; ok {
		return loadPacked(f.data)
	}
	if t.kind(name) == kindNone {
		return nil, fmt.Errorf("lstat /%s: no such file or directory", name)
	}
	files, err := chartFiles(t, name)
	if err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("failed to load chart from /%s: %w", name, err)
	}
	sortDependencies(c)
	return c, nil
}

// loadPacked loads a packed chart with Helm's bounds and checks.
func loadPacked(data []byte) (*chart.Chart, error) {
	c, err := loader.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	sortDependencies(c)
	return c, nil
}

// sortDependencies sorts the charts below a chart, which Helm loads in random order.
func sortDependencies(c *chart.Chart) {
	below := slices.Clone(c.Dependencies())
	slices.SortStableFunc(below, func(a, b *chart.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	c.SetDependencies(below...)
	for _, dependency := range below {
		sortDependencies(dependency)
	}
}

func chartFiles(t *tree, root string) ([]*archive.BufferedFile, error) {
	rules := helmignore.Empty()
	if f, ok := t.files[path.Join(root, helmignore.HelmIgnore)]; ok {
		parsed, err := helmignore.Parse(bytes.NewReader(f.data))
		if err != nil {
			return nil, fmt.Errorf("cannot load ignore rules for chart: %w", err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	var files []*archive.BufferedFile
	left := archive.MaxDecompressedChartSize
	var walk func(folder string) error
	walk = func(folder string) error {
		for _, e := range t.dirs[path.Join(root, folder)].entries {
			name := path.Join(folder, e.name)
			if rules.Ignore(name, info{name: e.name, isDir: e.isDir}) {
				continue
			}
			if e.isDir {
				if err := walk(name); err != nil {
					return err
				}
				continue
			}
			data := t.files[path.Join(root, name)].data
			if int64(len(data)) > archive.MaxDecompressedFileSize {
				return fmt.Errorf("cannot load file %s as file size (%d) exceeds limit (%d)", name, len(data), archive.MaxDecompressedFileSize)
			}
			if left -= int64(len(data)); left < 0 {
				return fmt.Errorf("its files have more than %d bytes", archive.MaxDecompressedChartSize)
			}
			// A copy, because no change to a chart may reach the shared tree.
			data = bytes.Clone(bytes.TrimPrefix(data, utf8bom))
			files = append(files, &archive.BufferedFile{Name: name, Data: data, ModTime: epoch})
		}
		return nil
	}
	if err := walk(""); err != nil {
		return nil, fmt.Errorf("failed to load files from /%s: %w", root, err)
	}
	return files, nil
}
