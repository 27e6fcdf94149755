package main

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"github.com/fluxcd/pkg/runtime/transform"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"
)

// readValues returns the content of a values file that a spec names; ok is false if there
// is none.
type readValues func(name string) (values map[string]any, ok bool, err error)

// mergeValues merges values files in their order: maps are merged at all levels, anything
// else is replaced, and `null` is kept. It returns the result and the files that were
// found.
func mergeValues(names []string, ignoreMissing bool, read readValues) (map[string]any, []string, error) {
	merged, used := map[string]any{}, []string{}
	for _, name := range names {
		values, ok, err := read(name)
		if err != nil {
			return nil, nil, err
		}
		if !ok && ignoreMissing {
			continue
		}
		if !ok {
			return nil, nil, missingValues(name)
		}
		merged = transform.MergeMaps(merged, values)
		used = append(used, name)
	}
	return merged, used, nil
}

func missingValues(name string) error {
	return fmt.Errorf("no values file found at path '%s'", name)
}

func parseValues(name string, data []byte) (map[string]any, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("unmarshaling values from '%s' failed: %w", name, err)
	}
	return values, nil
}

// valuesOfChart reads values files that the chart itself has.
func valuesOfChart(c *chart.Chart) readValues {
	return func(name string) (map[string]any, bool, error) {
		clean := path.Clean(name)
		if clean == valuesfileName {
			return c.Values, true, nil
		}
		for _, f := range c.Files {
			if f.Name == clean {
				values, err := parseValues(name, f.Data)
				return values, true, err
			}
		}
		return nil, false, nil
	}
}

// valuesOfTree reads values files from the root of the chart's source.
func valuesOfTree(t *tree) readValues {
	return func(name string) (map[string]any, bool, error) {
		where := pathIn(name)
		f, ok := t.files[where]
		if ok {
			values, err := parseValues(name, f.data)
			return values, true, err
		}
		if t.kind(where) == kindDir {
			return nil, false, fmt.Errorf("no values file found at path '/%s' (reference '%s')", where, name)
		}
		return nil, false, nil
	}
}

// setValues replaces the chart's own values by merged values, and reports whether they
// differ.
func setValues(c *chart.Chart, merged map[string]any) (bool, error) {
	var encoded bytes.Buffer
	if len(merged) > 0 {
		if err := common.Values(merged).Encode(&encoded); err != nil {
			return false, err
		}
	}
	for _, raw := range c.Raw {
		if raw.Name != valuesfileName {
			continue
		}
		if bytes.Equal(raw.Data, encoded.Bytes()) {
			return false, nil
		}
		raw.Data = encoded.Bytes()
		c.Values = merged
		return true, nil
	}
	return false, errors.New("failed to locate values file: " + valuesfileName)
}
