package main

import (
	"fmt"
	"strings"

	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
)

// origin stands for a value, with the name of the layer that the value came from.
type origin struct{ name string }

const (
	// maxOrigins bounds how many values are named one by one. If there are more, whole
	// maps are named instead.
	maxOrigins = 10_000
)

// valueOrigins returns the layer that set each value of the result, by JSON pointer. It
// merges the layers once more, with each value replaced by its layer's name.
func valueOrigins(r *valuesRequest) map[string]string {
	result, failed := mergeLayers(r, markOrigins)
	if failed != nil {
		// A path through a value that is no map fails with another message here.
		return map[string]string{}
	}
	origins := map[string]string{}
	collectOrigins(origins, "", result)
	return origins
}

// chartOrigin is the name for values that no layer has set.
const chartOrigin = "chart"

// addChartValues adds the values of a chart, and of those of its dependencies that these
// values enable.
func (e *engine) addChartValues(answer *valuesAnswer, file *chartFileRequest, values map[string]any) error {
	c, _, err := e.charts.load(file)
	if err != nil {
		return err
	}
	if err := processDependencies(c, values); err != nil {
		return fail(reasonValues, err)
	}
	all, err := commonutil.CoalesceValues(c, values)
	if err != nil {
		return fail(reasonValues, err)
	}
	text, err := exactJSON(all.AsMap())
	if err != nil {
		return fail(reasonValues, err)
	}
	answer.All = string(text)
	named := map[string]string{}
	collectOrigins(named, "", marked(cloneValue(all.AsMap()), chartOrigin))
	for at := range named {
		if _, ok := answer.Origins[at]; !ok && len(answer.Origins) < maxOrigins {
			answer.Origins[at] = chartOrigin
		}
	}
	return nil
}

// markOrigins replaces the values that have no origin yet.
func markOrigins(values map[string]any, name string) {
	for key, value := range values {
		values[key] = marked(value, name)
	}
}

func marked(value any, name string) any {
	switch v := value.(type) {
	case origin:
	case map[string]any:
		markOrigins(v, name)
	case []any:
		for i, item := range v {
			v[i] = marked(item, name)
		}
	default:
		return origin{name}
	}
	return value
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func collectOrigins(origins map[string]string, at string, value any) {
	if len(origins) >= maxOrigins {
		return
	}
	switch v := value.(type) {
	case origin:
		origins[at] = v.name
	case map[string]any:
		for _, key := range sortedKeys(v) {
			collectOrigins(origins, at+"/"+pointerEscapes.Replace(key), v[key])
		}
	case []any:
		for i, item := range v {
			collectOrigins(origins, fmt.Sprintf("%s/%d", at, i), item)
		}
	}
}
