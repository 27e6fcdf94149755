package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// missingDependency is a dependency of a chart that has to be fetched from another
// repository.
type missingDependency struct {
	// Key is the alias, or the name where there is none.
	Key        string `json:"key"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
}

type fetchedDependency struct {
	Key string `json:"key"`
	// File is the packed chart.
	File string `json:"file"`
	// Version is the version that was fetched, for messages.
	Version string `json:"version"`
}

const (
	maxDependencies = 100
	maxPackedBytes  = 64 << 20
)

// addDependencies adds the dependencies that a chart doesn't contain: charts from other
// folders of the artifact, and charts that were fetched. It returns how many it added, or
// else those that have to be fetched first. A lock file takes precedence.
func addDependencies(t *tree, at string, c *chart.Chart, fetched []fetchedDependency) (int, []missingDependency, error) {
	wanted := c.Metadata.Dependencies
	if c.Lock != nil {
		wanted = c.Lock.Dependencies
	}
	// Flux compares only the numbers: a chart that contains as many charts as it names
	// dependencies counts as complete.
	if len(c.Dependencies()) == len(wanted) {
		return 0, nil, nil
	}
	if len(wanted) > maxDependencies {
		return 0, nil, fmt.Errorf("the chart has %d dependencies, %d are allowed", len(wanted), maxDependencies)
	}
	have := map[string]bool{}
	for _, below := range c.Dependencies() {
		have[below.Name()] = true
	}
	var missing []missingDependency
	added := 0
	for _, d := range wanted {
		if d == nil {
			return 0, nil, errors.New("dependencies must not contain empty or null nodes")
		}
		key := d.Name
		if d.Alias != "" {
			key = d.Alias
		}
		if have[key] {
			continue
		}
		have[key] = true
		if d.Repository == "" || strings.HasPrefix(d.Repository, "file://") {
			below, err := localDependency(t, at, d)
			if err != nil {
				return 0, nil, fmt.Errorf("failed to add local dependency '%s': %w", key, err)
			}
			added += add(c, below, d.Alias)
			continue
		}
		at := slices.IndexFunc(fetched, func(f fetchedDependency) bool { return f.Key == key })
		if at < 0 {
			missing = append(missing, missingDependency{key, d.Name, d.Version, d.Repository})
			continue
		}
		below, err := fetchedChart(fetched[at])
		if err != nil {
			return 0, nil, fmt.Errorf("failed to add remote dependency '%s': %w", key, err)
		}
		added += add(c, below, d.Alias)
	}
	sortDependencies(c)
	return added, missing, nil
}

func add(c, below *chart.Chart, alias string) int {
	if alias != "" {
		below.Metadata.Name = alias
	}
	c.AddDependency(below)
	return 1
}

func fetchedChart(f fetchedDependency) (*chart.Chart, error) {
	packed, err := readChartFile(f.File)
	if err == nil {
		var c *chart.Chart
		if c, err = loadPacked(packed); err == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("failed to load downloaded archive of version '%s': %w", f.Version, err)
}

// localDependency loads a chart from the same artifact. Its own dependencies aren't
// added, so charts that depend on each other don't lead to an endless loop.
func localDependency(t *tree, at string, d *chart.Dependency) (*chart.Chart, error) {
	where, err := localPath(at, d)
	if err != nil {
		return nil, err
	}
	if t.kind(where) == kindNone {
		return nil, fmt.Errorf("no chart found at '/%s' (reference '%s')", where, d.Repository)
	}
	constraint, err := semver.NewConstraint(d.Version)
	if err != nil {
		return nil, fmt.Errorf("invalid version/constraint format '%s': %w", d.Version, err)
	}
	if where == at {
		return nil, fmt.Errorf("the chart at '/%s' (reference '%s') can't depend on itself", where, d.Repository)
	}
	c, err := loadAt(t, where)
	if err != nil {
		return nil, fmt.Errorf("failed to load chart from '/%s' (reference '%s'): %w", where, d.Repository, err)
	}
	version, err := semver.NewVersion(c.Metadata.Version)
	if err != nil {
		return nil, err
	}
	if !constraint.Check(version) {
		return nil, fmt.Errorf("can't get a valid version for constraint '%s'", d.Version)
	}
	return c, nil
}

func localPath(at string, d *chart.Dependency) (string, error) {
	if d.Repository == "" {
		return pathIn(path.Join(at, "charts", d.Name)), nil
	}
	u, err := url.Parse(d.Repository)
	if err != nil {
		return "", fmt.Errorf("failed to parse alleged local chart reference: %w", err)
	}
	// In `file://../lib` a URL parser takes the first part of the path for the host.
	return pathIn(path.Join(at, u.Host, u.Path)), nil
}

// withEpoch sets the time of one file in a packed chart to zero.
func withEpoch(packed []byte, name string) ([]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	zipped.Header = unzipped.Header
	from, to := tar.NewReader(unzipped), tar.NewWriter(zipped)
	for {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if header.Name == name {
			header.ModTime = epoch
		}
		if err := to.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := io.Copy(to, from); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(to.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
